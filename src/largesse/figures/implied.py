"""The picture of what priors imply: effects and shares that they hold likely, against the limits that they keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from largesse.figures.canvas import BOTTOM, ROW, WIDTH, beside, blank
from largesse.figures.printed import OUTCOMES, SHORT, estimated, span
from largesse.figures.style import BAND, BLUE, INK, MUTED, RULE, VERMILLION, Picture, styled

OTHERS: Final = {
    "gini": "Gini coefficient of its chances, times 100",
    "level.0": "share without a gift",
    "level.1": "share with a gift",
    "level": "share who receive",
}


@styled
def likely(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """The 95 % interval of each quantity under the priors, over what it must hold and what must hold it.

    Parameters
    ----------
    rows : `quantity`, `median`, `lower`, `upper`, `covers`, `within`, `wrong`, as `dossier.believed` gives them.
    """
    height = len(rows) * ROW + 0.1
    figure = blank(height, synthetic=False)
    tall = figure.get_figheight()
    axes = figure.add_axes((0.08 / WIDTH, BOTTOM / tall, 1 - 0.22 / WIDTH, height / tall))
    axes.set_yticks([])
    for n, row in enumerate(rows, 1):
        colour = VERMILLION if row["wrong"] else BLUE
        for ends, shade, deep in ((row["within"], BAND, 0.24), (row["covers"], RULE, 0.15)):
            low, high = (100 * end for end in ends)
            axes.fill_betweenx([-n - deep, -n + deep], low, high, color=shade, linewidth=0, zorder=0)
        axes.plot([0, 0], [-n - 0.24, -n + 0.24], color=MUTED, linewidth=0.8, zorder=0.5)
        axes.plot([100 * row["lower"], 100 * row["upper"]], [-n, -n], color=colour, linewidth=1.8)
        axes.plot(100 * row["median"], -n, marker="x" if row["wrong"] else "o", color=colour, markersize=4.5)
        beside(axes, -n + 0.42, named(row["quantity"]))
        beside(axes, -n + 0.42, estimated(row["median"], row["lower"], row["upper"]), right=True)
    axes.set_ylim(-len(rows) - 0.4, -0.3)
    axes.set_xlabel("points of 100, under the priors alone")
    interval = Line2D([], [], color=BLUE, marker="o", markersize=4.5, linewidth=1.8, label="median and 95% interval")
    handles = [interval, Patch(color=RULE, label="must hold this"), Patch(color=BAND, label="must stay within this")]
    figure.legend(handles=handles, loc="lower center", ncols=3, columnspacing=1.2, labelcolor=INK)
    figure.tell("What the priors hold likely before any data, in points of 100.", map(_said, rows))
    return figure


def named(quantity: str) -> str:
    """A key of estimates as people read it."""
    outcome, _, contrast = quantity.partition(".")
    what = SHORT.get(contrast) or OTHERS.get(contrast) or contrast.replace("_", " ").replace(".", ", ")
    about = OUTCOMES.get(outcome, outcome.replace("_", " "))
    return f"{about[:1].upper()}{about[1:]}: {what}"


def _said(row: Mapping[str, Any]) -> str:
    kept = row["wrong"] or "within its limits"
    told = estimated(row["median"], row["lower"], row["upper"])
    return f"{named(row['quantity'])}: {told}, {kept}, must hold {span(*row['covers'])}"
