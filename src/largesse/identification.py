"""Identification: whether more of the same data would settle a parameter, held against what its model declares.

Contraction cannot tell: a bound, or a sum that is known, makes a posterior narrow once, and no further data narrow it
again. Cloned data can (:mod:`largesse.cloning`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import ceil
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from arviz_stats.base import array_stats

from largesse import dims
from largesse.cells import Cells
from largesse.cloning import CLONINGS, Measured, Way, changing, measured, way_of
from largesse.fits import Fit, fit_fingerprint
from largesse.models.contract import Model
from largesse.parameters import Parameter
from largesse.priors import PriorSet
from largesse.provenance import engines, source
from largesse.replicate import as_read
from largesse.results import Status
from largesse.sampling import fit as drawn
from largesse.settings import Sampler
from largesse.store import fingerprint, write_json
from largesse.synthetic import World, simulate

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

SAMPLER: Final = Sampler(draws=1000, tune=500, chains=2)
ESS: Final = 1000  # of every scalar that is judged: the ratio of two sds is then known to 3 %
MOST: Final = 20_000  # draws per chain; what has fewer effective draws then says so
DIGITS: Final = 6  # of the cells that were cloned: the last ones of a mean are the processor's own
CODE: Final = ("identification.py", "cloning.py", "sampling.py", "centring.py", "parameters.py", "priors.py")


@dataclass(frozen=True)
class Row:
    """What cloning says of one parameter.

    Attributes
    ----------
    parameter, declared, reason : its name, and what the model declares of it under this design.
    way : how data were cloned.
    ratio : sd with clones over sd without, the median of its scalars; `lowest` and `highest` of them. Effects that
        share an sd are told in terms of it.
    scalars : how many of its scalars move: not the discrimination that is 1 by definition.
    ess : the smallest bulk ESS of them, of both fits.
    """

    parameter: str
    declared: Status
    reason: str
    way: Way
    ratio: float
    lowest: float
    highest: float
    scalars: int
    ess: int

    @property
    def measured(self) -> Measured:
        """Estimable, prior driven, or too little of either to tell."""
        return measured(self.ratio, self.way)

    @property
    def agrees(self) -> bool:
        """Whether nothing measured speaks against what is declared; what is weak speaks against neither."""
        return self.measured == "weak" or (self.measured == "prior_driven") == (self.declared == "prior_driven")


@dataclass(frozen=True)
class Identification:
    """What cloning says of every parameter that a design informs.

    Attributes
    ----------
    model : its name.
    made_by : fingerprint of what was cloned, and how.
    fits : `once`, `districts`, `counts`, `waves` -> `draws` of each chain, and how many transitions were `diverging`.
    rows : in the model's order.
    """

    model: str
    made_by: str
    fits: Mapping[str, Mapping[str, int]]
    rows: tuple[Row, ...]

    @property
    def disagreeing(self) -> tuple[Row, ...]:
        """Where what is measured is not what is declared."""
        return tuple(row for row in self.rows if not row.agrees)

    @property
    def settled(self) -> bool:
        """Whether every parameter has as many effective draws as its ratio needs."""
        return all(row.ess >= ESS for row in self.rows)

    def save(self, path: Path) -> None:
        """Write JSON, atomically."""
        rows = [asdict(row) | {"measured": row.measured, "agrees": row.agrees} for row in self.rows]
        write_json(path, asdict(self) | {"rows": rows})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was stored."""
        table, names = json.loads(path.read_text(encoding="utf-8")), [f.name for f in fields(Row)]
        rows = tuple(Row(**{name: row[name] for name in names}) for row in table["rows"])
        return cls(table["model"], table["made_by"], table["fits"], rows)


def identify(
    model: Model, cells: Cells, priors: PriorSet | None = None, *, seed: int = 0, sample: Callable[..., Fit] = drawn
) -> Identification:
    """Fit a model to its data once and to clones of them, and compare the sds.

    Parameters
    ----------
    model, cells : a model and the cells of its outcomes.
    priors : the model's shipped set unless given.
    sample : what draws from a posterior, called like :func:`largesse.sampling.fit`.
    """
    chosen = priors or model.priors()
    kept, _ = model.active(cells)
    split = changing(kept, lambda name: chosen[name].distribution == "ZeroSumNormal")
    ways = {p.name: way_of(p, cells, split) for p in kept}
    data = {"once": cells} | {way: how.clone(cells, how.times) for way, how in CLONINGS.items() if way in ways.values()}
    fits, spreads = {}, {}
    for name, copied in data.items():
        asked = [p for p in kept if name in ("once", ways[p.name])]
        log.info("%s: %s, %d cells", model.name, name, copied.sizes[dims.CELL])
        fit, fits[name] = _settled(model, copied, chosen, asked, seed, sample)
        spreads[name] = {p.name: _spread(_original(fit, p, cells, chosen)) for p in asked}
    rows = tuple(_row(p, ways[p.name], spreads["once"][p.name], spreads[ways[p.name]][p.name]) for p in kept)
    return Identification(model.name, fit_fingerprint(model, cells, chosen, SAMPLER, seed), fits, rows)


class Spread(NamedTuple):
    """[scalar] posterior sd and bulk ESS of a parameter's scalars; an ESS of nan where a scalar does not move."""

    sd: Array
    ess: Array


