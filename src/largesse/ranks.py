"""Ranks: where a truth lies among draws.

A truth drawn from the prior, and draws from a right posterior given data simulated under it, are exchangeable: the
truth's place among L draws is uniform (Talts et al. 2018). Places are jittered fractions in [0, 1], exactly uniform
under that hypothesis even for a small L, so that a test for continuous variables may be used.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

THINNED: Final = 99  # L: few enough that any fit has as many effective draws


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
