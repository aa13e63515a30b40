"""Sampling: the only place that samples. One compile per model, data swapped in, draws kept with their fingerprints."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import nutpie
import xarray as xr

from largesse import dims, seeds
from largesse.cells import Cells
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet
from largesse.store import atomic, fingerprint
from largesse.study import Sampler

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

ENGINES: Final = ("pymc", "pytensor", "nutpie", "numba", "numpy")
ADAPTATION: Final = "low_rank"  # twice the effective draws per second of "diag" on ordinal models with districts
TARGET_ACCEPT: Final = 0.9  # sds near zero are common here; 0.8 left divergences in small surveys
HEADROOM: Final = 2.0  # warm-up draws double when a first attempt does not pass


@dataclass(frozen=True)
class Fit:
    """Draws of one model for one study, with what made them. No respondent-level group is ever in it.

    Attributes
    ----------
    tree : xarray.DataTree with groups `posterior` and `sample_stats`, dims (chain, draw, ...).
    """

    tree: xr.DataTree

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.tree.attrs["model"])

    @property
    def nodes(self) -> int:
        """Quadrature nodes used."""
        return int(self.tree.attrs["nodes"])

    @cached_property
    def theta(self) -> dict[str, Array]:
        """Parameter -> [draw, ...]: chains stacked, draws first."""
        stacked = self.tree["posterior"].to_dataset().stack({dims.DRAW: ("chain", "draw")})
        return {str(n): v.transpose(dims.DRAW, ...).to_numpy() for n, v in stacked.data_vars.items()}

    def save(self, path: Path) -> None:
        """Write netCDF, atomically, readable by the owner alone."""
        with atomic(path, private=True) as part:
            self.tree.to_netcdf(part, engine="netcdf4")

    @classmethod
    def load(cls, path: Path) -> Fit:
        """Read a stored fit into memory."""
        with xr.open_datatree(path, engine="netcdf4") as tree:
            return cls(tree.load())

    def __repr__(self) -> str:
        sizes = self.tree["posterior"].sizes
        return f"Fit({self.model}, {sizes['chain']} chains x {sizes['draw']} draws, {self.tree.attrs['fingerprint']})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def fit_fingerprint(model: Model, cells: Cells, priors: PriorSet, sampler: Sampler, seed: int) -> str:
    """What a fit depends on: model source, cells, the distributions of its priors, sampler, seed and engines.

    A prior of a term that the design dropped does not count.
    """
    kept, _ = model.active(cells)
    read = {n: [priors[n].distribution, dict(priors[n].arguments)] for n in sorted(p.name for p in kept)}
    data = {str(n): np.asarray(v) for n, v in cells.variables.items() if v.dtype.kind in "if"}
    names = {d: [str(v) for v in cells[d].to_numpy()] for d in cells.coords}
    engines = {e: version(e) for e in ENGINES}
    return fingerprint(model.fingerprint, data, names, read, sampler.model_dump(), seed, engines, ADAPTATION, NODES[0])


_compiled: dict[str, Any] = {}


def compiled(model: Model, cells: Cells, priors: PriorSet) -> Any:
    """The compiled model of this structure; made once per process, then reused with other data."""
    kept, _ = model.active(cells)
    structure = {d: [str(v) for v in cells[d].to_numpy()] for d in cells.coords}
    key = fingerprint(model.fingerprint, structure, cells["answers"].to_numpy(), priors.fingerprint)
    if key not in _compiled:
        started = time.monotonic()
        log.info("%s: compiling (once; up to a minute on a machine that never did)", model.name)
        built = model.build(cells, priors)
        _compiled[key] = nutpie.compile_pymc_model(built, var_names=[p.name for p in kept])
        log.info("%s: compiled in %.0f s", model.name, time.monotonic() - started)
    return _compiled[key]


def fit(
    model: Model, cells: Cells, priors: PriorSet | None = None, sampler: Sampler | None = None, *,
    seed: int = 0, nodes: int = NODES[0], progress: bool | None = None,
) -> Fit:
    """Draw from a model's posterior with nutpie.

    Parameters
    ----------
    model, cells : the model and the cells collapsed for its outcomes.
    priors : the model's shipped set unless given.
    sampler : draws, warm-up and chains.
    seed : root seed; the same seed gives the same draws bit for bit on one kind of processor.
    nodes : points of the quadrature over the disposition.
    progress : show a bar; by default on a terminal.

    Errors
    ------
    InputError
        when `priors` does not fit the model's parameters.
    KeyboardInterrupt
        when interrupted: nothing is returned, so nothing half-done is stored.
    """
    priors, sampler = priors or model.priors(), sampler or Sampler()
    priors.check(model.parameters)
    ready = compiled(model, cells, priors).with_data(**_swappable(model.arrays(cells, nodes)))
    started = time.monotonic()
    tree = nutpie.sample(
        ready, draws=sampler.draws, tune=sampler.tune, chains=sampler.chains, cores=min(2, sampler.chains),
        seed=seeds.integer(seed, "fit", model.name), adaptation=ADAPTATION, target_accept=TARGET_ACCEPT,
        save_warmup=False, progress_bar=sys.stderr.isatty() if progress is None else progress,
    )  # fmt: skip
    if tree["posterior"].sizes["draw"] < sampler.draws:
        raise KeyboardInterrupt  # nutpie hands back what it has when it is interrupted
    log.info("%s: sampled in %.0f s", model.name, time.monotonic() - started)
    kept = xr.DataTree.from_dict({g: tree[g].to_dataset() for g in ("posterior", "sample_stats")})
    made_by = fit_fingerprint(model, cells, priors, sampler, seed)
    kept.attrs = {"model": model.name, "nodes": nodes, "seed": seed, "fingerprint": made_by,
                  "seconds": round(time.monotonic() - started, 1)}  # fmt: skip
    return Fit(kept)


def _swappable(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays for `with_data`, which casts without asking: integers must stay 32-bit integers."""
    return {n: a.astype("int32") if a.dtype.kind == "i" else a.astype(float) for n, a in arrays.items()}
