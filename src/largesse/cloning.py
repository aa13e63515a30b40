"""Cloning: the same answers several times over, to see what more of them would settle.

What the answers can tell grows sharper with every copy; what rests on its prior stays as wide as it was (Lele, Nadeem &
Schmuland 2010).

Three ways of copying. `districts`: every district four times, as districts of their own. So grows what is known of all
that districts share: intercepts, cutpoints, effects, and the sds and correlations that only more districts can teach.
A covariate's effect grows as fast by either way, and goes with these. `counts`: the same districts with sixteen times
the people. So grows what is known of one district, which no other district can teach; not an sd, for there are as many
districts as before. `waves`: every wave four times, as waves of their own, with sixteen times the people. So grows what
is known of a district's lasting level where its changes from wave to wave are free: people tell the sums of the two,
and only more waves split them.

Effects that share an sd are measured in terms of it. Were it known, as `sd^2`, an element that the data tell with the
precision `I` had the variance `1 / (1 / sd^2 + I)`, and the bounds below are for that. But it is learnt with them:
few data take districts for alike, and narrow every element; copies that show the sd to be twice as large tell each
better and leave it wider. Elements over their sd are standard normal beforehand at any sd, and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from largesse import dims
from largesse.cells import Cells
from largesse.parameters import Parameter

Way = Literal["districts", "counts", "waves"]
Measured = Literal["estimable", "weak", "prior_driven"]


def districts_times(cells: Cells, times: int) -> Cells:
    """Every district `times` times, as districts of their own with the same people and the same coverage."""
    n, d = cells.sizes[dims.CELL], cells.sizes[dims.DISTRICT]
    out = cells.isel({dims.CELL: np.tile(np.arange(n), times), dims.DISTRICT: np.tile(np.arange(d), times)})
    names = [f"{name}, copy {copy + 1}" for copy in range(times) for name in cells[dims.DISTRICT].to_numpy()]
    moved = out["in_district"] + np.repeat(np.arange(times) * d, n)
    return out.assign({"in_district": moved}).assign_coords({dims.DISTRICT: names})


def counts_times(cells: Cells, times: int) -> Cells:
    """Every respondent `times` times, in the same district: the same cells with larger counts."""
    return cells.assign({name: times * cells[name] for name in ("people", "count")})


def waves_times(cells: Cells, times: int) -> Cells:
    """Every wave `times` times, as waves of their own with the same coverage and as many times as many people again."""
    n, t = cells.sizes[dims.CELL], cells.sizes[dims.WAVE]
    out = cells.isel({dims.CELL: np.tile(np.arange(n), times), dims.WAVE: np.tile(np.arange(t), times)})
    names = [f"{name}, copy {copy + 1}" for copy in range(times) for name in cells[dims.WAVE].to_numpy()]
    moved = out["in_wave"] + np.repeat(np.arange(times) * t, n)
    return counts_times(out.assign({"in_wave": moved}).assign_coords({dims.WAVE: names}), times**2)


class Cloning(NamedTuple):
    """A way of cloning.

    Attributes
    ----------
    clone, times : what makes the copies, and how many.
    estimable, prior_driven : the sd over that of the data once, below which and above which it is the one or the other.
        Of copies that teach all they can it is one over the root of `times`; of copies that teach nothing it is one.
    """

    clone: Callable[[Cells, int], Cells]
    times: int
    estimable: float
    prior_driven: float


CLONINGS: Final[Mapping[Way, Cloning]] = {
    "districts": Cloning(districts_times, 4, 0.65, 0.85),
    "counts": Cloning(counts_times, 16, 0.5, 0.8),
    "waves": Cloning(waves_times, 4, 0.65, 0.85),
}


def changing(parameters: Collection[Parameter], zero_sum: Callable[[str], bool]) -> frozenset[str]:
    """Names of districts' levels and of their changes between waves, where nothing makes the changes sum to zero."""
    free = [p for p in parameters if p.dims == (dims.DISTRICT, dims.WAVE) and not zero_sum(p.name)]
    return frozenset(name for p in free for name in (p.name, p.name.removesuffix("wave") + "effect"))


def way_of(parameter: Parameter, cells: Cells, split: Collection[str] = ()) -> Way:
    """Which cloning speaks to a parameter: counts if a district has its own, or where there are no districts.

    `split` are those of which people tell only sums; see :func:`changing`.
    """
    if parameter.name in split:
        return "waves"
    return "counts" if dims.DISTRICT in parameter.dims or cells.sizes[dims.DISTRICT] == 1 else "districts"


def measured(ratio: float, way: Way) -> Measured:
    """What a ratio of sds means; what lies between the bounds, or on one, is weak."""
    bounds = CLONINGS[way]
    if ratio < bounds.estimable:
        return "estimable"
    return "prior_driven" if ratio > bounds.prior_driven else "weak"
