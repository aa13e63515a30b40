"""Sentences: their directions, when they may claim an effect, and that they print what the results say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from report import invented

from largesse import figures
from largesse.report import words
from largesse.results import Answer, Estimate, Results, Verdict, direction

CLAIMS = re.compile(r"\b(raises|lowers|hardly changes|do not settle whether)\b")


def one(results: Results, **changes: Any) -> Estimate:
    """The main effect with some fields changed."""
    return replace(results.estimate("loyalty.direct"), **changes)


@pytest.mark.parametrize(
    ("p_positive", "p_negligible", "verb"),
    [
        (0.99, 0.1, "a gift raises reported loyalty"),
        (0.01, 0.1, "a gift lowers reported loyalty"),
        (0.99, 0.97, "a gift hardly changes reported loyalty"),
        (0.01, 0.97, "a gift hardly changes reported loyalty"),
        (0.60, 0.4, "the data do not settle whether a gift raises or lowers reported loyalty"),
    ],
)
def test_the_verb_is_the_direction_of_the_posterior(p_positive: float, p_negligible: float, verb: str) -> None:
    """An effect that is too small to matter is never called a rise or a fall, however sure its sign."""
    made = invented.results()
    assert words.sentence(made, one(made, p_positive=p_positive, p_negligible=p_negligible)).startswith(verb)


@pytest.mark.parametrize("contrast", list(words.CONTRASTS))
def test_every_contrast_has_a_sentence_for_every_direction(contrast: str) -> None:
    """Direct, spillover, total and overall effects are told in each direction, and as differences without a cause."""
    made = invented.results()
    e = made.estimate(f"loyalty.{contrast}")
    for p, small in ((0.99, 0.0), (0.01, 0.0), (0.5, 0.99), (0.5, 0.0)):
        assert CLAIMS.search(words.sentence(made, replace(e, p_positive=p, p_negligible=small)))
    assert not CLAIMS.search(words.sentence(made, replace(e, status="prior_driven")))


def _extrapolated(results: Results) -> tuple[Results, Estimate]:
    return results, one(results, extrapolation="nobody was observed there")


def _by_the_prior(results: Results) -> tuple[Results, Estimate]:
    return results, one(results, status="prior_driven", reason="one wave only")


def _unnamed(results: Results) -> tuple[Results, Estimate]:
    return results, one(results, status="conditional", reason=" ")


def _failed(results: Results) -> tuple[Results, Estimate]:
    verdict = Verdict("R-hat", "reported_loyalty", Answer.FAILED, "the chains disagree")
    return replace(results, verdicts=(*results.verdicts, verdict)), one(results)


def _not_run(results: Results) -> tuple[Results, Estimate]:
    verdict = Verdict("quadrature", "market_participation", Answer.NOT_RUN, "was not asked")
    return replace(results, verdicts=(*results.verdicts, verdict)), one(results)


@pytest.mark.parametrize("case", [_extrapolated, _by_the_prior, _unnamed, _failed, _not_run])
def test_a_causal_verb_is_taken_away(case: Callable[[Results], tuple[Results, Estimate]]) -> None:
    """Nothing does anything where it was extrapolated, driven by the prior, unnamed, or where a check is not passed."""
    made, e = case(invented.results())
    said = words.sentence(made, e)
    assert CLAIMS.search(words.sentence(invented.results(), one(made)))  # it would have been claimed
    assert not words.causal(made, e)
    assert not CLAIMS.search(said)
    assert (figures.points(e.mean) in said) == (e.status != "prior_driven")  # what the prior drives has bounds alone
    assert (e.extrapolation or e.reason.strip() or "not named") in said or not made.reportable


def test_a_named_condition_keeps_the_verb_and_is_told_in_the_headline() -> None:
    """A conditional effect is claimed only together with what it rests on."""
    made = invented.results()
    head = words.headline(made)
    assert "raises" in head.answer
    assert invented.CONDITION.replace(",", r"\,") in head.condition
    identified = replace(made, estimates=tuple(replace(e, status="identified") for e in made.estimates))
    assert words.headline(identified).condition == ""


def test_a_weighted_likelihood_tells_a_design_based_error_in_the_headline() -> None:
    """With weights in the likelihood the headline calls its interval approximate and puts another error beside it."""
    made = invented.results()
    sentence = "a weighted likelihood gives a pseudo-posterior: intervals approximate, clustering not included"
    model = made.estimate("loyalty.direct").model
    flagged = Verdict("weights", model, Answer.FLAGGED, sentence)
    others = tuple(v for v in made.verdicts if v.gate != "weights")
    told = words.headline(replace(made, verdicts=(*others, flagged))).weights
    assert "intervals approximate" in told
    assert figures.points(made.figures["plain"]["loyalty"]["se"]) in told
    assert words.headline(replace(made, verdicts=others)).weights == ""


def test_a_synthetic_answer_says_so_in_its_own_sentence() -> None:
    """The sentence that someone might quote carries the word, and the truth that the numbers were drawn from."""
    made = invented.results()
    truth = made.estimate("loyalty.direct").truth
    assert words.headline(made).answer.startswith("In this synthetic study, ")
    assert truth is not None
    assert words.headline(made).answer.endswith(f", where the simulated truth is {figures.points(truth)}.")
    assert "synthetic" not in words.headline(invented.bare()).answer


def test_the_interval_is_read_aloud_where_an_effect_is_claimed_and_only_there() -> None:
    """A chance, between the two ends as sizes of a rise or of a fall; without a claim no more than what a point is."""
    made = invented.results()
    direct, spillover = made.estimate("loyalty.direct"), made.estimate("loyalty.spillover")
    assert f"between {figures.points(direct.lower)} and {figures.points(direct.upper)} points" in words.reading(
        made, direct
    )
    fall = f"between {figures.points(-spillover.upper)} and {figures.points(-spillover.lower)} points"
    assert fall in words.reading(made, spillover)
    assert words.headline(made).reading == words.reading(made, direct)
    assert "chance" not in words.headline(invented.unreportable()).reading
    assert "a hundredth of the whole range" in words.reading(made, replace(direct, outcome="something_else"))


def test_a_headline_tells_what_was_observed_before_what_was_not() -> None:
    """Where the average effect is extrapolated, a profile that was observed leads, and the average claims nothing."""
    head = words.headline(invented.bare())
    assert "at the cutoff" in head.answer
    assert CLAIMS.search(head.answer)
    assert not any(CLAIMS.search(said) for said in head.others)


def test_a_study_that_was_never_checked_may_not_be_reported() -> None:
    """No verdict is not a pass."""
    unchecked = replace(invented.results(), verdicts=())
    assert words.headline(unchecked).warning == "**Not reportable.** No check was made."
    assert not CLAIMS.search(words.headline(unchecked).answer)


def test_a_study_that_may_not_be_reported_says_so_first_and_claims_nothing() -> None:
    """The warning names the gate; nothing else is told in passing."""
    head = words.headline(invented.unreportable())
    assert head.warning.startswith("**Not reportable.** 1 check failed or did not run: R\\-hat of reported loyalty")
    assert not CLAIMS.search(head.answer)
    assert head.others == ()


def test_a_headline_of_a_study_without_loyalty_is_about_what_there_is() -> None:
    """A study of the market alone, or of receipt alone, has an answer too."""
    made = invented.results()
    market = replace(made, estimates=tuple(e for e in made.estimates if e.outcome == "market_any"))
    receipt = replace(made, estimates=tuple(e for e in made.estimates if e.outcome == "receipt"))
    assert "market" in words.headline(market).answer
    assert figures.points(made.estimate("receipt.level").mean) in words.headline(receipt).answer


def test_a_sentence_prints_the_numbers_of_its_estimate() -> None:
    """Mean and interval are those of the results in points of 100; a fall is told by its size."""
    made = invented.results()
    up = one(made, mean=0.0612, lower=0.0404, upper=0.0821, p_positive=0.99, p_negligible=0.0)
    down = replace(up, mean=-0.0612, lower=-0.0821, upper=-0.0404, p_positive=0.01)
    assert words.sentence(made, up).endswith("by 6.1 points of 100 (90% interval 4.0 to 8.2)")
    assert words.sentence(made, down).endswith("by 6.1 points of 100 (90% interval 4.0 to 8.2)")
    assert " lowers " in words.sentence(made, down)


def test_sentences_and_figures_take_the_same_direction() -> None:
    """The alternative text of the effects says of each estimate what its sentence says."""
    made = invented.results()
    alt = figures.effects(made).alt
    for e in figures.contrasts(made):
        assert f"{figures.span(e.lower, e.upper)}, {figures.DIRECTIONS[direction(e)]}" in alt
        assert figures.points(abs(e.mean)) in words.sentence(made, e)


def test_points_have_a_true_minus_and_no_negative_nought() -> None:
    """Numbers are set as numbers: a hyphen is no minus, and minus nought is nought."""
    assert figures.points(-0.0512) == "\N{MINUS SIGN}5.1"
    assert figures.points(-0.0001) == "0.0"


def test_counts_kept_back_are_dashes() -> None:
    """What would tell of few people is None in results, and has no number on the page, nor a bound."""
    assert [words.count(n) for n in (0, 5, 1_234, None)] == ["0", "5", "1,234", "–"]


def test_all_verdicts_are_counted_once() -> None:
    """The tally in words adds up to the checks that apply."""
    for made in (invented.results(), invented.unreportable(), invented.bare()):
        first, *tally = map(int, re.findall(r"\d+", words.checks(made)))
        assert first == sum(tally) == sum(v.answer is not Answer.NOT_APPLICABLE for v in made.verdicts)
        assert ("failed" in words.checks(made)) == (not made.reportable)
    passed = tuple(v for v in invented.results().verdicts if v.answer is Answer.PASSED)
    assert words.checks(replace(invented.results(), verdicts=passed)) == f"{len(passed)} checks passed."


def test_each_basis_is_named_once_with_all_that_rests_on_it() -> None:
    """Every contrast is under a status with its reason, and no reason stands twice."""
    said = words.basis(invented.results())
    assert len(said) == len({(e.status, e.reason) for e in figures.contrasts(invented.results())})
    assert all(c in "".join(said).lower() for c in words.CONTRASTS)


def test_who_receives_is_told_only_where_it_was_modelled() -> None:
    """Share, quarters of standing and the Gini coefficient; the last is no share and is not in points."""
    said = " ".join(words.receipts(invented.results()))
    assert "The Gini coefficient of the chances to receive is 0.22" in said
    assert {figures.points(x) for x in (0.31, 0.46, 0.18, 0.28)} <= set(re.findall(r"[\d.]+\d", said))
    assert words.receipts(invented.bare()) == []


def test_truths_outside_their_intervals_are_named() -> None:
    """A parameter that the fit missed is named, beside how many could be missed by chance."""
    made = invented.results()
    assert made.truth is not None
    said = words.truth(made)
    assert [re.sub(r"\\", "", key) for key in re.findall(r"[\w\\]+\.[\w\\]+\[\w+\\\]", said)] == [
        row["key"] for row in made.truth["outside"]
    ]
    assert f"up to {made.truth['allowed']}" in said


def test_names_from_elsewhere_are_inert() -> None:
    """A label is shown letter by letter: no markup, no mathematics, no citation comes of it."""
    made = invented.results()
    e = one(made, group="*a* $x$ @b <i> | `c`")
    assert not re.search(r"(?<!\\)[*$@<|`]", words.sentence(made, e))


def test_other_interval_contents_are_named() -> None:
    """A study that asks for 95 % intervals is told in 95 % intervals."""
    made = invented.results()
    wide = replace(made, study={**made.study, "interval": 0.95})
    assert "(95% interval" in words.sentence(wide, one(wide))
