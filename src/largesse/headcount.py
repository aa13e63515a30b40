"""Headcount: which counts and shares of respondents results tell, chosen together so that none gives few people away.

Whatever results say of how many respondents there are goes through here: how many entered and were dropped, how many a
model or a regression rests on, shares of answers by gift, what questions on support say by themselves, how described
persons are put in order. Each is offered in versions, fuller ones first; :func:`largesse.disclosure.settle` chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from largesse import dims, vignettes
from largesse.disclosure import Cell, Number, Offer, Place, Statement, Version, counted, rounded, same, settle
from largesse.inputs import Inputs
from largesse.instruments import GROUPS
from largesse.results import SMALLEST, Dropped
from largesse.simulators.sincere_support import DIRECT, LIST, RANDOMISED
from largesse.store import fingerprint
from largesse.survey import SCALES

Array = np.ndarray[Any, Any]

FINE: Final = (0.01, 0.02)  # what the shares of a figure may be rounded to
COARSE: Final = (0.01, 0.02, 0.05, 0.1)  # and those of a table
ALIKE: Final = 0.95  # shares of a group in which so many gave one answer would tell what each of them said
KEPT: Final[Cell] = ("kept",)
ARMS: Final = (0, 1)


@dataclass(frozen=True)
class Headcount:
    """What is told of how many respondents there are.

    Attributes
    ----------
    told : place -> the numbers that stand there; none where they are kept back.
    people : how many each cell holds; it is told of no cell but by `told`.
    """

    told: Mapping[Place, Version]
    people: Mapping[Cell, int]

    @classmethod
    def of(cls, inputs: Inputs) -> Headcount:
        """Choose for a study."""
        people = _People(inputs)
        return cls(settle(people.cells, tuple(people.known()), tuple(people.offers())), people.cells)

    def count(self, place: Place, number: int) -> int | None:
        """A count, where it is told."""
        return number if self.told[place] else None

    def dropped(self, rows: Iterable[Dropped]) -> tuple[Dropped, ...]:
        """What did not enter, with the counts that are told."""
        return tuple(replace(row, count=row.count if self.told[_reason(row)] else None) for row in rows)

    def regressions(self, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Plain regressions (:func:`largesse.plain.regressions`) to the digit that a page prints, tenths of a point.

        `respondents` is None where it is kept back. More digits of a difference of shares would tell of how many.
        """
        return {name: self._regression(name.partition(".")[0], row) for name, row in rows.items()}

    def _regression(self, outcome: str, row: Mapping[str, Any]) -> dict[str, Any]:
        row = dict(row) | {name: round(row[name], 3) for name in ("estimate", "se")}
        if self.told["regression", outcome]:
            return row
        clusters = None if row["clusters"] == row["respondents"] else row["clusters"]  # of one district: respondents
        words = row["words"] if clusters else "one regression within waves, standard error from respondents"
        return {**row, "respondents": None, "clusters": clusters, "words": words}

    def panels(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Shares of answers by gift, those drawn as audits store them; None for an observed one that is kept back."""
        for row in rows:
            numbers = self.told.get(("answers", row["item"], row["arm"]), ())
            if numbers:
                shares = {int(cell[-1]): n.share(self.people) for n in numbers for cell in n.people}
                observed = [shares.get(j) for j in range(len(row["observed"]))]
                drawn = {name: [rounded(v, FINE[0]) for v in row[name]] for name in ("mean", "lower", "upper")}
                yield {
                    "model": row["model"],
                    "item": row["item"],
                    "gift": int(row["arm"]),
                    "observed": observed,
                    "step": numbers[0].step,
                } | drawn

    @property
    def support(self) -> dict[tuple[str, str], tuple[float, bool]]:
        """Question on support and group -> what its share is rounded to, and whether its size may be told."""
        return {
            (place[1], group): (n.step, Number(n.among) in numbers)
            for place, numbers in self.told.items()
            if place[0] == "support"
            for group, gifts in GROUPS.items()
            for n in numbers
            if n.among and _gifts(n) == set(gifts)
        }

    @property
    def order(self) -> dict[tuple[str, str, str], float]:
        """Group and two vignettes -> what the shares of those who put them in one order are rounded to."""
        return {
            (group, place[1], place[2]): n.step
            for place, numbers in self.told.items()
            if place[0] == "order"
            for group, gifts in GROUPS.items()
            for n in numbers
            if _gifts(n) == set(gifts)
        }


def _reason(row: Dropped) -> Cell:
    """The cell of those dropped for one reason, and the place where they are counted."""
    return ("dropped", row.role, row.column, row.reason)


def _gifts(number: Number) -> set[int]:
    """The gift arms that a share is of."""
    return {int(cell[-2]) for cell in number.among}


@dataclass(frozen=True)
class _People:
    """The respondents of a study as cells, and all that could be told of them."""

    inputs: Inputs

    @cached_property
    def answers(self) -> dict[str, Array]:
        """Question -> [gift, answer] how many people gave it."""
        table, gift = self.inputs.survey.table, self.inputs.survey.table["gift"].to_numpy()
        asked = [n for n, column in self.inputs.survey.codebook.items() if column.role in SCALES]
        codes = {n: table[n].cat.codes.to_numpy() for n in asked}
        sizes = {n: len(table[n].cat.categories) for n in asked}
        return {
            n: np.array([np.bincount(codes[n][(gift == g) & (codes[n] >= 0)], minlength=sizes[n]) for g in ARMS])
            for n in asked
        }

    @cached_property
    def orders(self) -> dict[tuple[str, str], Array]:
        """Two vignettes -> [gift, right, tied, wrong] how many people put them so."""
        if vignettes.MODEL not in self.inputs.cells:
            return {}
        found = vignettes.judged(self.inputs.cells[vignettes.MODEL])
        return {pair: counts for pair, counts in found.items() if counts.sum() >= vignettes.FEWEST}

    @cached_property
    def sets(self) -> dict[Place, Array]:
        """Place of a number of respondents -> [respondent] whether it counts them."""
        table = self.inputs.design.table
        weighed = table["weight"].to_numpy(dtype=float) > 0
        found: dict[Place, Array] = {}
        for model in self.inputs.models:
            cells = self.inputs.cells[model.name]
            everyone = int(cells["people"].sum()) == len(table)
            read = () if everyone else tuple(map(str, cells[dims.ITEM].to_numpy()))
            found["model", model.name] = _any(table, read)
        items, market = self.inputs.survey.items, ("market",) if "market" in table else ()
        of = {"loyalty": items, "answered": items, "market_any": market, "market_much": market}
        return found | {("regression", outcome): _any(table, asked) & weighed for outcome, asked in of.items()}

    @cached_property
    def cells(self) -> dict[Cell, int]:
        """Every cell, and how many people it holds."""
        survey = self.inputs.survey
        found: dict[Cell, int] = {KEPT: len(survey.table)}
        found |= {_reason(d): d.count or 0 for d in survey.dropped}
        for kind, tables in (("answers", self.answers), ("order", self.orders)):
            for name, table in tables.items():
                named = (name,) if isinstance(name, str) else name
                found |= {(kind, *named, str(g), str(j)): int(n) for (g, j), n in np.ndenumerate(table)}
        for who in self.sets.values():
            found |= {_within(who): int(who.sum()), _without(who): int((~who).sum())}
        return found

    def known(self) -> Iterator[Statement]:
        """How cells hang together: those who answered a question and those who did not are all who entered."""
        survey = self.inputs.survey
        for name, table in self.answers.items():
            silent = self._silent(name)
            yield same([*_of("answers", (name,), table), *silent], [KEPT])
            missing = survey.table[name].isna().to_numpy()
            for who in self.sets.values():
                if missing[~who].all():  # whom a number leaves out, because they answered nothing, did not answer this
                    most = 0.0 if (~who == missing).all() else np.inf
                    yield Statement(dict.fromkeys(silent, 1.0) | {_without(who): -1.0}, 0.0, most)
        yield from (Statement({_reason(d): 1.0}, 1.0, np.inf) for d in survey.dropped)  # a reason listed had somebody
        for who in self.sets.values():
            yield same([_within(who), _without(who)], [KEPT])
            if who.all():
                yield counted([_without(who)], 0)

    def _silent(self, name: str) -> list[Cell]:
        """The cells of those who gave no answer to a question, by reason."""
        column = self.inputs.survey.codebook[name]
        return [c for c in self._dropped() if c[1:3] == (column.role, column.name)]

    def _dropped(self) -> list[Cell]:
        return [_reason(d) for d in self.inputs.survey.dropped]

    def offers(self) -> Iterator[Offer]:
        """All that could be told, the most important first."""
        rows = [c for c in self._dropped() if c[1] not in SCALES]
        yield _count(KEPT, [KEPT])
        yield _count(("rows",), [KEPT, *rows])
        yield from (_count(place, [_within(who)]) for place, who in self.sets.items() if place[0] == "model")
        for name, table in self.answers.items():
            for g in ARMS:
                yield Offer(("answers", name, str(g)), tuple(_panel(name, table[g], g)))
        yield from self._support()
        for pair, table in self.orders.items():
            yield Offer(("order", *pair), tuple(_ordered(pair, table)))
        yield from (_count(place, [_within(who)]) for place, who in self.sets.items() if place[0] == "regression")
        for d in sorted(self.inputs.survey.dropped, key=lambda d: -(d.count or 0)):
            yield _count(_reason(d), [_reason(d)])

    def _support(self) -> Iterator[Offer]:
        """What questions on support say by themselves, of everyone and of each gift arm."""
        for role in (DIRECT, RANDOMISED):
            if role in self.answers:
                yield Offer(("support", role), tuple(_yes(role, self.answers[role])))
        if LIST in self.answers:
            yield Offer(("support", LIST), tuple(_list(self.answers[LIST])))


def _count(place: Place, cells: Iterable[Cell]) -> Offer:
    return Offer(place, ((Number(frozenset(cells)),),))


def _any(table: pd.DataFrame, names: tuple[str, ...]) -> Array:
    """[respondent] whether they answered any of some questions; everyone of none."""
    return table[list(names)].notna().any(axis=1).to_numpy() if names else np.ones(len(table), dtype=bool)


def _within(who: Array) -> Cell:
    """The cell of those whom a number counts: one and the same where two numbers count the same people."""
    return ("counted", fingerprint(who))


def _without(who: Array) -> Cell:
    return ("not counted", fingerprint(who))


def _of(kind: str, name: tuple[str, ...], table: Array, gifts: Iterable[int] = ARMS) -> frozenset[Cell]:
    """The cells of a table [gift, answer] in some gift arms."""
    return frozenset((kind, *name, str(g), str(j)) for g, j in product(gifts, range(table.shape[1])))


def _shares(
    kind: str, name: tuple[str, ...], answers: Iterable[int], among: frozenset[Cell], step: float
) -> list[Number]:
    """The share of each of some answers among cells of one table."""
    gifts = {cell[-2] for cell in among}
    return [Number(frozenset((kind, *name, g, str(j)) for g in gifts), among, step) for j in answers]


def _alike(counts: Array) -> bool:
    """Whether there are too few people, or nearly all of them gave the same answer."""
    n = counts.sum()
    return bool(n < SMALLEST or counts.max() >= ALIKE * n)


def _panel(name: str, counts: Array, gift: int) -> Iterator[Version]:
    """Shares of all answers in one gift arm; else without the rarest and as many of the next as it takes."""
    if _alike(counts):
        return
    among = frozenset(("answers", name, str(gift), str(j)) for j in range(len(counts)))
    for step in FINE:
        yield tuple(_shares("answers", (name,), range(len(counts)), among, step))
    often = [int(j) for j in np.argsort(-counts, kind="stable")]
    for kept in range(len(counts) - 2, 0, -1):
        yield tuple(_shares("answers", (name,), often[:kept], among, FINE[0]))


def _yes(role: str, counts: Array) -> Iterator[Version]:
    """The share of a yes in each group with its size, else without sizes; at last of everyone alone.

    No share of everyone where one arm is kept back because it is of one mind: the other arm would tell its share.
    """
    arms = [(g,) for g in ARMS if not _alike(counts[g])]
    groups = [ARMS, *arms] if len(arms) == len(ARMS) else arms
    for shown in (groups, groups[:1]):
        among = [_of("answers", (role,), counts, gifts) for gifts in shown]
        for step, sized in product(COARSE, (True, False)):
            sizes = [Number(cells) for cells in among if sized]
            told = [n for cells in among for n in _shares("answers", (role,), (1,), cells, step)]
            if told:
                yield (*told, *sizes)


def _list(counts: Array) -> Iterator[Version]:
    """The share of each count of each list, over both gift arms: what the table of types can be worked out from."""
    control = (counts.shape[1] - 3) // 2 + 1
    lists = [range(control), range(control, counts.shape[1])]
    if any(_alike(counts[:, list(each)].sum(axis=0)) for each in lists):
        return
    for step in COARSE:
        numbers = []
        for each in lists:
            among = frozenset(("answers", LIST, str(g), str(j)) for g in ARMS for j in each)
            numbers += [*_shares("answers", (LIST,), each, among, step), Number(among)]
        yield tuple(numbers)


def _ordered(pair: tuple[str, str], counts: Array) -> Iterator[Version]:
    """The shares that put two vignettes right, alike and wrong, in each group; at last of everyone alone."""
    groups = [gifts for gifts in GROUPS.values() if counts[list(gifts)].sum() >= vignettes.FEWEST]
    for shown in (groups, groups[:1]):
        for step in COARSE:
            among = [_of("order", pair, counts, gifts) for gifts in shown]
            yield tuple(n for cells in among for n in _shares("order", pair, range(3), cells, step))
