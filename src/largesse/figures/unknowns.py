"""Parameters: what the data taught of them, and what fits of a synthetic study recovered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from largesse.figures.canvas import ROW, above, beside, canvas
from largesse.figures.printed import models
from largesse.figures.style import BLUE, INK, MUTED, RULE, VERMILLION, Picture, styled
from largesse.results import Results

PARTS: Final = {"receipt": "receipt", "loyalty": "loyalty", "any": "in the market", "much": "how much in the market",
                "sincere": "sincere support", "willing": "willing to say yes"}  # fmt: skip


@styled
def learning(results: Results) -> Picture:
    """From prior to posterior, for every effect that is one number with a normal prior."""
    shown = learnt(results)
    figure, axes = canvas(results, len(shown) * ROW + 0.3)
    content = f"{results.study['interval']:.0%} interval"
    reach = NormalDist().inv_cdf((1 + results.study["interval"]) / 2)
    for n, (words, row) in enumerate(shown, 1):
        mu, sigma = (row["prior"]["arguments"][name] for name in ("mu", "sigma"))
        axes.plot([0, 0], [-n - 0.22, -n + 0.2], color=MUTED, linewidth=0.8, zorder=3)
        ends = [mu - reach * sigma, mu + reach * sigma]
        axes.plot(ends, [-n, -n], color=RULE, linewidth=5, solid_capstyle="butt")
        axes.plot([row["lower"], row["upper"]], [-n, -n], color=BLUE, linewidth=2)
        axes.plot(row["mean"], -n, marker="o", color=BLUE, markersize=4.5)
        beside(axes, -n + 0.4, words)
        gained = row.get("contraction")
        if gained is not None:
            beside(axes, -n + 0.4, f"sd {row['prior_sd']:.2f} to {row['sd']:.2f}", right=True, color=MUTED)
    axes.set_ylim(-len(shown) - 0.4, -0.3)
    axes.set_xlabel("logits (coverage: per 100 points); right: sd before, after", loc="left")
    prior = Line2D([], [], color=RULE, linewidth=5, label=f"prior, {content}")
    after = Line2D([], [], color=BLUE, linewidth=2, marker="o", markersize=4.5, label=f"posterior, {content}")
    figure.legend(handles=[prior, after], loc="lower center", ncols=2)
    said = (f"{w}: prior sd {r['prior_sd']:.2f}, posterior {r['mean']:.2f} with sd {r['sd']:.2f}" for w, r in shown)
    figure.tell("Prior and posterior of the main effects.", said)
    return figure


def learnt(results: Results) -> list[tuple[str, Mapping[str, Any]]]:
    """The effects that are one number with a normal prior, each with its model and meaning."""
    several = len(models(results)) > 1
    return [
        (_named(model if several else "", row["parameter"]), row)
        for model, about in models(results).items() for row in about["parameters"]
        if row["key"] == row["parameter"] and row["prior"]["distribution"] == "Normal"
        and all(isinstance(value, int | float) for value in row["prior"]["arguments"].values())
    ]  # fmt: skip


def _named(model: str, parameter: str) -> str:
    """A parameter as words, with the outcome that it is about, else with its model where there are several."""
    part, _, rest = parameter.partition("_")
    about, rest = (PARTS[part], rest) if part in PARTS and rest else (model, parameter)
    return f"{about}: {rest}".removeprefix(": ").replace("_", " ")


@styled
def recovery(results: Results) -> Picture:
    """Of a synthetic study: each parameter's 99 % interval over its true value; those that miss it stand out."""
    truth = results.truth or {"outside": [], "compared": 0, "interval": 0.99}
    outside = {row["key"] for row in truth["outside"]}
    rows = [(f"{model}.{row['key']}" in outside, row) for model, about in models(results).items()
            for row in about["parameters"] if row["truth"] is not None]  # fmt: skip
    figure, axes = canvas(results, 3.4, left=0.45)
    faint = max(0.15, min(0.45, 50 / max(1, len(rows))))  # where many lie on one another
    _recovered(axes, [row for missed, row in rows if not missed], faint, marker="o", color=BLUE, markersize=2.5)
    _recovered(axes, [row for missed, row in rows if missed], 0.9, marker="D", color=VERMILLION, markersize=3.5)
    ends = [pick(row["truth"] for _, row in rows) for pick in (min, max)] if rows else [0, 1]
    axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=0)
    axes.set_xlabel("true value, on the scale of the model")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    above(axes, "posterior mean and interval", (-26, 4), color=MUTED, fontsize=7.5)
    axes.grid()
    content = f"{truth['interval']:.0%} interval"
    inside = Line2D([], [], marker="o", color=BLUE, markersize=3, linewidth=1, label=f"inside its {content}")
    missed_mark = Line2D([], [], marker="D", color=VERMILLION, markersize=3.5, linewidth=1, label="outside")
    figure.legend(handles=[inside, missed_mark], loc="lower center", ncols=2)
    compared = f"{truth['compared']} parameters against their true values."
    figure.tell(compared, [f"outside: {', '.join(sorted(outside)) or 'none'}"])
    return figure


def _recovered(axes: Axes, rows: Sequence[Mapping[str, Any]], alpha: float, **mark: Any) -> None:
    """Intervals and means of parameters over their true values."""
    truths, means, low, high = ([row[key] for row in rows] for key in ("truth", "mean", "lowest", "highest"))
    axes.vlines(truths, low, high, color=mark["color"], alpha=alpha, linewidth=1)
    axes.plot(truths, means, linestyle="", **mark)
