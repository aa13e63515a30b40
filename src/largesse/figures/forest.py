"""Forest plots: effects with their intervals, of the whole frame and of each district."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from largesse.figures.canvas import ROW, beside, canvas, fitted, margin
from largesse.figures.printed import (
    DIRECTIONS,
    OUTCOMES,
    PROGRAMMES,
    SHORT,
    by_district,
    contrasts,
    estimated,
    outcome,
    points,
    programmes,
    span,
)
from largesse.figures.style import BAND, INK, MARKS, MUTED, STATUS, VERMILLION, Picture, styled
from largesse.results import Estimate, Results, direction

NUMBERS: Final = 1.3  # inches right of the intervals, for their numbers


@styled
def effects(results: Results) -> Picture:
    """Effects by outcome with their intervals, the band too small to matter, and the truth of a synthetic study."""
    return _forest(results, contrasts(results), "Intervals of each effect, in points of 100.")


@styled
def policies(results: Results, name: str) -> Picture:
    """What offices' choice of receivers, and other choices, do to one outcome."""
    shown = [e for e in programmes(results) if e.outcome == name]
    return _forest(results, shown, "Intervals of what policies do, in points of 100.")


def _forest(results: Results, shown: Sequence[Estimate], what: str) -> Picture:
    names = list(dict.fromkeys(e.outcome for e in shown))
    figure, axes = canvas(results, (len(shown) + 0.8 * len(names) + 0.1) * ROW, right=NUMBERS)
    y = 0.0
    for name in names:
        y -= 0.8
        heading = outcome(results, name)
        beside(axes, y + 0.22, heading[:1].upper() + heading[1:], weight="bold")
        for e in (e for e in shown if e.outcome == name):
            y -= 1
            _row(axes, y, e, results.study["rope"])
    _measure(figure, shown, results.study["rope"], (y - 0.35, -0.25))
    _key(figure, shown)
    figure.tell(what, map(_said, shown))
    return figure


@styled
def districts(results: Results, name: str) -> Picture:
    """The effect `name` in each district, ordered, with the effect in the whole frame as a line."""
    shown = by_district(results, name)
    whole = results.estimate(name)
    figure, axes = canvas(results, 0.19 * len(shown) + 0.3, left=margin(e.group for e in shown))
    for y, e in enumerate(shown):
        _interval(axes, y, e)
    _nought(axes, results.study["rope"], (-0.8, len(shown) - 0.2))
    axes.axvline(100 * whole.mean, color=INK, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(shown)), [fitted(e.group) for e in shown], color=INK)
    _measure(figure, [*shown, whole], results.study["rope"], (-0.8, len(shown) - 0.2))
    over_all = Line2D([], [], color=INK, linewidth=0.8, label="whole frame")
    _key(figure, shown, [over_all])
    figure.tell(f"{whole.label}, by district, in points of 100.", map(_said, shown))
    return figure


def _row(axes: Axes, y: float, e: Estimate, rope: float) -> None:
    """An estimate: its name above its interval, which lies in a strip of its own, its number beside that."""
    name = f"{e.contrast}: {SHORT[e.contrast]}" if e.contrast in SHORT else PROGRAMMES[e.contrast]
    name = f"{e.contrast}, {e.group}" if e.group else name
    beside(axes, y + 0.4, name + (" (extrapolated)" if e.extrapolation else ""))
    number, where = estimated(e.mean, e.lower, e.upper), axes.get_yaxis_transform()
    axes.annotate(number, (1, y), (72 * NUMBERS - 4, 0), xycoords=where, textcoords="offset points", ha="right",
                  va="center", annotation_clip=False)  # fmt: skip
    _nought(axes, rope, (y - 0.24, y + 0.2))
    _interval(axes, y, e)


def _nought(axes: Axes, rope: float, between: tuple[float, float]) -> None:
    """Nought, and the band of what is too small to matter, between two heights."""
    axes.fill_betweenx(between, -100 * rope, 100 * rope, color=BAND, linewidth=0, zorder=-2)
    axes.plot([0, 0], between, color=MUTED, linewidth=0.8, zorder=-1)


def _interval(axes: Axes, y: float, e: Estimate) -> None:
    style = {"linewidth": 1.8, "solid_capstyle": "butt", **MARKS[e.status]}
    line = {k: v for k, v in style.items() if not k.startswith("marker")}
    axes.plot([100 * e.lower, 100 * e.upper], [y, y], zorder=2, **line)
    axes.plot(100 * e.mean, y, zorder=3, **{**style, "linestyle": ""})
    if e.truth is not None:
        axes.plot(100 * e.truth, y, marker="x", color=VERMILLION, markersize=5, markeredgewidth=1.5, zorder=4)


def _measure(figure: Picture, shown: Iterable[Estimate], rope: float, ylim: tuple[float, float]) -> None:
    """The scale in points, wide enough for the intervals and the band."""
    reach = [100 * x for e in shown for x in (e.lower, e.upper, e.mean if e.truth is None else e.truth)]
    low, high = min(*reach, -120 * rope), max(*reach, 120 * rope)
    (axes,) = figure.axes
    axes.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    axes.set_ylim(*ylim)
    words = f"points of 100 (shaded: within {points(rope)}, too small to matter)"
    figure.supxlabel(words, fontsize=7.5, color=MUTED, y=0.27 / figure.get_figheight())


def _key(figure: Picture, shown: Sequence[Estimate], more: Sequence[Line2D] = ()) -> None:
    """What the marks mean; only those there are."""
    marks = [Line2D([], [], label=words, linewidth=1.8, **MARKS[status]) for status, words in STATUS.items()
             if any(e.status == status for e in shown)]  # fmt: skip
    if any(e.truth is not None for e in shown):
        marks.append(Line2D([], [], marker="x", color=VERMILLION, markersize=5, linestyle="", label="simulated truth"))
    handles = [*marks, *more]
    figure.legend(handles=handles, loc="lower center", ncols=min(3, len(handles)), frameon=False, fontsize=7.5,
                  columnspacing=0.9, handlelength=1.6)  # fmt: skip


def _said(e: Estimate) -> str:
    name = e.group or f"{OUTCOMES.get(e.outcome, e.outcome)}, {e.label}"
    return f"{name}: {points(e.mean)}, {span(e.lower, e.upper)}, {DIRECTIONS[direction(e)]}"
