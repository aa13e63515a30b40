"""Vignettes: whether people put described persons in the order they were written in, before any model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from scipy.stats import binom

from largesse import belief, dims
from largesse.cells import Cells, part
from largesse.disclosure import rounded
from largesse.inputs import Inputs
from largesse.results import SMALLEST
from largesse.simulators.anchored_loyalty import JUDGED
from largesse.uniformity import holm

Array = np.ndarray[Any, Any]

MODEL: Final = "anchored_loyalty"
FEWEST: Final = 2 * SMALLEST  # people who judged both persons: of fewer nothing is told


class Pair(NamedTuple):
    """How people judge two persons.

    Attributes
    ----------
    group : whose judgements: `everyone`, a gift group, a district.
    lower, higher : the vignettes, as they were written.
    right, tied, wrong : people who put them in that order, alike, and the other way round.
    """

    group: str
    lower: str
    higher: str
    right: int
    tied: int
    wrong: int

    @property
    def judged(self) -> int:
        """People who judged both."""
        return self.right + self.tied + self.wrong

    @property
    def p(self) -> float:
        """Of so many the other way round, were the order as likely right as wrong (sign test, one-sided)."""
        return float(binom.sf(self.wrong - 1, self.right + self.wrong, 0.5))


def groups(cells: Cells) -> dict[str, Array]:
    """[cell] masks of everyone, of those with and without a gift, and of each district."""
    gift, where = cells["gift"].to_numpy(), cells["in_district"].to_numpy()
    masks = {"everyone": np.ones(len(gift), dtype=bool), "without a gift": gift == 0, "with a gift": gift == 1}
    names = map(str, cells[dims.DISTRICT].to_numpy())
    return masks | ({name: where == d for d, name in enumerate(names)} if cells.sizes[dims.DISTRICT] > 1 else {})


def pairs(cells: Cells) -> Iterator[Pair]:
    """Every two vignettes in every group of at least ten people who judged both."""
    asked, people = part(cells, JUDGED), cells["people"].to_numpy()
    answer, names = asked["answer"].to_numpy(), [str(n) for n in asked[dims.ITEM].to_numpy()]
    for group, mask in groups(cells).items():
        for j, k in combinations(range(len(names)), 2):
            found = Pair(group, names[j], names[k], *_ordered(answer[mask][:, [j, k]], people[mask]))
            if found.judged >= FEWEST:
                yield found


def judged(cells: Cells) -> dict[tuple[str, str], Array]:
    """Two vignettes -> [gift, order] how many people put them right, alike and wrong."""
    asked, people = part(cells, JUDGED), cells["people"].to_numpy()
    answer, gift = asked["answer"].to_numpy(), cells["gift"].to_numpy()
    names = [str(n) for n in asked[dims.ITEM].to_numpy()]
    return {
        (names[j], names[k]): np.array([_ordered(answer[gift == g][:, [j, k]], people[gift == g]) for g in (0, 1)])
        for j, k in combinations(range(len(names)), 2)
    }


def _ordered(answer: Array, people: Array) -> tuple[int, ...]:
    """How many people put two vignettes right, alike and wrong, by [cell, 2] answers and [cell] people."""
    both = (answer >= 0).all(axis=1)
    ahead = np.sign(answer[both, 1] - answer[both, 0])
    return tuple(int(people[both] @ (ahead == sign)) for sign in (1, 0, -1))


class Order(NamedTuple):
    """The pair and group whose judgements speak most against the order written.

    Attributes
    ----------
    worst : which; `p` : of its sign test, adjusted for all pairs and groups that were looked at (Holm).
    """

    worst: Pair
    p: float


def order(cells: Cells) -> Order | None:
    """Hold all judgements against the order written; None where no two vignettes were judged by enough people."""
    found = list(pairs(cells))
    if not found:
        return None
    adjusted = holm(np.array([pair.p for pair in found]))
    at = int(np.argmin(adjusted))
    return Order(found[at], float(adjusted[at]))


def told(inputs: Inputs, effects: xr.Dataset, steps: Mapping[tuple[str, str, str], float]) -> dict[str, Any]:
    """What a page says of vignettes.

    Parameters
    ----------
    effects : of the model of anchored loyalty, as `findings.estimate` gives them.
    steps : group and two vignettes -> what their shares are rounded to; see :class:`largesse.headcount.Headcount`.

    Returns
    -------
    `pairs`: for everyone and each gift group, what share of people put two vignettes right, alike and wrong, where it
    may be told; `parts`: of each effect on answers, how much is loyalty (:func:`largesse.belief.told`).
    """
    rows = [
        {"group": pair.group, "lower": pair.lower, "higher": pair.higher, "step": step}
        | {name: rounded(getattr(pair, name) / pair.judged, step) for name in ("right", "tied", "wrong")}
        for pair in pairs(inputs.cells[MODEL])
        if (step := steps.get((pair.group, pair.lower, pair.higher)))
    ]
    return {"pairs": rows, "parts": belief.told(effects, inputs.study.estimands.interval, "answered", "anchored")}
