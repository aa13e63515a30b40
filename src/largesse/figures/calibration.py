"""The pictures of a certificate: whether truths lie anywhere among the draws alike, and what the draws learnt of them.

The empirical cdf of the places of a quantity's truths is drawn as its difference from the uniform, over the band that
chance leaves it (Sailynoja, Burkner & Vehtari 2022). Bias is drawn against contraction (Schad, Betancourt & Vasishth
2021): where contraction is near nought the posterior is the prior, and a uniform line says little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from largesse.figures.band import band, difference, grid
from largesse.figures.canvas import TOP, WIDTH, above, beside, blank
from largesse.figures.printed import OUTCOMES
from largesse.figures.style import BAND, BLUE, INK, MUTED, RULE, VERMILLION, Picture, styled
from largesse.uniformity import FAMILYWISE

Array = np.ndarray[Any, np.dtype[np.float64]]
Places = Mapping[str, Array]  # quantity -> [replicate] in [0, 1]
Summary = Mapping[str, Any]  # as `judgement.summarised` gives it

BINS: Final = 50  # two of the hundred places among 99 draws in each
ONE: Final = 0.95  # content of the inner band, of a quantity by itself
PANEL, GAP, TITLE = 1.2, 0.36, 0.2  # inches: a panel, the space above it, more of it above the first
SCALE, LINE = 0.5, 0.16  # inches: the scale, a line of the key
LOGLIK: Final = "log-likelihood"  # as `replicate.LOGLIK`, which brings the samplers along
QUIET: Final[dict[str, Any]] = {"color": MUTED, "linewidth": 0.5, "alpha": 0.55, "zorder": 1}
LEAST: Final[dict[str, Any]] = {"color": INK, "linewidth": 1.3, "zorder": 3}
RED: Final[dict[str, Any]] = {"color": VERMILLION, "linewidth": 1.5, "linestyle": (0, (4, 1)), "zorder": 2}
KINDS: Final[dict[str, dict[str, Any]]] = {  # open, filled, and another shape: legible without colour
    "parameters": {"marker": "o", "color": MUTED, "markerfacecolor": "none", "markersize": 4, "markeredgewidth": 0.8},
    "estimands": {"marker": "o", "color": BLUE, "markersize": 3.5, "markeredgewidth": 0.5},
    LOGLIK: {"marker": "D", "color": INK, "markersize": 4.5, "markeredgewidth": 0.8},
}


class Panel(NamedTuple):
    """The quantities of one panel, the least uniform of them with its adjusted p, and those that are red."""

    title: str
    places: Places
    least: str
    adjusted: float
    red: frozenset[str]


@styled
def ranks(
    places: Places, summary: Summary, prior: Places | None = None, bins: int = BINS, width: float = WIDTH
) -> Picture:
    """Every quantity's cdf of places less the uniform, over the band that chance leaves it.

    Parameters
    ----------
    places : of truths among their draws.
    summary : of the same calibration.
    prior : of truths in their priors, by scalar parameter; a panel of its own.
    bins : at whose edges the cdfs are compared.
    width : of the picture, in inches.
    """
    panels = [*_panels(places, summary), *_priors(prior or {}, summary)]
    red = any(panel.red for panel in panels)
    rows, bottom = -(-len(panels) // 2), SCALE + LINE * (3 + red)
    figure = blank(rows * (PANEL + GAP) + TITLE - GAP, bottom, synthetic=True, width=width)
    tall = figure.get_figheight()
    every = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(left=0.36 / width, right=1 - 0.12 / width, bottom=bottom / tall,
                           top=1 - (TOP + TITLE) / tall, wspace=0.08, hspace=GAP / PANEL)  # fmt: skip
    shown = list(zip(every.flat, panels, strict=False))
    reach = max(_curves(axes, panel, summary["level"], bins) for axes, panel in shown)
    every[0, 0].set(xlim=(0, 1), ylim=(-1.6 * reach, 1.6 * reach), xticks=[])
    for axes, panel in shown:
        _named(axes, panel, bins)
    _scales(figure, every.ravel(), len(panels), bottom)
    _key(figure, len(summary["quantities"]), red=red)
    surveys = f"{summary['replicates'] - summary['failed']:,} simulated surveys"
    figure.tell(f"Places of truths in {surveys}, against uniform ones: {summary['verdict']}.", map(_said, panels))
    return figure


@styled
def contraction(summary: Summary) -> Picture:
    """Of every quantity: how far its posterior mean lies from the truth on average, over what the data taught of it."""
    rows = summary["quantities"]
    height, bottom = 2.2, SCALE + LINE
    figure = blank(height, bottom, synthetic=True)
    tall = figure.get_figheight()
    axes = figure.add_axes((0.4 / WIDTH, bottom / tall, 1 - 0.52 / WIDTH, height / tall))
    least = min(row["replicates"] for row in rows)
    together = f"where all {len(rows)} stay, {1 - FAMILYWISE:.0%} of times"
    reach = max(abs(row["bias"]) for row in rows)
    for content, colour, words in ((1 - summary["level"], BAND, together), (ONE, RULE, f"where one stays, {ONE:.0%}")):
        edge = NormalDist().inv_cdf((1 + content) / 2) / least**0.5  # the z-scores of a right model have sd 1
        reach = max(reach, 1.1 * edge)
        axes.axhspan(-edge, edge, color=colour, linewidth=0, zorder=0)
        beside(axes, 0.98 * edge, f" {words}", va="top", fontsize=6.5, color=MUTED)
    axes.axhline(0, color="white", linewidth=0.8, zorder=0.5)
    for row in rows:
        axes.plot(row["contraction"], row["bias"], linestyle="", zorder=2, **KINDS[_kind(row["quantity"])])
    axes.set(xlim=(min(0, *(row["contraction"] for row in rows)) - 0.03, 1.03), ylim=(-1.04 * reach, 1.04 * reach))
    axes.set_xlabel("contraction: share of the truths' variance that the data removed")
    _pointed(axes, rows, edge)
    above(axes, "mean of (posterior mean − truth) / posterior sd", (-20, 4), color=MUTED, fontsize=7.5)
    marks = [Line2D([], [], linestyle="", label=kind, **style) for kind, style in KINDS.items()]
    figure.legend(handles=marks, loc="lower center", ncols=3, columnspacing=1.2)
    ends = (min(rows, key=lambda row: row["contraction"]), max(rows, key=lambda row: abs(row["bias"])))
    said = (f"{what} {named(row['quantity'])}: contraction {row['contraction']:.2f}, bias {row['bias']:.2f} sd"
            for what, row in zip(("least learnt,", "most biased,"), ends, strict=True))  # fmt: skip
    figure.tell(f"Bias and contraction of {len(rows)} quantities.", said)
    return figure


def group(quantity: str) -> str:
    """The panel of a quantity: what an estimand is of, else what it is."""
    name, _, estimand = quantity.partition(".")
    if estimand:
        return OUTCOMES.get(name, name.replace("_", " "))
    return LOGLIK if quantity == LOGLIK else "parameters"


def named(quantity: str) -> str:
    """A quantity as read within its panel: without its outcome, and without the signs of programs."""
    name, _, estimand = quantity.partition(".")
    words = estimand.replace("level.0", "level without gift").replace("level.1", "level with gift") or name
    return words.replace("_", " ").replace(".", ", ")


def _kind(quantity: str) -> str:
    return "estimands" if "." in quantity else group(quantity)


def _panels(places: Places, summary: Summary) -> Iterator[Panel]:
    """Parameters, the estimands of each outcome, and the log-likelihood."""
    known = ["parameters", *OUTCOMES.values()]
    groups: dict[str, dict[str, Array]] = {}
    for name, values in places.items():
        groups.setdefault(group(name), {})[name] = values
    judged = {row["quantity"]: row["adjusted"] for row in summary["quantities"]}  # the least uniform first
    for title in sorted(groups, key=lambda t: (t == LOGLIK, known.index(t) if t in known else len(known), t)):
        least = next((name for name in judged if name in groups[title]), "")
        red = frozenset(summary["red"]) & groups[title].keys()
        yield Panel(title, groups[title], least, judged.get(least, 1.0), red)


def _priors(prior: Places, summary: Summary) -> Iterator[Panel]:
    """Where the truths lie in their priors."""
    if prior:
        red = frozenset(name for name in prior if f"prior of {name}" in summary["red"])
        yield Panel("truths in their priors", prior, summary["prior"]["least"], summary["prior"]["adjusted"], red)


def _curves(axes: Axes, panel: Panel, level: float, bins: int) -> float:
    """The bands and a line for each quantity; returns how far they reach."""
    edges, reach = grid(bins), 0.0
    for content, colour in ((1 - level, BAND), (ONE, RULE)):
        lower, upper = band(max(map(len, panel.places.values())), bins, content)
        axes.fill_between(edges, lower, upper, color=colour, linewidth=0, zorder=0)
        reach = max(reach, -lower.min(), upper.max())
    for name, values in panel.places.items():
        style = RED if name in panel.red else LEAST if name == panel.least else QUIET
        line = difference(values, bins)
        axes.plot(edges, line, **style)
        reach = max(reach, np.abs(line).max())
    axes.axhline(0, color="white", linewidth=0.8, zorder=0.5)
    above(axes, panel.title[:1].upper() + panel.title[1:], (0, 4), weight="bold", fontsize=7.5)
    return float(reach)


def _named(axes: Axes, panel: Panel, bins: int) -> None:
    """The least uniform quantity by name, beyond the band, on the side where it strays most; how many there are."""
    if not panel.least:
        return
    line, alone = difference(panel.places[panel.least], bins), len(panel.places) == 1
    at = int(np.abs(line).argmax())
    colour = (RED if panel.least in panel.red else LEAST)["color"]
    high = np.copysign(0.87 * axes.get_ylim()[1], line[at])
    axes.plot([grid(bins)[at]] * 2, [line[at], 0.86 * high], color=colour, linewidth=0.5, zorder=3)
    side, x = (("left", 0.01), ("center", grid(bins)[at]), ("right", 0.99))[int(np.clip(3 * at // bins, 0, 2))]
    words = f"p {_p(panel.adjusted)}" if alone else f"{named(panel.least)}: p {_p(panel.adjusted)}"
    axes.text(x, high, words, ha=side, va="center", fontsize=7, color=colour)
    if not alone:
        axes.text(0.99, -high, f"{len(panel.places)} quantities", ha="right", va="center", fontsize=6.5, color=MUTED)


def _p(value: float) -> str:
    """A p-value to two digits, as journals print it."""
    if value < 0.001:
        return "< .001"
    return "1" if value > 0.995 else f"{value:.{2 if value >= 0.1 else 3}f}".removeprefix("0")


def _pointed(axes: Axes, rows: list[Mapping[str, Any]], edge: float) -> None:
    """The names of the quantity least learnt and of the one most biased; `edge` is that of the darker band."""
    ends = {"least": min(rows, key=lambda row: row["contraction"]), "most": max(rows, key=lambda row: abs(row["bias"]))}
    for row in {row["quantity"]: row for row in ends.values()}.values():
        x, y = row["contraction"], row["bias"]
        side, offset = ("left", 5) if x < 0.5 else ("right", -5)
        halo = withStroke(linewidth=2, foreground=RULE if abs(y) < edge else BAND)
        axes.annotate(named(row["quantity"]), (x, y), (offset, np.copysign(6, y)), textcoords="offset points", ha=side,
                      va="center", fontsize=7, path_effects=[halo])  # fmt: skip


def _scales(figure: Picture, every: Array, shown: int, bottom: float) -> None:
    """What lies along both axes, once for all panels; the last of each column has the scale of places."""
    tall = figure.get_figheight()
    for axes in every[shown:]:
        axes.set_axis_off()
    for axes in every[max(0, shown - 2) : shown]:
        for x, side, words in ((0, "left", "below all"), (0.5, "center", "half-way"), (1, "right", "above all")):
            axes.annotate(words, (x, 0), (0, -5), xycoords="axes fraction", textcoords="offset points", ha=side,
                          va="top", fontsize=7.5, color=MUTED)  # fmt: skip
    figure.supxlabel("place of the truth among its draws", fontsize=7.5, color=MUTED, y=(bottom - 0.37) / tall)
    words = "share of truths up to a place, less expected"
    figure.text(0.02, 1 - 0.13 / tall, words, va="center", fontsize=7.5, color=MUTED)


def _key(figure: Picture, quantities: int, *, red: bool) -> None:
    """What bands and lines mean."""
    handles = [
        Patch(color=RULE, label=f"where one uniform quantity stays, {ONE:.0%} of times"),
        Patch(color=BAND, label=f"where all {quantities} of them stay, {1 - FAMILYWISE:.0%} of times"),
        Line2D([], [], label="the least uniform of its panel, p adjusted for all", **LEAST),
        *([Line2D([], [], label="not uniform", **RED)] if red else []),
    ]
    figure.legend(handles=handles, loc="lower left", fontsize=7.5, handlelength=1.8, bbox_to_anchor=(0.055, 0))


def _said(panel: Panel) -> str:
    least = (
        f"{panel.title}: {len(panel.places)}, least uniform {named(panel.least)} with adjusted p {_p(panel.adjusted)}"
    )
    return f"{least}; not uniform: {', '.join(sorted(panel.red))}" if panel.red else least
