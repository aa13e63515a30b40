"""A plan: what surveys of each size would find, said with its error and never more than was simulated."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import models, planning
from largesse.errors import InputError
from largesse.planning import Planned, appraised, headline, lines, plan, summary
from largesse.proposal import Proposal
from largesse.settings import Estimands
from largesse.synthetic import ITEM, World

SMALL = World(respondents=60, districts=3, seed=5)
WORLDS = {  # of the models that need another
    "joint": SMALL.model_copy(update={"favour": 0.8, "direct": True, "control_items": 3}),
    "anchored_loyalty": SMALL.model_copy(update={"items": {"trust": ITEM}, "vignettes": ("low", "high")}),
    "sincere_support": SMALL.model_copy(update={"direct": True, "control_items": 3}),
}
KEY = "loyalty.direct"


def record(number: int, mean: float, truth: float, *beyond: float, half: float = 0.1) -> dict[str, Any]:
    """A record of one estimand; `beyond`: above the ROPE, below it, within it."""
    numbers = {"truth": truth, "mean": mean, "sd": half / 1.64, "lower": mean - half, "upper": mean + half}
    numbers |= dict(zip(planning.BEYOND, beyond or (0.4, 0.3, 0.3), strict=True))
    return {"number": number, "status": "done", "redrawn": 0, **{name: {KEY: v} for name, v in numbers.items()}}


FAILED = {"number": 9, "status": "failed", "redrawn": 2}


def test_width_bias_and_coverage_of_known_records() -> None:
    """Four intervals of width .2, .1 or .2 or 0 off: three of four hold the truth, the mean error is .075."""
    made = [record(n, mean, 0.1) for n, mean in enumerate((0.2, 0.3, 0.1, 0.1))]
    found = appraised(made, KEY)
    assert found["width"] == pytest.approx(0.2)
    assert found["bias"] == pytest.approx(0.075)
    assert found["bias_se"] == pytest.approx(np.std([0.1, 0.2, 0.0, 0.0], ddof=1) / 2)
    assert found["coverage"] == 0.75
    assert (found["replicates"], found["failed"], found["redrawn"]) == (4, 0, 0)


def test_a_question_is_settled_on_either_side_or_within_the_rope() -> None:
    """.95 above, below or within settles it; .94 does not, nor does .95 of being on no particular side."""
    settled = [(0.95, 0.0, 0.05), (0.01, 0.96, 0.03), (0.0, 0.02, 0.98)]
    open_ = [(0.94, 0.0, 0.06), (0.5, 0.48, 0.02), (0.3, 0.3, 0.4)]
    made = [record(n, 0.0, 0.0, *p) for n, p in enumerate((*settled, *open_))]
    assert appraised(made, KEY)["settled"] == 0.5


def test_a_failed_fit_settles_nothing_and_is_counted() -> None:
    """A failed fit counts against settling, not against coverage; where all failed nothing is said but that."""
    found = appraised([record(0, 0.0, 0.0, 0.99, 0.0, 0.01), FAILED], KEY)
    assert (found["settled"], found["coverage"], found["failed"], found["redrawn"]) == (0.5, 1.0, 1, 2)
    nothing = appraised([FAILED, FAILED], KEY)
    assert (nothing["settled"], nothing["failed"]) == (0.0, 2)
    assert all(np.isnan(nothing[name]) for name in ("width", "bias", "bias_se", "coverage"))


def test_the_error_of_a_share_is_never_nothing() -> None:
    """Ten of ten covered leaves an error: the sd of Beta(10.5, .5), by hand 10.5 * .5 / (11^2 * 12) under the root."""
    found = appraised([record(n, 0.0, 0.0) for n in range(10)], KEY)
    assert found["coverage"] == 1.0
    assert found["coverage_se"] == pytest.approx(np.sqrt(10.5 * 0.5 / (121 * 12)))


def test_a_summary_counts_draws_beyond_and_within_the_rope() -> None:
    """Of draws -.50, -.49, ... .50 with a ROPE of .2: 30, 30 and 39 of 101, edges left out; the middle 80 %."""
    draws = np.arange(-50, 51) / 100
    found = summary(draws, 0.07, Estimands(interval=0.8, rope=0.2))
    assert [found[name] for name in planning.BEYOND] == pytest.approx([30 / 101, 30 / 101, 39 / 101], abs=1e-6)
    assert (found["lower"], found["upper"], found["truth"]) == pytest.approx((-0.4, 0.4, 0.07))
    assert found["mean"] == pytest.approx(0.0)


@pytest.mark.parametrize("name", models.SHIPPED)
def test_draws_at_the_truth_have_no_bias(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth and draws go through the same functions: a fit all of whose draws are the truth is right to the last digit.

    Its headline: the contrasts of everyone, or the selectivity of receipt; districts are not planned for.
    """
    subject = Planned(name, Proposal(WORLDS.get(name, SMALL), (name,)))

    def exact(model: Any, inputs: Any, *_: Any) -> tuple[Any, dict[str, Any]]:
        return fake_fits.fake(model, inputs.cells[name], inputs.truth[name], (2, 5), spread=0.0), {"attempt": 1}

    monkeypatch.setattr(planning, "by_rule", exact)
    made = subject.replicate(0)
    assert made["mean"] == pytest.approx(made["truth"], abs=2e-6)
    assert set(made["mean"]) == set(headline(models.get(name)))
    assert all(value == pytest.approx(0.0, abs=2e-6) for value in made["sd"].values())


