"""What effects are measured from: found where it is known exactly, and draws are then free of the sd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from largesse.centring import CAUTION, guess, place, unit, weight

Array = np.ndarray[Any, Any]

DRAWS, ELEMENTS = 4_000, 50


def effects(sd: Array, told: float, towards: Array) -> Array:
    """[draw, element] of an effect given its sd, were answers normal: normal answers of precision `told`."""
    rng = np.random.default_rng(1)
    deviates = rng.normal(size=(len(sd), len(towards)))
    return weight(sd, told)[:, None] * towards + unit(sd, told)[:, None] * deviates


def sds(scale: float) -> Array:
    """[draw] of an sd that may be near zero."""
    return np.abs(scale * np.random.default_rng(2).normal(size=DRAWS))


def slopes(sd: Array, told: float, at: float) -> Array:
    """[draw, element] derivatives of the log posterior by deviates that were measured with the precision `at`.

    Given its sd an effect is normal, and so is the slope of its log density: of variance equal to its precision.
    """
    spread = np.sqrt(told + 1 / sd**2) * unit(sd, at)
    return np.asarray(spread[:, None] * np.random.default_rng(5).normal(size=(len(sd), ELEMENTS)))


@pytest.mark.parametrize("at", [0.0, 8.0, 1e4])
@pytest.mark.parametrize(("scale", "told"), [(0.6, 100.0), (0.25, 16.0), (2.0, 0.5), (0.5, 1e6)])
def test_normal_answers_are_found_again(scale: float, told: float, at: float) -> None:
    """Half their precision, whatever the run was measured with; their places, within 5 standard errors.

    The precision is a mean of 200,000 squares of normals with weights that are squares of a half-normal: 1 %.
    """
    towards = np.random.default_rng(3).normal(size=ELEMENTS)
    sd = sds(scale)
    found = place(effects(sd, told, towards), slopes(sd, told, at), sd, at)
    assert found.told == pytest.approx(CAUTION * told, rel=0.05)


@pytest.mark.parametrize("told", [0.5, 20.0, 1e6])
def test_effects_are_measured_from_where_the_answers_put_them(told: float) -> None:
    """Were their whole precision counted; five standard errors of what draws with such sds tell of it."""
    towards = np.random.default_rng(3).normal(size=ELEMENTS)
    sd = sds(0.6)
    found = place(effects(sd, told, towards), slopes(sd, told / CAUTION, 1.0), sd, 1.0)
    error = 1 / np.sqrt(np.sum((weight(sd, told) / unit(sd, told)) ** 2))
    assert np.max(np.abs(found.towards - towards)) < 5 * error


def test_what_the_answers_do_not_tell_stays_standard_deviates() -> None:
    """Draws from the prior: next to no weight is given to any place, and the unit is the sd."""
    sd = sds(0.3)
    found = place(effects(sd, 0.0, np.zeros(ELEMENTS)), slopes(sd, 0.0, 3.0), sd, 3.0)
    assert weight(0.3, found.told) < 0.01
    assert np.isfinite(found.towards).all()


def test_measured_from_there_deviates_are_standard_whatever_the_sd() -> None:
    """Among draws with a small sd and with a large one their mean is 0 and their sd 1; effects themselves differ."""
    towards = np.random.default_rng(4).normal(size=ELEMENTS)
    sd, told = sds(0.5), 9.0
    drawn = effects(sd, told, towards)
    found = place(drawn, slopes(sd, told / CAUTION, 1.0), sd, 1.0)
    z = (drawn - weight(sd, found.told)[:, None] * found.towards) / unit(sd, found.told)[:, None]
    parts = (sd < np.quantile(sd, 0.25), sd > np.quantile(sd, 0.75))
    for part in parts:
        assert np.max(np.abs(z[part].mean(axis=0))) < 5 / np.sqrt(part.sum())
        assert z[part].std() == pytest.approx(1, abs=0.05)
    small, large = (drawn[part].std() for part in parts)
    assert small < 0.5 * large


def test_the_more_people_the_more_is_told_at_first() -> None:
    """From nothing on, and nothing is put anywhere."""
    told = [guess(people, (2,)).told for people in (0, 400, 1_000_000)]
    assert told[0] == 0
    assert np.all(np.diff(told) > 0)
    assert not guess(50, (3, 2)).towards.any()
