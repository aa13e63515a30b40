"""Respondents with more than one row, told from ids that are hashed with a salt of the moment and forgotten."""

from __future__ import annotations

import secrets

import numpy as np
import pandas as pd

from largesse.answers import Coded, Missing
from largesse.errors import Problem
from largesse.reading import Ids, Raw
from largesse.settings import plain
from largesse.study import Study


def repeated_ids(raw: Raw, coded: list[Coded], study: Study, where: str) -> list[Problem]:
    """One problem for each way in which respondents have more than one row: in one wave, or in several."""
    column, wave = study.columns.respondent, next((c for c in coded if c.role == "wave"), None)
    if column not in {c.column for c in coded} or (study.columns.wave and wave is None):
        return []
    ids = _hashed(raw, str(column), wave) if raw.ids is None else _again(raw, raw.ids, wave)
    twice = ids.loc[ids.duplicated(), "id"].nunique()
    once = ids.drop_duplicates()["id"]
    several = once[once.duplicated()].nunique()
    messages = {
        f"{twice} respondents with more than one row in a wave": twice,
        f"{several} respondents in more than one wave": several,
    }
    expected = "each respondent in one row and one wave only: panels are not supported yet"
    return [Problem(where, f"column '{column}'", found, expected) for found, count in messages.items() if count]


def _hashed(raw: Raw, column: str, wave: Coded | None) -> pd.DataFrame:
    """[row with an id] of a file that was read whole: the id hashed, and the wave."""
    text = raw.table[column].map(plain)
    hashed = pd.util.hash_pandas_object(text, index=False, hash_key=secrets.token_hex(8))
    ids = pd.DataFrame({"id": hashed, "wave": None if wave is None else wave.values})
    return ids[(raw.table[column].notna() & (text != "")).to_numpy()]


def _again(raw: Raw, ids: Ids, wave: Coded | None) -> pd.DataFrame:
    """[row] of a file whose rows were not kept, the rows of ids that are there more than once: id and wave."""
    ordered = np.sort(ids.hashed)
    again = np.isin(ids.hashed, ordered[1:][ordered[1:] == ordered[:-1]])
    found = pd.DataFrame({"id": ids.hashed[again], "wave": None})
    if wave is None:
        return found
    meaning = dict(zip(raw.table[wave.column].map(plain, na_action="ignore"), wave.values, strict=True))
    known = np.array([*(meaning[text] for text in ids.waves), Missing.BLANK])
    return found.assign(wave=known[ids.wave[again]])
