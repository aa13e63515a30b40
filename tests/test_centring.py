"""How far to centre: the share at which an effect is free of its sd, where that is known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from largesse.centring import guess, share

Array = np.ndarray[Any, Any]

DRAWS, ELEMENTS = 4_000, 50


def slopes(sd: Array, told: float, at: float) -> Array:
    """[draw, element] derivatives of the log posterior by deviates drawn at a share.

    Normal data tell each effect with a precision. Given the sd an effect is normal, and so is the slope of its log
    density: of variance equal to its precision. A deviate is the effect over `sd ** (1 - at)`.
    """
    rng = np.random.default_rng(1)
    spread = np.sqrt(told + 1 / sd**2) * sd ** (1 - at)
    return spread[:, None] * rng.normal(size=(DRAWS, ELEMENTS))


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("sd", "told"), [(0.6, 100.0), (0.25, 16.0), (0.25, 2.0), (2.0, 0.5)])
def test_with_a_known_sd_the_share_is_that_of_the_data(sd: float, told: float, at: float) -> None:
    """What the data tell, over that and what the prior tells, wherever the run began; .02 is rounding and its noise."""
    known = np.full(DRAWS, sd)
    assert share(slopes(known, told, at), known, at) == pytest.approx(told / (told + 1 / sd**2), abs=0.02)


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_what_the_data_do_not_tell_stays_standard_deviates(at: float) -> None:
    """Draws from the prior, also of the sd: the share is 0."""
    sd = np.abs(0.3 * np.random.default_rng(2).normal(size=DRAWS))
    assert share(slopes(sd, 0.0, at), sd, at) <= 0.02


def test_an_sd_that_may_be_zero_centres_less_than_its_mean_square_would() -> None:
    """An effect that the data put near zero, with an sd of a long upper tail."""
    sd, told = 0.02 * np.exp(np.random.default_rng(3).normal(size=DRAWS)), 400.0
    ratio = told * float(np.mean(sd**2))
    assert share(slopes(sd, told, 0.5), sd, 0.5) < 0.5 * ratio / (1 + ratio)


def test_the_more_people_the_further_the_first_guess() -> None:
    """From nothing to all."""
    assert [round(guess(n), 2) for n in (0, 400, 1_000_000)] == [0.0, 0.5, 1.0]
