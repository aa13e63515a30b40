"""What can be wrong with an input, said once: file, key or column, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one input.

    Attributes
    ----------
    where : file (as the user named it) or the object at fault.
    key : column, TOML key or parameter; empty when the whole file is at fault.
    found : what was there, quoted and never a respondent's own words in full.
    expected : what would have been right.
    """

    where: str
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = f"{self.where}, {self.key}" if self.key else self.where
        return f"{place}: found {self.found}; expected {self.expected}"


class LargesseError(Exception):
    """Every error this package raises on purpose."""


class InputError(LargesseError):
    """An input is wrong; carries every :class:`Problem` that was found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)  # as given, so that the error survives the way back from a worker process

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    @classmethod
    def one(cls, where: object, key: str, found: str, expected: str) -> InputError:
        """The error for a single problem."""
        return cls([Problem(str(where), key, found, expected)])


class StaleError(LargesseError):
    """A stored artefact was not made from the inputs at hand."""
