"""Figures of a study, drawn from its results alone: one visual system, every estimate with its interval.

Drawn for the width of a telephone and enlarged on a page, so that letters stay legible. Colours follow Okabe and Ito
(2008) and never carry a meaning alone: what a colour says, a shape or a fill says too.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from statistics import NormalDist
from textwrap import fill
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.style import context
from matplotlib.ticker import MaxNLocator

from largesse.results import Estimate, Results, Status, direction

INK, MUTED, RULE, BAND = "#1c1e21", "#5d6168", "#d5d2cb", "#e9e6df"
BLUE, VERMILLION, ORANGE = "#0072b2", "#d55e00", "#e69f00"
WIDTH: Final = 4.9  # inches; a page enlarges it to its column, a telephone shows it about as it is
ROW: Final = 0.36  # inches for a label with its interval below
TOP, BOTTOM = 0.32, 0.62  # inches for the mark of synthetic data; for scale and key
OUTCOMES: Final = {
    "receipt": "receiving a gift",
    "loyalty": "reported loyalty",
    "market_any": "taking part in the market",
    "market_much": "share of income from the market",
}
DIRECTIONS: Final = {"raises": "above nought", "lowers": "below nought", "hardly changes": "too small to matter",
                     "cannot tell": "direction not settled"}  # fmt: skip
SHORT: Final = {
    "direct": "a gift, on who receives it",
    "spillover": "more coverage, on those passed over",
    "total": "a gift under high coverage, none under low",
    "overall": "more coverage, on everyone",
}
STATUS: Final[Mapping[Status, str]] = {
    "identified": "identified",
    "conditional": "conditional on an assumption",
    "prior_driven": "driven by the prior",
}
MARKS: Final[Mapping[Status, dict[str, Any]]] = {  # filled, open, and another shape: legible without colour
    "identified": {"marker": "o", "color": BLUE, "markerfacecolor": BLUE},
    "conditional": {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
    "prior_driven": {"marker": "D", "color": MUTED, "markerfacecolor": "white", "linestyle": (0, (1, 1.2))},
}
STYLE: Final[dict[Any, Any]] = {
    **dict.fromkeys(("text.color", "legend.labelcolor"), INK),
    **dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 7.5),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
    **dict.fromkeys(("axes.edgecolor", "grid.color"), RULE),
    **dict.fromkeys(("legend.frameon", "text.parse_math"), False),
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 8.0,
    "grid.linewidth": 0.5,
    "lines.markersize": 5.0,
    "lines.markeredgewidth": 1.2,
    "svg.hashsalt": "largesse",
}


class Picture(Figure):
    """A matplotlib figure that says in words what it shows.

    Attributes
    ----------
    alt : the figure in words, with its numbers, for those who do not see it.
    """

    alt: str = ""

    def svg(self) -> bytes:
        """The figure as SVG, the same bytes each time; letters no font here has are left to the reader's."""
        outlines, complete = self._saved("path")
        return outlines if complete else self._saved("none")[0]

    def _saved(self, letters: str) -> tuple[bytes, bool]:
        out = io.BytesIO()
        with context(["default", STYLE, {"svg.fonttype": letters}]), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        missing = any("missing from" in str(warning.message) for warning in said)
        return out.getvalue(), not missing


# Numbers, as figures and sentences print them ------------------------------------------------------------------------


def points(share: float) -> str:
    """A share of the outcome's range in points of 100, with one decimal and a true minus."""
    value = round(100 * share, 1) + 0.0  # no minus before nought
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def span(lower: float, upper: float) -> str:
    """An interval in points of 100."""
    return f"{points(lower)} to {points(upper)}"


def outcome(results: Results, name: str) -> str:
    """What an outcome is called: by the study, else by this package."""
    plain = results.figures.get("plain") or {}
    return str(plain.get(name, {}).get("label") or OUTCOMES.get(name, name.replace("_", " ")))


def models(results: Results) -> dict[str, Mapping[str, Any]]:
    """What is known of each model, in the order of the study."""
    return {name: results.models[name] for name in results.study["models"]}


