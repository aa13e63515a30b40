"""The disposition summed out by one operation: its value against plain NumPy, its derivatives against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy.special import expit, logsumexp

from largesse.models import disposition, graded
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

CELLS, ITEMS, NODES = 2 * disposition.BLOCK + 22, 4, 15  # two whole blocks of cells and part of a third
ANSWERS = 3  # of each item: boundaries far below, two cutpoints, far above
STEP = 1e-5  # central differences then err by about 1e-10 of the third derivative
TABLE = np.array([1.3, 0.0, -0.7, 2.1])  # what one sd adds: a group of cells may be unmoved, or moved the other way


@pytest.fixture(scope="module")
def asked() -> dict[str, Array]:
    """Answers of every kind to four items, the last of which moves cells by groups; some are missing."""
    rng = np.random.default_rng(8)
    cut = np.sort(rng.normal(size=(ITEMS, ANSWERS - 1)), axis=1)
    bound = np.concatenate([[-graded.FAR, *row, graded.FAR] for row in cut])
    answer = rng.integers(-1, ANSWERS, (ITEMS, CELLS))
    first = (ANSWERS + 1) * np.arange(ITEMS)[:, None]
    below = first + np.where(answer < 0, 0, answer)
    above = first + np.where(answer < 0, ANSWERS, answer + 1)
    row = np.vstack([np.full((ITEMS - 1, CELLS), [[0], [1], [2]]), rng.integers(0, len(TABLE), (1, CELLS))])
    return {"x": 2 * rng.normal(size=(ITEMS, CELLS)), "below": below.astype("int32"), "above": above.astype("int32"),
            "bound": bound, "row": row.astype("int32"), "scale": TABLE}  # fmt: skip


def plainly(asked: dict[str, Array], x: Array, bound: Array, scale: Array) -> Array:
    """[cell] the same by differences of distribution functions, a table of cells and nodes, and one log-sum-exp."""
    points, weights = standard_normal_nodes(NODES)
    at = x[:, :, None] + scale[asked["row"]][:, :, None] * points
    inside = expit(bound[asked["above"]][:, :, None] - at) - expit(bound[asked["below"]][:, :, None] - at)
    return np.asarray(logsumexp(np.log(inside).sum(axis=0), b=weights, axis=-1))


def graph(mode: Mode | None = None) -> Any:
    """(x, bound, scale, the rest) -> values, and the gradients of their sum weighted by cell."""
    x, bound, scale, by_cell = pt.dmatrix("x"), pt.dvector("bound"), pt.dvector("scale"), pt.dvector("by_cell")
    below, above, row = pt.imatrix("below"), pt.imatrix("above"), pt.imatrix("row")
    points, weights = (pt.as_tensor(v) for v in standard_normal_nodes(NODES))
    value, *_ = disposition.summed_out(x, below, above, bound, row, scale, points, weights)
    slopes = pytensor.grad((by_cell * value).sum(), [x, bound, scale])
    return pytensor.function([x, bound, scale, below, above, row, by_cell], [value, *slopes], mode=mode)


def test_the_value_is_that_of_the_plain_expression(asked: dict[str, Array]) -> None:
    """Cell by cell to eleven digits, whether an answer is at an end, in the middle or missing."""
    found = graph()(asked["x"], asked["bound"], asked["scale"], asked["below"], asked["above"], asked["row"],
                    np.ones(CELLS))[0]  # fmt: skip
    plain = plainly(asked, asked["x"], asked["bound"], asked["scale"])
    np.testing.assert_allclose(found, plain, rtol=0, atol=1e-11)


def test_a_cell_without_answers_says_nothing_and_has_no_slope(asked: dict[str, Array]) -> None:
    """Its probability is 1 whatever its predictor: log 0, derivatives 0."""
    silent = {"below": 0 * asked["below"], "above": 0 * asked["above"] + ANSWERS}
    value, by_x, by_bound, by_scale = graph()(
        asked["x"], asked["bound"], asked["scale"], silent["below"], silent["above"], asked["row"], np.ones(CELLS)
    )
    np.testing.assert_allclose(value, 0.0, atol=1e-14)
    for slope in (by_x, by_bound, by_scale):
        np.testing.assert_allclose(slope, 0.0, atol=1e-14)


@pytest.mark.parametrize("name", ["x", "bound", "scale"])
def test_derivatives_are_those_of_central_differences(asked: dict[str, Array], name: str) -> None:
    """Of a sum with a weight of its own for every cell, by every predictor, boundary and scale, one at a time.

    The far boundaries are left where they are: nothing finite lies between them and their neighbours.
    """
    by_cell = np.random.default_rng(2).normal(size=CELLS)
    given = {n: asked[n] for n in ("x", "bound", "scale")}
    slopes = graph()(*given.values(), asked["below"], asked["above"], asked["row"], by_cell)[1:]
    found = dict(zip(given, slopes, strict=True))[name]
    for place in np.ndindex(given[name].shape):
        if name != "bound" or abs(given["bound"][place]) < graded.FAR:
            ends = []
            for step in (STEP, -STEP):
                moved = given[name].copy()
                moved[place] += step
                ends.append(float(by_cell @ plainly(asked, **{**given, name: moved})))
            assert found[place] == pytest.approx((ends[0] - ends[1]) / (2 * STEP), abs=2e-8)


def test_compiled_and_uncompiled_agree_to_the_last_digit_but_one(asked: dict[str, Array]) -> None:
    """What runs in the sampler is what the Python linker runs in tests of the models."""
    given = (*(asked[n] for n in ("x", "bound", "scale", "below", "above", "row")), np.ones(CELLS))
    for one, other in zip(graph()(*given), graph(Mode(linker="py", optimizer="fast_compile"))(*given), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)
