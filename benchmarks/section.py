"""A part of `README.md` that a script writes: what it measured stands between two marks of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from largesse.store import atomic

PAGE: Final = Path(__file__).parent / "README.md"


def marks(script: str) -> tuple[str, str]:
    """What stands before and after the part of a script."""
    return f"<!-- measured: written by {script} -->\n\n", f"\n<!-- end of {script} -->"


def put(script: str, table: str) -> None:
    """Write `table` between the marks of a script.

    Errors
    ------
    ValueError
        when the page has no such marks.
    """
    opening, closing = marks(script)
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended):
        raise ValueError(f"{PAGE.name} has no place for {script}")
    with atomic(PAGE) as part:
        part.write_text(f"{before}{opening}{table}{closing}{after}", encoding="utf-8")


def shown(script: str) -> str:
    """What stands between the marks of a script."""
    opening, closing = marks(script)
    return PAGE.read_text(encoding="utf-8").partition(opening)[2].partition(closing)[0]


def row(*cells: str) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def measured_on(part: Mapping[str, Any]) -> str:
    """The machine and the versions behind stored numbers, in words."""
    m, engines = part["machine"], part.get("engines", {})
    versions = "".join(f"; {name} {number}" for name, number in engines.items())
    return (
        f"{m['usable']} of {m['cores']} cores of an {m['processor']}, {m['busy']} processes running on the machine"
        f" when it began{versions}"
    )
