"""Columns that belong together: count and arm of a list as one answer; an item and its vignettes on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from largesse.answers import Coded, natural, number, shown
from largesse.errors import InputError
from largesse.study import LISTS, Study


def listed(coded: list[Coded], study: Study, where: str) -> list[Coded]:
    """The columns with count and arm of each list as one answer; without both where either was not understood.

    Errors
    ------
    InputError
        when somebody counts more items than their list has.
    """
    by_role, found = {c.role: c for c in coded}, unlisted(coded)
    for count, arm, key in LISTS:
        items = getattr(study.instruments, key)
        if items is not None and {count, arm} <= by_role.keys():
            found.append(of_list(by_role[count], by_role[arm], items, where, key))
    return found


def unlisted(coded: list[Coded]) -> list[Coded]:
    """The columns without those of a list."""
    return [c for c in coded if not any(c.role in roles for roles in LISTS)]


def of_list(count: Coded, arm_: Coded, items: int, where: str, key: str) -> Coded:
    """Count and arm as one answer: 0 to J of J items, then 0 to J + 1 of J + 1.

    Errors
    ------
    InputError
        when somebody counts more items than their list has.
    """
    both = (count.status == 0) & (arm_.status == 0)
    shown_ = items + np.maximum(arm_.values, 0)  # how long each respondent's list is
    if len(beyond := np.unique(count.values[both & (count.values > shown_)])):
        listed = f"{items} in arm 0, {items + 1} in arm 1 (key 'instruments.{key}')"
        found = f"a count of {beyond[0]:g}, more than its list has items"
        raise InputError.one(where, f"column '{count.column}'", found, f"at most {listed}")
    status = np.where(both, 0, np.minimum(count.status, arm_.status)).astype(np.int8)
    code = np.where(both, np.nan_to_num(count.values) + (items + 1) * np.maximum(arm_.values, 0), status)
    levels = tuple(f"{y} of {n}" for n in (items, items + 1) for y in range(n + 1))
    return replace(count, values=code.astype(np.int64), status=status, levels=levels)


def alike(coded: list[Coded], where: str) -> list[Coded]:
    """The columns with an item and its vignettes on one scale.

    Errors
    ------
    InputError
        when answers differ and their order does not follow from the study file or from numbers.
    """
    if not any(c.role == "vignettes" for c in coded):
        return coded
    same = [c for c in coded if c.role in ("loyalty", "vignettes")]
    moved = dict(zip((c.column for c in same), on_one_scale(same, where), strict=True))
    return [moved.get(c.column, c) for c in coded]


def on_one_scale(coded: list[Coded], where: str) -> list[Coded]:
    """An item and its vignettes, with the answers that any of them was given, in their order.

    Errors
    ------
    InputError
        when answers differ and their order does not follow from the study file or from numbers.
    """
    found = {level for c in coded for level in c.levels}
    longest = max(coded, key=lambda c: len(c.levels))
    if found == {*longest.levels}:
        order = longest.levels
    elif all(number(level) is not None for level in found):
        order = tuple(sorted(found, key=natural))
    else:
        strange = shown(found - {*longest.levels})
        expected = f"the answers of '{longest.column}', or their order in key 'levels.{coded[0].column}'"
        raise InputError.one(where, f"column '{coded[0].column}' and its vignettes", f"also {strange}", expected)
    place = {level: i for i, level in enumerate(order)}
    return [_moved(c, order, place) for c in coded]


def _moved(coded: Coded, order: tuple[str, ...], place: Mapping[str, int]) -> Coded:
    """The same answers as positions in another list of levels."""
    moved = np.array([place[level] for level in coded.levels] or [0])
    values = np.where(coded.status == 0, moved[np.maximum(coded.values, 0)], coded.values)
    return replace(coded, values=values, levels=order)
