"""The band of a certificate's picture holds what chance alone makes, and lets a fault out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from largesse.figures.band import band, difference, grid, spread
from largesse.seeds import generator

SAMPLES = 1000


def inside(places: np.ndarray, bins: int, level: float) -> bool:
    """Whether the line of some places stays within the band everywhere."""
    lower, upper = band(len(places), bins, level)
    line = difference(places, bins)
    return bool(((line >= lower - 1e-9) & (line <= upper + 1e-9)).all())


@pytest.mark.parametrize(("replicates", "bins"), [(100, 50), (500, 50), (500, 20)])
def test_the_band_holds_nineteen_of_twenty_uniform_samples(replicates: int, bins: int) -> None:
    """Simulated afresh, about 95 % of lines stay within.

    Of 1,000 right lines fewer than 925 stay within once in a thousand times. A cdf takes steps, so that a band may hold
    somewhat more than it should: up to 2 points at so few edges.
    """
    rng = generator(11, "band", replicates, bins)
    held = sum(inside(rng.random(replicates), bins, 0.95) for _ in range(SAMPLES))
    assert binom.ppf(0.001, SAMPLES, 0.95) <= held <= binom.ppf(0.999, SAMPLES, 0.97)


def test_the_band_of_many_quantities_lets_a_right_one_out_as_seldom_as_it_says() -> None:
    """At a level of .999, beyond what is simulated, some 5 of 5,000 lines leave; more than 14 would be one in 5,000."""
    rng = generator(12, "band")
    outside = sum(not inside(rng.random(200), 50, 0.999) for _ in range(5 * SAMPLES))
    assert outside <= 14


def test_posteriors_that_are_shifted_leave_the_band() -> None:
    """Places under posteriors shifted by half an sd leave even the band of 65 quantities, at 500 replicates."""
    z = generator(13, "band").normal(size=500)
    assert inside(norm.cdf(z), 50, 0.95)
    assert not inside(norm.cdf(z + 0.5), 50, 1 - 0.01 / 65)


def test_a_higher_level_is_a_wider_band() -> None:
    """Bands lie in one another, and all end in nought where every place is counted."""
    inner, middle, outer = (band(500, 50, level) for level in (0.95, 0.99, 1 - 0.01 / 65))
    for (low, high), (lower, higher) in ((inner, middle), (middle, outer)):
        assert (lower <= low).all()
        assert (higher >= high).all()
        assert (lower[0], lower[-1], higher[0], higher[-1]) == (0, 0, 0, 0)
    assert outer[1].max() < 1.8 * inner[1].max()


def test_counts_in_bins_give_the_cdf_at_their_edges() -> None:
    """What a page keeps of a certificate, counts, draws the same line as the places themselves."""
    places = generator(14, "band").random(300)
    counts, edges = np.histogram(places, bins=20, range=(0, 1))
    assert np.allclose(edges, grid(20))
    assert difference(spread(counts.tolist()), 20) == pytest.approx(difference(places, 20), abs=1e-12)
