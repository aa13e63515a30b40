"""Market participation in NumPy: the second implementation of `models/market_participation.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from largesse.simulators import graded
from largesse.simulators.predictor import Theta, fixed, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]


def parts(rows: xr.Dataset) -> dict[str, int]:
    """Equation -> number of its answers: out or in, then the bands of those in (where the question has several)."""
    bands = int(rows["answers"].to_numpy()[0]) - 1
    return {"any_": 2, "much_": bands} if bands > 1 else {"any_": 2}


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of each cell's band: any at all, then how much of those who take part."""
    del nodes  # each part has one item, so no disposition
    one, none = fixed(theta, "discrimination", 1.0, 1), fixed(theta, "disposition_sd", 0.0)
    point = graded.standard_normal_nodes(1)
    band = cells["answer"].to_numpy()
    said = {"any_": np.minimum(band, 1), "much_": np.maximum(band - 1, -1)}
    gift, coverage = cells["gift"].to_numpy(), cells["coverage"].to_numpy()
    total = np.zeros((len(none), len(band)))
    for prefix, n in parts(cells).items():
        eta = predictor(theta, cells, gift, coverage, prefix)  # (3)
        cut = theta[f"{prefix}cutpoint"]
        total += graded.loglik(eta, said[prefix], cut, np.array([n]), one, none, point)  # (1), (2)
    return total


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """[draw, row] `market_any`, the probability of taking part, and `market_much`, the expected share of income.

    `market_much` counts those who stay out as 0, so it is never an amount "if they took part". Bands stand for
    the shares in the variable `band_share` of `rows` (the lowest band of those taking part first). A question that
    asks only whether one takes part has no `market_much`.
    """
    del nodes
    none, point = fixed(theta, "disposition_sd", 0.0), graded.standard_normal_nodes(1)
    one = np.ones(len(none))
    eta = predictor(theta, rows, gift, coverage, "any_")
    part = graded.above(eta, theta["any_cutpoint"][:, 0], one, none, point)
    if "much_" not in parts(rows):
        return {"market_any": part}
    eta, shares = predictor(theta, rows, gift, coverage, "much_"), rows["band_share"].to_numpy()
    amount = np.full(eta.shape, float(shares[0]))
    for j, step in enumerate(np.diff(shares)):
        amount += step * graded.above(eta, theta["much_cutpoint"][:, j], one, none, point)
    return {"market_any": part, "market_much": part * amount}  # (4)


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{`market`: [row]} simulated bands (0 = does not take part) under the first draw of `theta`."""
    gift, coverage = rows["gift"].to_numpy(), rows["coverage"].to_numpy()
    drawn = {"much_": np.zeros(len(gift), dtype=int)}
    for prefix, n in parts(rows).items():
        eta, cut = predictor(theta, rows, gift, coverage, prefix)[0], theta[f"{prefix}cutpoint"][0]
        drawn[prefix] = graded.draw_answers(eta, cut, np.array([n]), np.ones(1), 0.0, rng)[:, 0]
    return {str(rows["item"].to_numpy()[0]): np.where(drawn["any_"] == 1, 1 + drawn["much_"], 0)}


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many answers the items behind each set of cutpoints have."""
    return {f"{prefix}cut": (n,) for prefix, n in parts(cells).items()}
