"""Ranks: known exactly where they can be, uniform where they must be."""

from __future__ import annotations

import numpy as np
import pytest

from largesse.ranks import THINNED, place, thinned
from largesse.uniformity import covered, detectable, holm, uniformity


def rng(seed: int = 1) -> np.random.Generator:
    """A generator of fixed seed."""
    return np.random.default_rng(seed)


def test_a_truth_between_two_draws_has_a_known_place() -> None:
    """A truth above exactly k of L draws lies in the k-th of L + 1 equal parts of [0, 1]."""
    draws = np.arange(THINNED, dtype=float)[:, None]
    for k in range(THINNED + 1):
        at = place(np.array([k - 0.5]), draws, rng(k))[0]
        assert k / (THINNED + 1) <= at < (k + 1) / (THINNED + 1)


def test_ties_are_broken_evenly() -> None:
    """A truth equal to every draw has a uniform place, not the lowest or the highest."""
    draws = np.zeros((9, 4000))
    places = place(np.zeros(4000), draws, rng())
    counts = np.histogram(places, bins=10, range=(0, 1))[0]
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400 * 0.9)  # five standard errors of a multinomial count


def test_thinning_keeps_the_ends_and_the_number() -> None:
    """Of any number of draws as many as asked for are kept, first and last among them; fewer are refused."""
    draws = np.arange(1234.0)
    kept = thinned(draws)
    assert (len(kept), kept[0], kept[-1]) == (THINNED, 0.0, 1233.0)
    assert len(set(kept)) == THINNED
    with pytest.raises(ValueError, match="98 draws"):
        thinned(np.zeros(98))


def conjugate(replicates: int, stretch: float = 1.0, *, prior: bool = False) -> dict[str, np.ndarray]:
    """Places of a normal mean and of its log-likelihood: one datum y ~ N(theta, 1), theta ~ N(0, 1), exact posterior.

    `stretch` spoils the posterior's sd; with `prior`, draws come from the prior, whatever the datum.
    """
    g = rng(20180418)
    theta = g.normal(size=replicates)
    y = theta + g.normal(size=replicates)
    mean, sd = (0 * y, 1.0) if prior else (y / 2, stretch * np.sqrt(0.5))
    draws = mean + sd * g.normal(size=(THINNED, replicates))

    def loglik(at: np.ndarray) -> np.ndarray:
        return -0.5 * (y - at) ** 2

    return {"theta": place(theta, draws, g), "loglik": place(loglik(theta), loglik(draws), g)}


def p_of(places: np.ndarray) -> float:
    """The p-value of one quantity's places."""
    return float(uniformity(places[:, None])[0])


def test_an_exact_posterior_has_uniform_places() -> None:
    """Under the conjugate posterior no quantity is red at one in a hundred."""
    assert min(holm(np.array([p_of(v) for v in conjugate(500).values()]))) > 0.01


@pytest.mark.parametrize("stretch", [0.7, 1.5])
def test_a_posterior_of_the_wrong_width_is_found(stretch: float) -> None:
    """A posterior sd off by a third or a half is red within 200 replicates."""
    assert p_of(conjugate(200, stretch)["theta"]) < 0.001


def test_a_sampler_that_returns_the_prior_is_found_by_the_likelihood_alone() -> None:
    """Prior draws rank the parameter uniformly; only the log-likelihood shows that the data were not used."""
    places = conjugate(500, prior=True)
    assert p_of(places["theta"]) > 0.01
    assert p_of(places["loglik"]) < 1e-6


def test_holm_is_bonferroni_for_the_least_and_never_decreases() -> None:
    """The least p is multiplied by their number, the next by one less, and no adjusted p falls below one before it."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).max() == 1.0


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Over 400 sets of 200 uniform places, about one in twenty is called at the level .05."""
    p = uniformity(rng(3).uniform(size=(200, 400)))
    # the test is slightly liberal for finite samples; eight in a hundred is five standard errors above .05 less that
    assert (p < 0.05).mean() < 0.05 + 5 * np.sqrt(0.05 * 0.95 / 400)


def test_coverage_is_read_off_places() -> None:
    """Of evenly spread places, exactly the share of its content lies inside a central interval."""
    places = ((np.arange(1000) + 0.5) / 1000)[:, None]
    for content in (0.5, 0.8, 0.95):
        assert abs(covered(places, content)[0] - content) <= 0.001


def test_more_replicates_find_smaller_faults() -> None:
    """What could have been found shrinks with the number of replicates, and a fault of that size is found."""
    few, many = detectable(100, 0.001), detectable(500, 0.001)
    assert few["shift"] is not None
    assert many["shift"] is not None
    assert many["shift"] < few["shift"]
    assert many["narrow"] is not None
    assert p_of(conjugate(500, many["narrow"])["theta"]) < 0.01
