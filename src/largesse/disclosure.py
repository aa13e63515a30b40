"""Disclosure: what numbers that are told of people, all taken together, give away of those that are not told.

People of one kind are a cell: those with a gift who gave one answer to one question, those dropped for one reason.
Every number told is a statement about cells: so many people are of these, such a share of those are. An attacker holds
all statements at once and knows that people come in whole numbers; integer programming says how few and how many people
a cell can then have. A cell is given away when these two are less than five apart, unless it holds five people or more
for certain, or nobody.

No difference of numbers told is a small one then either: cells whose sum is known hold five people or more each, or
nobody, or else one of them could hold as many as the whole sum, which is five at least. This is about counts and
shares of people. It says nothing of what a posterior lets one guess, and it is not differential privacy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from largesse.results import SMALLEST

Array = np.ndarray[Any, Any]
Cell = tuple[str, ...]
Place = tuple[str, ...]
Version = tuple["Number", ...]

NODES: Final = 500  # of branch and bound, for one end of one range: a limit that is the same on every machine
SOLVED: Final = 0  # how scipy calls a programme that was solved
INFEASIBLE: Final = 2  # and one that no numbers agree with; it has several names for one that met its limit


class UndecidedError(Exception):
    """Which numbers of people agree with what is said was not found out within the nodes that are spent on it."""


class Statement(NamedTuple):
    """That a sum over cells, each times its weight, lies from `low` to `high`.

    Whole numbers, those of shares too: a solver that takes nearly equal for equal answers no differently then.
    """

    weights: Mapping[Cell, float]
    low: float
    high: float


class Number(NamedTuple):
    """A number about people, as it would be told.

    Attributes
    ----------
    people : the cells that it counts.
    among : the cells that it is a share of; empty where it is a count, which is told as it is.
    step : what a share is rounded to a multiple of.
    """

    people: frozenset[Cell]
    among: frozenset[Cell] = frozenset()
    step: float = 1.0

    def says(self, people: Mapping[Cell, int]) -> Iterator[Statement]:
        """What it says of cells that hold so many people."""
        if self.among:
            yield from shared(self.people, self.among, self.share(people), self.step)
        else:
            yield counted(self.people, sum(people[c] for c in self.people))

    def sized(self, people: Mapping[Cell, int]) -> Iterator[Statement]:
        """What a share says to one who knows how many people it is of: from so many to so many."""
        whole, (low, high, of) = sum(people[c] for c in self.among), ends(self.share(people), self.step)
        yield counted(self.among, whole)
        yield Statement(dict.fromkeys(sorted(self.people), 1.0), -(-low * whole // of), high * whole // of)

    def share(self, people: Mapping[Cell, int]) -> float:
        """The share, as it would be told."""
        return rounded(sum(people[c] for c in self.people) / sum(people[c] for c in self.among), self.step)


class Offer(NamedTuple):
    """What might be told in one place: versions from the fullest to the poorest; after the last comes nothing."""

    place: Place
    versions: tuple[Version, ...]


def rounded(share: float, step: float) -> float:
    """A share as a multiple of `step`, without the dust of binary fractions."""
    return round(step * round(share / step), 6)


def ends(share: float, step: float) -> tuple[int, int, int]:
    """From where to where a share lies that was rounded so, as fractions: two numerators and what both are of.

    The ends belong to it: a tie may have gone either way.
    """
    of = round(2 / step)
    return round(share * of) - 1, round(share * of) + 1, of


def counted(cells: Iterable[Cell], count: float) -> Statement:
    """That so many people are of these cells."""
    return Statement(dict.fromkeys(sorted(cells), 1.0), count, count)


def shared(people: Iterable[Cell], among: Iterable[Cell], share: float, step: float) -> Iterator[Statement]:
    """That of some cells, which hold somebody but nobody says how many, others are a share that was rounded to this.

    All of them together are a cell of their own: an inequality for each share of two terms and not of all cells.
    """
    low, high, of = ends(share, step)
    whole, parts = sorted(among), dict.fromkeys(sorted(people), float(of))
    together = ("together", str(whole))
    yield same(whole, [together])
    yield Statement({together: 1.0}, 1.0, np.inf)
    yield Statement(parts | {together: -float(low)}, 0.0, np.inf)
    yield Statement(parts | {together: -float(high)}, -np.inf, 0.0)


def same(first: Iterable[Cell], second: Iterable[Cell]) -> Statement:
    """That some cells hold as many people as others."""
    return Statement(dict.fromkeys(sorted(first), 1.0) | dict.fromkeys(sorted(second), -1.0), 0.0, 0.0)


# The attacker -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attacker:
    """One who holds all of some statements at once."""

    statements: Sequence[Statement]

    @cached_property
    def cells(self) -> dict[Cell, int]:
        """Every cell that is spoken of, and its place."""
        return {cell: j for j, cell in enumerate(dict.fromkeys(c for s in self.statements for c in s.weights))}

    @cached_property
    def _limits(self) -> LinearConstraint:
        rows = [i for i, s in enumerate(self.statements) for _ in s.weights]
        columns = [self.cells[c] for s in self.statements for c in s.weights]
        weights = [w for s in self.statements for w in s.weights.values()]
        table = csr_array((weights, (rows, columns)), shape=(len(self.statements), len(self.cells)))
        return LinearConstraint(table, [s.low for s in self.statements], [s.high for s in self.statements])

    def range(self, cell: Cell, enough: int = SMALLEST) -> tuple[int, int]:
        """The fewest people that a cell can hold, and the most; where that is `enough` more, some number so large.

        Errors
        ------
        ValueError
            when no whole numbers of people agree with the statements.
        UndecidedError
            when that is too hard to find out.
        """
        if cell not in self.cells:
            return 0, enough
        low = self._end(cell, 1, (0, np.inf))
        if low is None:
            raise ValueError(f"no whole numbers of people agree with all that is said ({' '.join(cell)})")
        far = self._end(cell, 1, (low + enough, np.inf))  # numbers between may be impossible, so none is a limit
        near = self._end(cell, -1, (low, low + enough - 1)) if far is None else far
        return low, low if near is None else near

    def _end(self, cell: Cell, sign: int, within: tuple[float, float]) -> int | None:
        """The fewest (`sign` 1) or most (-1) people of a cell within bounds; None where there is no such number."""
        j, toward = self.cells[cell], np.zeros(len(self.cells))
        least, most = np.zeros(len(toward)), np.full(len(toward), np.inf)
        toward[j], (least[j], most[j]) = sign, within
        found = milp(
            toward,
            integrality=np.ones(len(toward)),
            bounds=Bounds(least, most),
            constraints=self._limits,
            options={"node_limit": NODES},
        )
        if found.status == INFEASIBLE:
            return None
        if found.status != SOLVED:
            raise UndecidedError(" ".join(cell))
        people = found.x.round()
        np.minimum(self._least, people, out=self._least)
        np.maximum(self._most, people, out=self._most)
        return int(people[j])

    @cached_property
    def _least(self) -> Array:
        """[cell] the fewest people of any answer found so far, whichever cell was asked about."""
        return np.full(len(self.cells), np.inf)

    @cached_property
    def _most(self) -> Array:
        """[cell] and the most."""
        return np.full(len(self.cells), -np.inf)

    def exposed(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """Those of some cells that are given away; a cell that answers about others left open needs no answer."""
        for cell in cells:
            j = self.cells.get(cell)
            if j is not None and self._most[j] - self._least[j] < SMALLEST and not self._hides(cell):
                yield cell

    def _hides(self, cell: Cell) -> bool:
        """Whether a cell is not given away; no, where that is too hard to decide."""
        try:
            return hidden(*self.range(cell))
        except UndecidedError:
            return False


def hidden(low: int, high: int) -> bool:
    """Whether one who knows that a cell holds from `low` to `high` people knows of no few people in it."""
    return high - low >= SMALLEST or low >= SMALLEST or high == 0


# What may be told -------------------------------------------------------------------------------------------------


def settle(people: Mapping[Cell, int], known: Sequence[Statement], offers: Sequence[Offer]) -> dict[Place, Version]:
    """Choose what is told, so that nothing of it, and not all of it together, gives a cell away.

    Parameters
    ----------
    people : how many each cell holds.
    known : how cells hang together, which everybody knows.
    offers : the most important first: for its sake less is told of those after it.

    Returns
    -------
    Place of each offer -> the version that is told; empty where nothing is.
    """
    left = _conceding(people, offers)
    told = {place: versions[0] if versions else () for place, versions in left.items()}
    exposed: list[Cell] = []
    while found := [c for c in _attacker(people, known, told.values()).exposed(people) if c not in exposed]:
        exposed += found
        told = _most(people, known, left, exposed)
    return told


def _conceding(people: Mapping[Cell, int], offers: Sequence[Offer]) -> dict[Place, tuple[Version, ...]]:
    """Of each offer, the versions whose shares give nothing away even to one who knows how many people were asked.

    Shares of the same people are looked at together.
    """
    left: dict[Place, tuple[Version, ...]] = {}
    for place, versions in offers:
        before = [n for kept in left.values() for n in (kept[0] if kept else ()) if n.among]
        left[place] = tuple(v for v in versions if not _given_away(people, v, before))
    return left


def _given_away(people: Mapping[Cell, int], version: Version, before: Sequence[Number]) -> bool:
    """Whether shares, with others of the same people and all their sizes, give a cell away; counts wait their turn."""
    shares = [n for n in version if n.among]
    asked = sorted(frozenset[Cell]().union(*(n.among for n in shares)))
    near = (*shares, *(n for n in before if not n.among.isdisjoint(asked)))
    return any(Attacker([statement for n in near for statement in n.sized(people)]).exposed(asked))


def _most(
    people: Mapping[Cell, int],
    known: Sequence[Statement],
    left: Mapping[Place, tuple[Version, ...]],
    exposed: Iterable[Cell],
) -> dict[Place, Version]:
    """One offer after the other, as much of each as gives none of some cells away with what is told before it."""
    told: dict[Place, Version] = {}
    for place, versions in left.items():
        told[place] = next(
            (v for v in versions if not any(_attacker(people, known, [*told.values(), v]).exposed(exposed))), ()
        )
    return told


def _attacker(
    people: Mapping[Cell, int], known: Sequence[Statement], told: Iterable[Version | list[Number]]
) -> Attacker:
    return Attacker([*known, *(statement for numbers in told for n in numbers for statement in n.says(people))])
