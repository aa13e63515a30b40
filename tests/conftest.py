"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import toys


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def toy() -> toys.Toy:
    """A made-up survey of 240 respondents that informs every term of every model; see `toys.Toy` for what it holds.

    6 districts, 2 waves, items of 5, 4 and 3 answers (some refused), 6 market bands; songbun (a modifier), household.
    """
    return toys.make()
