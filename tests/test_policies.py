"""Policies: a share of receivers, and whether it was ever seen."""

from __future__ import annotations

import pytest

from largesse.policies import Lottery

OBSERVED = (0.12, 0.43)


@pytest.mark.parametrize("coverage", [0.12, 0.3, 0.43, 0.43 + 1e-15, 0.12 - 1e-15])
def test_a_coverage_between_those_observed_was_seen(coverage: float) -> None:
    """The ends of the observed range belong to it, rounding or no rounding."""
    assert Lottery(coverage).extrapolates(OBSERVED) == ""


@pytest.mark.parametrize("coverage", [0.0, 0.119, 0.44, 1.0])
def test_a_coverage_beyond_those_observed_says_which(coverage: float) -> None:
    """Gifts for nobody, or for everyone, were never seen: the label names the coverage and the range."""
    said = Lottery(coverage).extrapolates(OBSERVED)
    for number in (f"{coverage:.0%}", "12%", "43%"):
        assert number in said
