"""The set of priors on the page: bounds in the place of a number that the prior decides."""

from __future__ import annotations

from dataclasses import replace

from report import invented

from largesse import figures
from largesse.report import prior_set, tables


def test_an_effect_stands_between_its_least_and_its_most() -> None:
    """4 points under a sceptical prior, 7 under a wide one; the one without an answer is counted, not shown."""
    made = invented.results()
    row = prior_set.table(made).splitlines()[2]
    assert "| 4.0 (sceptical, direct) | 7.0 (wide, direct) |" in row
    said = " ".join(prior_set.said(made))
    assert "1 of 3 could not be worked out" in said
    assert "move none" in said


def test_what_the_prior_drives_is_never_a_lone_number() -> None:
    """Its row tells the span of means over the priors and bounds around all of them; the others their own mean."""
    made = invented.results()
    e = made.estimate("loyalty.direct")
    assert prior_set.bounds(made, e) == (figures.points(e.mean), figures.span(e.lower, e.upper))
    driven = replace(e, status="prior_driven")
    assert prior_set.bounds(made, driven) == (figures.span(0.04, 0.07), figures.span(0.02, 0.09))
    untried = replace(driven, key="loyalty.direct.Alder", group="Alder")
    assert prior_set.bounds(made, untried)[0] == prior_set.UNKNOWN
    told = tables.estimates(replace(made, estimates=(driven,)), [driven], "x", "x")
    assert figures.span(0.04, 0.07) in told
    assert f"| {figures.points(e.mean)} |" not in told


def test_a_study_that_tried_no_other_prior_says_so() -> None:
    """No table, and a sentence."""
    assert prior_set.table(invented.bare()) == ""
    assert "No effect" in prior_set.said(invented.bare())[0]
