"""Reported loyalty in NumPy: the second implementation of `models/reported_loyalty.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from largesse.simulators import graded
from largesse.simulators.predictor import Theta, fixed, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]


def _scale(theta: Theta, items: int) -> tuple[Array, Array]:
    return fixed(theta, "discrimination", 1.0, items), fixed(theta, "disposition_sd", 0.0)


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of each cell's answers to all items, the disposition integrated out."""
    eta = predictor(theta, cells, cells["gift"].to_numpy(), cells["coverage"].to_numpy())
    answer = cells["answer"].to_numpy()
    discrimination, sd = _scale(theta, answer.shape[1])
    return graded.loglik(eta, answer, theta["cutpoint"], cells["answers"].to_numpy(), discrimination, sd, nodes)


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """{`loyalty`: [draw, row]} mean reported loyalty over items, 0 = lowest answer to all, 1 = highest to all."""
    eta = predictor(theta, rows, gift, coverage)
    answers = rows["answers"].to_numpy()
    discrimination, sd = _scale(theta, len(answers))
    return {"loyalty": graded.score(eta, theta["cutpoint"], answers, discrimination, sd, nodes)}


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{item: [row]} simulated answers (0 = lowest) under the first draw of `theta`."""
    eta = predictor(theta, rows, rows["gift"].to_numpy(), rows["coverage"].to_numpy())[0]
    items, counts = rows["item"].to_numpy(), rows["answers"].to_numpy()
    discrimination, sd = _scale(theta, len(items))
    drawn = graded.draw_answers(eta, theta["cutpoint"][0], counts, discrimination[0], float(sd[0]), rng)
    return {str(item): drawn[:, k] for k, item in enumerate(items)}


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many answers the items behind each set of cutpoints have."""
    return {"cut": tuple(int(n) for n in cells["answers"].to_numpy())}
