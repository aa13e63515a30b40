"""Provenance: what counts as a change of code, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from largesse import provenance
from largesse.provenance import meaning

SOURCE = '''"""A module."""

X = 1  # a number


def double(x: int) -> int:
    """Twice as much."""
    text = "not a docstring"
    return 2 * x


class Thing:
    """A thing."""

    name = "thing"
    """What it is called."""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Twice as much.", "Two times as much."),
        ("  # a number", ""),
        ("X = 1", "X = 1\n\n# about the next"),
        ('"""What it is called."""', '"""The name."""'),
        ("    ", "  "),
    ],
)
def test_words_and_layout_change_nothing(old: str, new: str) -> None:
    """Docstrings, comments, blank lines and indents are no part of what code means."""
    assert meaning(SOURCE.replace(old, new)) == meaning(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2 * x", "3 * x"), ("X = 1", "X = 2"), ("not a docstring", "another text"), ('name = "thing"', 'name = "other"')],
)
def test_every_change_of_code_counts(old: str, new: str) -> None:
    """A number, a name or a text that the code uses is part of what it means."""
    assert meaning(SOURCE.replace(old, new)) != meaning(SOURCE)


def test_an_indent_that_moves_a_statement_counts() -> None:
    """A statement inside a branch is not the same statement after it."""
    inside, after = "if a:\n    b\n    c\n", "if a:\n    b\nc\n"
    assert meaning(inside) != meaning(after)


def test_the_whole_package_has_one_fingerprint(repo: Path) -> None:
    """The fingerprint of the package covers every file that runs: Python, Lua, templates and styles."""
    assert provenance.code() == provenance.code()
    kinds = {p.suffix for p in (repo / "src" / "largesse").rglob("*.*")} - {".pyc"}
    assert {".py", ".lua", ".css", ".html", ".qmd", ".toml"} <= kinds