def contrasts(results: Results) -> list[Estimate]:
    """The estimates that compare, for the whole frame and at the profiles asked for, in order of outcome."""
    order = [*OUTCOMES, *sorted({e.outcome for e in results.estimates} - set(OUTCOMES))]
    compared = list(SHORT)
    wanted = [e for e in results.estimates if e.contrast in compared and (not e.group or is_profile(e))]
    return sorted(wanted, key=lambda e: (order.index(e.outcome), compared.index(e.contrast), bool(e.group)))


def is_profile(estimate: Estimate) -> bool:
    """True for an effect at one profile, false for a district's."""
    return estimate.key.startswith(f"{estimate.outcome}.{estimate.contrast}.at.")


def by_district(results: Results, name: str) -> list[Estimate]:
    """The estimates `name` of each district, the smallest first."""
    found = [e for e in results.estimates if e.group and e.key == f"{name}.{e.group}"]
    return sorted(found, key=lambda e: (e.mean, e.group))


def _styled[**P](draw: Callable[P, Picture]) -> Callable[P, Picture]:
    """Draw in this module's style, whatever the user's settings are."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Picture:
        with context(["default", STYLE]):
            return draw(*args, **kwargs)

    return drawn


# Figures ----------------------------------------------------------------------------------------------------------


@_styled
def effects(results: Results) -> Picture:
    """Effects by outcome with their intervals, the band too small to matter, and the truth of a synthetic study."""
    shown = contrasts(results)
    names = list(dict.fromkeys(e.outcome for e in shown))
    figure, axes = _canvas(results, (len(shown) + 0.8 * len(names) + 0.1) * ROW)
    y = 0.0
    for name in names:
        y -= 0.8
        heading = outcome(results, name)
        _beside(axes, y + 0.22, heading[:1].upper() + heading[1:], weight="bold")
        for e in (e for e in shown if e.outcome == name):
            y -= 1
            _row(axes, y, e, results.study["rope"])
    _measure(axes, shown, results.study["rope"], (y - 0.35, -0.25))
    _key(figure, shown)
    figure.alt = _alt(results, "Intervals of each effect, in points of 100.", map(_said, shown))
    return figure


@_styled
def districts(results: Results, name: str) -> Picture:
    """The effect `name` in each district, ordered, with the effect in the whole frame as a line."""
    shown = by_district(results, name)
    whole = results.estimate(name)
    figure, axes = _canvas(results, 0.19 * len(shown) + 0.3, left=1.35)
    for y, e in enumerate(shown):
        _interval(axes, y, e)
    _nought(axes, results.study["rope"], (-0.8, len(shown) - 0.2))
    axes.axvline(100 * whole.mean, color=INK, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(shown)), [e.group for e in shown], color=INK)
    _measure(axes, [*shown, whole], results.study["rope"], (-0.8, len(shown) - 0.2))
    over_all = Line2D([], [], color=INK, linewidth=0.8, label="whole frame")
    _key(figure, shown, [over_all])
    figure.alt = _alt(results, f"{whole.label}, by district, in points of 100.", map(_said, shown))
    return figure


@_styled
def coverage(results: Results) -> Picture:
    """The share receiving in each district, one mark for each wave."""
    table = results.figures["coverage"]
    rate, waves = 100 * np.asarray(table["rate"], dtype=float), [str(w) for w in table["waves"]]
    known = np.isfinite(rate)
    mean = np.where(known, rate, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    order = [d for d in np.argsort(mean, kind="stable") if known[d].any()]
    figure, axes = _canvas(results, 0.19 * len(order) + 0.3, left=1.35)
    shades = mpl.colormaps["cividis"](np.linspace(0.85, 0.1, len(waves)))
    marks = [
        Line2D([], [], marker="osD^v<>ph*"[t % 10], color=shades[t], linestyle="", label=w) for t, w in enumerate(waves)
    ]
    for y, d in enumerate(order):
        axes.plot([np.nanmin(rate[d]), np.nanmax(rate[d])], [y, y], color=RULE, linewidth=2, zorder=1)
        for t, mark in enumerate(marks):
            axes.plot(rate[d, t], y, marker=mark.get_marker(), color=shades[t], markersize=4.5, zorder=2)
    axes.set_yticks(range(len(order)), [str(table["districts"][d]) for d in order], color=INK)
    axes.set_xlim(0, min(100, 1.1 * float(np.nanmax(rate))))
    axes.set_xlabel("people of the district who receive, in 100")
    axes.grid(axis="x")
    if len(waves) > 1:
        figure.legend(handles=marks, loc="lower center", ncols=min(4, len(waves)))
    ends = (f"{table['districts'][d]} {mean[d]:.0f} in 100" for d in (order[0], order[-1]))
    figure.alt = _alt(
        results, "Share receiving by district and wave.", (" to ".join(ends), "ordered by the average of waves")
    )
    return figure


@_styled
def predictive(results: Results, model: str) -> Picture:
    """Observed shares of each answer as bars, shares in data drawn from the fit as dots with 95 % intervals."""
    bars = [row for row in results.figures["predictive"] if row["model"] == model]
    items = list(dict.fromkeys(row["item"] for row in bars))
    longest = max(len(row["levels"]) for row in bars)
    height = len(items) * (0.19 * longest + 0.34)
    figure = _blank(results, height, BOTTOM)
    panels = figure.subplots(len(items), 2, sharex=True, squeeze=False)
    edges = {
        "left": 0.24,
        "right": 0.985,
        "bottom": BOTTOM / figure.get_figheight(),
        "top": 1 - (TOP + 0.32) / figure.get_figheight(),
    }
    figure.subplots_adjust(**edges, hspace=0.34 / (0.19 * longest), wspace=0.08)
    for row in bars:
        _bars(panels[items.index(row["item"]), int(row["gift"])], row)
    for left, item in zip(panels[:, 0], items, strict=True):
        _answers(left, next(row for row in bars if row["item"] == item))
    for axes, words in zip(panels[0], ("passed over", "received a gift"), strict=True):
        _above(axes, words, (0, 17), color=MUTED)
    figure.supxlabel("answers, in 100", fontsize=7.5, color=MUTED, y=0.27 / figure.get_figheight())
    observed = Line2D([], [], marker="s", color=ORANGE, linestyle="", label="observed")
    drawn = Line2D(
        [], [], marker="o", color=INK, linewidth=1.2, markersize=3.5, label="drawn from the fit, 95% interval"
    )
    figure.legend(handles=[observed, drawn], loc="lower center", ncols=2)
    figure.alt = _alt(
        results, f"Answers observed and drawn from the fit of {model.replace('_', ' ')}.", map(_outside, bars)
    )
    return figure


@_styled
def learning(results: Results) -> Picture:
    """From prior to posterior, for every effect that is one number with a normal prior."""
    shown = learnt(results)
    figure, axes = _canvas(results, len(shown) * ROW + 0.3)
    content = f"{results.study['interval']:.0%} interval"
    reach = NormalDist().inv_cdf((1 + results.study["interval"]) / 2)
    for n, (words, row) in enumerate(shown, 1):
        mu, sigma = (row["prior"]["arguments"][name] for name in ("mu", "sigma"))
        axes.plot([0, 0], [-n - 0.22, -n + 0.2], color=MUTED, linewidth=0.8, zorder=3)
        ends = [mu - reach * sigma, mu + reach * sigma]
        axes.plot(ends, [-n, -n], color=RULE, linewidth=5, solid_capstyle="butt")
        axes.plot([row["lower"], row["upper"]], [-n, -n], color=BLUE, linewidth=2)
        axes.plot(row["mean"], -n, marker="o", color=BLUE, markersize=4.5)
        _beside(axes, -n + 0.4, words)
        gained = row.get("contraction")
        if gained is not None:
            _beside(axes, -n + 0.4, f"{max(gained, 0):.0%} of variance removed", right=True, color=MUTED)
    axes.set_ylim(-len(shown) - 0.4, -0.3)
    axes.set_xlabel("logits (coverage: logits per 100 points of it)")
    prior = Line2D([], [], color=RULE, linewidth=5, label=f"prior, {content}")
    after = Line2D([], [], color=BLUE, linewidth=2, marker="o", markersize=4.5, label=f"posterior, {content}")
    figure.legend(handles=[prior, after], loc="lower center", ncols=2)
    said = (f"{w}: prior sd {r['prior_sd']:.2f}, posterior {r['mean']:.2f} with sd {r['sd']:.2f}" for w, r in shown)
    figure.alt = _alt(results, "Prior and posterior of the main effects.", said)
    return figure


def learnt(results: Results) -> list[tuple[str, Mapping[str, Any]]]:
    """The effects that are one number with a normal prior, each with its model and meaning."""
    return [
        (f"{model.replace('_', ' ')}: {row['parameter'].replace('_', ' ')}", row)
        for model, about in models(results).items() for row in about["parameters"]
        if row["key"] == row["parameter"] and row["prior"]["distribution"] == "Normal"
        and all(isinstance(value, int | float) for value in row["prior"]["arguments"].values())
    ]  # fmt: skip


@_styled
def recovery(results: Results) -> Picture:
    """Of a synthetic study: each parameter's 99 % interval over its true value; those that miss it stand out."""
    truth = results.truth or {"outside": [], "compared": 0, "interval": 0.99}
    outside = {row["key"] for row in truth["outside"]}
    rows = [(f"{model}.{row['key']}" in outside, row) for model, about in models(results).items()
            for row in about["parameters"] if row["truth"] is not None]  # fmt: skip
    figure, axes = _canvas(results, 3.4, left=0.45)
    faint = max(0.15, min(0.45, 50 / max(1, len(rows))))  # where many lie on one another
    for missed, row in sorted(rows, key=lambda each: each[0]):
        colour, alpha = (VERMILLION, 0.9) if missed else (BLUE, faint)
        axes.plot([row["truth"]] * 2, [row["lowest"], row["highest"]], color=colour, alpha=alpha, linewidth=1)
        axes.plot(
            row["truth"], row["mean"], marker="D" if missed else "o", color=colour, markersize=3.5 if missed else 2.5
        )
    ends = [pick(row["truth"] for _, row in rows) for pick in (min, max)] if rows else [0, 1]
    axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=0)
    axes.set_xlabel("true value, on the scale of the model")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    _above(axes, "posterior mean and interval", (-26, 4), color=MUTED, fontsize=7.5)
    axes.grid()
    content = f"{truth['interval']:.0%} interval"
    inside = Line2D([], [], marker="o", color=BLUE, markersize=3, linewidth=1, label=f"inside its {content}")
    missed_mark = Line2D([], [], marker="D", color=VERMILLION, markersize=3.5, linewidth=1, label="outside")
    figure.legend(handles=[inside, missed_mark], loc="lower center", ncols=2)
    compared = f"{truth['compared']} parameters against their true values."
    figure.alt = _alt(results, compared, [f"outside: {', '.join(sorted(outside)) or 'none'}"])
    return figure


