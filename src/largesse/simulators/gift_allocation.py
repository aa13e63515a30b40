"""Who receives, in NumPy: the second implementation of `models/gift_allocation.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit, log_expit

from largesse.simulators.predictor import Theta, draws_of, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]


def log_odds(theta: Theta, rows: xr.Dataset) -> Array:
    """[draw, row] log-odds of receiving: district, wave, their interaction, and standing."""
    nothing = np.zeros(len(rows["in_district"]))
    eta = predictor(theta, rows, nothing, nothing)
    if "district_wave" in theta:
        eta += theta["district_wave"][:, rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()]
    return eta + standing(theta, rows)


def standing(theta: Theta, rows: xr.Dataset) -> Array:
    """[draw, row] standing x'gamma: how a profile counts with the office, whatever the district's generosity."""
    if "standing" not in theta:
        return np.zeros((draws_of(theta), len(rows["in_district"])))
    return np.asarray(theta["standing"] @ rows["x"].to_numpy().T)


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of the gift each cell's people got."""
    del nodes  # no disposition in this model
    eta = log_odds(theta, cells)
    return np.asarray(log_expit(np.where(cells["gift"].to_numpy() == 1, eta, -eta)))


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """{`receipt`: [draw, row]}, the probability of receiving; own gift and coverage do not enter."""
    del gift, coverage
    return {"receipt": receipt(theta, rows, nodes)}


def receipt(theta: Theta, rows: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, row] probability of receiving."""
    del nodes  # no disposition in this model
    return np.asarray(expit(log_odds(theta, rows)))


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{`gift`: [row]} simulated receipt under the first draw of `theta`."""
    p = expit(log_odds(theta, rows))[0]
    return {"gift": (rng.uniform(size=p.shape) < p).astype(int)}


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """No cutpoints in this model."""
    del cells
    return {}
