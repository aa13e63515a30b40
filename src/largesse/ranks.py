"""Ranks: where a truth lies among draws, and whether many such places look uniform.

A truth drawn from the prior, and draws from a right posterior given data simulated under it, are exchangeable: the
truth's place among L draws is uniform (Talts et al. 2018). Places are jittered fractions in [0, 1], exactly uniform
under that hypothesis even for a small L, so that a test for continuous variables may be used.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from arviz_stats.base import array_stats
from scipy.stats import beta, binom, norm

Array = np.ndarray[Any, np.dtype[np.float64]]

THINNED: Final = 99  # L: few enough that any fit has as many effective draws
FAMILYWISE: Final = 0.01  # chance of calling a right model wrong, over all its quantities together
BAND: Final = 0.99  # simultaneous content of the band in the picture; a picture, not the judge


def thinned(draws: Array, kept: int = THINNED) -> Array:
    """`kept` of [draw, ...] draws, evenly spaced.

    Errors
    ------
    ValueError
        when there are fewer draws than that.
    """
    if len(draws) < kept:
        raise ValueError(f"{len(draws)} draws, of which {kept} cannot be kept")
    return np.asarray(draws[np.linspace(0, len(draws) - 1, kept).round().astype(int)])


def place(truth: Array, draws: Array, rng: np.random.Generator) -> Array:
    """[quantity] jittered fractional rank of `truth` [quantity] among `draws` [draw, quantity].

    (number below + a uniform share of the ties + a uniform jitter) / (L + 1).
    """
    below, ties = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    u = rng.uniform(size=(2, *np.shape(truth)))
    return np.asarray((below + np.floor(u[0] * (ties + 1)) + u[1]) / (len(draws) + 1))


def uniformity(places: Array) -> Array:
    """[quantity] p-value of uniformity of [replicate, quantity] places (POT-C; Sailynoja, Burkner & Vehtari 2022)."""
    p, _, _ = array_stats.uniformity_test(np.ascontiguousarray(places.T), axis=-1, method="pot_c")
    return np.atleast_1d(np.asarray(p, dtype=float))


def holm(p: Array) -> Array:
    """[quantity] p-values adjusted by Holm's step-down rule: their family-wise error is held at any level."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def band(replicates: int, content: float = BAND, points: int = 99) -> tuple[Array, Array, Array]:
    """Simultaneous band of the empirical distribution function of uniform places, minus the diagonal.

    Returns
    -------
    grid, lower, upper : [point]. Pointwise binomial intervals at the level at which, over simulated uniform samples,
    the whole function stays inside with probability `content` (Sailynoja, Burkner & Vehtari 2022, by simulation).
    """
    grid = np.arange(1, points + 1) / (points + 1)
    rng = np.random.default_rng(20220401)  # a constant of the method, not of a study
    counts = np.array([(rng.uniform(size=(replicates, 1)) <= grid).sum(axis=0) for _ in range(2000)])
    tail = np.minimum(binom.cdf(counts, replicates, grid), binom.sf(counts - 1, replicates, grid))
    level = np.quantile(tail.min(axis=1), 1 - content)
    lower = binom.ppf(level, replicates, grid) / replicates - grid
    upper = binom.isf(level, replicates, grid) / replicates - grid
    return grid, np.asarray(lower), np.asarray(upper)


def covered(places: Array, content: float) -> Array:
    """[quantity] share of replicates whose central interval of `content` holds the truth, read off the places."""
    tail = (1 - content) / 2
    return np.asarray(((places > tail) & (places < 1 - tail)).mean(axis=0))


def coverage_bounds(replicates: int, content: float, level: float = FAMILYWISE) -> tuple[float, float]:
    """Central interval of the share of `replicates` intervals of `content` that hold the truth when all is right."""
    low, high = binom.ppf([level / 2, 1 - level / 2], replicates, content)
    return float(low / replicates), float(high / replicates)


def detectable(replicates: int, level: float, power: float = 0.9) -> dict[str, float]:
    """The smallest miscalibration that would have been called wrong with probability `power` at `level`.

    Returns
    -------
    `shift`: of posteriors by so many posterior sd; `narrow` and `wide`: posterior sds too small or too large by that
    factor. By simulation of a normal posterior, on a grid; NaN where even its coarsest is missed.
    """
    return {
        "shift": _smallest(replicates, level, power, np.arange(0.05, 1.01, 0.05), lambda z, size: z + size),
        "narrow": _smallest(replicates, level, power, np.arange(0.95, 0.29, -0.05), lambda z, size: z / size),
        "wide": _smallest(replicates, level, power, np.arange(1.05, 3.01, 0.05), lambda z, size: z / size),
    }


def _smallest(replicates: int, level: float, power: float, grid: Array, distort: Any) -> float:
    z = np.random.default_rng(20180418).normal(
        size=(replicates, 60)
    )  # [replicate, repetition], a constant of the method
    for size in grid:
        p = uniformity(norm.cdf(distort(z, size)))
        if (p < level).mean() >= power:
            return float(np.round(size, 2))
    return float("nan")


def interval_of_share(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share, for example of failed replicates."""
    tail = (1 - level) / 2
    low = beta.ppf(tail, count, total - count + 1) if count else 0.0
    high = beta.ppf(1 - tail, count + 1, total - count) if count < total else 1.0
    return float(low), float(high)
