"""In what unit effects are drawn: free of their sd where answers tell nothing, where they tell everything, and between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from largesse.centring import told, wide

Array = np.ndarray[Any, Any]

SDS: Array = np.abs(0.5 * np.random.default_rng(2).normal(size=20_000))  # an sd that may be near zero


@pytest.mark.parametrize("precision", [0.0, 1.0, 9.0, 400.0])
def test_what_is_drawn_varies_alike_whatever_the_sd_is(precision: float) -> None:
    """Were answers normal: among draws with a small sd and with a large one, while effects, or deviates, differ.

    Given its sd an effect then has the precision `1 / sd^2 + told`. An sd of thousands of draws is known to 2 %.
    """
    effects = np.random.default_rng(1).normal(size=SDS.size) / np.sqrt(1 / SDS**2 + precision)
    drawn = wide(SDS, precision) * effects / SDS
    small, large = (part for part in (np.quantile(SDS, 0.25) > SDS, np.quantile(SDS, 0.75) < SDS))
    assert drawn[small].std() == pytest.approx(drawn[large].std(), rel=0.05)
    others = (effects / SDS) if precision == 400 else effects
    assert not others[small].std() == pytest.approx(others[large].std(), rel=0.4)


def test_where_nothing_is_told_standard_deviates_are_drawn() -> None:
    """The unit is the sd."""
    assert np.all(wide(SDS, told(0)) == 1)


def test_where_everything_is_told_effects_are_drawn_in_a_fixed_unit() -> None:
    """Whatever the sd is."""
    everything = told(1e12)
    np.testing.assert_allclose(wide(SDS, everything) / SDS, np.sqrt(everything), rtol=1e-3)
