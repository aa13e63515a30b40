"""Repeated sampling: samples as unequal as stated, weights that undo it, and what weighted fits make of them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

from largesse import dims, findings, models
from largesse.calibration import calibrate
from largesse.cells import effective_size, kish_weights
from largesse.errors import InputError
from largesse.inputs import assemble
from largesse.judgement import CONTENTS
from largesse.repeated_sampling import WAYS, RepeatedSampling, lines, population, summarised
from largesse.replicate import as_read
from largesse.synthetic import World

STANDING = {"songbun: core": 2.0, "songbun: hostile": -1.5, "household": 0.0}
WORLD = World(
    name="people",
    seed=6,
    respondents=8_000,
    districts=3,
    waves=("one",),
    truth={"gift_allocation": {"intercept": -0.5, "district_sd": 0.3, "standing": STANDING}},
)
RATES = {"songbun": {"wavering": 1.0, "core": 4.0, "hostile": 0.5}}
UNSEEN = RepeatedSampling("gift_allocation", WORLD, RATES, respondents=150, adjusted=False, seed=1)
SAMPLES = 30


def test_groups_are_asked_at_their_rates_and_weights_undo_it() -> None:
    """Over 30 samples of 150 each group is asked as often as its rate says; weighted, its share is the population's.

    Both within four standard errors: of 4,500 people asked, and of Kish's number of them.
    """
    people = population(WORLD.model_dump_json(), UNSEEN.model).synthetic.survey["songbun"].value_counts(normalize=True)
    asked = RepeatedSampling(UNSEEN.model, WORLD, RATES, 150, adjusted=True, seed=1)
    tables = [asked.sample(n)[0].survey.table for n in range(30)]
    total = sum(len(t) for t in tables)
    assert abs(total - 30 * 150) < 4 * np.sqrt(30 * 150)
    mass = {level: people[level] * rate for level, rate in RATES["songbun"].items()}
    for level, expected in mass.items():
        share, weighted = expected / sum(mass.values()), people[level]
        inside = np.concatenate([t["songbun"] == level for t in tables])
        weight = np.concatenate([t["weight"] for t in tables])
        assert abs(inside.mean() - share) < 4 * np.sqrt(share * (1 - share) / total)
        error = np.sqrt(weighted * (1 - weighted) / effective_size(weight))
        assert abs(np.average(inside, weights=weight) - weighted) < 4 * error


def test_a_column_that_is_not_adjusted_for_is_not_in_the_fit() -> None:
    """Without adjustment the fitted design lacks the column; weighted, cells count by Kish's rule and not by people."""
    inputs, _ = UNSEEN.sample(0)
    assert inputs.cells[UNSEEN.model][dims.COVARIATE].to_numpy().tolist() == ["household"]
    study = inputs.study.model_copy(update={"weights": WAYS["weighted"]})
    weighted = assemble(study, inputs.survey, inputs.models, inputs.priors, None).cells[UNSEEN.model]
    np.testing.assert_allclose(float(weighted["count"].sum()), kish_weights(inputs.survey.table).sum())
    assert float(weighted["count"].sum()) < float(weighted["people"].sum())
    np.testing.assert_array_equal(inputs.cells[UNSEEN.model]["count"], inputs.cells[UNSEEN.model]["people"])


@pytest.mark.parametrize("name", ["gift_allocation", "reported_loyalty"])
def test_the_target_is_what_the_answers_of_everyone_come_to(name: str) -> None:
    """The population's value is the mean of potential outcomes simulated for everyone, to their simulation error.

    Everyone's gift, or everyone's answers with a gift and without one, are drawn by the twin; offices count as in the
    frame. 8,000 people: errors of the mean of 0.004 and less, so 0.02 is more than four of them.
    """
    drawn = population(WORLD.model_dump_json(), name)
    model = models.get(name)
    inputs = as_read(drawn.synthetic, model, model.priors())
    theta = {p: np.asarray(v)[None] for p, v in drawn.synthetic.truth[name].items()}
    cells = inputs.cells[name]
    rows = cells.isel({dims.CELL: np.repeat(np.arange(cells.sizes[dims.CELL]), cells["people"])})
    office = inputs.design.population[rows["in_district"]]
    size = np.bincount(rows["in_district"])[rows["in_district"]]
    rng = np.random.default_rng(1)

    def mean(gift: int) -> float:
        compared = findings.Compared.of(inputs, cells)
        faced = (dims.CELL, np.full(rows.sizes[dims.CELL], compared.high - compared.center))
        said = model.twin.answer(theta, rows.assign(gift=0 * rows["gift"] + gift, coverage=faced), rng)
        answers = dict(zip(cells[dims.ITEM].to_numpy().tolist(), cells["answers"].to_numpy() - 1, strict=True))
        scores = [values / answers.get(question, 1) for question, values in said.items()]
        return float(np.average(np.mean(scores, axis=0), weights=office / size))

    if name == "gift_allocation":
        assert abs(mean(0) - drawn.target["receipt.level"]) < 0.02
    else:
        assert abs(mean(1) - mean(0) - drawn.target["loyalty.direct"]) < 0.02


def record(number: int, off: float, half: dict[str, float]) -> dict[str, Any]:
    """A sample whose posterior means are `off` the target 0.5, with 95 % intervals of half widths `half` by way."""
    fits = {
        way: {
            "mean": {"q": 0.5 + off},
            "interval": {
                f"{c:g}": {"q": [0.5 + off - half[way] * c / 0.95, 0.5 + off + half[way] * c / 0.95]} for c in CONTENTS
            },
        }
        for way in WAYS
    }
    return {"number": number, "redrawn": 1, "status": "done", "target": {"q": 0.5, "pooled": 0.1}, **fits}


