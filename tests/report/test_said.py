"""The section on belief and words: what it says of parts, of lists, and of a direct question alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import invented

from largesse.report import anchors, belief
from largesse.results import Results

PART = {"clear": 0.99, "mostly": "words", "share": {"lower": -0.1, "median": 0.08, "upper": 0.31}}
TYPES = {"share": [[-0.02, 0.01, 0.05], [0.03, 0.2, 0.73]], "se": [[0.01, 0.02, 0.01], [0.01, 0.02, 0.03]]}
HELD = {"p": 0.04, "cautious": 0.15, "bayes": 0.62}
GROUPS = [{"group": "everyone", "list_count": {"mean": 0.07, "se": 0.05, "detectable": 0.139}, "direct": {}}]


def asked(**told: Any) -> Results:
    """Invented results of a study with questions on support."""
    made = invented.results()
    more = [invented.estimate("said.direct", 0.1), invented.estimate("said.level.0", 0.5, contrast="level.0")]
    support = {"asked": ["list_count", "direct"], "groups": GROUPS, "parts": {}, **told}
    return replace(made, estimates=(*made.estimates, *more), figures={**made.figures, "support": support})


def test_a_clear_effect_is_split_with_its_interval() -> None:
    """The effect, the share of belief with its interval, and the verdict."""
    (said,) = belief.said(asked(parts={"direct": PART}))
    assert "belief makes 8% (90% interval \N{MINUS SIGN}10% to 31%): mostly words change, and minds do not." in said


def test_an_unclear_effect_is_not_split() -> None:
    """No share is printed where the whole may be within three points."""
    (said,) = belief.said(asked(parts={"direct": {"clear": 0.6, "mostly": "cannot tell"}}))
    assert "cannot tell belief from words" in said
    assert "belief makes" not in said


def test_a_study_that_is_not_reportable_splits_nothing() -> None:
    """Where checks failed no part is told."""
    made = asked(parts={"direct": PART})
    assert belief.said(replace(made, verdicts=invented.unreportable().verdicts)) == []


def test_a_negative_share_of_people_is_told_with_what_it_means_for_the_model() -> None:
    """The table has its negative cell, and the text says why the model differs from the difference in means."""
    made = asked(types=TYPES, held=HELD, negative=True)
    said = " ".join(belief.said(made))
    assert "comes out with a negative share, which none can have (p = 0.040" in said
    assert "its prevalence need not be the difference in means" in said
    assert "\N{MINUS SIGN}2.0 (1.0)" in belief.types(made)


def test_what_a_placebo_list_loses_is_told_with_what_the_list_would_tell() -> None:
    """Ten points lost of the placebo, made good of the list."""
    lost = {"lost": 0.1, "se": 0.04, "p": 0.012, "made_good": {"mean": 0.17, "se": 0.064}}
    said = " ".join(belief.said(asked(placebo=lost)))
    assert "people count 10.0 points of 100 fewer than they should (se 4.0, p = 0.012)" in said
    assert "would be 17.0 (se 6.4)" in said


def test_each_question_is_told_by_itself_and_a_question_of_few_is_not() -> None:
    """Prevalence by the list with its standard error and what can be detected; a dash where too few were asked."""
    table = belief.questions(asked())
    assert "| 7.0 (5.0) | \N{EN DASH} |" in " ".join(table.split())
    assert "a prevalence of 13.9 is found four times in five" in table


def test_a_direct_question_alone_gives_bounds_and_no_point() -> None:
    """Sincere support is told as a bound that needs an assumption, and as anything without it."""
    said = " ".join(belief.said(asked(asked=["direct"])))
    assert "at least 48.0 in 100, if nobody says yes against their mind; anything from 0 to 100, if some do." in said


def test_vignettes_are_told_with_their_order_and_the_part_of_loyalty() -> None:
    """How people order two persons, and of a clear effect on answers the share that is loyalty."""
    made = invented.results()
    rows = [{"group": "everyone", "lower": "trader", "higher": "clerk", "right": 0.7, "tied": 0.2, "wrong": 0.1}]
    figures = {**made.figures, "vignettes": {"pairs": rows, "parts": {"direct": PART}}}
    told = replace(made, estimates=(*made.estimates, invented.estimate("answered.direct", 0.1)), figures=figures)
    (said,) = anchors.said(told)
    assert "loyalty itself makes 8% (90% interval" in said
    assert "mostly the use of answers changes, and loyalty does not" in said
    assert "| Everyone | trader below clerk | 70.0 | 20.0 | 10.0 |" in " ".join(anchors.pairs(told).split())
