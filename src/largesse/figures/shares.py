"""Shares: of people who receive, and of answers, observed and drawn from a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from largesse.figures.canvas import BOTTOM, COLUMN, TOP, above, blank, canvas, fitted, margin
from largesse.figures.style import INK, MUTED, ORANGE, RULE, Picture, styled
from largesse.results import Results


@styled
def coverage(results: Results) -> Picture:
    """The share receiving in each district, one mark for each wave."""
    table = results.figures["coverage"]
    rate, waves = 100 * np.asarray(table["rate"], dtype=float), [str(w) for w in table["waves"]]
    known = np.isfinite(rate)
    mean = np.where(known, rate, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    order = [d for d in np.argsort(mean, kind="stable") if known[d].any()]
    figure, axes = canvas(results, 0.19 * len(order) + 0.3, left=margin(map(str, table["districts"])))
    shades = mpl.colormaps["cividis"](np.linspace(0.85, 0.1, len(waves)))
    marks = [
        Line2D([], [], marker="osD^v<>ph*"[t % 10], color=shades[t], linestyle="", label=w) for t, w in enumerate(waves)
    ]
    for y, d in enumerate(order):
        axes.plot([np.nanmin(rate[d]), np.nanmax(rate[d])], [y, y], color=RULE, linewidth=2, zorder=1)
        for t, mark in enumerate(marks):
            axes.plot(rate[d, t], y, marker=mark.get_marker(), color=shades[t], markersize=4.5, zorder=2)
    axes.set_yticks(range(len(order)), [fitted(str(table["districts"][d])) for d in order], color=INK)
    axes.set_xlim(0, min(100, 1.1 * float(np.nanmax(rate))))
    axes.set_xlabel("people of the district who receive, in 100")
    axes.grid(axis="x")
    if len(waves) > 1:
        figure.legend(handles=marks, loc="lower center", ncols=min(4, len(waves)))
    ends = (f"{table['districts'][d]} {mean[d]:.0f} in 100" for d in (order[0], order[-1]))
    figure.tell("Share receiving by district and wave.", (" to ".join(ends), "ordered by the average of waves"))
    return figure


@styled
def predictive(results: Results, model: str) -> Picture:
    """Observed shares of each answer as bars, shares in data drawn from the fit as dots with 95 % intervals."""
    bars = [row for row in results.figures["predictive"] if row["model"] == model]
    items = list(dict.fromkeys(row["item"] for row in bars))
    longest = max(len(row["levels"]) for row in bars)
    step = 0.26 if any("\n" in _answer(level) for row in bars for level in row["levels"]) else 0.19
    height = len(items) * (step * longest + 0.34)
    figure = blank(height, synthetic=results.study["synthetic"], width=COLUMN)
    panels = figure.subplots(len(items), 2, sharex=True, squeeze=False)
    edges = {
        "left": 0.3,
        "right": 0.985,
        "bottom": BOTTOM / figure.get_figheight(),
        "top": 1 - (TOP + 0.32) / figure.get_figheight(),
    }
    figure.subplots_adjust(**edges, hspace=0.34 / (step * longest), wspace=0.08)
    for row in bars:
        _bars(panels[items.index(row["item"]), int(row["gift"])], row)
    for left, item in zip(panels[:, 0], items, strict=True):
        _answers(left, next(row for row in bars if row["item"] == item))
    for axes, words in zip(panels[0], ("passed over", "received a gift"), strict=True):
        above(axes, words, (0, 17), color=MUTED)
    figure.supxlabel("answers, in 100", fontsize=7.5, color=MUTED, y=0.27 / figure.get_figheight())
    observed = Line2D([], [], marker="s", color=ORANGE, linestyle="", label="observed")
    drawn = Line2D(
        [], [], marker="o", color=INK, linewidth=1.2, markersize=3.5, label="drawn from the fit, 95% interval"
    )
    figure.legend(handles=[observed, drawn], loc="lower center", ncols=2)
    figure.tell(f"Answers observed and drawn from the fit of {model.replace('_', ' ')}.", map(_outside, bars))
    return figure


def _bars(axes: Axes, row: Mapping[str, Any]) -> None:
    """One item in one gift arm: bars for what was observed, dots for what the fit would have answered."""
    at = np.arange(len(row["levels"]))[::-1]
    shares = {k: 100 * np.asarray(row[k], dtype=float) for k in ("observed", "mean", "lower", "upper")}
    axes.barh(at, shares["observed"], height=0.68, color=ORANGE, alpha=0.75)
    axes.hlines(at, shares["lower"], shares["upper"], color=INK, linewidth=1.2)
    axes.plot(shares["mean"], at, marker="o", color=INK, markersize=3, linestyle="")
    axes.grid(axis="x", color=RULE, linewidth=0.5, zorder=-1)
    axes.set_axisbelow(True)
    axes.set_yticks([])


def _answers(axes: Axes, row: Mapping[str, Any]) -> None:
    """The item's name and its answers, at the left of its two panels."""
    at = np.arange(len(row["levels"]))[::-1]
    axes.set_yticks(at, [_answer(level) for level in row["levels"]], color=INK)
    above(axes, fitted(row["label"].replace("_", " "), 52), (-0.3 * 72 * COLUMN + 8, 4), weight="bold")


def _answer(level: object) -> str:
    return fitted(str(level), 18, 2)


def _outside(row: Mapping[str, Any]) -> str:
    arm = "received a gift" if row["gift"] else "passed over"
    ends = zip(row["observed"], row["lower"], row["upper"], strict=True)
    shown = [(seen, low, high) for seen, low, high in ends if seen is not None]
    missed = sum(not low <= seen <= high for seen, low, high in shown)
    return f"{row['label']}, {arm}: {missed} of {len(shown)} shares outside their interval"
