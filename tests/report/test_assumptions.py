"""What the answer rests on, on the page: every assumption once, and no cause where a required check failed."""

from __future__ import annotations

from dataclasses import replace

from report import invented

from largesse.report import assumptions, words
from largesse.results import Results


def answered(**answers: str) -> Results:
    """The invented study with some answers of its ledger changed."""
    made = invented.results()
    return replace(made, figures={**made.figures, "ledger": invented.ledger(**answers)})


def test_a_failed_check_takes_the_cause_from_what_rests_on_it_and_from_nothing_else() -> None:
    """Without overlap no gift raises anything; what coverage does to those passed over is claimed as before."""
    sound, made = answered(), answered(overlap="failed")
    direct, spillover = (made.estimate(f"loyalty.{name}") for name in ("direct", "spillover"))
    assert words.causal(sound, direct)
    assert not words.causal(made, direct)
    assert words.causal(made, spillover)
    assert words.sentence(made, direct).startswith("no effect is claimed, because the check of overlap failed")
    assert words.sentence(made, spillover) == words.sentence(sound, spillover)


def test_a_failed_check_of_the_ledger_leaves_the_study_reportable() -> None:
    """The fit is sound and its numbers are told; the headline says why they claim no cause."""
    made = answered(overlap="failed")
    assert made.reportable
    assert "the check of overlap failed" in words.headline(made).answer
    assert words.headline(made).condition == ""


def test_a_flag_and_a_check_that_is_not_required_take_nothing_away() -> None:
    """Reporting style is not required: even failed, it leaves the cause."""
    made = answered(reporting_style="failed")
    assert words.causal(made, made.estimate("loyalty.direct"))


def test_an_effect_on_one_outcome_does_not_rest_on_another_model_s_assumptions() -> None:
    """A check that failed for loyalty says nothing of the market."""
    rows = [row | ({"answer": "failed"} if row["outcomes"] == ["loyalty"] else {}) for row in invented.ledger()]
    made = invented.results()
    made = replace(made, figures={**made.figures, "ledger": rows})
    assert not words.causal(made, made.estimate("loyalty.direct"))
    assert words.causal(made, made.estimate("market_any.direct"))


def test_assumptions_of_several_models_are_told_once() -> None:
    """Three assumptions of two models are three rows, the failed first and the untestable last."""
    rows = [line for line in assumptions.ledger(answered(overlap="failed")).splitlines() if line.startswith("| ")][2:]
    assert ["failed" in rows[0], "flagged" in rows[1], "untestable" in rows[2]] == [True] * 3
    assert len(rows) == 3
    assert "overlap (required)" in rows[0]


def test_the_count_of_assumptions_and_what_is_lost_are_told() -> None:
    """How many passed, and by name the effects that are not claimed."""
    assert "rest on 3 assumptions: 1 passed, 1 flagged, 1 untestable" in assumptions.said(answered())[0]
    lost = assumptions.said(answered(overlap="failed"))[-1]
    assert "reported loyalty: direct, total, overall" in lost
    assert "spillover" not in lost


def test_without_a_ledger_nothing_is_counted() -> None:
    """A study without effects says so in place of a table."""
    made = answered()
    bare = replace(made, figures={**made.figures, "ledger": []})
    assert assumptions.ledger(bare) == ""
    assert "No assumption" in assumptions.said(bare)[0]
