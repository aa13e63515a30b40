"""Errors: all problems at once, each on one line, and intact when they cross between processes."""

from __future__ import annotations

import pickle

from largesse.errors import InputError, LargesseError, Problem, StaleError

PROBLEM = Problem("survey.csv", "column 'gift'", "the answer '2'", "0 or 1")


def test_a_problem_is_one_sentence() -> None:
    """A problem names file, place, what was found and what was expected; a whole file at fault has no place."""
    assert str(PROBLEM) == "survey.csv, column 'gift': found the answer '2'; expected 0 or 1"
    assert str(Problem("survey.csv", "", "no such file", "a file")) == "survey.csv: found no such file; expected a file"


def test_an_error_carries_every_problem() -> None:
    """An error has a line for each problem, in the order they were found."""
    other = Problem("districts.csv", "column 'x'", "words", "numbers")
    error = InputError(problem for problem in (PROBLEM, other))
    assert error.problems == (PROBLEM, other)
    assert str(error) == f"{PROBLEM}\n{other}"


def test_one_problem_is_an_error() -> None:
    """The error for a single problem is that problem."""
    assert InputError.one("survey.csv", "column 'gift'", "the answer '2'", "0 or 1").problems == (PROBLEM,)


def test_an_error_survives_the_way_from_a_worker() -> None:
    """An error raised in another process arrives with its problems."""
    arrived = pickle.loads(pickle.dumps(InputError([PROBLEM])))  # noqa: S301 (our own bytes)
    assert arrived.problems == (PROBLEM,)
    assert str(arrived) == str(PROBLEM)


def test_every_error_is_of_the_package() -> None:
    """Who catches `LargesseError` catches all that the package raises on purpose."""
    assert issubclass(InputError, LargesseError)
    assert issubclass(StaleError, LargesseError)
