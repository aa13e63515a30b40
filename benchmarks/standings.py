"""What `peers.py` measured, stored by part, and the table and the picture that `README.md` shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import parts as kept
from section import measured_on, put, row
from worker import TITLES

from largesse.figures.canvas import WIDTH, above, blank
from largesse.figures.style import BLUE, INK, MUTED, ORANGE, VERMILLION, Picture, styled
from largesse.store import atomic

HERE: Final = Path(__file__).parent
SCRIPT, NUMBERS, PICTURE = "peers.py", HERE / "peers.json", HERE / "peers.svg"
HEAD: Final = (
    "| survey | side | effective draws per second | here, times as many | fewest effective draws | sampling, s"
    " | compiled in, s | first result after, s |\n|---|---|---|---|---|---|---|---|"
)
WHY: Final = (
    "| survey | side | µs per gradient | gradients per draw | gradients per effective draw | of these two, here"
    " times as many | depth of trees | divergent draws |\n|---|---|---|---|---|---|---|---|"
)
GROWN: Final = (
    "| side | rows | sampling, s | µs per gradient | effective draws per second | compiled in, s |"
    "\n|---|---|---|---|---|---|"
)
LOOKS: Final = {
    "here": (BLUE, "o"),
    "pymc": (VERMILLION, "s"),
    "bambi": (ORANGE, "D"),
    "brms": (MUTED, "^"),
}


def stored() -> dict[str, Any]:
    """Part -> its numbers."""
    return kept.stored(NUMBERS)


def keep(part: str, numbers: Mapping[str, Any]) -> None:
    """Store the numbers of one part beside those of the others, and show them."""
    kept.add(NUMBERS, part, numbers)
    write()


def write() -> None:
    """Write the table between the marks of the page, and the picture beside it."""
    put(SCRIPT, table())
    if contests(stored()):
        with atomic(PICTURE) as part:
            part.write_bytes(picture(stored()).svg())


def contests(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts that have sides, small surveys first, one item before three."""
    return sorted((p for p in parts.values() if "sides" in p), key=lambda p: (p["items"], p["rows"]))


def table() -> str:
    """The stored numbers in Markdown."""
    return "\n".join(_lines(stored())) + "\n"


def _lines(parts: Mapping[str, Any]) -> Iterator[str]:
    ordered = contests(parts)
    yield HEAD
    yield from (row for part in ordered for row in _rows(part))
    yield f"\n{WHY}"
    yield from (_why(part, key) for part in ordered for key in _sides(part))
    if "growth" in parts:
        yield f"\n{GROWN}"
        yield from _grown(parts["growth"])
    if ordered:
        yield f"\n![{picture(parts).alt}]({PICTURE.name})"
    yield ""
    for part in [*ordered, *(p for k, p in parts.items() if k == "growth")]:
        yield f"- {_told(part)}"


def _sides(part: Mapping[str, Any]) -> list[str]:
    return [key for key in TITLES if key in part["sides"]]


def _rows(part: Mapping[str, Any]) -> Iterator[str]:
    here = part["sides"].get("here")
    for key in _sides(part):
        s = part["sides"][key]
        times = f"**{here['speed']['median'] / s['speed']['median']:.2g}**" if here and key != "here" else ""
        yield row(
            *(part["title"], TITLES[key], _spread(s["speed"]), times, _spread(s["ess"])),
            *(_spread(s["seconds"]), f"{s['compilation']:.3g}", f"{s['first']:.3g}"),
        )
    for key, why in part["left_out"].items():
        yield row(part["title"], TITLES[key], why, *[""] * 5)


def _why(part: Mapping[str, Any], key: str) -> str:
    """What a draw cost; and how many times as fast that alone makes the side here, with equal shares of warm-up."""
    s, here = part["sides"][key], part["sides"].get("here")
    times = f"{_cost(s) / _cost(here):.2g}" if here and key != "here" else ""
    return row(
        *(part["title"], TITLES[key], f"{s['gradient']:.3g}", f"{s['gradients']['median']:.3g}"),
        *(_spread(s["gradients_per_effective"]), times, f"{s['depth']:.2g}", f"{s['diverging']:.1%}"),
    )


def _cost(of: Mapping[str, Any]) -> float:
    """Microseconds of gradients for one effective draw."""
    return float(of["gradient"] * of["gradients_per_effective"]["median"])


def _grown(part: Mapping[str, Any]) -> Iterator[str]:
    for key, sizes in part["peers"].items():
        for rows, s in sorted(sizes.items(), key=lambda pair: int(pair[0])):
            size = f"{int(rows):,}"
            if "left_out" in s:
                yield row(TITLES[key], size, s["left_out"], *[""] * 3)
            else:
                numbers = (s["seconds"]["median"], s["gradient"], s["speed"]["median"], s["compilation"])
                yield row(TITLES[key], size, *(f"{n:.3g}" for n in numbers))


def _spread(of: Mapping[str, float]) -> str:
    return f"{of['median']:.3g} ({of['lowest']:.3g} to {of['highest']:.3g})"


def _told(part: Mapping[str, Any]) -> str:
    """How one part was measured, and how far its posteriors agreed."""
    if "sides" not in part:
        return f"growth: copies of one survey of {part['respondents']:,}, {part['chains']} chains; {measured_on(part)}"
    how = f"{part['chains']} chains of {part['draws']:,} draws after {part['tune']:,} of warm-up"
    found = (
        f"{TITLES[key]}'s means within {a['mean']['differs']:.2g} sd of those here, sds within"
        f" {a['spread']['differs']:.0%} ({a['numbers']} numbers)"
        for key, a in part["agreement"].items()
    )
    return f"{part['title']}: {'; '.join((f'{part["districts"]} districts, {how}', *found))}; {measured_on(part)}"


@styled
def picture(parts: Mapping[str, Any]) -> Picture:
    """Effective draws per second over rows, each side with its lowest and highest; one item."""
    figure = blank(2.4, 0.5, synthetic=True)
    tall = figure.get_figheight()
    axes = figure.add_axes((0.6 / WIDTH, 0.5 / tall, 1 - 0.8 / WIDTH, 2.4 / tall))
    single = [part for part in contests(parts) if part["items"] == 1]
    said = []
    for key, (colour, mark) in LOOKS.items():
        at = [(part["rows"], part["sides"][key]["speed"]) for part in single if key in part["sides"]]
        if not at:
            continue
        rows, middle = [r for r, _ in at], [s["median"] for _, s in at]
        off = [[s["median"] - s["lowest"] for _, s in at], [s["highest"] - s["median"] for _, s in at]]
        axes.errorbar(rows, middle, off, color=colour, marker=mark, markersize=4, linewidth=1.2, label=TITLES[key])
        said.append(f"{TITLES[key]}: " + ", ".join(f"{m:.3g} at {r:,} rows" for r, m in zip(rows, middle, strict=True)))
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes = [part["rows"] for part in single]
    axes.set_xticks(sizes, [f"{r:,}" for r in sizes])
    axes.minorticks_off()
    axes.set_xlabel("respondents")
    axes.grid(axis="y")
    axes.legend(loc="lower left")
    above(axes, "Effective draws per second, of the number that mixes worst", (-30, 9), weight="bold", color=INK)
    figure.tell("Effective draws per second by tool and size, both on log scales.", said)
    return figure
