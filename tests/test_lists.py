"""List experiments without a model: published results are reproduced, and tests of the design hold their level."""

from __future__ import annotations

import numpy as np
import pytest

from largesse.lists import LEVEL, Counts

# Blair & Imai 2012 (Political Analysis 20:47-77), 1991 National Race and Politics Survey: people by count; J = 3.
CONTROL = {"other": (5, 92, 159, 186), "south": (3, 40, 63, 41)}
RACE = {"other": (15, 96, 174, 181, 20), "south": (4, 27, 55, 38, 14)}
AFFIRMATIVE = {"other": (8, 58, 135, 143, 94), "south": (1, 20, 37, 41, 45)}


def published(treated: dict[str, tuple[int, ...]], *regions: str) -> Counts:
    """The counts of a published experiment, in some of its regions."""
    return Counts(*(np.sum([arm[r] for r in regions], axis=0).astype(float) for arm in (CONTROL, treated)))


def drawn(share: float, control: tuple[float, ...], n: int, rng: np.random.Generator) -> Counts:
    """Counts of an honest experiment in which support does not go with the control items."""
    y = np.convolve(control, (1 - share, share))
    return Counts(rng.multinomial(n, control).astype(float), rng.multinomial(n, y).astype(float))


@pytest.mark.parametrize(
    ("treated", "regions", "mean", "se"),
    [
        (RACE, ("other", "south"), 0.0678, 0.0496),
        (RACE, ("south",), 0.2587, 0.1058),
        (RACE, ("other",), 0.0054, 0.0560),
        (AFFIRMATIVE, ("other", "south"), 0.4947, 0.0543),
    ],
)
def test_published_differences_in_means_to_four_digits(
    treated: dict[str, tuple[int, ...]], regions: tuple[str, ...], mean: float, se: float
) -> None:
    """Mean and standard error as Blair & Imai 2012 have them."""
    found = published(treated, *regions).difference()
    assert (round(found.mean, 4), round(found.se, 4)) == (mean, se)


def test_the_published_table_of_types_has_its_negative_cell() -> None:
    """pi(y, 1) of the race item; all shares of people add up to one."""
    found = published(RACE, "other", "south").types()
    assert found.share[0].round(4).tolist() == [-0.0169, 0.0101, 0.0200, 0.0545]
    assert found.share.sum() == pytest.approx(1)
    assert found.share[0].sum() == pytest.approx(published(RACE, "other", "south").difference().mean)


def test_the_design_test_speaks_where_it_was_published_to_speak_and_nowhere_else() -> None:
    """The race item is refused at 5 %, with p = .044; the affirmative action item is not.

    With every cell held at zero the race item stands: the published test looks at cells that came out negative alone.
    """
    race, affirmative = (published(t, "other", "south").held(np.random.default_rng(1)) for t in (RACE, AFFIRMATIVE))
    assert race.p == pytest.approx(0.044, abs=5e-4)
    assert race.cautious > LEVEL
    assert race.bayes < 1 < affirmative.bayes
    assert affirmative.p > 0.5


def test_an_honest_list_is_seldom_refused() -> None:
    """At the edge of what is allowed (nobody supports) the cautious test refuses one in twenty at most.

    Of 200 experiments at a level of 5 % more than 19 refusals would come up once in 350 times.
    """
    rng = np.random.default_rng(20261126)
    found = [drawn(0.0, (0.1, 0.3, 0.4, 0.2), 400, rng).held(rng) for _ in range(200)]
    assert sum(held.cautious < LEVEL for held in found) <= 19
    assert all(held.p <= held.cautious + 0.03 for held in found)  # weights are drawn: each is known to .008


def test_people_who_shun_the_longer_list_are_found_out() -> None:
    """Where everyone shown the longer list leaves out one control item, the design is refused."""
    rng = np.random.default_rng(3)
    honest = drawn(0.3, (0.1, 0.3, 0.4, 0.2), 1000, rng)
    deflated = Counts(honest.control, np.append(honest.treated[1:], 0.0) + np.eye(5)[0] * honest.treated[0])
    found = deflated.held(rng)
    assert found.p < 0.001
    assert found.bayes < 0.01


def test_the_detectable_prevalence_is_found_four_times_in_five() -> None:
    """Of 500 experiments at that prevalence a test of 5 % finds it in 80 %, give or take three standard errors."""
    rng = np.random.default_rng(8)
    control = (0.1, 0.3, 0.4, 0.2)
    at = drawn(0.2, control, 500, rng).difference().detectable
    found = [drawn(at, control, 500, rng).difference() for _ in range(500)]
    power = np.mean([f.mean > 1.96 * f.se for f in found])
    assert abs(power - 0.8) < 3 * np.sqrt(0.8 * 0.2 / 500)


def test_counts_are_read_from_answers_of_both_lists() -> None:
    """Answers 0 to J are of the control list, J + 1 to 2 J + 2 of the longer; who gave none is left out."""
    found = Counts.of(np.array([0, 2, 3, 6, -1]), np.array([4, 1, 2, 3, 9]), 2)
    assert found.control.tolist() == [4, 0, 1]
    assert found.treated.tolist() == [2, 0, 0, 3]
    assert found.ends() == {"floor": 0.8, "ceiling": 0.2, "none": 0.4, "all": 0.6}
