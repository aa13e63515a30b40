"""Uniformity: whether many places of truths look uniform, and what would have been noticed if they were not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from arviz_stats.base import array_stats
from scipy.stats import norm

Array = np.ndarray[Any, np.dtype[np.float64]]

FAMILYWISE: Final = 0.01  # chance of calling a right model wrong, over all its quantities together
REPETITIONS: Final = 60  # simulated calibrations for each size of fault: a power of .9 is known to about .04


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


def covered(places: Array, content: float) -> Array:
    """[quantity] share of replicates whose central interval of `content` holds the truth, read off the places."""
    tail = (1 - content) / 2
    return np.asarray(((places > tail) & (places < 1 - tail)).mean(axis=0))


def detectable(replicates: int, level: float, power: float = 0.9) -> dict[str, float | None]:
    """The smallest miscalibration that would have been called wrong with probability `power` at `level`.

    Returns
    -------
    `shift`: of posteriors by so many posterior sd; `narrow` and `wide`: posterior sds too small or too large by that
    factor. By simulation of a normal posterior, on a grid; None where even its coarsest is missed.
    """
    return {
        "shift": _smallest(replicates, level, power, np.arange(0.05, 1.01, 0.05), _shifted),
        "narrow": _smallest(replicates, level, power, np.arange(0.95, 0.29, -0.05), _scaled),
        "wide": _smallest(replicates, level, power, np.arange(1.05, 3.01, 0.05), _scaled),
    }


def _shifted(z: Array, size: float) -> Array:
    return z + size


def _scaled(z: Array, size: float) -> Array:
    return z / size


def _smallest(
    replicates: int, level: float, power: float, grid: Array, distort: Callable[[Array, float], Array]
) -> float | None:
    rng = np.random.default_rng(20180418)  # a constant of the method, not of a study
    z = rng.normal(size=(replicates, REPETITIONS))

    def found(at: int) -> bool:
        p = uniformity(norm.cdf(distort(z, grid[at])))
        return bool((p < level).mean() >= power)

    at = bisect_left(range(len(grid)), True, key=found)  # larger faults are found more often
    return float(np.round(grid[at], 2)) if at < len(grid) else None
