"""Taking part in the market on a probit scale, in NumPy and SciPy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import log_ndtr, ndtr

from largesse.simulators.predictor import Theta, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]

SCALE: Final = 1.702  # logistic(x) and Phi(x / 1.702) differ by less than .01 everywhere (Haley 1952)


def _z(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array) -> Array:
    """[draw, row] predictor on the scale of a standard normal, threshold taken off."""
    return (predictor(theta, rows, gift, coverage, "any_") - theta["any_threshold"][:, None]) / SCALE


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of taking part, or not; 0 where nothing was answered."""
    del nodes
    answer = cells["answer"].to_numpy()[:, 0]
    z = _z(theta, cells, cells["gift"].to_numpy(), cells["coverage"].to_numpy())
    return np.where(answer < 0, 0.0, log_ndtr(np.where(answer > 0, z, -z)))


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """{`market_any`: [draw, row]} probability of taking part."""
    del nodes
    return {"market_any": ndtr(_z(theta, rows, gift, coverage))}


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{question: [row]} who takes part (1) under the first draw of `theta`."""
    chance = ndtr(_z(theta, rows, rows["gift"].to_numpy(), rows["coverage"].to_numpy())[0])
    return {str(rows["item"].to_numpy()[0]): (rng.uniform(size=len(chance)) < chance).astype(int)}


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """No cutpoints: the threshold is one number."""
    del cells
    return {}
