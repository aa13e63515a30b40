"""An answer that nothing moves: its value against the operation with one node, its derivatives against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy.special import expit

from largesse.models import alone, disposition, graded

Array = np.ndarray[Any, Any]

CELLS, ANSWERS = 200, 4
STEP = 1e-5  # central differences then err by about 1e-10 of the third derivative


@pytest.fixture(scope="module")
def asked() -> dict[str, Array]:
    """Answers of every kind to one question, some missing."""
    rng = np.random.default_rng(3)
    bound = np.concatenate([[-graded.FAR], np.sort(rng.normal(size=ANSWERS - 1)), [graded.FAR]])
    answer = rng.integers(-1, ANSWERS, CELLS)
    edges = graded.boundaries(answer[:, None], np.array([ANSWERS]))
    return {"x": 2 * rng.normal(size=CELLS), "bound": bound, "answer": answer} | {n: e[:, 0] for n, e in edges.items()}


def test_the_value_is_the_probability_between_the_boundaries(asked: dict[str, Array]) -> None:
    """Cell by cell to twelve digits, and exactly 0 where nothing was answered."""
    value, *_ = alone.alone(asked["x"], asked["below"], asked["above"], asked["bound"])
    high, low = (expit(asked["bound"][asked[edge]] - asked["x"]) for edge in ("above", "below"))
    np.testing.assert_allclose(value, np.log(high - low), rtol=0, atol=1e-12)
    assert (value[asked["answer"] < 0] == 0).all()


def test_it_is_the_disposition_with_a_single_node(asked: dict[str, Array]) -> None:
    """Value and derivatives of the operation that sums over nodes, at the node 0 with weight 1."""
    one = disposition.Asked(*(asked[n][None] for n in ("x", "below", "above")), asked["bound"],
                            np.zeros((1, CELLS), "int32"), np.zeros(1))  # fmt: skip
    value, *slopes, _ = disposition.summed(one, np.zeros(1), np.ones(1))
    found = alone.alone(asked["x"], asked["below"], asked["above"], asked["bound"])
    for ours, theirs in zip(found, (value, *(s[0] for s in slopes)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)


def test_its_gradients_are_those_of_differences(asked: dict[str, Array]) -> None:
    """By the predictor and by the inner boundaries, the sum weighted by cell; in Python and compiled alike."""
    x, bound, by_cell = pt.dvector("x"), pt.dvector("bound"), np.random.default_rng(4).gamma(2.0, size=CELLS)
    value = alone.answered(x, asked["below"], asked["above"], bound)[0]
    total = (by_cell * value).sum()
    compiled = pytensor.function([x, bound], [total, *pytensor.grad(total, [x, bound])])
    at = asked["x"], asked["bound"]
    _, by_x, by_bound = compiled(*at)
    for i in (0, 7, CELLS - 1):
        step = STEP * (np.arange(CELLS) == i)
        numeric = (compiled(at[0] + step, at[1])[0] - compiled(at[0] - step, at[1])[0]) / (2 * STEP)
        assert by_x[i] == pytest.approx(numeric, abs=1e-7)
    for c in range(1, ANSWERS):
        step = STEP * (np.arange(ANSWERS + 1) == c)
        numeric = (compiled(at[0], at[1] + step)[0] - compiled(at[0], at[1] - step)[0]) / (2 * STEP)
        assert by_bound[c] == pytest.approx(numeric, abs=1e-7)
