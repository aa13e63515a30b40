"""Exposure: the share of a district's people who receive, as each respondent faces it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Coverage:
    """Coverage of every district in every wave.

    Attributes
    ----------
    rate : [district, wave], share receiving; NaN where nobody was asked and nothing is known.
    respondents : [district, wave], how many answers a sample rate rests on.
    source : `administrative` (from the district file), or `sample` (a noisy stand-in).
    center : the constant at which coverage is centred in every later use.
    reliability : share of the variance of `rate` that is not sampling noise; 1 for administrative coverage.
    """

    rate: Array
    respondents: Array
    source: Literal["administrative", "sample"]
    center: float
    reliability: float

    def faced(self, district: Array, wave: Array, gift: Array) -> Array:
        """[respondent]: coverage among the *others*; a sample rate leaves out the respondent's own gift."""
        rate, n = np.asarray(self.rate[district, wave]), np.asarray(self.respondents[district, wave])
        if self.source == "administrative":
            return rate
        others = np.maximum(n - 1, 1)
        return np.where(n > 1, (rate * n - gift) / others, self.center)

    def between(self) -> Array:
        """[district]: mean over waves, centred: how districts differ for good."""
        return np.asarray(np.nanmean(self.rate, axis=1) - self.center)


def coverage(table: pd.DataFrame, districts: pd.DataFrame | None) -> Coverage:
    """Coverage from the district file where it is given for all, else the sample's receipt rate.

    Parameters
    ----------
    table : canonical survey table with categorical `district` and `wave` and `gift` in {0, 1}.
    districts : indexed by (district, wave), perhaps with a `coverage` column; or None.
    """
    names, waves = table["district"].cat.categories, table["wave"].cat.categories
    counts = pd.crosstab(table["district"], table["wave"], dropna=False).to_numpy(dtype=float)
    given = table.groupby(["district", "wave"], observed=False)["gift"].sum().unstack().to_numpy(dtype=float)
    sample = np.divide(given, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    if districts is not None and "coverage" in districts:
        stored = districts["coverage"].unstack("wave").reindex(index=names.astype(str), columns=waves.astype(str))
        rate = stored.to_numpy(dtype=float)
        if not np.isnan(rate[counts > 0]).any():
            return Coverage(rate, counts, "administrative", float(np.nanmean(rate)), 1.0)
    return Coverage(sample, counts, "sample", float(np.nanmean(sample)), reliability(sample, counts))


def reliability(rate: Array, n: Array) -> float:
    """Share of the variance of receipt rates that is signal: 1 - mean sampling variance / variance.

    A coefficient on a rate of reliability r is attenuated to about r times itself.
    """
    seen = n > 1
    if seen.sum() < 2 or (total := float(np.var(rate[seen], ddof=1))) == 0.0:
        return 0.0
    noise = rate[seen] * (1 - rate[seen]) / (n[seen] - 1)
    return float(np.clip(1.0 - noise.mean() / total, 0.0, 1.0))