def _settled(
    model: Model, cells: Cells, priors: PriorSet, asked: list[Parameter], seed: int, sample: Callable[..., Fit]
) -> tuple[Fit, dict[str, int]]:
    """A fit long enough for every parameter asked for, or of the most draws, and what became of it.

    A fit that is too short is replaced by one as long as its smallest ESS calls for.
    """
    sampler = SAMPLER
    while True:
        fit = sample(model, cells, priors, sampler, seed=seed)
        least, where = min((float(np.nanmin(_spread(_original(fit, p, cells, priors)).ess)), p.name) for p in asked)
        log.info("%s: %d draws a chain, smallest ESS %.0f (%s)", model.name, sampler.draws, least, where)
        if least >= ESS or sampler.draws >= MOST:
            return fit, {"draws": sampler.draws, "diverging": int(fit.tree["sample_stats"]["diverging"].sum())}
        longer = ceil(1.3 * sampler.draws * ESS / max(least, 1.0))
        sampler = sampler.model_copy(update={"draws": min(longer, MOST)})


def _original(fit: Fit, p: Parameter, cells: Cells, priors: PriorSet) -> Array:
    """[chain, draw, ...] draws of a parameter, of the districts and waves of `cells` and not of further copies.

    In terms of the sd that its elements share, where they do: the sd is learnt with them, and where copies find it to
    be larger an element can be told better and yet be wider.
    """
    drawn = fit.tree["posterior"][p.name]
    for shared in (v for v in priors[p.name].arguments.values() if isinstance(v, str)):
        drawn = drawn / fit.tree["posterior"][shared]
    first = {d: slice(cells.sizes[d]) for d in (dims.DISTRICT, dims.WAVE) if d in drawn.dims}
    return np.asarray(drawn.isel(first).transpose("chain", "draw", ...).to_numpy())


def _spread(values: Array) -> Spread:
    """Of [chain, draw, ...] values."""
    flat = values.reshape(*values.shape[:2], -1)
    moves = np.ptp(flat, axis=(0, 1)) > 0
    ess = np.full(len(moves), np.nan)
    ess[moves] = array_stats.ess(flat[:, :, moves], chain_axis=0, draw_axis=1, method="bulk")
    return Spread(flat.std(axis=(0, 1), ddof=1), ess)


def _row(p: Parameter, way: Way, once: Spread, cloned: Spread) -> Row:
    """What the two spreads say together."""
    moves = ~np.isnan(once.ess)
    ratio = cloned.sd[moves] / once.sd[moves]
    told = {"ratio": np.median(ratio), "lowest": ratio.min(), "highest": ratio.max()}
    least = min(np.nanmin(once.ess), np.nanmin(cloned.ess))
    rounded = {name: round(float(value), 3) for name, value in told.items()}
    return Row(p.name, p.status, p.reason, way, **rounded, scalars=int(moves.sum()), ess=int(least))


# --- designs: worlds that a model's folder names ----------------------------------------------------------------


def designs(folder: Path) -> dict[str, World]:
    """Name -> world of the designs in `identification` of a model's folder, each a `.toml` of its own."""
    return {path.stem: World.read(path) for path in sorted((folder / "identification").glob("*.toml"))}


def drawn_in(model: Model, world: World) -> Cells:
    """A model's cells of a synthetic world, read as a user's file would be read."""
    return as_read(simulate(world), model, model.priors()).cells[model.name]


def binding(model: Model, cells: Cells, seed: int) -> str:
    """Of model, priors, cells, measure and engines: what an identification that was measured on cells holds for.

    Of the cells themselves, not of the code that draws them: other code that draws the same leaves it standing.
    """
    data = {str(name): _rounded(cells[name].to_numpy()) for name in sorted(map(str, cells.variables))}
    how = [SAMPLER.model_dump(), ESS, MOST, {way: list(c[1:]) for way, c in CLONINGS.items()}, seed]
    return fingerprint(model.fingerprint, model.priors().fingerprint, source(*CODE), data, how, engines())


def _rounded(values: Array) -> list[Any]:
    """As plain values."""
    return list((np.round(values, DIGITS) + 0.0 if values.dtype.kind == "f" else values).ravel().tolist())


def identify_in(model: Model, world: World) -> Identification:
    """What cloning says of a model's parameters in a synthetic world."""
    cells = drawn_in(model, world)
    made_by = binding(model, cells, world.seed)  # of the code that runs, whatever is edited meanwhile
    return replace(identify(model, cells, seed=world.seed), made_by=made_by)


def stored(model: Model, world: World, path: Path | None) -> Identification | None:
    """What was stored for a design, if it is there and holds for the model, priors, cells and engines of today."""
    if not path or not path.is_file():
        return None
    made_by = json.loads(path.read_text(encoding="utf-8"))["made_by"]
    current = made_by == binding(model, drawn_in(model, world), world.seed)
    return Identification.read(path) if current else None


def lines(found: Identification) -> list[str]:
    """A line for each parameter, as the command prints them."""
    return [
        f"  {row.parameter:<28} {row.declared:<12} {row.way:>9} x {CLONINGS[row.way].times:<2} {row.ratio:6.2f}  "
        f"{row.measured:<12} {row.ess:>7,} effective draws{'' if row.agrees else '  DISAGREES'}"
        for row in found.rows
    ]
