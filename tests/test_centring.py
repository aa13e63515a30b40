"""How far to centre: the share at which an effect is free of its sd, where that is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from largesse.centring import share

DRAWS, ELEMENTS = 4_000, 50


def posterior(sd: float, told: float) -> np.ndarray:
    """[draw, element] of normal effects with a known sd, of which normal data tell each with a precision."""
    rng = np.random.default_rng(1)
    precision = told + 1 / sd**2
    at = sd * rng.normal(size=ELEMENTS)
    return at + rng.normal(size=(DRAWS, ELEMENTS)) / np.sqrt(precision)


@pytest.mark.parametrize(("sd", "told"), [(0.6, 100.0), (0.25, 16.0), (0.25, 2.0), (2.0, 0.5)])
def test_with_a_known_sd_the_share_is_that_of_the_data(sd: float, told: float) -> None:
    """What the data tell, over that and what the prior tells; .02 is rounding and the noise of 4,000 draws of 50."""
    assert share(posterior(sd, told), np.full(DRAWS, sd)) == pytest.approx(told / (told + 1 / sd**2), abs=0.02)


def test_what_the_data_do_not_tell_stays_standard_deviates() -> None:
    """Draws from the prior, with an sd that is unknown, too: the share is 0."""
    rng = np.random.default_rng(2)
    sd = np.abs(0.3 * rng.normal(size=DRAWS))
    assert share(sd[:, None] * rng.normal(size=(DRAWS, ELEMENTS)), sd) <= 0.02


def test_an_sd_that_may_be_zero_centres_less_than_its_mean_square_would() -> None:
    """An effect that the data put near zero, with an sd of a long upper tail."""
    rng = np.random.default_rng(3)
    sd = 0.02 * np.exp(rng.normal(size=DRAWS))
    told = 400.0
    effect = rng.normal(size=(DRAWS, ELEMENTS)) / np.sqrt(told + 1 / sd[:, None] ** 2)
    ratio = told * float(np.mean(sd**2))
    assert share(effect, sd) < ratio / (1 + ratio)