def test_sample_coverage_is_seen_with_its_noise_and_judged_by_the_truth() -> None:
    """Without a district file makers see the sample's coverage; the truth is of the coverage gifts were given under.

    Both are about the same two shares.
    """
    subject = Planned("reported_loyalty", Proposal(SMALL, ("reported_loyalty",), administrative=False))
    seen, known, _ = subject.data(0)
    assert (seen.design.coverage.source, known.design.coverage.source) == ("sample", "administrative")
    compared = planning.Compared.of(seen, seen.cells["reported_loyalty"])
    assert known.study.estimands.coverage == (compared.low, compared.high)
    told = Planned("reported_loyalty", replace(subject.proposal, administrative=True)).data(0)
    assert told.seen is told.known


def test_a_simulated_survey_is_read_with_what_the_study_asks() -> None:
    """The ROPE, the coverages compared and the shares of market bands of the proposal are those of every replicate."""
    asked = Estimands(rope=0.01, coverage=(0.2, 0.4), market_shares=(0.1, 0.3, 0.5, 0.7, 0.9))
    inputs = Planned("market_participation", Proposal(SMALL, ("market_participation",), asked)).data(1).seen
    assert inputs.study.estimands == asked
    assert inputs.frames["market_participation"]["band_share"].to_numpy() == pytest.approx(asked.market_shares)


