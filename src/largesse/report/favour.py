"""Favour in words: what the answer would be, had offices chosen by private loyalty, and what other choices would do.

Numbers come from `figures["tipping"]` and `figures["programmes"]` of the results, and from estimates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from largesse.figures import PROGRAMMES, outcome, points, programmes, span
from largesse.report import prior_set, words
from largesse.report.markdown import UNKNOWN, literal, table
from largesse.results import Estimate, Results, direction

HEADLINE = "loyalty.direct"


def tipping(results: Results) -> list[str]:
    """The curve in sentences: without favour, where it comes to nought, and what answers from before point to."""
    told = results.figures.get("tipping")
    if not told:
        return []
    settled = [p for p in told["points"] if p["settled"]]
    none = next((p for p in settled if p["favour"] == 0), None)
    said = []
    if none:
        e = none["effects"][HEADLINE]
        said.append(
            "If offices saw nothing of private loyalty, as every regression takes it, the gift's effect would be put at"
            f" {points(e['mean'])} points ({words.content(results)} interval {span(e['lower'], e['upper'])})."
        )
    crossings = told["crossings"][HEADLINE]
    rope = points(results.study["rope"])
    if (at := crossings["above"]) is not None:
        said.append(f"It shrinks to {rope} points, the bound of what is too small to matter, at a favour of {at:.2f}.")
    if (at := crossings["zero"]) is not None:
        said.append(f"It is gone at a favour of {at:.2f}: {_meaning(settled, at)}.")
    if crossings["zero"] is None:
        said.append("It is not gone at any favour on this grid.")
    return [*said, _pointed(told, settled, results)]


def overturned(results: Results) -> str:
    """Which choice of receivers would leave nothing of the headline, as a clause; else nothing."""
    told, e = results.figures.get("tipping"), next((e for e in results.estimates if e.key == HEADLINE), None)
    if not told or e is None or not words.causal(results, e) or direction(e) == "cannot tell":
        return ""
    if (at := told["crossings"][HEADLINE]["zero"]) is None:
        return ""
    settled = [p for p in told["points"] if p["settled"]]
    most, least = _quarters(settled, at)
    said = "offices that chose by private loyalty so that, of people alike in all else,"
    said += f" {most} in 100 of the most loyal quarter received and {least} of the least"
    if not told["estimated"]:
        return f"{said}, which these data cannot tell"
    seen = " and ".join(_quarters(settled, told["estimated"]["mean"]))
    return f"{said}, where answers from before the gift point to {seen}"


def _quarters(settled: list[Mapping[str, Any]], favour: float) -> tuple[str, str]:
    """How many in 100 of the most and of the least loyal quarter receive under a favour."""
    x = [p["favour"] for p in settled]
    most, least = (f"{100 * np.interp(favour, x, [p[key] for p in settled]):.0f}" for key in ("top", "bottom"))
    return most, least


def _pointed(told: Mapping[str, Any], settled: list[Mapping[str, Any]], results: Results) -> str:
    seen = told["estimated"]
    if not seen:
        held = f"{told['assumed']:g} is assumed, and the curve shows what hangs on it"
        return f"These data cannot say which favour holds; {held}."
    held = f"{seen['mean']:.2f} ({words.content(results)} interval {seen['lower']:.2f} to {seen['upper']:.2f})"
    return f"Answers from before the gift point to {held}: {_meaning(settled, seen['mean'])}."


def _meaning(settled: list[Mapping[str, Any]], favour: float) -> str:
    """What a favour is, between people alike in all else."""
    most, least = _quarters(settled, favour)
    said = f"of people alike in all else {most} in 100 of the most loyal quarter receive and {least} of the least"
    slopes = [p["gradients"] / p["favour"] for p in settled if p["gradients"] and p["favour"]]
    if not slopes:
        return said
    times = abs(favour) * float(np.median(slopes))
    return f"{said}; one sd of private loyalty then counts {times:.1f} times as much as the weightiest attribute"


def selectivity(results: Results) -> list[str]:
    """What the choice of receivers does by itself, or why that cannot be said."""
    said = [f"Selectivity is {literal(why)}." for why in _unanswered(results)]
    known = {e.key: e for e in programmes(results)}
    if e := known.get("loyalty.selectivity"):
        verb = "changes" if words.causal(results, e) else "would by the fit, though no cause is claimed, change"
        said.append(
            f"With the same number of gifts in every district, offices' own choice of receivers instead of lots {verb}"
            f" {literal(outcome(results, 'loyalty'))} by {words.size(results, e)} on average over everyone."
        )
    return [*said, *_break_even(results), *_up_and_down(results)]


def _unanswered(results: Results) -> list[str]:
    return [why for told in _told(results) for why in told["unanswered"].values()]


def _told(results: Results) -> list[Mapping[str, Any]]:
    return list((results.figures.get("programmes") or {}).values())


def _break_even(results: Results) -> list[str]:
    """Whether there is a coverage that does no more than the lowest that was observed."""
    said = []
    for told in _told(results):
        if even := told.get("break_even"):
            where = f"between {100 * even['low']:.0f} and {100 * even['high']:.0f} in 100"
            head = (
                f"With probability {even['exists']:.2f} some coverage {where}, drawn by lots, does no more for"
                f" {literal(outcome(results, 'loyalty'))} than the lowest"
            )
            lie = (
                f"; it then lies between {100 * even['lower']:.0f} and {100 * even['upper']:.0f} in 100"
                if "lower" in even
                else ""
            )
            said.append(f"{head}{lie}.")
    return said


def _up_and_down(results: Results) -> list[str]:
    """How sure it is that more coverage raises loyalty and lowers taking part in the market."""
    said = []
    for told in _told(results):
        if both := told.get("up_and_down"):
            places = [p for name, p in both.items() if name != "everyone"]
            spread = f", by district between {min(places):.2f} and {max(places):.2f}" if places else ""
            said.append(
                "That loyalty is higher under more coverage, and taking part in the market lower, has"
                f" probability {both['everyone']:.2f}{spread}."
            )
    return said


def policies(results: Results) -> str:
    """Every policy with its interval, probabilities and status."""
    synthetic = results.study["synthetic"]
    header = [
        "Outcome",
        "Compared",
        "Mean",
        f"{words.content(results)} interval",
        "P(\\>0)",
        "Status",
        *["Truth"] * synthetic,
    ]
    rows = [_row(results, e)[: len(header)] for e in programmes(results)]
    caption = "Policies, in points of 100: what they bring on average over everyone, or over the group named"
    return table(header, rows, caption, "policies", "--rrr-r")


def _row(results: Results, e: Estimate) -> list[str]:
    beyond = " (extrapolated)" if e.extrapolation else ""
    name, truth = f"{PROGRAMMES[e.contrast]}{beyond}", UNKNOWN if e.truth is None else points(e.truth)
    return [literal(outcome(results, e.outcome)), literal(name), *prior_set.bounds(results, e),
            f"{e.p_positive:.2f}", e.status.replace("_", " "), truth]  # fmt: skip
