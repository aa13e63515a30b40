"""Associations by hand: ranks with ties, within arms and offices, and how far is far."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import spearmanr

from largesse.associations import Answers, furthest, rank_correlation, style, together, with_gift


def answers(
    codes: Mapping[str, list[int]], gift: list[int], office: list[int] | None = None, times: int = 1
) -> Answers:
    """Answers by hand, everyone there `times` over."""
    each = {name: np.repeat(values, times) for name, values in codes.items()}
    sizes = {name: max(values) + 1 for name, values in codes.items()}
    return Answers(each, sizes, np.repeat(gift, times), np.repeat(office or [0] * len(gift), times))


def test_a_rank_correlation_is_spearman_s() -> None:
    """From counts as from people, ties at their midranks."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 4, 200)
    second = np.minimum(first + rng.integers(0, 3, 200), 4)
    counts = np.bincount(first * 5 + second, minlength=20).reshape(4, 5)
    assert rank_correlation(counts) == pytest.approx(spearmanr(first, second).statistic, rel=1e-12)


def test_answers_that_go_together_perfectly_have_correlation_one_and_a_constant_none() -> None:
    """By hand: the diagonal is 1, the other diagonal -1, and what does not vary goes with nothing."""
    assert rank_correlation(np.diag([3, 5, 2])) == pytest.approx(1.0)
    assert rank_correlation(np.diag([3, 5, 2])[:, ::-1]) == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(np.array([[4, 6], [0, 0]])))


def test_arms_are_looked_at_apart_and_small_ones_not_at_all() -> None:
    """Answers that agree without a gift and oppose each other with one; of 29 people nothing is said."""
    made = answers({"a": [0, 1, 0, 1], "b": [0, 1, 1, 0]}, [0, 0, 1, 1], times=15)
    assert together(made) == pytest.approx({("a", "b", "0"): 1.0, ("a", "b", "1"): -1.0})
    fewer = Answers({n: v[1:] for n, v in made.codes.items()}, made.sizes, made.gift[1:], made.office[1:])
    assert set(together(fewer)) == {("a", "b", "1")}


def test_the_silent_count_for_no_pair_that_they_are_silent_on() -> None:
    """Who skipped one item stays in the pairs of the others."""
    made = answers({"a": [0, 1, 1, 0], "b": [0, 1, -1, -1], "c": [0, 1, 1, 0]}, [0, 0, 0, 0], times=15)
    found = together(made)
    assert found == pytest.approx(dict.fromkeys([("a", "b", "0"), ("a", "c", "0"), ("b", "c", "0")], 1.0))


def test_what_offices_differ_in_is_no_association_with_the_gift() -> None:
    """The loyal office gives more, but within each office receivers answer as others do."""
    made = answers({"b": [1, 1, 1, 0, 0, 0]}, [1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 1, 1], times=10)
    assert with_gift(made, ("b",)) == {}  # answers do not vary within offices
    varied = answers({"b": [1, 0, 1, 0, 1, 0, 1, 0]}, [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1, 1, 1], times=10)
    offices = [((1, 1), (0, 1), (1, 1), (1, 0)), ((0, 1), (0, 0), (1, 0), (0, 0))]
    centred = np.concatenate([np.array(o, dtype=float) - np.mean(o, axis=0) for o in offices])
    assert with_gift(varied, ("b",))[("b",)] == pytest.approx(np.corrcoef(centred.T)[0, 1])


def test_those_who_answer_all_alike_are_counted_on_the_scale_of_each_item() -> None:
    """The top of three answers and the top of two are alike; one of four such people is a quarter."""
    made = answers({"a": [2, 0, 1, 2], "b": [1, 1, 0, 0]}, [0] * 4, times=10)
    found = style(made, ("a", "b"))
    assert np.sin(found["alike", "0"]) ** 2 == pytest.approx(0.25)
    assert found["spread", "0"] == pytest.approx(np.std([0, 1, 0.5, 1]))
    assert style(made, ("a",)) == {}


def test_the_furthest_statistic_pays_for_all_that_were_looked_at() -> None:
    """Two statistics: the tail of the further one, twice; what was drawn around its mean is not far."""
    values = np.random.default_rng(2).normal(size=400)
    drawn = [{("x",): v, ("y",): v} for v in values]
    found = furthest({("x",): float(values.mean()), ("y",): 3.0}, drawn)
    assert found is not None
    assert found.key == ("y",)
    assert found.distance == pytest.approx(3.0, rel=0.1)
    alone = furthest({("y",): 3.0}, drawn)
    assert alone is not None
    assert found.probability == pytest.approx(2 * alone.probability)
    assert furthest({}, drawn) is None
