"""The picture of a comparison: effects of one run beside those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from largesse.figures.canvas import ROW, beside, canvas
from largesse.figures.printed import OUTCOMES, SHORT, estimated, outcome, points
from largesse.figures.style import BAND, BLUE, INK, MUTED, Picture, styled
from largesse.results import Estimate, Results

Pair = tuple[Estimate, Estimate]  # of before, of after

STYLES: Final[tuple[dict[str, Any], ...]] = (  # thin and open, thick and filled: legible without colour
    {"color": MUTED, "linewidth": 1.0, "marker": "o", "markersize": 4.5, "markerfacecolor": "white"},
    {"color": BLUE, "linewidth": 1.8, "marker": "o", "markersize": 4.5},
)


@styled
def moved(after: Results, pairs: Sequence[Pair]) -> Picture:
    """Each effect before (open, thin) and after (filled, thick), with its number after."""
    names = list(dict.fromkeys(new.outcome for _, new in pairs))
    figure, axes = canvas(after, (len(pairs) + 0.8 * len(names) + 0.1) * ROW)
    y = 0.0
    for name in names:
        y -= 0.8
        heading = outcome(after, name)
        beside(axes, y + 0.22, heading[:1].upper() + heading[1:], weight="bold")
        for pair in (pair for pair in pairs if pair[1].outcome == name):
            y -= 1
            _row(axes, y, pair, 100 * after.study["rope"])
    axes.set_ylim(y - 0.35, -0.25)
    axes.set_xlabel(f"points of 100 (shaded: within {points(after.study['rope'])}, too small to matter)")
    words = ("before", "after, in numbers")
    marks = [Line2D([], [], label=told, **style) for told, style in zip(words, STYLES, strict=True)]
    figure.legend(handles=marks, loc="lower center", ncols=2, labelcolor=INK)
    figure.tell("Effects before and after, in points of 100.", map(_said, pairs))
    return figure


def _row(axes: Axes, y: float, pair: Pair, rope: float) -> None:
    """An effect: its name and its number after, above both intervals."""
    new = pair[1]
    beside(axes, y + 0.4, f"{new.contrast}: {SHORT[new.contrast]}" + (f", {new.group}" if new.group else ""))
    beside(axes, y + 0.4, estimated(new.mean, new.lower, new.upper), right=True)
    axes.fill_betweenx([y - 0.28, y + 0.2], -rope, rope, color=BAND, linewidth=0, zorder=-2)
    axes.plot([0, 0], [y - 0.28, y + 0.2], color=MUTED, linewidth=0.8, zorder=-1)
    for e, at, style in zip(pair, (y + 0.08, y - 0.14), STYLES, strict=True):
        axes.plot([100 * e.lower, 100 * e.upper], [at, at], color=style["color"], linewidth=style["linewidth"])
        axes.plot(100 * e.mean, at, **{**style, "linewidth": 0})


def _said(pair: Pair) -> str:
    old, new = (estimated(e.mean, e.lower, e.upper) for e in pair)
    return f"{OUTCOMES.get(pair[1].outcome, pair[1].outcome)}, {pair[1].contrast}: {old} before, {new} after"
