"""Graded response in NumPy against oracles that share none of its code: exact arithmetic, integration, counting."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, getcontext
from typing import Any

import numpy as np
import pytest
from scipy import integrate
from scipy.special import expit
from scipy.stats import norm

from largesse.simulators import graded

Array = np.ndarray[Any, Any]
ANSWERS = np.array([4, 3])
CUT = np.array([[-1.2, 0.1, 1.7, -0.4, 0.9]])  # of both items, one draw
DISCRIMINATION = np.array([[1.0, 1.6]])
SD = np.array([1.3])
NODES = graded.standard_normal_nodes(61)
PATTERNS = np.array(list(itertools.product(range(4), range(3))))


def loglik(eta: float, answer: Array, nodes: tuple[Array, Array] = NODES) -> Array:
    """[pattern] log probability of answers to both items at one predictor."""
    repeated = np.full((1, len(answer)), eta)
    return graded.loglik(repeated, answer, CUT, ANSWERS, DISCRIMINATION, SD, nodes)[0]


# --- quadrature ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 21, 61, 201])
def test_nodes_integrate_polynomials_exactly(n: int) -> None:
    """Quadrature with n nodes has the moments of the standard normal up to degree 2n - 1 (here at most 39)."""
    points, weights = graded.standard_normal_nodes(n)
    for k in range(min(2 * n, 40)):
        exact = 0.0 if k % 2 else float(math.prod(range(k - 1, 0, -2)))
        size = float(weights @ np.abs(points) ** k)  # what rounding is relative to
        assert float(weights @ points**k) == pytest.approx(exact, rel=1e-13, abs=1e-13 * size)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_nodes_are_not_exact_beyond_their_degree(n: int) -> None:
    """Degree 2n is one too many: the moments above do tell a rule of too few nodes."""
    points, weights = graded.standard_normal_nodes(n)
    assert float(weights @ points ** (2 * n)) < 0.99 * math.prod(range(2 * n - 1, 0, -2))


def test_one_node_is_no_disposition() -> None:
    """One node is the point 0 with all the weight."""
    points, weights = graded.standard_normal_nodes(1)
    assert (points.tolist(), weights.tolist()) == ([0.0], [1.0])


# --- one answer ------------------------------------------------------------------------------------------------


def exact_log_interval(lower: float, upper: float) -> float:
    """log(expit(upper) - expit(lower)) in 400 decimal digits."""
    getcontext().prec = 400

    def share(x: float) -> Decimal:
        if math.isinf(x):
            return Decimal(int(x > 0))
        return 1 / (1 + (-Decimal(x)).exp())

    return float((share(upper) - share(lower)).ln())


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (-0.5, 0.7), (-np.inf, 0.3), (0.3, np.inf), (2.0, 2.001), (-40.0, -39.5), (39.5, 40.0), (-300.0, -299.0),
        (299.0, 300.0), (-np.inf, -600.0), (600.0, np.inf), (-1e-7, 1e-7), (-700.0, 700.0), (35.0, 600.0),
    ],
)  # fmt: skip
def test_log_probabilities_are_right_in_the_tails(lower: float, upper: float) -> None:
    """On either side, down to exp(-700) and to widths of 1e-7, the log probability is that of exact arithmetic."""
    found = float(graded.log_interval(np.array(lower), np.array(upper)))
    assert found == pytest.approx(exact_log_interval(lower, upper), rel=1e-9, abs=1e-300)


# --- all answers of a respondent -------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 3, 21, 61])
@pytest.mark.parametrize("eta", [-4.0, 0.0, 2.5])
def test_probabilities_of_all_patterns_sum_to_one(nodes: int, eta: float) -> None:
    """Over the 12 patterns of two items probabilities sum to 1, whatever the number of nodes."""
    found = np.exp(loglik(eta, PATTERNS, graded.standard_normal_nodes(nodes)))
    assert found.sum() == pytest.approx(1.0, rel=1e-12)


def test_the_likelihood_is_the_integral_over_dispositions() -> None:
    """Each pattern's probability is that of adaptive integration over u, its answers independent given u."""

    def given(u: float, pattern: Array, eta: float) -> float:
        p, start = norm.pdf(u), 0
        for k, n in enumerate(ANSWERS):
            below = expit(CUT[0, start : start + n - 1] - DISCRIMINATION[0, k] * (eta + SD[0] * u))
            p *= np.diff(np.concatenate([[0.0], below, [1.0]]))[pattern[k]]
            start += n - 1
        return float(p)

    for eta in (-1.5, 0.4):
        exact = [integrate.quad(given, -12, 12, args=(p, eta), epsabs=1e-13, epsrel=1e-12)[0] for p in PATTERNS]
        np.testing.assert_allclose(np.exp(loglik(eta, PATTERNS)), exact, rtol=1e-8)


