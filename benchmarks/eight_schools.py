"""Eight schools: one `pm.Model` for both sides, and the subject that this package calibrates.

    (1) y_j ~ Normal(mu + tau * z_j, sigma_j),  j = 1 ... 8
    (2) mu ~ Normal(0, 5),  tau ~ HalfNormal(5),  z_j ~ Normal(0, 1)

The standard errors sigma are those of the classic data; y are simulated. Truth and data are drawn in NumPy from (1)
and (2), not from the graph of the model. Under the more usual HalfCauchy(5) some truths are so wide that this form
cannot be sampled: several fits in a hundred failed their gates at every target of acceptance tried.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import nutpie
import pyarrow as pa
import pymc as pm
import xarray as xr
from clock import Lap, lap
from pytensor.configdefaults import config
from scipy import stats

from largesse.diagnostics import diagnose
from largesse.provenance import engines, processor
from largesse.ranks import place, thinned
from largesse.replicate import ATTEMPTS, GATES, LOGLIK, SAMPLER
from largesse.results import Answer
from largesse.sampling import TARGET_ACCEPT
from largesse.seeds import generator, integer
from largesse.store import fingerprint

Array = np.ndarray[Any, np.dtype[np.float64]]

SIGMA: Final = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
SCALE: Final = 5.0  # of mu and of tau
KEPT: Final = ("mu", "tau", "z")
STATISTICS: Final = ("diverging", "maxdepth_reached", "energy")  # what the gates read


def model() -> pm.Model:
    """The model as a user of either tool writes it; `schools` holds the data."""
    with pm.Model() as built:
        mu = pm.Normal("mu", 0.0, SCALE)
        tau = pm.HalfNormal("tau", SCALE)
        z = pm.Normal("z", 0.0, 1.0, shape=len(SIGMA))
        schools = pm.Data("schools", np.zeros(len(SIGMA)))
        pm.Normal("y", mu + tau * z, SIGMA, observed=schools)  # (1)
    return built


@cache
def compiled() -> Any:
    """The model compiled, once per process; sums in the order they are written in, as in `largesse.sampling`."""
    with config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model(), var_names=list(KEPT))


@dataclass(frozen=True)
class EightSchools:
    """Eight schools as a subject of `largesse.calibration`, with the sampler and gates of the certificates."""

    model: str = "eight_schools"
    seed: int = 0

    @cached_property
    def fingerprint(self) -> str:
        """Of this file, the settings and the engines."""
        text = Path(__file__).read_text(encoding="utf-8")
        return fingerprint(text, self.seed, SAMPLER.model_dump(), GATES.model_dump(), engines(), processor())

    def described(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def replicate(self, number: int) -> dict[str, Any]:
        """Truth, data, fit, gates and places, by the rules that a replicate of a shipped model follows."""
        truth, y = drawn(generator(self.seed, "data", number))
        record: dict[str, Any] = {"number": number, "redrawn": 0}
        for attempt in ATTEMPTS:
            tree = _sampled(y, integer(self.seed, "fit", number, attempt), attempt)
            failed = [v.gate for v in diagnose(tree, GATES) if v.answer is not Answer.PASSED]
            record |= {"attempt": attempt, "diverging": int(tree["sample_stats"]["diverging"].sum()), "gates": failed}
            if not failed:
                theta = {n: tree["posterior"][n].to_numpy() for n in KEPT}
                kept = {n: thinned(v.reshape(-1, *v.shape[2:])) for n, v in theta.items()}
                return record | {"status": "done"} | _ranked(truth, kept, y, generator(self.seed, "jitter", number))
        return record | {"status": "failed", "truth": {n: float(truth[n]) for n in ("mu", "tau")}}

    def timed(self, number: int) -> Lap:
        """What the sampling of replicate `number` takes by itself."""
        _, y = drawn(generator(self.seed, "data", number))
        with lap() as took:
            _sampled(y, integer(self.seed, "fit", number, 1), 1)
        return took


def drawn(rng: np.random.Generator) -> tuple[dict[str, Array], Array]:
    """A truth from the priors (2), and the [school] data under it (1), in NumPy."""
    mu, tau = rng.normal(0.0, SCALE), np.abs(rng.normal(0.0, SCALE))
    truth = {"mu": np.asarray(mu), "tau": np.asarray(tau), "z": rng.normal(size=len(SIGMA))}
    return truth, rng.normal(mu + tau * truth["z"], SIGMA)


def loglik(theta: dict[str, Array], y: Array) -> Array:
    """[draw] joint log-likelihood (1) of y [school] under theta [draw, ...], in NumPy."""
    mean = theta["mu"][:, None] + theta["tau"][:, None] * theta["z"]
    return np.asarray(stats.norm.logpdf(y, mean, SIGMA).sum(axis=1))


def _sampled(y: Array, seed: int, attempt: int) -> xr.DataTree:
    """Draws as the gates read them, under the dims (chain, draw).

    They are read from nutpie's columns: making its whole DataTree takes as long as sampling does.
    """
    tune = attempt * SAMPLER.tune
    draws, statistics = nutpie.sample(
        compiled().with_data(schools=y), draws=attempt * SAMPLER.draws, tune=tune, chains=SAMPLER.chains,
        cores=SAMPLER.chains, seed=seed, target_accept=TARGET_ACCEPT, save_warmup=False, progress_bar=False,
        return_raw_trace=True,
    ).get_arrow_trace()  # fmt: skip
    groups = {"posterior": _columns(draws, KEPT, tune), "sample_stats": _columns(statistics, STATISTICS, tune)}
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {"model": "eight_schools"}
    return tree


def _columns(chains: list[Any], names: tuple[str, ...], tune: int) -> xr.Dataset:
    """Columns of each chain's table as variables (chain, draw, ...), without the warm-up that they begin with."""
    return xr.Dataset({name: _stacked([pa.array(chain.column(name)) for chain in chains], tune) for name in names})


def _stacked(chains: list[pa.Array], tune: int) -> xr.Variable:
    lists = pa.types.is_large_list(chains[0].type)
    flat = [(c.flatten() if lists else c).to_numpy(zero_copy_only=False) for c in chains]
    values = np.stack([v.reshape(len(c), *[-1] * lists)[tune:] for c, v in zip(chains, flat, strict=True)])
    return xr.Variable(("chain", "draw", "school")[: values.ndim], values)


def _ranked(
    truth: dict[str, Array], theta: dict[str, Array], y: Array, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Place, truth, mean and sd of every scalar and of the joint log-likelihood."""
    names = ["mu", "tau", *(f"z[{j}]" for j in range(len(SIGMA))), LOGLIK]
    true, draws = _quantities({n: v[None] for n, v in truth.items()}, y)[0], _quantities(theta, y)
    at, mean, sd = place(true, draws, rng), draws.mean(axis=0), draws.std(axis=0, ddof=1)
    found = {"place": at, "truth": true, "mean": mean, "sd": sd}
    return {k: {n: round(float(v), 6) for n, v in zip(names, row, strict=True)} for k, row in found.items()}


def _quantities(theta: dict[str, Array], y: Array) -> Array:
    """[draw, quantity]."""
    return np.column_stack([theta["mu"], theta["tau"], theta["z"], loglik(theta, y)])
