"""The band: how far the places of truths may stray from uniform by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

Array = np.ndarray[Any, np.dtype[np.float64]]

SIMULATIONS: Final = 4_000  # of a calibration of a right model: 40 of them lie outside a band of .99
SIMULATED: Final = 0.99  # the highest level that so few simulations show


def grid(bins: int) -> Array:
    """[bins + 1] where the empirical cdf is compared: the edges of equal bins from 0 to 1."""
    return np.linspace(0.0, 1.0, bins + 1)


def difference(places: Array, bins: int) -> Array:
    """[bins + 1] the empirical cdf of places in [0, 1], less that of a uniform."""
    edges = grid(bins)
    return np.searchsorted(np.sort(places), edges, side="right") / len(places) - edges


def spread(counts: Sequence[int]) -> Array:
    """[replicate] places that fall into equal bins as counted: their cdf is right at the edges of the bins."""
    return np.repeat((np.arange(len(counts)) + 0.5) / len(counts), counts)


@lru_cache(maxsize=32)
def band(replicates: int, bins: int, level: float) -> tuple[Array, Array]:
    """[bins + 1] lower and upper edge that :func:`difference` of uniform places keeps within, everywhere at once.

    With probability `level`, by simulation (Sailynoja, Burkner & Vehtari 2022); the same edges each time. Beyond .99
    the pointwise tail shrinks as the level's own does: the chance that any of many tails is left is near their sum.
    """
    inner = grid(bins)[1:-1]
    rng = np.random.default_rng(20180418)  # a constant of the method, not of a study
    shown = min(level, SIMULATED)
    pointwise = simulate_confidence_bands(replicates, 1, inner, shown, SIMULATIONS, rng)
    pointwise = 1 - (1 - pointwise) * (1 - level) / (1 - shown)
    lower, upper = get_pointwise_confidence_band(pointwise, replicates, inner)
    return np.concatenate([[0.0], lower - inner, [0.0]]), np.concatenate([[0.0], upper - inner, [0.0]])
