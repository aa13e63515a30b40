"""Those who fit the contest: each prepares once, then samples by seed, in a process of its own (`worker.py`).

Peers are used as their own pages say: PyMC and Bambi with nutpie and its default settings, brms with Stan's. Peers are
given finished rows; that this package reads and validates a survey counts as its preparation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import loyalty
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import xarray as xr
from contest import FORMULA, MODEL, Contest, Data
from ready import ready
from translation import Told, of_bambi, of_rows, told

from largesse import models
from largesse.sampling import compiled, fit

CORES: Final = 2
TRIED: Final = 200  # draws, after as many of warm-up, by which the cost of a gradient is measured
LEVELS: Final = "songbun", "age"
TERMS: Final = ("gift", "passed", "received", "between", "wave", *LEVELS)


@dataclass(frozen=True)
class Sampled:
    """One fit.

    Attributes
    ----------
    compiled, seconds : of compilation (None where it was done before) and of sampling, warm-up included.
    own : of every scalar that its user looks at; `ours`: under the names of `reported_loyalty`.
    effort : gradients per kept draw, mean depth of trees, share of divergent draws.
    """

    compiled: float | None
    seconds: float
    own: Told
    ours: Told
    effort: Mapping[str, float]


class Entrant(Protocol):
    """One side."""

    def prepare(self, contest: Contest) -> Mapping[str, float]:
        """Make ready; seconds of `preparation`, and of `compilation` where that is apart from sampling."""

    def sample(self, seed: int) -> Sampled:
        """One fit."""

    def gradient(self) -> Mapping[str, float]:
        """Seconds per gradient on one core."""


class Here:
    """The model on cells, as a study of this package uses it, with its settings of the sampler."""

    def prepare(self, contest: Contest) -> Mapping[str, float]:
        """Read the survey, compile."""
        self.contest, self.data, self.model = contest, Data.of(contest), models.get(MODEL)
        started = time.perf_counter()
        compiled(self.model, self.data.cells, self.data.priors)
        return {"preparation": self.data.seconds, "compilation": time.perf_counter() - started}

    def sample(self, seed: int) -> Sampled:
        """One fit; its seconds are those of the whole call."""
        started = time.perf_counter()
        made = fit(self.model, self.data.cells, self.data.priors, self.contest.sampler, seed=seed)
        seconds = time.perf_counter() - started
        ours = told(_arrays(made.tree))
        return Sampled(None, seconds, ours, ours, _effort(made.tree))

    def gradient(self) -> Mapping[str, float]:
        """See :func:`_gradient`."""
        return _gradient(ready(self.model, self.data.cells, self.data.priors))


class Rows:
    """PyMC, one row per respondent, as it is written by hand (`loyalty.by_rows`)."""

    def prepare(self, contest: Contest) -> Mapping[str, float]:
        """Build the model; with one item, hold its density against the one on cells."""
        self.contest, self.data = contest, Data.of(contest)
        started = time.perf_counter()
        self.built = loyalty.by_rows(self.data.cells, self.data.priors)
        seconds = time.perf_counter() - started
        if contest.items == contest.times == 1:
            loyalty.agree(self.data.cells, self.data.priors, self.built)
        return {"preparation": seconds}

    def sample(self, seed: int) -> Sampled:
        """`pm.sample`, compilation included in the call and told apart by the time that PyMC stores of sampling."""
        started = time.perf_counter()
        with self.built:
            tree = pm.sample(**_asked(self.contest, seed), nuts_sampler="nutpie")
        whole, seconds = time.perf_counter() - started, float(tree["posterior"].attrs["sampling_time"])
        ours = told(of_rows(_arrays(tree), tuple(self.data.cells["answers"].to_numpy())))
        return Sampled(whole - seconds, seconds, ours, ours, _effort(tree))

    def gradient(self) -> Mapping[str, float]:
        """See :func:`_gradient`."""
        return _gradient(_alone(self.built))


class Bambi:
    """Bambi's formula, sampled by nutpie (its own default is PyMC's older sampler)."""

    def prepare(self, contest: Contest) -> Mapping[str, float]:
        """Build the model from finished rows."""
        import bambi as bmb  # noqa: PLC0415 (may be absent; then this side is left out)

        self.contest, self.data = contest, Data.of(contest)
        table, scale = _typed(self.data), self.data.normals()
        started = time.perf_counter()
        normal = {term: bmb.Prior("Normal", mu=0.0, sigma=s) for term, s in scale.items() if term in TERMS}
        cut = scale["cutpoint"]
        pooled = {"1|district": "district_sd", "gift|district": "gift_sd"}
        sds = {term: bmb.Prior("HalfNormal", sigma=scale[sd]) for term, sd in pooled.items()}
        groups = {term: bmb.Prior("Normal", mu=0.0, sigma=sd) for term, sd in sds.items()}
        ordered = pm.distributions.transforms.ordered
        edges = bmb.Prior("Normal", mu=np.array(cut["mean"]), sigma=np.array(cut["sd"]), transform=ordered)
        priors = {**normal, **groups, "threshold": edges}
        self.model = bmb.Model(f"answer ~ {FORMULA}", table, family="cumulative", priors=priors)
        self.model.build()
        return {"preparation": time.perf_counter() - started}

    def sample(self, seed: int) -> Sampled:
        """`Model.fit`; compilation told apart as in :class:`Rows`."""
        started = time.perf_counter()
        tree = self.model.fit(**_asked(self.contest, seed), inference_method="nutpie")
        whole, seconds = time.perf_counter() - started, float(tree["posterior"].attrs["sampling_time"])
        draws = of_bambi(_arrays(tree), LEVELS)
        return Sampled(whole - seconds, seconds, told(draws.own()), told(draws.ours(self.data.centre)), _effort(tree))

    def gradient(self) -> Mapping[str, float]:
        """See :func:`_gradient`."""
        return _gradient(_alone(self.model.backend.model))


def _typed(data: Data) -> pd.DataFrame:
    """Rows with ordered levels: Bambi would sort those of others, and take another reference."""
    table = data.table()
    for name in LEVELS:
        table[name] = pd.Categorical(table[name], categories=list(data.levels[name]), ordered=True)
    table["answer"] = pd.Categorical(table["answer"], ordered=True)
    table["district"] = pd.Categorical(table["district"])
    waves = [str(w) for w in data.cells["wave"].to_numpy()]
    table["wave"] = pd.Categorical(table["wave"], categories=waves, ordered=True)
    return table


def _asked(contest: Contest, seed: int) -> dict[str, Any]:
    """What a user of PyMC or Bambi asks for: the same draws, warm-up and chains, all else as it is by default."""
    how = {"draws": contest.draws, "tune": contest.tune, "chains": contest.chains, "cores": CORES}
    return {**how, "random_seed": seed, "progressbar": False, "quiet": True, "compute_convergence_checks": False}


def _arrays(tree: xr.DataTree) -> dict[str, Any]:
    return {str(n): v.to_numpy() for n, v in tree["posterior"].data_vars.items()}


def _effort(tree: xr.DataTree) -> dict[str, float]:
    """What kept draws took; nutpie's statistics."""
    statistics = tree["sample_stats"]
    return {
        "gradients": float(statistics["n_steps"].mean()),
        "depth": float(statistics["depth"].mean()),
        "diverging": float(statistics["diverging"].mean()),
    }


def _alone(model: pm.Model) -> Any:
    """Compiled without the quantities that are no unknowns: Bambi's probabilities of each row among them."""
    return nutpie.compile_pymc_model(model, var_names=[v.name for v in model.free_RVs])


def _gradient(made: Any) -> dict[str, float]:
    """Seconds per gradient of a compiled model: one chain, its warm-up counted too."""
    started = time.perf_counter()
    tree = nutpie.sample(made, draws=TRIED, tune=TRIED, chains=1, cores=1, seed=1, save_warmup=True, progress_bar=False)
    seconds = time.perf_counter() - started
    steps = sum(float(tree[group]["n_steps"].sum()) for group in ("sample_stats", "warmup_sample_stats"))
    return {"seconds": seconds / steps}
