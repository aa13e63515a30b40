"""Sampling: the only place that samples. One compile per model, data swapped in, draws kept with their fingerprints."""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import nutpie
import xarray as xr

from largesse import centring, machine_code, seeds
from largesse.cells import Cells
from largesse.errors import LargesseError
from largesse.fits import Fit, fit_fingerprint
from largesse.models.contract import CENTRING, NODES, Model
from largesse.priors import PriorSet
from largesse.settings import Sampler
from largesse.store import fingerprint

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

TARGET_ACCEPT: Final = 0.9  # sds near zero are common here; 0.8 left divergences in small surveys
SHORT: Final = Sampler(draws=200, tune=200, chains=2)  # a run that tells how far to centre
EVERY: Final = 10_000  # milliseconds between two lines of progress where there is no terminal to draw a bar on


class SamplingError(LargesseError):
    """The sampler gave up: no starting point with a finite density, or a failure of the engine."""


_compiled: dict[str, Any] = {}


def compiled(model: Model, cells: Cells, priors: PriorSet) -> Any:
    """The compiled model of this structure; built once per process, then reused with other data."""
    kept = model.realised(cells)
    structure = {str(d): [str(v) for v in cells[d].to_numpy()] for d in cells.coords}
    terms = [p.name for p in kept]  # designs of the same names may differ in these: whether coverage varies, say
    how = [p.construct for p in kept]  # and in whether enough people tell an effect
    key = fingerprint(model.fingerprint, structure, terms, how, cells["answers"].to_numpy(), priors.fingerprint)
    if key not in _compiled:
        log.info("%s: building", model.name)
        _compiled[key] = machine_code.compiled(model.build(cells, priors), terms)
    return _compiled[key]


def fit(
    model: Model,
    cells: Cells,
    priors: PriorSet | None = None,
    sampler: Sampler | None = None,
    *,
    seed: int = 0,
    nodes: int = NODES[0],
    attempt: int = 1,
) -> Fit:
    """Draw from a model's posterior with nutpie.

    Parameters
    ----------
    model, cells : the model and the cells collapsed for its outcomes.
    priors : the model's shipped set unless given.
    sampler : draws, warm-up and chains.
    seed : root seed; the same seed gives the same draws, bit for bit, on one kind of processor.
    nodes : points of the quadrature over the disposition.
    attempt : 1, or how many times the warm-up and draws: of a longer run that follows one whose gates failed.

    Errors
    ------
    InputError
        when `priors` does not fit the model's parameters.
    SamplingError
        when the engine gives up.
    KeyboardInterrupt
        when interrupted: nothing is returned, so nothing half-done is stored.
    """
    priors, sampler = priors or model.priors(), sampler or Sampler()
    priors.check(model.parameters)
    ready = compiled(model, cells, priors)
    arrays = {**model.data(cells, nodes), **priors.data}
    arrays |= _shares(model, cells, priors, ready, arrays, seed)
    longer = sampler.model_copy(update={"draws": attempt * sampler.draws, "tune": attempt * sampler.tune})
    tree = _drawn(model, ready, arrays, longer, seeds.integer(seed, "fit", model.name, attempt))
    named = [p.name for p in model.active(cells)[0]]  # without the deviates that pooled terms are made of
    kept = xr.DataTree.from_dict(
        {"posterior": tree["posterior"].to_dataset()[named], "sample_stats": tree["sample_stats"].to_dataset()}
    )
    made_by = fit_fingerprint(model, cells, priors, sampler, seed)
    kept.attrs = {"model": model.name, "nodes": nodes, "seed": seed, "fingerprint": made_by, "attempt": attempt}
    return Fit(kept)


def _shares(
    model: Model, cells: Cells, priors: PriorSet, ready: Any, arrays: Mapping[str, Array], seed: int
) -> dict[str, Array]:
    """How far to centre each effect that enough people tell, by a short run."""
    if not (guessed := model.centring(cells)):
        return {}
    tree = _drawn(model, ready, arrays, SHORT, seeds.integer(seed, "centring", model.name), store_gradient=True)
    slopes = tree["sample_stats"]["gradient"].stack(at=("chain", "draw"))
    theta = {str(n): v.to_numpy().reshape(-1, *v.shape[2:]) for n, v in tree["posterior"].data_vars.items()}
    shares = {}
    for p in model.realised(cells):
        if p.name in guessed:
            own = [str(name).startswith(p.free) for name in slopes["unconstrained_parameter"].to_numpy()]
            sd = priors[p.name].resolved(theta)["sigma"]
            shares[p.name] = centring.share(slopes.to_numpy()[own].T, sd, guessed[p.name])
    log.info("%s: centred %s", model.name, ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    return {name + CENTRING: np.asarray(share) for name, share in shares.items()}


def _drawn(
    model: Model, ready: Any, arrays: Mapping[str, Array], sampler: Sampler, seed: int, **stored: bool
) -> xr.DataTree:
    """Draws of a compiled model with these data: all that were asked for, or an error."""
    ready = ready.with_data(**_swappable(arrays, {v.name for v in ready.shared_var_keys}))
    started = time.monotonic()
    try:
        tree: xr.DataTree = nutpie.sample(
            ready, draws=sampler.draws, tune=sampler.tune, chains=sampler.chains, cores=_cores(sampler.chains),
            seed=seed, adaptation=model.adaptation, target_accept=TARGET_ACCEPT, save_warmup=False,
            **stored, **_progress(model.name, started),
        )  # fmt: skip
    except (RuntimeError, ValueError) as error:
        raise SamplingError(f"{model.name}: the sampler gave up ({error})") from error
    if tree["posterior"].sizes["draw"] < sampler.draws:
        raise KeyboardInterrupt  # nutpie hands back what it has when it is interrupted
    log.info("%s: sampled in %.0f s", model.name, time.monotonic() - started)
    return tree


def _swappable(arrays: Mapping[str, Array], known: set[str]) -> dict[str, Array]:
    """The arrays that the compiled model reads (`known`): a design that drops a term drops its data.

    `with_data` casts without asking: integers must stay 32-bit integers.
    """
    return {n: a.astype("int32") if a.dtype.kind == "i" else a.astype(float) for n, a in arrays.items() if n in known}


def _cores(chains: int) -> int:
    """How many chains to draw at once: one in a worker, which has other workers beside it. The draws are the same."""
    return 1 if multiprocessing.parent_process() else min(2, chains)


def _progress(name: str, started: float) -> dict[str, Any]:
    """Nutpie's bar on a terminal; elsewhere a line now and then; nothing when the log is quiet."""
    if not log.isEnabledFor(logging.INFO):
        return {"progress_bar": False}
    if sys.stderr.isatty():
        return {"progress_bar": True}
    return {"progress_bar": False, "progress_callback": _line(name, started), "progress_rate": EVERY}


def _line(name: str, started: float) -> Callable[[Sequence[Any]], None]:
    def tell(chains: Sequence[Any]) -> None:
        share = sum(c.finished_draws for c in chains) / max(1, sum(c.total_draws for c in chains))
        if 0 < share < 1:
            left = (time.monotonic() - started) * (1 - share) / share
            log.info("%s: %.0f %% of the draws, about %.0f s left", name, 100 * share, left)

    return tell
