"""In what unit effects are drawn: free of their sd where answers tell nothing, everything, and between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from largesse.centring import told, wide

Array = np.ndarray[Any, Any]

SDS: Array = np.abs(0.5 * np.random.default_rng(2).normal(size=20_000))  # an sd that may be near zero


@pytest.mark.parametrize("precision", [0.0, 1.0, 9.0, 400.0])
def test_what_is_drawn_varies_alike_whatever_the_sd_is(precision: float) -> None:
    """Were answers normal: among draws with a small sd and with a large one. Effects differ, or deviates, or both.

    Given its sd an effect then has the precision `1 / sd^2 + told`. An sd of 5,000 draws is known to 1 %.
    """
    effects = np.random.default_rng(1).normal(size=SDS.size) / np.sqrt(1 / SDS**2 + precision)

    def apart(drawn: Array) -> float:
        small, large = np.quantile(SDS, [0.25, 0.75])
        return float(drawn[large < SDS].std() / drawn[small > SDS].std())

    assert apart(wide(SDS, precision) * effects / SDS) == pytest.approx(1, abs=0.05)
    assert max(apart(effects), 1 / apart(effects / SDS)) > 1.5


def test_where_nothing_is_told_standard_deviates_are_drawn() -> None:
    """The unit is the sd."""
    assert np.all(wide(SDS, told(0)) == 1)


def test_where_everything_is_told_effects_are_drawn_in_a_fixed_unit() -> None:
    """Whatever the sd is."""
    everything, sds = told(1e12), SDS[SDS > 0.01]
    np.testing.assert_allclose(wide(sds, everything) / sds, np.sqrt(everything), rtol=1e-6)
