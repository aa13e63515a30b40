"""The set of priors in words: effects under others than were chosen, and bounds of what the prior decides.

Numbers come from `figures["priors"]` of the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse.figures import outcome, points, span
from largesse.report import markdown
from largesse.report.markdown import UNKNOWN, literal
from largesse.results import Estimate, Results

MOVES: Final = 0.05  # power-scaling sensitivity from which a component is said to matter (Kallioinen et al. 2023)


def _under(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The effect as chosen and under each other prior that draws can speak to."""
    return [row, *(other for other in row["others"] if other["mean"] is not None)]


def bounds(results: Results, e: Estimate) -> tuple[str, str]:
    """Mean and interval of an estimate as a table tells them; of one that its prior drives, never a lone number.

    There the mean is the span of means over the set of priors, and the interval holds those under every prior of the
    set; no mean is told where nothing else was tried.
    """
    if e.status != "prior_driven":
        return points(e.mean), span(e.lower, e.upper)
    rows = [row for row in results.figures.get("priors") or () if (row["key"], row["model"]) == (e.key, e.model)]
    under = [each for row in rows for each in _under(row)]
    if len(under) < 2:  # no other prior, or none that these draws can speak to
        return UNKNOWN, span(e.lower, e.upper)
    means = [each["mean"] for each in under]
    return span(min(means), max(means)), span(min(o["lower"] for o in under), max(o["upper"] for o in under))


def said(results: Results) -> list[str]:
    """How to read the table, and what the power-scaling sensitivities say."""
    rows = results.figures.get("priors") or ()
    if not rows:
        return ["No effect of this study was held against other priors."]
    asked = [other for row in rows for other in row["others"]]
    silent = sum(other["mean"] is None for other in asked)
    moved = [_effect(results, row) for row in rows if row["prior"] >= MOVES]
    told = ["Sensitivity is how far an effect moves per doubling of the weight of the priors, or of the answers."]
    told += [f"The priors move {', '.join(moved)}." if moved else "The priors move none of these effects noticeably."]
    lost = f"{silent} of {len(asked)} could not be worked out: another prior would have put these draws elsewhere."
    return [*told, *([lost] if silent else [])]


def table(results: Results) -> str:
    """Each effect as chosen, at its least and at its most over the set of priors; empty where there is none."""
    rows = [_row(results, row) for row in results.figures.get("priors") or ()]
    header = ("Effect", "As chosen", "Least", "Most", "Prior", "Answers")
    caption = "Effects over the set of priors, in points of 100; sensitivity to priors and to answers"
    return markdown.table(header, rows, caption, "other-priors", "-r--rr") if rows else ""


def _row(results: Results, row: Mapping[str, Any]) -> list[str]:
    others = _under(row)[1:]
    ends = [_told(pick(others, key=lambda other: other["mean"])) if others else UNKNOWN for pick in (min, max)]
    own = UNKNOWN if row["status"] == "prior_driven" else points(row["mean"])
    return [_effect(results, row), own, *ends, f"{row['prior']:.2f}", f"{row['likelihood']:.2f}"]


def _effect(results: Results, row: Mapping[str, Any]) -> str:
    name, _, contrast = row["key"].partition(".")
    return f"{literal(outcome(results, name))}: {literal(contrast)}"


def _told(other: Mapping[str, Any]) -> str:
    name, parameter = (literal(str(other[key]).replace("_", " ")) for key in ("name", "parameter"))
    return f"{points(other['mean'])} ({name}, {parameter})"
