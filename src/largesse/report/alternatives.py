"""Alternatives in words: the effects on reported loyalty, were one thing taken otherwise.

Numbers come from `figures["alternatives"]` of the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse.figures import estimated, outcome, points
from largesse.report import markdown, words
from largesse.report.markdown import UNKNOWN, literal
from largesse.results import Results

HEADLINE: Final = "direct"


def _told(results: Results) -> Mapping[str, Any]:
    return results.figures.get("alternatives") or {}


def _shown(results: Results) -> list[Mapping[str, Any]]:
    """The study as it is, other maps of exposure, and the study without a term."""
    told = _told(results)
    return [told["own"], *told.get("maps", ()), *told.get("terms", ())] if told else []


def said(results: Results) -> list[str]:
    """What people were taken to face, and what to know of each alternative."""
    if not (shown := _shown(results)):
        return ["No effect of this study was held against alternatives."]
    return [
        f"The effects above take people to face the {literal(shown[0]['label'])}.",
        *(sentence for row in shown for sentence in _known(row)),
        *_span(results),
    ]


def _known(row: Mapping[str, Any]) -> list[str]:
    """What to know of one alternative, a sentence for each thing."""
    name = words.capital(literal(row["label"]))
    found = []
    if row["alone"]:
        found.append(f"{name}: {words.plural(row['alone'], 'respondent')} without another face their district's rate.")
    if row["reliability"] < 1:
        found.append(
            f"{name}: its reliability is {row['reliability']:.2f}, and its effects shrink to about that share."
        )
    return found + _settled(row)


def _settled(row: Mapping[str, Any]) -> list[str]:
    name = words.capital(literal(row["label"]))
    return (
        [] if row["settled"] else [f"{name}: its chains did not settle, so that its numbers are not to be relied on."]
    )


def _span(results: Results) -> list[str]:
    """How far the direct effect moves as places are left out; nothing where none was."""
    rows = [row for row in _told(results).get("places", ()) if HEADLINE in row["effects"]]
    if not rows:
        return []
    least, most = (pick(rows, key=lambda row: row["effects"][HEADLINE]["mean"]) for pick in (min, max))
    ends = [f"{points(row['effects'][HEADLINE]['mean'])} ({literal(row['label'])})" for row in (least, most)]
    said = f"As {len(rows)} places are left out one by one, the direct effect lies from {ends[0]} to {ends[1]}"
    return [f"{said} points of 100.", *(sentence for row in rows for sentence in _settled(row))]


def table(results: Results) -> str:
    """The effects as the study takes things and under each alternative; empty where there is none."""
    shown = _shown(results)
    caption = f"Effects on {literal(outcome(results, 'loyalty'))}, were one thing taken otherwise"
    return _table(results, shown, caption, "alternatives") if len(shown) > 1 else ""


def places(results: Results) -> str:
    """The effects without each place; empty where none was left out."""
    rows = _told(results).get("places", ())
    caption = f"Effects on {literal(outcome(results, 'loyalty'))}, had a place not been asked"
    return _table(results, [_told(results)["own"], *rows], caption, "places") if rows else ""


def borrowed(results: Results) -> str:
    """The effects by how much is borrowed; empty where nothing is."""
    rows = _told(results).get("borrowed", ())
    caption = f"Effects on {literal(outcome(results, 'loyalty'))}, by how much is borrowed"
    return _table(results, [_told(results)["own"], *rows], caption, "shares") if rows else ""


def _table(results: Results, shown: list[Mapping[str, Any]], caption: str, label: str) -> str:
    names = [name for name in words.CONTRASTS if name in shown[0]["effects"]]
    labels = ["As above", *(words.capital(literal(row["label"])) for row in shown[1:])]
    rows = [[at, *(_effect(row["effects"].get(n)) for n in names)] for at, row in zip(labels, shown, strict=True)]
    header = ("Taken to be so", *(words.capital(literal(name)) for name in names))
    caption = f"{caption}, in points of 100, with {words.content(results)} intervals"
    return markdown.table(header, rows, caption, label, "-" + "r" * len(names))


def _effect(effect: Mapping[str, Any] | None) -> str:
    if effect is None:
        return UNKNOWN
    beyond = " (extrapolated)" if effect["extrapolation"] else ""
    return f"{estimated(effect['mean'], effect['lower'], effect['upper'])}{beyond}"
