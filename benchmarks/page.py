"""The numbers of the benchmark, stored by part, and the table that `README.md` shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import parts
import section

SCRIPT: Final = "sbc.py"
NUMBERS: Final = Path(__file__).parent / "measured.json"
CLOCKS: Final = {"wall": "wall", "cpu": "processor"}
HEAD: Final = (
    "| model | clock | simuk, s per simulation | of it ranks | here, s per replicate | of it sampling"
    " | compiled once in, s | times faster | compiling left out |\n|---|---|---|---|---|---|---|---|---|"
)
SHARED: Final = (
    "| model | one process, s per replicate | two, s per replicate | times faster (2 is the most)"
    " | cores that one process keeps busy |\n|---|---|---|---|---|"
)


def stored() -> dict[str, Any]:
    """Part -> its numbers."""
    return parts.stored(NUMBERS)


def keep(part: str, numbers: Mapping[str, Any]) -> None:
    """Store the numbers of one part beside those of the others, and show them."""
    parts.add(NUMBERS, part, numbers)
    section.put(SCRIPT, table())


def table() -> str:
    """The stored numbers in Markdown."""
    return "\n".join(_lines(stored())) + "\n"


def _lines(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    contests = [part for part in found.values() if "ratio" in part]
    yield HEAD
    for part in contests:
        for clock, name in CLOCKS.items():
            yield _row(part, clock, name)
    yield ""
    for part in contests:
        counted = f"{part['simulations']} simulations, {part['replicates']} replicates"
        yield f"- {part['title']}: {counted}; {section.measured_on(part)}"
    if "workers" in found:
        yield f"\n{SHARED}"
        for s in found["workers"]["subjects"].values():
            yield f"| {s['title']} | {s['one']:.3g} | {s['two']:.3g} | **{s['faster']:.2f}** | {s['busy']:.2f} |"
        yield f"\n- {section.measured_on(found['workers'])}"


def _row(part: Mapping[str, Any], clock: str, name: str) -> str:
    simuk, here, once, ratio = (part[key][clock] for key in ("simuk", "here", "compilation", "ratio"))
    ranks, sampling = (part[key][clock]["mean"] for key in ("simuk_ranks", "sampling"))
    cells = (
        *(part["title"], name, f"{simuk['median']:.3g} {_spread(simuk)}", f"{ranks:.2g}"),
        *(f"{here['mean']:.3g} {_spread(here)}", f"{sampling:.2g}", f"{once['mean']:.3g}"),
        *(f"**{ratio['whole']:.1f}**", f"{ratio['compiled']:.1f}"),
    )
    return section.row(*cells)


def _spread(of: Mapping[str, float]) -> str:
    return f"({of['lowest']:.3g} to {of['highest']:.3g})"
