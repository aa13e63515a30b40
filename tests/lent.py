"""Files of borrowed priors that no study made, for tests: numbers around a prior draw, correlated at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from largesse.blocks import Blocks, coordinate
from largesse.borrowed import Borrowed
from largesse.cells import Cells, sizes
from largesse.models.contract import Model, coords
from largesse.travelling import numbers, placed

ORIGIN = {
    "study": "past", "title": "A past study", "fit": "0123456789abcdef", "priors": "fedcba9876543210",
    "respondents": 900, "districts": 12, "waves": 2, "draws": 4000,
    "statement": "what was learnt in the past", "by": "a test", "date": "2026-11-26", "engines": {"pymc": "6.3.2"},
}  # fmt: skip
SHAPE = {"bend": 0.6, "center": -0.4, "width": 0.7, "skew": -0.3, "tail": 1.2}


def table(model: Model, cells: Cells, weight: float = 0.5, seed: int = 1) -> dict[str, Any]:
    """The table of a file that lends everything that travels of a model; every fourth number of a scale is skewed."""
    rng, kept = np.random.default_rng(seed), model.active(cells)[0]
    every = list(numbers(kept, coords(cells, model.twin)))
    theta = model.priors().draw(kept, sizes(cells), model.twin.answers(cells), rng)
    drawn = {name: np.asarray(value)[None] for name, value in theta.items()}
    rows = []
    for i, number in enumerate(every):
        place = number.place
        row = {"parameter": place.parameter, "element": number.element, "scale": place.scale, "block": number.block}
        row |= {"mean": float(coordinate(place, drawn)[0]), "sd": float(rng.uniform(0.1, 0.4))}
        if place.scale == "log" and i % 4 == 0:
            row |= {"shape": SHAPE, "mean": float(rng.normal(0, 0.3))}
        rows.append(row)
    factor = rng.normal(size=(len(rows), 2 * len(rows)))
    covariance = factor @ factor.T
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    return {
        "model": model.name,
        "weights": {number.block: weight for number in every},
        "origin": ORIGIN,
        "setting": {"coverage_center": 0.4},
        "coordinates": rows,
        "correlation": [list(row[:i]) for i, row in enumerate(correlation)],
    }


def blocks(model: Model, cells: Cells, weight: float = 0.5, seed: int = 1) -> Blocks:
    """Such a file, put in its place in a design."""
    borrowed = Borrowed.model_validate(table(model, cells, weight, seed))
    groups = {dim: cells.sizes[dim] for dim in ("district", "wave")}
    return placed(borrowed, model.active(cells)[0], coords(cells, model.twin), groups)
