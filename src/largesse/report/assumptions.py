"""Assumptions in words: what the answer rests on, which check speaks to each, and what follows where one failed.

Rows come from `figures["ledger"]` of the results; rows of several models that say the same are told once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse.figures import contrasts, outcome, programmes
from largesse.report import words
from largesse.report.markdown import UNKNOWN, literal, table
from largesse.results import Answer, Results

UNTESTABLE: Final = "? untestable"  # the answer of a row that is no verdict's
NO_CHECK: Final = "none can, in any study like this"


def _answers(results: Results) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The rows, those that say the same told once; those that failed first, untestable ones last."""
    order = {answer.value: at for at, answer in enumerate((Answer.FAILED, Answer.FLAGGED, Answer.PASSED))}
    rows = sorted(results.figures.get("ledger") or (), key=lambda row: order.get(row["answer"], len(order)))
    return {tuple(str(row[key]) for key in ("says", "check", "answer", "sentence")): row for row in reversed(rows)}


def said(results: Results) -> list[str]:
    """How many assumptions there are and how they stand, and what is not claimed because one was denied."""
    rows = list(_answers(results).values())
    if not rows:
        return ["No assumption is written down for this study, which estimates no effect."]
    tally = {answer: sum(row["answer"] == answer.value for row in rows) for answer in words.SIGNS}
    spoken = [f"{n} {answer.value}" for answer, n in tally.items() if n]
    silent = len(rows) - sum(tally.values())
    told = (
        f"The effects rest on {words.plural(len(rows), 'assumption')}: {', '.join([*spoken, f'{silent} untestable'])}."
    )
    meant = "Passed means that these data do not deny it; what is untestable is for the reader to judge."
    return [told, meant, *_denied(results)]


def _denied(results: Results) -> list[str]:
    """The effects that are not claimed because a check denied what they rest on."""
    lost = [e for e in (*contrasts(results), *programmes(results)) if not e.group and results.denied(e)]
    about: dict[str, list[str]] = {}
    for e in lost:
        about.setdefault(literal(outcome(results, e.outcome)), []).append(literal(e.contrast))
    which = "; ".join(f"{name}: {', '.join(dict.fromkeys(kinds))}" for name, kinds in about.items())
    return [f"**No cause is claimed, because a required check failed, for {which}.**"] if lost else []


def ledger(results: Results) -> str:
    """Every assumption with its check and the answer; empty where there is none."""
    rows = [_row(row) for row in reversed(_answers(results).values())]
    caption = "What the answer rests on; where a check that is marked as required fails, no cause is claimed"
    return table(("Assumption", "Check", "Answer", "In words"), rows, caption, "ledger") if rows else ""


def _row(row: Mapping[str, Any]) -> list[str]:
    check = f"{literal(row['check'])}{' (required)' if row['required'] else ''}" if row["check"] else NO_CHECK
    known = {answer.value: sign for answer, sign in words.SIGNS.items()}
    found = words.capital(words.stop(row["sentence"])) or UNKNOWN
    return [literal(row["says"]), check, known.get(row["answer"], UNTESTABLE), found]