def test_summaries_are_the_arithmetic_of_the_records() -> None:
    """Four samples, off by +-0.1 and +-0.3, with intervals of half width 0.2 and, unweighted, 0.1.

    By hand: bias 0 with error sd/2; a 95 % interval of half width .2 holds the target in two of four, the 50 % one of
    half width .105 too, the unweighted 50 % one of .053 never; widths are as 2 to 1 in each pair. A failed sample is
    counted and no more; what no sample reports is not summarised.
    """
    half = {"weighted": 0.2, "unweighted": 0.1001}
    made = [record(n, off, half) for n, off in enumerate((-0.1, 0.1, -0.3, 0.3))]
    failed = {"number": 4, "redrawn": 0, "status": "failed", "target": {"q": 0.5}}
    found = summarised([*made, failed])
    assert (found["replicates"], found["failed"], found["redrawn"]) == (5, 1, 4)
    assert list(found["estimands"]) == ["q"]
    q = found["estimands"]["q"]
    assert q["replicates"] == 4
    assert q["width"] == pytest.approx(0.2 / 0.1001)
    assert q["width_se"] == pytest.approx(0, abs=1e-9)
    assert q["weighted"]["bias"] == pytest.approx(0)
    assert q["weighted"]["bias_se"] == pytest.approx(np.std([-0.1, 0.1, -0.3, 0.3], ddof=1) / 2)
    assert q["weighted"]["rmse"] == pytest.approx(np.sqrt(0.05))
    assert q["weighted"]["covered"] == {"0.5": 0.5, "0.8": 0.5, "0.95": 0.5}
    assert q["unweighted"]["covered"] == {"0.5": 0.0, "0.8": 0.0, "0.95": 0.5}
    assert q["weighted"]["covered_se"]["0.5"] == pytest.approx(0.25)
    assert json.loads(json.dumps(found)) == found
    assert any("50 / 80 / 95 %" in line for line in lines(found))
    assert any("unweighted" in line and "0 / 0 / 50" in line for line in lines(found))


def test_nothing_done_is_summarised_as_nothing() -> None:
    """Without a sample that was fitted there are counts and no estimands, and lines that say so."""
    failed = {"number": 0, "redrawn": 0, "status": "failed", "target": {"q": 0.5}}
    assert summarised([failed])["estimands"] == {}
    assert "1 failed" in lines(summarised([failed]))[0]


def test_designs_that_cannot_be_are_refused() -> None:
    """Weights beside rates, a rate of no such column or level, one of 0, a group exhausted: each is said."""
    with pytest.raises(InputError, match="weights follow from the rates"):
        RepeatedSampling("gift_allocation", WORLD.model_copy(update={"weights": RATES}), RATES)
    for wrong in ({"class": {"a": 1.0}}, {"songbun": {"core": 1.0}}, {"songbun": {**RATES["songbun"], "core": 0.0}}):
        with pytest.raises(InputError, match="a rate above 0"):
            RepeatedSampling("gift_allocation", WORLD, wrong)
    with pytest.raises(InputError, match="larger population"):
        RepeatedSampling("gift_allocation", WORLD, RATES, respondents=6_000).sample(0)


def test_a_subject_travels_and_is_bound_to_its_design() -> None:
    """Pickled it is the same subject; another rate, size, seed or adjustment is another."""
    others = (
        RepeatedSampling("gift_allocation", WORLD, RATES, 150, adjusted=True, seed=1),
        RepeatedSampling("gift_allocation", WORLD, RATES, 150, adjusted=False, seed=2),
        RepeatedSampling("gift_allocation", WORLD, RATES, 151, adjusted=False, seed=1),
        RepeatedSampling("gift_allocation", WORLD, {}, 150, adjusted=False, seed=1),
    )
    assert pickle.loads(pickle.dumps(UNSEEN)) == UNSEEN  # noqa: S301  # made here
    assert len({UNSEEN.fingerprint, *(o.fingerprint for o in others)}) == 5
    again = UNSEEN.described()
    assert (
        RepeatedSampling(**{**again, "world": World.model_validate(again["world"])}).fingerprint == UNSEEN.fingerprint
    )


@pytest.mark.slow
def test_weights_restore_the_level_that_the_sample_distorts(tmp_path: Path) -> None:
    """Where the model does not know the groups, weighted intervals hold the population's receipt as promised.

    Each count of 30 lies above the 1-in-1,000 quantile of the binomial of its promise, and weighted means are unbiased
    to 3.3 of their errors (the same odds) plus the population's own luck (8,000 people: 0.0056 at most). Unweighted
    means are off by 16 points, more than three posterior sds, so fewer 95 % intervals hold it than chance would leave.
    """
    records = calibrate(UNSEEN, range(SAMPLES), tmp_path, progress=False)
    found = summarised(records)
    level = found["estimands"]["receipt.level"]
    assert found["failed"] == 0
    for content in CONTENTS:
        assert level["weighted"]["covered"][f"{content:g}"] * SAMPLES >= binom.ppf(0.001, SAMPLES, content)
    assert abs(level["weighted"]["bias"]) < norm.isf(0.0005) * level["weighted"]["bias_se"] + 0.0056
    assert level["unweighted"]["covered"]["0.95"] * SAMPLES < binom.ppf(0.001, SAMPLES, 0.95)
    assert level["unweighted"]["bias"] > 4 * level["unweighted"]["bias_se"]
    assert level["width"] > 1
