"""Anchored loyalty in NumPy: the second implementation of `models/anchored_loyalty.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from largesse.cells import part
from largesse.simulators import graded
from largesse.simulators.predictor import Theta, draws_of, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]

STYLE = "style_"
ITEM, JUDGED = "loyalty", "vignettes"


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of the answers on oneself and on the vignettes, differences in style integrated out.

    `nodes` are points and weights of the quadrature over the differences between people of one profile.
    """
    points, weights = nodes
    gift, coverage = cells["gift"].to_numpy(), cells["coverage"].to_numpy()
    loyal, lenient = predictor(theta, cells, gift, coverage), predictor(theta, cells, gift, coverage, STYLE)
    own, judged = (part(cells, role)["answer"].to_numpy() for role in (ITEM, JUDGED))
    answers, sharp = part(cells, ITEM)["answers"].to_numpy(), theta["vignette_discrimination"]
    itself = [graded.edges(theta["cutpoint"], answers), graded.edges(sharp[:, None] * theta["cutpoint"], answers)]
    ones = np.ones((draws_of(theta), 1))
    out = np.empty(loyal.shape)
    for s in graded.blocks(len(loyal), loyal.shape[1] * len(points)):
        style = lenient[s, :, None] + theta["style_sd"][s, None, None] * points
        total = graded.log_given(loyal[s, :, None] + style, own, [e[s] for e in itself[0]], ones[s])  # (1)
        for j, place in enumerate(theta["vignette_place"][s].T):
            seen, bounds = judged[:, [j]], [e[s] for e in itself[1]]
            total += graded.log_given(place[:, None, None] + style, seen, bounds, sharp[s, None])  # (2)
        out[s] = logsumexp(total, b=weights, axis=2)
    return out


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """[draw, row] mean answers on oneself, 0 = lowest, 1 = highest.

    `answered`: as people answer; `anchored`: as they would, were answers used as the average profile uses them without
    a gift; `style`: what is between the two.
    """
    loyal, lenient = predictor(theta, rows, gift, coverage), predictor(theta, rows, gift, coverage, STYLE)
    answers, ones = part(rows, ITEM)["answers"].to_numpy(), np.ones((draws_of(theta), 1))
    anchored, answered = (
        graded.score(eta, theta["cutpoint"], answers, ones, theta["style_sd"], nodes)
        for eta in (loyal, loyal + lenient)
    )
    return {"anchored": anchored, "answered": answered, "style": answered - anchored}


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{column: [row]} simulated answers (0 = lowest) under the first draw of `theta`."""
    gift, coverage = rows["gift"].to_numpy(), rows["coverage"].to_numpy()
    lenient = predictor(theta, rows, gift, coverage, STYLE)[0] + theta["style_sd"][0] * rng.normal(size=len(gift))
    own, judged = (part(rows, role)["item"].to_numpy() for role in (ITEM, JUDGED))
    at = {str(own[0]): (predictor(theta, rows, gift, coverage)[0], 1.0)}
    sharp = float(theta["vignette_discrimination"][0])
    at |= {str(name): (place, sharp) for name, place in zip(judged, theta["vignette_place"][0], strict=True)}
    drawn = {}
    for column, (stands, scale) in at.items():
        perceived = stands + lenient + rng.logistic(size=len(gift)) / scale
        drawn[column] = (perceived[:, None] > theta["cutpoint"][0]).sum(axis=1)
    return drawn


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many answers the item has, and each vignette with it."""
    return {"cut": (int(part(cells, ITEM)["answers"].to_numpy()[0]),)}
