"""What the page says of favour and of policies: numbers of the results, and no number where there is no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report import invented

from largesse import figures
from largesse.report import favour
from largesse.report.contents import Page
from largesse.report.markdown import literal
from largesse.results import Results


def with_figures(**changed: Any) -> Results:
    """The invented study with other figures."""
    made = invented.results()
    return replace(made, figures={**made.figures, **changed})


def test_the_curve_is_told_from_no_favour_to_where_it_is_gone() -> None:
    """No favour first, then where the effect is too small to matter and where it is nought, then what answers say."""
    none, small, nought, pointed = favour.tipping(invented.results())
    assert figures.points(0.11) in none
    assert "a favour of 0.80" in small
    assert "a favour of 1.10" in nought
    assert "0.55" in pointed


def test_a_favour_is_put_as_who_would_receive() -> None:
    """At a favour of 1.1, between the settled points .6 and 1.2, the chances are those on the line between them."""
    nought = favour.tipping(invented.results())[2]
    assert "64 in 100 of the most loyal quarter receive and 9 of the least" in nought
    assert "counts 0.9 times as much as the weightiest attribute" in nought


def test_the_first_screen_tells_which_choice_of_receivers_would_leave_nothing() -> None:
    """At a favour of 1.1 nothing is left; answers from before point to .55, between the settled points .3 and .6."""
    said = favour.overturned(invented.results())
    assert "64 in 100 of the most loyal quarter received and 9 of the least" in said
    assert said.endswith("answers from before the gift point to 48 and 20")
    unknown = favour.overturned(with_figures(tipping={**invented.tipping(), "estimated": None}))
    assert unknown.endswith("which these data cannot tell")


def test_nothing_is_overturned_where_nothing_is_claimed() -> None:
    """No curve, a curve without an end, an effect of no direction, and a study that may not be reported."""
    made = invented.results()
    flat = {**invented.tipping(), "crossings": {"loyalty.direct": {"zero": None, "above": None, "below": None}}}
    others = tuple(e for e in made.estimates if e.key != "loyalty.direct")
    unsettled = invented.estimate("loyalty.direct", 0.001, 0.05, status="conditional", reason=invented.CONDITION)
    assert favour.overturned(with_figures(tipping=None)) == ""
    assert favour.overturned(with_figures(tipping=flat)) == ""
    assert favour.overturned(replace(made, estimates=(*others, unsettled))) == ""
    assert favour.overturned(invented.unreportable()) == ""
    prior = tuple(replace(e, status="prior_driven") if e.key == "loyalty.direct" else e for e in made.estimates)
    assert "overturn" in str(Page(made).headline())
    assert "overturn" not in str(Page(replace(made, estimates=prior)).headline())


def test_a_favour_that_is_only_assumed_is_called_so() -> None:
    """Without answers from before the page names the favour that was assumed, and says that data do not tell it."""
    told = {**invented.tipping(), "estimated": None, "assumed": 0.4}
    last = favour.tipping(with_figures(tipping=told))[-1]
    assert last.startswith("These data cannot say which favour holds; 0.4 is assumed")


def test_a_curve_that_stays_above_nought_is_told_so() -> None:
    """Where no favour on the grid brings the effect to nought, no favour is named for it."""
    told = {**invented.tipping(), "crossings": {"loyalty.direct": {"zero": None, "above": None, "below": None}}}
    said = favour.tipping(with_figures(tipping=told))
    assert "It is not gone at any favour on this grid." in said
    assert not any("is gone" in sentence for sentence in said)


def test_a_fit_that_did_not_settle_is_no_point_of_the_curve() -> None:
    """The picture tells of the fits that passed their gates and of no other."""
    alt = figures.curve(invented.results(), favour.HEADLINE).alt
    assert "favour 0.6: 5.0" in alt
    assert "favour 0.9" not in alt


def test_a_question_without_an_answer_has_its_reason_and_no_number() -> None:
    """Where effects may not differ between people, selectivity is answered by a sentence."""
    why = "not answerable by this model: it lets no characteristic change the effect"
    made = with_figures(programmes={"joint": {"eligible": 0.05, "unanswered": {"selectivity": why}}})
    made = replace(made, estimates=tuple(e for e in made.estimates if e.contrast != "selectivity"))
    (said,) = favour.selectivity(made)
    assert said == f"Selectivity is {literal(why)}."


def test_what_needs_an_unseen_coverage_is_marked_in_the_table_of_policies() -> None:
    """A gift for everyone was never seen: its row says extrapolated; the others do not."""
    rows = favour.policies(invented.results()).splitlines()
    marked = [row for row in rows if "extrapolated" in row]
    assert len(marked) == 1
    assert literal(figures.PROGRAMMES["policy.everyone"]) in marked[0]


def test_loyalty_up_and_the_market_down_is_told_with_its_range_over_districts() -> None:
    """Everyone's probability, and the least and the most of any district that is shown."""
    said = " ".join(favour.selectivity(invented.results()))
    assert "probability 0.07, by district between 0.03 and 0.12" in said
    assert "With probability 0.25 some coverage between 12 and 60 in 100" in said
