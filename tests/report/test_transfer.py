"""What was borrowed, as a page tells it: where from, what these data deny, effects with none, half and all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import invented

from largesse.report import transfer
from largesse.results import Results

ORIGIN = {"study": "past", "title": "A past study", "statement": "what the past taught", "by": "A. Tester",
          "date": "2026-11-26", "respondents": 900, "districts": 12, "waves": 2, "fit": "0123"}  # fmt: skip
BLOCKS = [{"name": "direct", "weight": 0.5, "holds": 0.02, "respondents": 310},
          {"name": "spillover", "weight": 0.5, "holds": 0.8, "respondents": 120}]  # fmt: skip


def borrowing(blocks: list[dict[str, Any]]) -> Results:
    """Invented results of a study that borrows."""
    made = invented.results()
    told = {"reported_loyalty": {"origin": ORIGIN, "power": 0.5, "blocks": blocks, "left": []}}
    effect = {"mean": 0.06, "lower": 0.04, "upper": 0.08, "extrapolation": ""}
    own = {"label": "rate", "effects": {"direct": effect}, "settled": True, "alone": 0, "reliability": 1.0}
    rows = [own | {"label": f"{share} borrowed"} for share in ("0%", "50%", "100%")]
    return replace(made, figures={**made.figures, "borrowed": told, "alternatives": {"own": own, "borrowed": rows}})


def test_what_these_data_deny_is_named_with_where_it_came_from() -> None:
    """The block whose chance fell from one half to a fiftieth is in conflict, the other is not."""
    said = " ".join(transfer.said(borrowing(BLOCKS)))
    assert "borrows from the study past (900 respondents in 12 districts), which counts as 50% of itself" in said
    assert "These data deny it of direct, where" in said
    assert "spillover" not in said
    assert "deny none" in " ".join(transfer.said(borrowing(BLOCKS[1:])))


def test_blocks_and_shares_are_tables() -> None:
    """Chances before and after in whole points; a row of effects for each share that is borrowed."""
    made = borrowing(BLOCKS)
    assert "| direct | 310 | 50% | 2% |" in " ".join(transfer.blocks(made).split())
    table = transfer.shares(made)
    assert all(rf"{share}\% borrowed" in table for share in (0, 50, 100))


def test_a_study_that_borrows_nothing_says_nothing() -> None:
    """No table, no sentence."""
    made = invented.results()
    assert (transfer.said(made), transfer.blocks(made), transfer.shares(made)) == ([], "", "")
