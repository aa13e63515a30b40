"""Seeds: one root, and a branch for each use that nothing else can move."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np

from largesse.seeds import branch, generator, integer

ROOT = 20171012


def test_a_branch_is_always_the_same() -> None:
    """The same root and names give the same numbers, in any order of asking and whatever was drawn between."""
    names = [("fit", "loyalty"), ("fit", "market"), ("simulate",)]
    first = {n: generator(ROOT, *n).normal(size=3).tolist() for n in names}
    for order in permutations(names):
        assert {n: generator(ROOT, *n).normal(size=3).tolist() for n in order} == first


def test_the_global_state_is_left_alone() -> None:
    """A branch neither reads nor moves NumPy's global generator."""
    np.random.seed(1)  # noqa: NPY002 (the state that must not matter)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (the same)
    one = integer(ROOT, "fit")
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 (the same)
    np.random.seed(2)  # noqa: NPY002 (the same)
    assert integer(ROOT, "fit") == one


def test_branches_differ() -> None:
    """Another root, another name, another order of names or another depth is another branch."""
    uses = [
        (),
        ("a",),
        ("b",),
        ("a", "b"),
        ("b", "a"),
        ("ab",),
        ("a", "b", "c"),
        ("a", "bc"),
        ("a", 1),
        ("a", 2),
        ("",),
    ]
    seeds = [tuple(branch(root, *names).generate_state(4).tolist()) for root in (ROOT, ROOT + 1, 0) for names in uses]
    assert len(set(seeds)) == len(seeds)


def test_replicates_have_a_branch_each() -> None:
    """Two thousand replicates have as many seeds, which look uniform: no replicate repeats another by its number."""
    numbers = np.array([integer(ROOT, "replicate", i) for i in range(2_000)])
    assert len(set(numbers.tolist())) == len(numbers)
    counts = np.histogram(numbers, bins=20, range=(0, 2**32))[0]
    # chi-square with 19 degrees of freedom: mean 19, sd 6.2; a bound five sds up for a seed that is fixed
    assert ((counts - 100) ** 2 / 100).sum() < 50


def test_branches_are_independent() -> None:
    """Neighbouring branches are uncorrelated: over 200 pairs of 1,000 draws, correlations are 1 / sqrt(1000) wide."""
    draws = np.array([generator(ROOT, "replicate", i).normal(size=1_000) for i in range(201)])
    pairs = np.array([np.corrcoef(a, b)[0, 1] for a, b in pairwise(draws)])
    width = pairs.std() * np.sqrt(1_000)
    assert abs(width - 1) < 5 / np.sqrt(2 * 200)  # five standard errors of a standard deviation from 200 values
    assert abs(pairs.mean()) < 5 / np.sqrt(1_000 * 200)


def test_a_name_is_its_text() -> None:
    """A number and its text name the same branch; any text may be a name."""
    assert integer(ROOT, 1) == integer(ROOT, "1")
    assert integer(ROOT, "혜산") != integer(ROOT, "혜신")


def test_an_engine_seed_has_32_bits() -> None:
    """Engines take a whole number from 0 to 2**32 - 1."""
    numbers = [integer(root, "fit") for root in range(200)]
    assert all(isinstance(n, int) and 0 <= n < 2**32 for n in numbers)
    assert max(numbers) > 2**31  # all below happens by chance with odds of 1 in 2**200
