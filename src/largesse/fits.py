"""Fit: the draws of one model for one study, with what made them. Nothing of a respondent is ever in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from largesse import dims
from largesse.cells import Cells
from largesse.errors import InputError
from largesse.models.contract import Model
from largesse.priors import PriorSet
from largesse.provenance import engines, source
from largesse.settings import Sampler
from largesse.store import atomic, fingerprint

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, repr=False)
class Fit:
    """Draws of one model.

    Attributes
    ----------
    tree : xarray.DataTree with groups `posterior` and `sample_stats`, dims (chain, draw, ...); its attributes name the
        model, the fingerprint of what made it, the seed, the quadrature nodes and the attempt that was kept.
    """

    tree: xr.DataTree

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.tree.attrs["model"])

    @property
    def fingerprint(self) -> str:
        """Of all that made the draws (:func:`fit_fingerprint`)."""
        return str(self.tree.attrs["fingerprint"])

    @property
    def nodes(self) -> int:
        """Quadrature nodes used."""
        return int(self.tree.attrs["nodes"])

    @property
    def chains(self) -> int:
        """Chains drawn."""
        return int(self.tree["posterior"].sizes["chain"])

    @cached_property
    def theta(self) -> dict[str, Array]:
        """Parameter -> [draw, ...]: chains stacked, draws first."""
        stacked = self.tree["posterior"].to_dataset().stack({dims.DRAW: ("chain", "draw")})
        return {str(n): v.transpose(dims.DRAW, ...).to_numpy() for n, v in stacked.data_vars.items()}

    def thinned(self, most: int) -> dict[str, Array]:
        """At most `most` draws of `theta`, evenly spaced over all chains."""
        n = len(next(iter(self.theta.values())))
        kept = np.linspace(0, n - 1, min(n, most)).round().astype(int)
        return {name: values[kept] for name, values in self.theta.items()}

    def save(self, path: Path) -> None:
        """Write netCDF, atomically, readable by the owner alone."""
        with atomic(path, private=True) as part:
            self.tree.to_netcdf(part, engine="netcdf4")

    @classmethod
    def load(cls, path: Path) -> Fit:
        """Read a stored fit into memory.

        Errors
        ------
        InputError
            when the file is missing or is not a fit.
        """
        try:
            with xr.open_datatree(path, engine="netcdf4") as tree:
                return cls(tree.load())
        except (OSError, ValueError) as error:
            raise InputError.one(path, "", f"a file that cannot be read ({type(error).__name__})", "a fit") from None

    def __repr__(self) -> str:
        draws = self.tree["posterior"].sizes["draw"]
        return f"<Fit of {self.model}: {self.chains} chains of {draws:,} draws; {self.fingerprint}>"

    def _repr_html_(self) -> str:
        posterior = self.tree["posterior"]
        rows = "".join(
            f"<tr><td>{escape(str(name))}</td><td>{escape(', '.join(map(str, v.dims[2:])) or 'scalar')}</td>"
            f"<td>{float(v.mean()):.2f}</td><td>{float(v.std()):.2f}</td></tr>"
            for name, v in posterior.data_vars.items()
        )
        head = "<tr><th>parameter</th><th>dims</th><th>mean</th><th>sd</th></tr>"
        return f"<p>{escape(repr(self))}</p><table>{head}{rows}</table>"


def fit_fingerprint(model: Model, cells: Cells, priors: PriorSet, sampler: Sampler, seed: int) -> str:
    """What a fit depends on: model and sampler source, cells, the distributions of its priors, settings and engines.

    A prior of a term that the design dropped does not count, nor does the wording of any prior.
    """
    kept, _ = model.active(cells)
    read = {n: [priors[n].distribution, dict(priors[n].arguments)] for n in sorted(p.name for p in kept)}
    data = {str(n): np.asarray(v) for n, v in cells.variables.items() if v.dtype.kind in "if"}
    names = {str(d): [str(v) for v in cells[d].to_numpy()] for d in cells.coords}
    how = source("sampling.py", "centring.py")
    made_by = (model.fingerprint, how, data, names, read, sampler.model_dump(), seed, engines())
    if priors.borrowed is None:
        return fingerprint(*made_by)
    return fingerprint(
        *made_by, priors.borrowed.fingerprint, source("blocks.py", "models/blocks.py", "models/mixture.py")
    )