# Parts of figures -------------------------------------------------------------------------------------------------


def _blank(results: Results, height: float, bottom: float) -> Picture:
    """An empty figure `height` inches high between its margins, marked where the study is synthetic."""
    figure = Picture(figsize=(WIDTH, height + bottom + TOP))
    if results.study["synthetic"]:
        frame = {"boxstyle": "square,pad=0.25", "facecolor": "none", "edgecolor": VERMILLION, "linewidth": 0.8}
        figure.text(0.985, 1 - 0.13 / figure.get_figheight(), "SYNTHETIC DATA", ha="right", va="center", bbox=frame,
                    fontsize=6.5, color=VERMILLION, weight="bold")  # fmt: skip
    return figure


def _canvas(results: Results, height: float, *, bottom: float = BOTTOM, left: float = 0.08) -> tuple[Picture, Axes]:
    """A figure with one set of axes; measures in inches."""
    figure = _blank(results, height, bottom)
    tall = figure.get_figheight()
    axes = figure.add_axes((left / WIDTH, bottom / tall, 1 - (left + 0.14) / WIDTH, height / tall))
    axes.set_yticks([])
    return figure, axes


def _beside(axes: Axes, y: float, words: str, *, right: bool = False, **style: Any) -> None:
    """Words at the height `y` of the data, at the left or right edge of the axes."""
    place = {"transform": axes.get_yaxis_transform(), "ha": "right" if right else "left", "va": "center"}
    axes.text(float(right), y, words, **{**place, "color": INK, **style})


