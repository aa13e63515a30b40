"""Comparability: whether a parameter means in one study what it meant in another, and how it is made to.

Coverage and covariates are centred, and scaled, where they were in the study that is borrowed from. With
x = (raw - c) / s, another c or s gives the same predictor another intercept, other effects of modifiers and another
direct effect. Any constants will do for c and s, so nothing else of a study changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from largesse import dims
from largesse.borrowed import Column, Setting
from largesse.cells import Design
from largesse.errors import InputError, Problem

STUDY: Final = "study.toml"
EXCHANGED: Final = (dims.DISTRICT, dims.WAVE, dims.COVARIATE, dims.MODIFIER)  # other names may stand here


def setting_of(design: Design, names: Mapping[str, Sequence[str]]) -> Setting:
    """What the numbers of a study mean: where its design is centred, and its questions (`names` by dimension)."""
    rows = design.columns.to_dict("index")
    return Setting(
        coverage_center=float(design.exposure.coverage.center),
        columns={str(name): Column.model_validate(row) for name, row in rows.items()},
        references=references(design),
        questions={dim: tuple(along) for dim, along in names.items() if dim not in EXCHANGED},
    )


def references(design: Design) -> dict[str, str]:
    """Categorical covariate -> the level that others are held against: the first that anybody has."""
    held = design.columns.loc[design.columns["level"] != "", "column"].unique()
    return {str(name): str(design.table[name].cat.remove_unused_categories().cat.categories[0]) for name in held}


def centred(design: Design, setting: Setting, where: str) -> Design:
    """The design with coverage and shared columns centred and scaled where another study's were.

    Errors
    ------
    InputError
        when levels of a shared covariate are held against another level there.
    """
    own, columns = references(design), design.columns.copy()
    wrong = [
        Problem(STUDY, f"key 'levels.{name}'", f"{own[name]!r} first", f"{level!r} first, as in {where}")
        for name, level in setting.references.items()
        if name in own and own[name] != level
    ]
    if wrong:
        raise InputError(wrong)
    for name, column in setting.columns.items():
        if name in columns.index:
            columns.loc[name, ["center", "scale"]] = [column.center, column.scale]
    faced = replace(design.exposure.coverage, center=setting.coverage_center)
    return replace(
        design,
        columns=columns,
        coverage=replace(design.coverage, center=setting.coverage_center),
        exposure=replace(design.exposure, coverage=faced),
    )


def differing(one: Setting, other: Setting, where: str) -> Iterator[Problem]:
    """Two files that a study borrows from must be centred alike."""
    shared = [n for n in one.columns if n in other.columns]
    pairs = {"coverage_center": (one.coverage_center, other.coverage_center)}
    pairs |= {
        f"columns.{n}.{key}": (getattr(one.columns[n], key), getattr(other.columns[n], key))
        for n in shared
        for key in ("center", "scale")
    }
    for key, (mine, theirs) in pairs.items():
        if not np.isclose(mine, theirs, rtol=1e-9, atol=1e-12):
            yield Problem(where, f"key 'setting.{key}'", f"{theirs:g}", f"{mine:g}, as in the other borrowed file")


def unasked(setting: Setting, names: Mapping[str, Sequence[str]], where: str) -> Iterator[Problem]:
    """Questions that are not those of the study that is borrowed from: the first of them sets the scale of effects."""
    for dim, along in setting.questions.items():
        here = tuple(names.get(dim, ()))
        if here != along:
            found, expected = ", ".join(here) or "nothing", ", ".join(along) or "nothing"
            yield Problem(where, f"key 'setting.questions.{dim}'", expected, f"{found}, as this study asks")
