"""The picture of a plan: how often surveys of each size would settle their questions, and how wide intervals stay."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.optimize import isotonic_regression

from largesse.figures.canvas import WIDTH, above, blank
from largesse.figures.printed import SHORT
from largesse.figures.style import INK, MUTED, Picture, styled

UNITS: Final = {"respondents": "respondents per district"}
WANTED: Final = 0.8  # as `planning.WANTED`, which brings the samplers along
CHANCE, WIDE, BETWEEN = 1.1, 0.8, 0.27  # inches: two panels and the space between them
GAP, TITLE, SCALE = 0.8, 0.34, 0.56  # inches: between estimands, above the first, below the last
REACH: Final = 1.96  # Monte Carlo errors: bars hold 95 %
APART: Final = 0.125  # of a panel's height, from label to label


class Line(NamedTuple):
    """The sizes joined by one line: what they share, and the look of it."""

    label: str
    rows: pd.DataFrame
    look: Mapping[str, Any]


@styled
def chances(frame: pd.DataFrame) -> Picture:
    """For each estimand how often a survey settles its question, and below it the width of its interval, by size.

    The second varied size lies along the axis, all others are lines; a single one lies along the axis.

    Parameters
    ----------
    frame : one row per size and estimand, as :func:`largesse.planning.plan` gives it: the varied sizes, then `key`,
        `label`, `width` (as a share of the outcome's range), `settled` and `settled_se` (from 0 to 1), `replicates`.
    """
    varied = [str(name) for name in frame.columns[: list(frame.columns).index("key")]]
    along = varied[min(1, len(varied) - 1)]
    others = [name for name in varied if name != along]
    keys = list(dict.fromkeys(frame["key"]))
    columns = min(2, len(keys))
    blocks = -(-len(keys) // columns)
    block = GAP + CHANCE + BETWEEN + WIDE
    figure = blank(blocks * block - GAP + TITLE, SCALE, synthetic=True)
    widest = 100 * float(np.nanmax([1e-9, *frame["width"]]))
    for n, key in enumerate(keys):
        rows = frame[frame["key"] == key]
        upper, lower = _pair(figure, divmod(n, columns), columns, blocks, 0.06 + 0.24 * len(others))
        lines = list(_lines(rows, others))
        _chance(upper, lines, along)
        _width(lower, lines, along, widest)
        _title(upper, lower, rows, others)
        lower.set_xlabel(UNITS.get(along, along) if n >= len(keys) - columns else "")
    _key(figure, int(frame["replicates"].max()))
    figure.tell(f"How often simulated surveys settle their questions, by {' and '.join(varied)}.",
                (_said(frame[frame["key"] == key], varied) for key in keys))  # fmt: skip
    return figure


def _pair(figure: Picture, at: tuple[int, int], columns: int, blocks: int, right: float) -> tuple[Axes, Axes]:
    """The two panels of an estimand, which share their sizes; `right` inches are left for the names of lines."""
    tall, (row, column) = figure.get_figheight(), at
    each = (WIDTH - 0.34) / columns
    left, wide = (0.34 + column * each) / WIDTH, (each - right - 0.22) / WIDTH
    bottom = SCALE + (blocks - 1 - row) * (GAP + CHANCE + BETWEEN + WIDE)
    lower = figure.add_axes((left, bottom / tall, wide, WIDE / tall))
    upper = figure.add_axes((left, (bottom + WIDE + BETWEEN) / tall, wide, CHANCE / tall), sharex=lower)
    return upper, lower


def _lines(rows: pd.DataFrame, others: Sequence[str]) -> list[Line]:
    """One line for each combination of the other sizes, from light to dark; another shape of mark for each."""
    groups: list[tuple[Hashable, pd.DataFrame]] = (
        list(rows.groupby(list(others), sort=True)) if others else [((), rows)]
    )
    shades = mpl.colormaps["cividis"](np.linspace(0.8, 0.05, len(groups)) if len(groups) > 1 else [0.05])
    return [
        Line(", ".join(f"{n:,}" for n in np.atleast_1d(np.asarray(sizes))), group,
             {"color": shades[i], "marker": "osD^v<>ph*"[i % 10], "markersize": 4, "linewidth": 1.2})
        for i, (sizes, group) in enumerate(groups)
    ]  # fmt: skip


def _chance(axes: Axes, lines: Sequence[Line], along: str) -> None:
    """How often the question is settled, in 100, with the error of the simulation."""
    for line in lines:
        rows = line.rows.sort_values(along)
        share, error = (100 * rows[name].to_numpy(dtype=float) for name in ("settled", "settled_se"))
        ends = np.clip(np.stack([share - REACH * error, share + REACH * error]), 0, 100)
        axes.vlines(rows[along], *ends, color=line.look["color"], linewidth=0.8)
        axes.plot(rows[along], share, **line.look)
    axes.axhline(100 * WANTED, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)
    axes.set_ylim(-4, 104)
    axes.set_yticks((0, 50, 80, 100))
    axes.grid(axis="y")
    axes.tick_params(labelbottom=False)
    _labels(axes, lines, along, "settled")


def _width(axes: Axes, lines: Sequence[Line], along: str, widest: float) -> None:
    """The width of intervals, in points of 100."""
    for line in lines:
        rows = line.rows.sort_values(along)
        axes.plot(rows[along], 100 * rows["width"], **line.look)
    sizes = sorted({int(size) for line in lines for size in line.rows[along]})
    axes.set_xscale("log")  # widths fall with the root of a size: doublings lie equally far apart
    axes.set_xlim(sizes[0] / 1.12, sizes[-1] * 1.12)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1.12 * widest)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.grid(axis="y")
    _labels(axes, lines, along, "width")


def _labels(axes: Axes, lines: Sequence[Line], along: str, what: str) -> None:
    """The name of each line at its right end, none upon another."""
    low, high = axes.get_ylim()
    ends = [100 * float(line.rows.sort_values(along)[what].iloc[-1]) for line in lines]
    shown = [i for i, end in enumerate(ends) if np.isfinite(end) and lines[i].label]
    for i, y in zip(shown, apart([(ends[i] - low) / (high - low) for i in shown]), strict=True):
        axes.annotate(lines[i].label, (1, y), (3, 0), xycoords="axes fraction", textcoords="offset points",
                      va="center", fontsize=7, color=INK)  # fmt: skip


def apart(heights: Sequence[float], gap: float = APART) -> list[float]:
    """Heights moved as little as can be (by squares) until each two are at least `gap` apart, in the same order."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    moved = np.empty(len(heights))
    moved[order] = isotonic_regression(np.asarray(heights, dtype=float)[order] - steps).x + steps
    return [float(y) for y in moved]


def _title(upper: Axes, lower: Axes, rows: pd.DataFrame, others: Sequence[str]) -> None:
    """The outcome and the effect; of what both panels are, and of what the names of lines."""
    outcome, _, effect = str(rows["label"].iloc[0]).partition(": ")
    effect = SHORT.get(str(rows["key"].iloc[0]).rpartition(".")[2], effect)
    above(upper, outcome[:1].upper() + outcome[1:], (-18, 29), weight="bold", fontsize=7.5)
    above(upper, effect, (-18, 19), fontsize=7)
    above(upper, "surveys that settle it, in 100", (-18, 6), fontsize=6.5, color=MUTED)
    above(lower, "width of the interval, points of 100", (-18, 5), fontsize=6.5, color=MUTED)
    upper.annotate(", ".join(others), (1, 1), (3, 6), xycoords="axes fraction", textcoords="offset points",
                   ha="center", fontsize=6.5, color=MUTED)  # fmt: skip


def _key(figure: Picture, replicates: int) -> None:
    """How far the simulation can be trusted, and what the dotted line is."""
    words = f"of {replicates:,} simulated surveys each, with 95% bars; dotted: {100 * WANTED:.0f} in 100, the usual aim"
    figure.text(0.02, 0.11 / figure.get_figheight(), words, va="center", fontsize=7, color=MUTED)


def _said(rows: pd.DataFrame, varied: Sequence[str]) -> str:
    """The smallest and the largest size with what they settle."""
    ordered = rows.sort_values(list(varied)).iloc[[0, -1]]
    ends = (
        f"{', '.join(f'{row[name]:,} {name}' for name in varied)} settle {100 * row['settled']:.0f} in 100, "
        f"width {100 * row['width']:.1f}"
        for _, row in ordered.iterrows()
    )
    return f"{rows['label'].iloc[0]}: {', '.join(ends)}"
