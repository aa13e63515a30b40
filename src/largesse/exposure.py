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
    respondents : [district, wave], how many respondents a sample rate rests on. They count alike, whatever their
        survey weights: the rate stands for the people asked.
    source : `administrative` (from the district file), or `sample` (a noisy stand-in).
    center : the constant at which coverage is centred in every later use.
    reliability : see :func:`reliability`; 1 for administrative coverage.
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
    sample, counts = sampled(table)
    if districts is not None and "coverage" in districts:
        stored = districts["coverage"].unstack("wave").reindex(index=names.astype(str), columns=waves.astype(str))
        rate = stored.to_numpy(dtype=float)
        if not np.isnan(rate[counts > 0]).any():
            return Coverage(rate, counts, "administrative", float(np.nanmean(rate)), 1.0)
    return Coverage(sample, counts, "sample", float(np.nanmean(sample)), reliability(sample, counts))


def sampled(table: pd.DataFrame) -> tuple[Array, Array]:
    """[district, wave] the sample's receipt rate, NaN where nobody was asked, and how many respondents it rests on."""
    district, wave = table["district"].cat, table["wave"].cat
    shape = len(district.categories), len(wave.categories)
    office = district.codes.to_numpy().astype(np.int64) * shape[1] + wave.codes.to_numpy()
    counts = np.bincount(office, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    given = np.bincount(office, weights=table["gift"].to_numpy(), minlength=shape[0] * shape[1]).reshape(shape)
    return np.divide(given, counts, out=np.full(counts.shape, np.nan), where=counts > 0), counts


def reliability(rate: Array, n: Array) -> float:
    """Share of the variance of receipt rates that is not sampling noise, in the variation that the models learn from.

    That is the variation left after differences between waves and, where districts were seen in several waves, after
    lasting differences between districts. A coefficient on a rate of reliability r is attenuated to about r times
    itself (Fuller 1987, section 1.1). A rate p of n answers has sampling variance p (1 - p) / n, for which
    p (1 - p) / (n - 1) with the sample's p is unbiased.

    Parameters
    ----------
    rate, n : [district, wave], the sample's receipt rate and how many respondents it rests on. A rate of a single
        respondent is left out: nothing tells its noise.
    """
    return signal(rate, noise(rate, n))


def noise(rate: Array, n: Array) -> Array:
    """[district, wave] the sampling variance of each rate; NaN where a single respondent, or nobody, tells none."""
    return np.asarray(np.divide(rate * (1 - rate), n - 1, out=np.full(np.shape(rate), np.nan), where=n > 1))


def signal(rate: Array, variance: Array) -> float:
    """Share of the variance of rates that is not sampling noise; see :func:`reliability`.

    Parameters
    ----------
    rate, variance : [district, wave], rates and the sampling variance of each; those of unknown variance are left out.
    """
    seen = np.isfinite(variance)
    change, kept = _left_over(rate[seen], seen)
    total, chance = float(change @ change), float(kept @ variance[seen])
    if kept.sum() < 0.5 or total <= 1e-12:  # no degree of freedom, or no variation but rounding
        return 0.0
    return float(np.clip(1.0 - chance / total, 0.0, 1.0))


def _left_over(rate: Array, seen: Array) -> tuple[Array, Array]:
    """[rate] residuals of wave (and district) means, and the share of each rate's own noise that is left in them.

    By least squares, so that districts may have missed a wave (Frisch-Waugh: districts first, then waves).
    """
    district, wave = np.nonzero(seen)
    waves = (wave[:, None] == np.unique(wave)).astype(float)
    size = np.bincount(district)[district]
    several = bool((size > 1).any())  # without changes to learn from, districts are compared with one another
    if several:
        rate, waves = rate - _mean_by(district, rate), waves - _mean_by(district, waves)
    basis, strength, _ = np.linalg.svd(waves, full_matrices=False)
    basis = basis[:, strength > 1e-9]
    kept = 1.0 - (basis**2).sum(axis=1) - (1.0 / size if several else 0.0)
    return rate - basis @ (basis.T @ rate), kept


def _mean_by(group: Array, values: Array) -> Array:
    """[row, ...] each row's group mean."""
    sums = np.zeros((group.max() + 1, *values.shape[1:]))
    np.add.at(sums, group, values)
    counts = np.bincount(group).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((sums / np.maximum(counts, 1))[group])