def test_a_missing_answer_is_marginalised() -> None:
    """Not answered has the probability of any answer: it sums over the item's answers, and alone is 1."""
    for answered in range(4):
        whole = np.exp(loglik(0.3, np.array([[answered, c] for c in range(3)])))
        assert np.exp(loglik(0.3, np.array([[answered, -1]])))[0] == pytest.approx(whole.sum(), rel=1e-12)
    assert loglik(0.3, np.array([[-1, -1]]))[0] == pytest.approx(0.0, abs=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws are worked through in blocks to spare memory; one at a time gives the same."""
    rng = np.random.default_rng(1)
    eta, cut = rng.normal(size=(7, len(PATTERNS))), CUT + rng.normal(scale=0.01, size=(7, 1))
    arguments = (eta, PATTERNS, cut, ANSWERS, np.repeat(DISCRIMINATION, 7, axis=0), np.linspace(0.1, 2, 7), NODES)
    together = graded.loglik(*arguments)
    score = graded.score(eta, cut, ANSWERS, *arguments[4:])
    monkeypatch.setattr(graded, "BLOCK", 1)
    np.testing.assert_array_equal(graded.loglik(*arguments), together)
    np.testing.assert_array_equal(graded.score(eta, cut, ANSWERS, *arguments[4:]), score)


# --- scores and simulated answers ------------------------------------------------------------------------------


def mean_score(patterns: Array) -> Array:
    """[pattern] items averaged, the answers of each evenly spaced from 0 to 1."""
    return (patterns / (ANSWERS - 1)).mean(axis=1)


@pytest.mark.parametrize("eta", [-3.0, -0.2, 1.9])
def test_the_expected_score_is_the_mean_over_all_patterns(eta: float) -> None:
    """Enumerating every pattern with its probability gives the expected score."""
    enumerated = np.exp(loglik(eta, PATTERNS)) @ mean_score(PATTERNS)
    found = graded.score(np.array([[eta]]), CUT, ANSWERS, DISCRIMINATION, SD, NODES)
    assert float(found[0, 0]) == pytest.approx(enumerated, rel=1e-10)


def test_the_score_runs_from_least_to_most_loyal() -> None:
    """The score is 0 where everyone gives the lowest answers, 1 where everyone gives the highest, and rises between."""
    eta = np.array([[-60.0, -1.0, 0.0, 1.0, 60.0]])
    found = graded.score(eta, CUT, ANSWERS, DISCRIMINATION, SD, NODES)[0]
    assert found[[0, -1]] == pytest.approx([0.0, 1.0], abs=1e-9)
    assert (np.diff(found) > 0).all()


def test_simulated_answers_have_the_probabilities_of_the_likelihood() -> None:
    """Of 200,000 simulated people each pattern holds its share, within 5 binomial standard errors."""
    n = 200_000
    rng = np.random.default_rng(2)
    drawn = graded.draw_answers(np.full(n, 0.4), CUT[0], ANSWERS, DISCRIMINATION[0], float(SD[0]), rng)
    p = np.exp(loglik(0.4, PATTERNS))
    found = np.array([(drawn == pattern).all(axis=1).mean() for pattern in PATTERNS])
    assert (np.abs(found - p) < 5 * np.sqrt(p * (1 - p) / n)).all()