def _row(axes: Axes, y: float, e: Estimate, rope: float) -> None:
    """An estimate: its name and number above its interval, which lies in a strip of its own."""
    name = f"{e.contrast}, {e.group}" if e.group else f"{e.contrast}: {SHORT[e.contrast]}"
    _beside(axes, y + 0.4, name + (" (extrapolated)" if e.extrapolation else ""))
    _beside(axes, y + 0.4, f"{points(e.mean)} ({span(e.lower, e.upper)})", right=True)
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


def _measure(axes: Axes, shown: Iterable[Estimate], rope: float, ylim: tuple[float, float]) -> None:
    """The scale in points, wide enough for the intervals and the band."""
    reach = [100 * x for e in shown for x in (e.lower, e.upper, e.mean if e.truth is None else e.truth)]
    low, high = min(*reach, -120 * rope), max(*reach, 120 * rope)
    axes.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    axes.set_ylim(*ylim)
    axes.set_xlabel(f"points of 100 (shaded: within {points(rope)}, too small to matter)")


def _key(figure: Picture, shown: Sequence[Estimate], more: Sequence[Line2D] = ()) -> None:
    """What the marks mean; only those there are."""
    marks = [Line2D([], [], label=words, linewidth=1.8, **MARKS[status]) for status, words in STATUS.items()
             if any(e.status == status for e in shown)]  # fmt: skip
    if any(e.truth is not None for e in shown):
        marks.append(Line2D([], [], marker="x", color=VERMILLION, markersize=5, linestyle="", label="simulated truth"))
    handles = [*marks, *more]
    figure.legend(handles=handles, loc="lower center", ncols=min(3, len(handles)), frameon=False, fontsize=7.5,
                  columnspacing=1.2, handlelength=1.8)  # fmt: skip


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
    axes.set_yticks(at, [fill(str(level), 21) for level in row["levels"]], color=INK)
    _above(axes, row["label"].replace("_", " "), (-0.24 * 72 * WIDTH + 8, 4), weight="bold")


def _above(axes: Axes, words: str, offset: tuple[float, float], **style: Any) -> None:
    """Words at an offset in points from the upper left corner of the axes."""
    axes.annotate(words, (0, 1), offset, xycoords="axes fraction", textcoords="offset points", **style)


def _alt(results: Results, what: str, sentences: Iterable[str]) -> str:
    """Alternative text: what it is, then the numbers; synthetic data are called so first."""
    mark = "Synthetic data. " if results.study["synthetic"] else ""
    return f"{mark}{what} {'; '.join(sentences)}."


def _said(e: Estimate) -> str:
    name = e.group or f"{OUTCOMES.get(e.outcome, e.outcome)}, {e.label}"
    return f"{name}: {points(e.mean)}, {span(e.lower, e.upper)}, {DIRECTIONS[direction(e)]}"


def _outside(row: Mapping[str, Any]) -> str:
    arm = "received a gift" if row["gift"] else "passed over"
    ends = zip(row["observed"], row["lower"], row["upper"], strict=True)
    missed = sum(not low <= seen <= high for seen, low, high in ends)
    return f"{row['label']}, {arm}: {missed} of {len(row['levels'])} shares outside their interval"
