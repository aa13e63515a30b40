"""The tipping curve: what the answer would be, had offices favoured the privately loyal more or less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from largesse.figures.canvas import COLUMN, above, blank
from largesse.figures.printed import outcome, points, span
from largesse.figures.style import BAND, BLUE, INK, MUTED, VERMILLION, Picture, styled
from largesse.results import Results

HIGH, HEADING = 2.0, 0.2  # inches: the panel, its heading below the mark of synthetic data
LEFT, BELOW = 0.34, 1.18  # inches: left of the panel, the rows of numbers below it
ROWS: Final = 23  # points from one row of numbers to the next


@styled
def curve(results: Results, name: str) -> Picture:
    """The effect `name`, such as `loyalty.direct`, over favour, with what each favour would mean below it."""
    told = results.figures["tipping"]
    drawn = [p for p in told["points"] if p["settled"]]
    figure = blank(HIGH + HEADING, BELOW, synthetic=results.study["synthetic"], width=COLUMN)
    tall = figure.get_figheight()
    axes = figure.add_axes((LEFT / COLUMN, BELOW / tall, 1 - (LEFT + 0.16) / COLUMN, HIGH / tall))
    x = np.array([p["favour"] for p in drawn])
    mean, low, high = (100 * np.array([p["effects"][name][k] for p in drawn]) for k in ("mean", "lower", "upper"))
    rope = 100 * results.study["rope"]
    axes.axhspan(-rope, rope, color=BAND, linewidth=0, zorder=0)
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    axes.fill_between(x, low, high, color=BLUE, alpha=0.16, linewidth=0, zorder=2)
    axes.plot(x, mean, color=BLUE, linewidth=1.8, marker="o", markersize=3.5, zorder=3)
    axes.set_xlim(x.min() - 0.06, x.max() + 0.06)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    heading = outcome(results, name.partition(".")[0])
    above(axes, f"Effect of a gift on {heading}, points of 100", (-20, 8), weight="bold")
    _marks(axes, told, results, name)
    _meaning(axes, drawn)
    figure.tell(f"Effect of a gift on {heading}, by how much offices are taken to favour the privately loyal.",
                [_said(p, name) for p in drawn] + _crossed(told, name))  # fmt: skip
    return figure


def _marks(axes: Axes, told: Mapping[str, Any], results: Results, name: str) -> None:
    """Where a plain regression stands, where answers from before point to, and the truth of a synthetic study."""
    top = axes.get_ylim()[1]
    axes.axvline(0, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate("no favour: what a\nregression assumes", (0, top), (3, -2), textcoords="offset points",
                  va="top", fontsize=7, color=MUTED)  # fmt: skip
    if seen := told["estimated"]:
        axes.axvspan(seen["lower"], seen["upper"], color=INK, alpha=0.07, linewidth=0, zorder=0)
        axes.axvline(seen["mean"], color=INK, linewidth=0.9, zorder=1)
        left, right = axes.get_xlim()
        beyond = seen["mean"] > (left + 2 * right) / 3  # words to its right would leave the panel
        axes.annotate("answers from before\nthe gift point here", (seen["mean"], top), (-3 if beyond else 3, -2),
                      va="top", ha="right" if beyond else "left", fontsize=7,
                      textcoords="offset points", color=INK)  # fmt: skip
        found = next((e for e in results.estimates if e.key == name), None)
        if found is not None:
            ends = (100 * found.lower, 100 * found.upper)
            axes.plot([seen["mean"]] * 2, ends, color=INK, linewidth=1.4, zorder=5)
            axes.plot(seen["mean"], 100 * found.mean, "o", color=INK, markerfacecolor="white", zorder=6)
    truth = next((e.truth for e in results.estimates if e.key == name), None)
    if told["truth"] is not None and truth is not None:
        axes.plot(told["truth"], 100 * truth, "x", color=VERMILLION, markersize=6, markeredgewidth=1.6, zorder=6)
        axes.annotate("simulated truth", (told["truth"], 100 * truth), (-6, -8), textcoords="offset points",
                      ha="right", fontsize=7, color=VERMILLION)  # fmt: skip


def _meaning(axes: Axes, drawn: list[Mapping[str, Any]]) -> None:
    """Below each favour: who would receive, of people alike in all else."""
    shown = drawn[:: max(1, round(len(drawn) / 5))]
    axes.set_xticks([p["favour"] for p in shown], [f"{p['favour']:g}".replace("-", "\N{MINUS SIGN}") for p in shown])
    rows = (
        "favour: what private loyalty counts with offices, in logits per sd",
        "of 100 of the most loyal quarter, how many would receive",
        "of 100 of the least loyal quarter, how many would receive",
    )
    for n, words in enumerate(rows):
        axes.annotate(words, (0, 0), (-20, -(22 + ROWS * n)), xycoords="axes fraction", textcoords="offset points",
                      fontsize=7, color=MUTED, annotation_clip=False)  # fmt: skip
    for n, key in enumerate(("top", "bottom"), start=1):
        for p in shown:
            axes.annotate(f"{100 * p[key]:.0f}", (p["favour"], 0), (0, -(34 + ROWS * n)), textcoords="offset points",
                          xycoords=axes.get_xaxis_transform(), ha="center", fontsize=7.5, color=INK,
                          annotation_clip=False)  # fmt: skip


def _said(p: Mapping[str, Any], name: str) -> str:
    e = p["effects"][name]
    return f"favour {p['favour']:g}: {points(e['mean'])}, {span(e['lower'], e['upper'])}"


def _crossed(told: Mapping[str, Any], name: str) -> list[str]:
    at = told["crossings"][name]["zero"]
    return [f"it crosses nought at favour {at:.2f}" if at is not None else "it does not cross nought on this grid"]
