"""Associations: how answers go together within gift groups, and with the gift, in data observed and drawn from a fit.

They are what no share of answers shows: whether one disposition stands behind all that people say. Rank correlations,
so that an order of answers is all that is used of them. How far the data lie from what a fit draws is told by a normal
tail around the drawn values: a tail that is counted could not be below one in as many data sets as were drawn, and many
associations are looked at side by side. A fit has seen the data, which makes such tails larger than they would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from scipy.stats import t

from largesse import dims

Array = np.ndarray[Any, Any]
Key = tuple[str, ...]

FEWEST: Final = 30  # people behind a statistic: of fewer, its distribution over data sets is far from normal
FLAT: Final = 1e-12


class Answers(NamedTuple):
    """Everybody's answers, of the survey or of one data set drawn.

    Attributes
    ----------
    codes : column -> [row] answer, 0 = lowest, -1 = none.
    sizes : column -> how many answers there are.
    gift, office : [row] gift, and district and wave as one number.
    """

    codes: Mapping[str, Array]
    sizes: Mapping[str, int]
    gift: Array
    office: Array

    @classmethod
    def of(cls, rows: xr.Dataset, drawn: Mapping[str, Array] | None = None) -> Answers:
        """The answers of rows (people), or those `drawn` for them; who did not answer stays silent in both."""
        codes, names = rows["answer"].to_numpy(), [str(n) for n in rows[dims.ITEM].to_numpy()]
        sizes = dict(zip(names, map(int, rows["answers"].to_numpy()), strict=True))
        office = rows["in_district"].to_numpy() * rows.sizes[dims.WAVE] + rows["in_wave"].to_numpy()
        said = {n: codes[:, k] if drawn is None else np.where(codes[:, k] < 0, -1, drawn[n])
                for k, n in enumerate(names)}  # fmt: skip
        gift = rows["gift"].to_numpy() if drawn is None else drawn.get("gift", rows["gift"].to_numpy())
        return cls(said, sizes, gift, office)


def together(answers: Answers) -> dict[Key, float]:
    """(column, column, arm) -> rank correlation of two answers among those with or without a gift.

    Without those that fewer than 30 people stand behind, or in which an answer does not vary.
    """
    found: dict[Key, float] = {}
    for first, second in combinations(answers.codes, 2):
        a, b = answers.codes[first], answers.codes[second]
        for arm in (0, 1):
            seen = (a >= 0) & (b >= 0) & (answers.gift == arm)
            if seen.sum() >= FEWEST:
                shape = (answers.sizes[first], answers.sizes[second])
                counts = np.bincount(a[seen] * shape[1] + b[seen], minlength=shape[0] * shape[1])
                found[first, second, str(arm)] = rank_correlation(counts.reshape(shape))
    return _known(found)


def rank_correlation(counts: Array) -> float:
    """Spearman's correlation of two ordered answers from the [answer, answer] table of counts, ties at their midrank.

    Not a number where either answer does not vary.
    """
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    first, second = (np.cumsum(n) - n / 2 for n in (rows, columns))
    first, second = (rank - rank @ n / n.sum() for rank, n in ((first, rows), (second, columns)))
    scale = np.sqrt((rows @ first**2) * (columns @ second**2))
    return float(first @ counts @ second / scale) if scale > FLAT else np.nan


def with_gift(answers: Answers, columns: tuple[str, ...]) -> dict[Key, float]:
    """(column,) -> correlation of an answer with the gift between people of one district and wave."""
    found: dict[Key, float] = {}
    for name in columns:
        seen = answers.codes[name] >= 0
        if seen.sum() >= FEWEST:
            said, gift = (_within(v[seen].astype(float), answers.office[seen])
                          for v in (answers.codes[name], answers.gift))  # fmt: skip
            scale = np.sqrt((said @ said) * (gift @ gift))
            found[(name,)] = float(said @ gift / scale) if scale > FLAT else np.nan
    return _known(found)


def _within(values: Array, office: Array) -> Array:
    """[row] without the mean of its district and wave."""
    n = np.bincount(office)
    return np.asarray(values - (np.bincount(office, values) / np.maximum(n, 1))[office])


def style(answers: Answers, columns: tuple[str, ...]) -> dict[Key, float]:
    """(`alike` or `spread`, arm) of those who answered all `columns`, each from 0 (lowest) to 1 (highest).

    `alike`: the share who gave the same answer to all, as the arcsine of its root, whose noise does not depend on the
    share. `spread`: the standard deviation, over people, of the range of a person's answers.
    """
    if len(columns) < 2:
        return {}
    codes = np.array([answers.codes[n] for n in columns])
    tops = np.array([[answers.sizes[n] - 1] for n in columns])
    found: dict[Key, float] = {}
    for arm in (0, 1):
        seen = (codes >= 0).all(axis=0) & (answers.gift == arm)
        if seen.sum() >= FEWEST:
            width = np.ptp(codes[:, seen] / tops, axis=0)
            found["alike", str(arm)] = float(np.arcsin(np.sqrt((width < FLAT).mean())))
            found["spread", str(arm)] = float(width.std())
    return found


def ends(answers: Answers, columns: tuple[str, ...]) -> dict[Key, float]:
    """(column, `lowest` or `highest`, arm) -> share who gave that answer, as the arcsine of its root.

    One shift of all boundaries cannot make the answers at both ends more frequent.
    """
    found: dict[Key, float] = {}
    for name in columns:
        codes = answers.codes[name]
        for arm in (0, 1):
            seen = (codes >= 0) & (answers.gift == arm)
            if seen.sum() >= FEWEST:
                for end, code in (("lowest", 0), ("highest", answers.sizes[name] - 1)):
                    found[name, end, str(arm)] = float(np.arcsin(np.sqrt((codes[seen] == code).mean())))
    return found


def _known(found: Mapping[Key, float]) -> dict[Key, float]:
    return {key: value for key, value in found.items() if np.isfinite(value)}


class Furthest(NamedTuple):
    """The statistic that lies furthest from what a fit draws.

    Attributes
    ----------
    key : which; `distance` : in sds of the drawn values, positive where more is observed than drawn.
    probability : of so far a value in any of them (Holm's first step), were the fit right.
    """

    key: Key
    distance: float
    probability: float


def furthest(observed: Mapping[Key, float], drawn: list[Mapping[Key, float]]) -> Furthest | None:
    """Hold statistics observed against those of data sets drawn from a fit; None where there is none to hold.

    One that some data sets lack (an arm too small in them) counts by the others, of which there must be three.
    """
    found = []
    for key, value in observed.items():
        values = np.array([each[key] for each in drawn if key in each])
        if len(values) > 2:
            sd = float(values.std(ddof=1)) * np.sqrt(1 + 1 / len(values))  # their mean is not exact
            distance = (value - float(values.mean())) / max(sd, FLAT)
            found.append((key, distance, 2 * float(t.sf(abs(distance), len(values) - 1))))
    if not found:
        return None
    key, distance, tail = min(found, key=lambda each: each[2])
    return Furthest(key, distance, min(1.0, len(found) * tail))