def test_surveys_that_cannot_be_read_are_drawn_again_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny survey now and then has an item with one answer: it is drawn again; a size that never serves is said."""
    monkeypatch.setattr(planning, "REDRAWS", 20)
    tiny = Planned("gift_allocation", Proposal(World(respondents=12, districts=2, waves=("one",))))
    counts = [tiny.data(n).redrawn for n in range(6)]
    again = int(np.argmax(counts))
    assert counts[again] == tiny.data(again).redrawn > 0
    monkeypatch.setattr(planning, "REDRAWS", 3)
    nobody = SMALL.model_copy(update={"truth": {"gift_allocation": {"intercept": -60.0}}})
    with pytest.raises(InputError, match="3 unusable surveys"):
        Planned("gift_allocation", Proposal(nobody)).data(0)


def test_stated_truths_are_planned_at() -> None:
    """A truth that the world states is the truth of every survey; the others differ from survey to survey."""
    stated = SMALL.model_copy(update={"truth": {"reported_loyalty": {"direct": 0.4}}})
    truths = [Planned("reported_loyalty", Proposal(stated)).data(n).known.truth for n in range(3)]
    assert [float(t["reported_loyalty"]["direct"]) for t in truths if t] == [0.4] * 3
    assert len({float(t["reported_loyalty"]["spillover"]) for t in truths if t}) == 3


def test_records_of_different_questions_do_not_mix() -> None:
    """The fingerprint follows model, world, estimands, priors and the source of coverage, and survives pickling."""
    base = Planned("reported_loyalty", Proposal(SMALL))
    prior = models.get("reported_loyalty").priors()["direct"].model_dump(mode="json")
    narrower = {"reported_loyalty": {"direct": {**prior, "arguments": {**prior["arguments"], "sigma": 0.1}}}}
    others = [
        Planned("gift_allocation", base.proposal),
        Planned("reported_loyalty", Proposal(SMALL.model_copy(update={"seed": 6}))),
        Planned("reported_loyalty", Proposal(SMALL.model_copy(update={"respondents": 61}))),
        Planned("reported_loyalty", Proposal(SMALL, estimands=Estimands(rope=0.02))),
        Planned("reported_loyalty", Proposal(SMALL, overrides=narrower)),
        Planned("reported_loyalty", Proposal(SMALL, administrative=False)),
    ]
    assert len({base.fingerprint, *(o.fingerprint for o in others)}) == 7
    assert pickle.loads(pickle.dumps(base)).fingerprint == base.fingerprint  # noqa: S301  # made here
    assert Planned("reported_loyalty", Proposal(SMALL)).fingerprint == base.fingerprint


def frame(settled: Mapping[int, float], replicates: int = 100, failed: int = 0) -> pd.DataFrame:
    """A plan in which `settled` is the share by respondents per district, of 10 districts."""
    numbers = {"width": 0.2, "bias": 0.0, "bias_se": 0.01, "coverage": 0.9, "coverage_se": 0.03, "settled_se": 0.03}
    about = {"replicates": replicates, "failed": failed, "redrawn": 0, "interval": 0.9, "rope": 0.03}
    return pd.DataFrame(
        {"respondents": n, "key": KEY, "label": "the effect", **numbers, "settled": s, **about, "interviews": 10 * n}
        for n, s in settled.items()
    )


def test_the_advice_is_the_smallest_size_tried_that_settles_the_question() -> None:
    """Sizes are compared by people asked, in whatever order they were tried; what is near .8 is called so."""
    *_, advice = lines(frame({100: 0.99, 20: 0.4, 50: 0.95}))
    assert "smallest" in advice
    assert "respondents 50 (500 people), 0.95 +- 0.03" in advice
    assert "more replicates" not in advice
    assert "Too near to tell: make more replicates." in lines(frame({20: 0.4, 50: 0.82}))[-1]
    assert lines(frame({20: 0.4, 50: 0.7}))[-1].startswith("  No size tried settles this with probability 0.8")


def test_a_table_shows_every_size_and_failed_fits() -> None:
    """One row for each size in points of 100, and the failed fits beside it."""
    said = lines(frame({20: 0.4, 50: 0.95}, failed=3))
    rows = [line for line in said if "+-" in line and "fits failed" in line]
    assert len(rows) == 2
    assert rows[0].split()[:4] == ["20", "20.0", "+0.0", "+-"]
    assert "3 of 100 fits failed" in rows[0]


def test_a_plan_whose_fits_all_fail_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every headline estimand keeps its row, without numbers and with the count of failures."""
    monkeypatch.setattr(planning, "by_rule", lambda *_: (None, {"gates": ["R-hat"]}))
    found = plan(Proposal(SMALL, ("reported_loyalty",)), {"items": (1, 2)}, 3, tmp_path, progress=False)
    assert list(found["key"]) == 2 * list(headline(models.get("reported_loyalty")))
    assert (found["failed"] == 3).all()
    assert found["width"].isna().all()
    assert (found["settled"] == 0).all()


@pytest.mark.slow
def test_more_respondents_give_narrower_intervals(tmp_path: Path) -> None:
    """Six times the people tell selectivity apart more than half again as well, and the plan is gone on with by name.

    At 10 against 60 respondents in each of 4 districts, widths would differ by the root of 6, 2.4; a small survey leans
    on its priors, so 1.5 is asked for. The mean of 8 widths errs by some 10 %.
    """
    world = World(respondents=40, districts=4, waves=("wave 1",), continuous={}, seed=11)
    proposal, vary = Proposal(world, ("gift_allocation",)), {"respondents": (10, 60)}
    found = plan(proposal, vary, 8, tmp_path, progress=False)
    assert list(found.columns[:3]) == ["respondents", "key", "label"]
    few, many = found.to_dict("records")
    assert (few["interviews"], many["interviews"], few["key"]) == (40, 240, "receipt.selectivity")
    assert few["width"] > 1.5 * many["width"] > 0
    assert few["failed"] + many["failed"] <= 1
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("0*.json")}
    assert len(before) == 16
    pd.testing.assert_frame_equal(plan(proposal, vary, 8, tmp_path, progress=False), found)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("0*.json")} == before
