"""What several studies say of the next one, against integrals that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from largesse.heterogeneity import Array, Predicted, Said, predict, said

SCALE = 0.5  # of how far studies differ
MEANS, SDS = (0.4, -0.1, 0.9), (0.15, 0.3, 0.2)  # of three studies' likelihoods of one number
R = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 1.0]])


def one(mean: float, sd: float) -> Said:
    """What a study says whose likelihood is normal, by way of its posterior under the prior of (1)."""
    precision = 1.0 + sd**-2
    return said(np.array([mean / sd**2 / precision]), np.array([[1.0 / precision]]), np.eye(1))


def by_hand(means: tuple[float, ...], sds: tuple[float, ...]) -> tuple[Array, float]:
    """The 2.5, 50 and 97.5 % quantiles of the next study's number, and the median of tau, by sums over a grid."""
    tau = (np.arange(2000) + 0.5) * 5 * SCALE / 2000
    variance = np.square(sds) + tau[:, None] ** 2
    precision = 1.0 + (1 / variance).sum(axis=1)
    mean = (np.array(means) / variance).sum(axis=1) / precision
    marginal = -0.5 * (np.log(variance) + np.square(means) / variance).sum(axis=1)
    marginal += -0.5 * np.log(precision) + 0.5 * precision * mean**2 - 0.5 * (tau / SCALE) ** 2
    weight = np.exp(marginal - marginal.max())
    weight /= weight.sum()
    x = np.linspace(-6, 6, 4001)
    below = weight @ stats.norm.cdf((x - mean[:, None]) / np.sqrt(1 / precision + tau**2)[:, None])
    return np.interp([0.025, 0.5, 0.975], below, x), float(tau[np.searchsorted(np.cumsum(weight), 0.5)])


@pytest.mark.parametrize("studies", [2, 3])
def test_one_number_of_a_few_studies_is_predicted_as_by_quadrature(studies: int) -> None:
    """The middle, both ends and tau: of 20,000 draws, a twentieth of an sd is several standard errors of an end."""
    found = predict([one(m, s) for m, s in zip(MEANS[:studies], SDS[:studies], strict=True)], np.eye(1), (1,), SCALE)
    (low, middle, high), tau = by_hand(MEANS[:studies], SDS[:studies])
    sd = (high - low) / 3.92
    assert found.mean[0] == pytest.approx(middle, abs=0.05 * sd)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(sd, rel=0.05)
    assert found.skew[0] == pytest.approx(abs((low + high) / 2 - middle) / sd, abs=0.05)
    assert found.tau[0] == pytest.approx(tau, rel=0.1)


def test_a_study_that_taught_nothing_says_nothing() -> None:
    """Its posterior is the prior; ten such studies leave the next one's numbers at the prior, widened by tau."""
    nothing = said(np.zeros(3), R, R)
    np.testing.assert_allclose(nothing.information, 0.0, atol=1e-12)
    found = predict([nothing] * 10, R, (1, 1, 1), 0.1)
    np.testing.assert_allclose(found.covariance, R + 0.01 * np.eye(3), atol=0.06)  # a few standard errors of ends


def test_a_direction_that_nothing_was_learnt_of_has_no_score() -> None:
    """A posterior wider than the prior there, by the noise of its draws, does not move what is common."""
    narrow = np.diag([0.1, 1.02])
    found = said(np.array([0.3, 0.2]), narrow, np.eye(2))
    assert found.information[1, 1] == pytest.approx(0.0, abs=1e-12)
    assert found.score[1] == pytest.approx(0.0, abs=1e-12)
    assert found.score[0] == pytest.approx(0.3 / 0.1)


def posterior(information: Array, score: Array) -> tuple[Array, Array]:
    """Mean and covariance of the prior with one likelihood."""
    covariance = np.linalg.inv(np.linalg.inv(R) + information)
    return covariance @ score, covariance


def test_what_a_study_says_is_its_likelihood() -> None:
    """A normal likelihood of three numbers, put into a posterior with the prior, is got back."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    information, score = root @ root.T + np.eye(3), rng.normal(size=3)
    found = said(*posterior(information, score), R)
    np.testing.assert_allclose(found.information, information, rtol=1e-9)
    np.testing.assert_allclose(found.score, score, rtol=1e-9)


def three(apart: float, scale: float = SCALE) -> Predicted:
    """Four studies of two numbers in a block, and of a third that they agree on."""
    means = np.array([[0.3, 0.3, 0.2]] * 4) + apart * np.outer([-1.5, -0.5, 0.5, 1.5], [1.0, 1.0, 0.0])
    covariance = np.linalg.inv(np.linalg.inv(R) + 100 * np.eye(3))
    return predict([said(m, covariance, R) for m in means], R, (2, 1), scale, draws=8000)


def test_studies_that_do_not_differ_count_as_one_large_study() -> None:
    """With no room for differences, the covariance is that of all their likelihoods and the prior once."""
    found = three(0.0, scale=1e-4)
    np.testing.assert_allclose(found.covariance, found.common, atol=0.05 * found.common.max())
    np.testing.assert_allclose(found.common, np.linalg.inv(np.linalg.inv(R) + 400 * np.eye(3)), rtol=1e-6, atol=1e-12)


def test_studies_that_differ_in_one_block_are_discounted_there_alone() -> None:
    """The farther apart, the wider the next one's numbers; those that agree stay as narrow as they were."""
    near, far = three(0.05), three(0.4)
    assert far.tau[0] > 2 * near.tau[0]
    assert far.covariance[0, 0] > 2 * near.covariance[0, 0]
    assert far.tau[1] == pytest.approx(near.tau[1], rel=0.25)


def test_as_many_of_the_next_studies_fall_within_their_intervals_as_should() -> None:
    """Studies drawn from (1) to (3), tau from its prior: of 200 next ones about 190 lie within their 95 % interval.

    The bounds are those of a binomial that 99 % of runs keep; the interval's ends are those of the normal that is told.
    """
    rng, inside = np.random.default_rng(7), 0
    for _ in range(200):
        tau = abs(rng.normal(0, SCALE))
        theta = rng.normal() + tau * rng.normal(size=4)
        found = predict([one(t + 0.2 * rng.normal(), 0.2) for t in theta[:3]], np.eye(1), (1,), SCALE, draws=400)
        inside += abs(theta[3] - found.mean[0]) < 1.96 * np.sqrt(found.covariance[0, 0])
    assert stats.binom.ppf(0.005, 200, 0.95) <= inside <= stats.binom.ppf(0.995, 200, 0.95)
