"""Judgement: uniform places pass, faults are named, too many failures conclude nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from subjects import Conjugate

from largesse.judgement import in_prior, judge, lines, summarised
from largesse.results import Answer


def made(subject: Conjugate, replicates: int) -> list[dict[str, Any]]:
    """The first replicates of a subject."""
    return [subject.replicate(n) for n in range(replicates)]


def test_an_exact_posterior_is_passed() -> None:
    """Places of truths among draws of the exact posterior are uniform, unbiased and of the right spread."""
    verdict, (judgement,) = judge(made(Conjugate(), 300))
    assert verdict is Answer.PASSED
    assert not judgement.red
    # five standard errors of a mean and of a sd of 300 z-scores, whose sd is 1 here but for the few draws behind each
    assert abs(judgement.bias) < 5 / np.sqrt(300)
    assert abs(judgement.spread - 1) < 5 / np.sqrt(600) + 0.02
    # the posterior variance is half the prior's; 99 draws and 300 truths know it to about a tenth
    assert abs(judgement.contraction - 0.5) < 0.15


def test_crowded_places_fail() -> None:
    """Squared places, as of a posterior that lies too high, fail, and the quantity is named."""
    verdict, (judgement,) = judge(made(Conjugate(crowded=2.0), 300))
    assert verdict is Answer.FAILED
    assert judgement.red
    assert judgement.covered["0.5"] < 0.5
    assert summarised(made(Conjugate(crowded=2.0), 300))["red"] == ["theta"]


def test_many_failed_replicates_conclude_nothing() -> None:
    """With more than two failed replicates in a hundred the result is inconclusive, however uniform the rest."""
    assert judge(made(Conjugate(fails=30), 300))[0] is Answer.NOT_RUN
    assert judge(made(Conjugate(fails=100), 300))[0] is Answer.PASSED


def test_truths_from_another_prior_fail_whatever_the_ranks_say() -> None:
    """Truths that do not lie evenly in their declared prior are red, by name, and make the verdict."""
    rng = np.random.default_rng(20180418)
    right, wrong = ([r | {"prior": {"theta": float(u)}} for r, u in zip(made(Conjugate(), 300), us, strict=True)]
                    for us in (rng.uniform(size=300), rng.uniform(size=300) ** 1.5))  # fmt: skip
    assert judge(right)[0] is Answer.PASSED
    assert in_prior(right)["theta"] > 0.01
    assert judge(wrong)[0] is Answer.FAILED
    assert summarised(wrong)["red"] == ["prior of theta"]


def test_a_failed_replicate_counts_for_the_prior_but_not_for_the_ranks() -> None:
    """Which fits fail may depend on the truth, so truths are held against their prior whether the fit failed or not."""
    records = [r | {"prior": {"theta": (n + 0.5) / 60}} for n, r in enumerate(made(Conjugate(fails=2), 60))]
    assert summarised(records)["prior"]["quantities"] == 1
    assert in_prior(records)["theta"] > in_prior([r for r in records if r["number"] < 30])["theta"]


def test_a_summary_says_what_it_could_not_have_seen() -> None:
    """The lines name the verdict, the counts, the smallest fault that would have been found, and the least uniform."""
    told = "\n".join(lines(summarised(made(Conjugate(), 300))))
    for word in ("passed: 1 quantities, 300 replicates (0 failed", "shift 0.", "narrow 0.", "wide 1.", "theta"):
        assert word in told


def test_a_quantity_that_few_replicates_report_is_not_judged() -> None:
    """What fewer than half of the replicates report is left out."""
    records = made(Conjugate(), 100)
    for record in records[:30]:
        record["place"]["rare"] = record["truth"]["rare"] = record["mean"]["rare"] = record["sd"]["rare"] = 0.5
    assert [j.quantity for j in judge(records)[1]] == ["theta"]
    with pytest.raises(KeyError):
        next(r for r in records[30:])["place"]["rare"]
