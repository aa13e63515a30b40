"""The record: everything a page may print, complete, finite, and with nobody in it."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest
from causaldata import gov_transfers
from scipy.stats import binom

from largesse import models, plain
from largesse.audit import Audit
from largesse.inputs import Inputs, gather
from largesse.record import record
from largesse.results import Answer, Results, Verdict
from largesse.store import file_digest
from largesse.study import Study
from largesse.synthetic import World

Array = np.ndarray[Any, Any]

WORLD = World(
    name="made_up",
    seed=7,
    respondents=480,
    modifiers=("songbun",),
    items={"pride": ("no", "rather", "yes"), "trust": ("none", "some", "a lot", "all"), "praise": ("no", "yes")},
    truth={"gift_allocation": {"intercept": -0.5}},
)
NO_FILES = {"survey": {"file": "survey.csv"}}  # no district file, no truth
PUBLISHED = 0.0998519  # causaldata's gov_transfers: support on participation, income and their product, at the cutoff


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A made-up study with its truth."""
    at = [{"name": "core", "label": "core families", "values": {"songbun": "core"}}]
    return fake_fits.study(tmp_path_factory.mktemp("whole"), WORLD, estimands={"at": at})


@pytest.fixture(scope="module")
def results(inputs: Inputs) -> Results:
    """Its record on fake fits around the truth, and on audits that found nothing wrong."""
    return fake_fits.recorded(inputs, audits(inputs))


def audits(inputs: Inputs, panels: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None) -> dict[str, Audit]:
    """One passed gate for each model, and the panels given."""
    made = fake_fits.audits(inputs)
    return {name: replace(a, predictive=(panels or {}).get(name, ())) for name, a in made.items()}


def panel(model: str, item: str, arm: int, respondents: int, observed: list[float]) -> dict[str, Any]:
    """One panel as an audit stores it."""
    same = dict.fromkeys(("observed", "mean", "lower", "upper"), observed)
    return {"model": model, "item": item, "arm": str(arm), "respondents": respondents, **same}


def numbers(thing: Any) -> Iterator[float]:
    """Every number in nested tables."""
    if isinstance(thing, Mapping):
        for value in thing.values():
            yield from numbers(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from numbers(value)
    elif isinstance(thing, int | float):
        yield float(thing)


# --- whole and finite ------------------------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was_written(results: Results, tmp_path: Path) -> None:
    """Written as JSON and read again it is the same record, and every number of it is one."""
    path = tmp_path / "results.json"
    results.write(path)
    assert Results.read(path) == results
    every = list(numbers(json.loads(path.read_text(encoding="utf-8"))))
    assert len(every) > 1000
    assert all(map(math.isfinite, every))


def test_keys_are_unique(results: Results) -> None:
    """No two estimates, and no two parameters of a model, share a key."""
    keys = [e.key for e in results.estimates]
    assert len(set(keys)) == len(keys)
    for about in results.models.values():
        named = [row["key"] for row in about["parameters"]]
        assert len(set(named)) == len(named)


def test_a_record_says_what_made_it(inputs: Inputs, results: Results) -> None:
    """The fingerprint it was given, the versions, and the digest of every file it rests on."""
    assert results.made["inputs"] == "fingerprint"
    assert results.made["largesse"] == importlib.metadata.version("largesse")
    assert results.made["python"] == platform.python_version()
    assert dict(results.artefacts) == {name: file_digest(path) for name, path in inputs.files.items()}
    assert set(results.artefacts) >= {"survey.csv", "districts.csv", "truth.json"}


def test_a_record_tells_of_study_and_survey(inputs: Inputs, results: Results) -> None:
    """Who was asked what: rows, districts, waves, items with their levels, and the coverages compared."""
    assert results.study["models"] == list(World().models)
    assert results.study["synthetic"] is True
    low, high = results.study["coverage"]
    assert 0 < low < high < 1
    told = results.survey
    assert (told["rows"], told["kept"], told["districts"], told["waves"]) == (480, 480, 8, 2)
    levels = {item["name"]: tuple(item["levels"]) for item in told["items"]}
    assert levels == {**WORLD.items, "market": WORLD.market}
    assert told["covariates"] == ["songbun", "household"]
    assert told["weights"] == ""


@pytest.mark.parametrize(("answers", "reportable"), [
    ((Answer.NOT_APPLICABLE, Answer.FLAGGED), True), ((Answer.NOT_RUN,), False), ((Answer.FAILED,), False),
])  # fmt: skip
def test_what_gates_answered_decides_whether_it_is_reportable(
    tmp_path: Path, answers: tuple[Answer, ...], reportable: bool
) -> None:
    """A gate that was not run makes a study not reportable; one that does not apply neither helps nor harms."""
    name = "gift_allocation"
    inputs = fake_fits.study(tmp_path, World(name="made_up"), asked=(name,))
    extra = tuple(Verdict(f"gate {n}", name, answer, "as told") for n, answer in enumerate(answers))
    made = audits(inputs)
    made[name] = replace(made[name], verdicts=made[name].verdicts + extra)
    found = fake_fits.recorded(inputs, made)
    assert set(extra) < set(found.verdicts)
    assert found.reportable is reportable
    assert [v.gate for v in found.verdicts if v.answer is Answer.PASSED] == ["R-hat"]


# --- parameters ------------------------------------------------------------------------------------------------------


def test_every_scalar_that_was_drawn_is_summed_up(inputs: Inputs) -> None:
    """Mean, sd and equal tails are those of the draws; the first discrimination, 1 by definition, was not drawn."""
    fits = fake_fits.fits(inputs)
    found = record(inputs, fits, audits(inputs), {}, "fingerprint")
    name = "reported_loyalty"
    rows = {row["key"]: row for row in found.models[name]["parameters"]}
    theta = fits[name].theta
    assert {k for k in rows if k.startswith("discrimination")} == {"discrimination[trust]", "discrimination[praise]"}
    for key, draws in {
        "direct": theta["direct"],
        "discrimination[praise]": theta["discrimination"][:, 2],
        "cutpoint[trust: 2|3]": theta["cutpoint"][:, 3],
        "direct_by[songbun: core]": theta["direct_by"][:, 0],
        "wave_effect[second]": theta["wave_effect"][:, 1],
    }.items():
        row = rows[key]
        by_hand = {"mean": draws.mean(), "sd": draws.std(ddof=1), "lower": np.quantile(draws, 0.05),
                   "upper": np.quantile(draws, 0.95), "lowest": np.quantile(draws, 0.005),
                   "highest": np.quantile(draws, 0.995)}  # fmt: skip
        assert {n: row[n] for n in by_hand} == pytest.approx(by_hand)
        assert row["contraction"] == pytest.approx(1 - row["sd"] ** 2 / row["prior_sd"] ** 2)


def test_a_parameter_stands_beside_its_prior_and_what_identifies_it(inputs: Inputs, results: Results) -> None:
    """Status and reason are the model's; the prior is the study's, with its source and the sd it has in this design."""
    for name, about in results.models.items():
        known = {p.name: p for p in models.get(name).active(inputs.cells[name])[0]}
        for row in about["parameters"]:
            parameter, prior = known[row["parameter"]], inputs.priors[name][row["parameter"]]
            assert (row["status"], row["reason"]) == (parameter.status, parameter.reason)
            assert row["prior"]["statement"] == prior.statement
            assert row["prior"]["kind"] == prior.source.kind
            if prior.distribution == "Normal" and not isinstance(prior.arguments["sigma"], str):
                sigma = float(prior.arguments["sigma"])  # told from 1,000 draws: an sd known to 2.2 %
                assert row["prior_sd"] == pytest.approx(sigma, rel=5 * 0.0224)


def test_a_prior_without_an_sd_leaves_no_infinity(inputs: Inputs) -> None:
    """Cutpoints under a Dirichlet prior that puts all on one answer run to infinity: what is no number is not told."""
    name = "market_participation"
    extreme = {
        "distribution": "Dirichlet", "arguments": {"concentration": 0.001}, "dims": ["much_cut"],
        "unit": "logit", "statement": "everyone gives one answer", "by": "a test", "date": "2026-01-01",
        "source": {"kind": "weak", "where": "nowhere"},
    }  # fmt: skip
    odd = inputs.priors[name].overridden({"much_cutpoint": extreme}, "a test")
    changed = replace(inputs, priors={**inputs.priors, name: odd})
    found = fake_fits.recorded(changed)
    rows = [row for row in found.models[name]["parameters"] if row["parameter"] == "much_cutpoint"]
    assert {row["prior_sd"] for row in rows} == {None}
    assert {row["contraction"] for row in rows} == {None}
    assert all(math.isfinite(row["mean"]) for row in rows)


# --- the truth beside it ---------------------------------------------------------------------------------------------


def test_a_fit_around_the_truth_misses_hardly_any(results: Results) -> None:
    """All parameters with a known truth are compared; what chance alone may miss of them is allowed."""
    told = results.truth
    assert told is not None
    rows = [row for about in results.models.values() for row in about["parameters"]]
    assert told["compared"] == len(rows)
    assert told["allowed"] == next(k for k in range(99) if binom.cdf(k, len(rows), 0.01) >= 0.999)
    assert len(told["outside"]) <= told["allowed"]


def test_a_parameter_far_from_its_truth_is_named(inputs: Inputs) -> None:
    """Draws a logit away from the truth of one parameter miss it: it is outside, and the farthest of all."""
    fits, name = fake_fits.fits(inputs), "reported_loyalty"
    model = models.get(name)
    center = {**fake_fits.center(inputs, model)}
    center["direct"] = center["direct"] + 1.0
    fits[name] = fake_fits.fake(model, inputs.cells[name], center)
    told = record(inputs, fits, audits(inputs), {}, "fingerprint").truth
    assert told is not None
    missed = {row["key"]: row for row in told["outside"]}
    row = missed["reported_loyalty.direct"]
    assert row["lower"] > row["truth"]
    assert told["worst"]["key"] == "reported_loyalty.direct"
    assert told["worst"]["z"] == pytest.approx(-1 / fake_fits.SPREAD, rel=0.3)


def test_without_a_truth_there_is_no_comparison(tmp_path: Path) -> None:
    """A survey of real people has no truth file: no row has a truth, and nothing was compared."""
    found = fake_fits.recorded(fake_fits.study(tmp_path, WORLD, **NO_FILES))
    assert found.truth is None
    assert {row["truth"] for about in found.models.values() for row in about["parameters"]} == {None}


def test_a_truth_of_other_models_compares_nothing(inputs: Inputs) -> None:
    """A truth file that speaks of no parameter here is as none."""
    strange = replace(inputs, truth={"another_model": {"direct": np.array(1.0)}})
    assert fake_fits.recorded(strange).truth is None


# --- nobody in it ----------------------------------------------------------------------------------------------------


def thin(table: pd.DataFrame) -> pd.DataFrame:
    """Two districts with six respondents each."""
    few = table["district"].isin(["district 03", "district 06"])
    return pd.concat([table[~few], table[few].groupby("district").head(6)])


def test_small_districts_are_named_nowhere_but_in_what_was_public(tmp_path: Path) -> None:
    """A small district has no estimate and no parameter; its administrative coverage is in the district file anyway."""
    found = fake_fits.recorded(fake_fits.study(tmp_path, WORLD, thin))
    told = {n: getattr(found, n) for n in ("estimates", "verdicts", "truth", "survey", "dropped_terms")}
    told["models"] = [  # but for their certificates, whose districts are those of simulated surveys
        {key: value for key, value in about.items() if key != "certificate"} for about in found.models.values()
    ]
    assert "district 01" in repr(told)
    for name in ("district 03", "district 06"):
        assert name not in repr(told)
    assert found.figures["coverage"]["rate"][2][0] is not None


def test_a_wave_in_which_few_of_a_district_were_asked_has_no_parameter(tmp_path: Path) -> None:
    """Six respondents of a district in one wave: what is said of that wave there is kept back, of the other told."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        few = (table["district"] == "district 03") & (table["wave"] == "first")
        return pd.concat([table[~few], table[few].head(6)])

    found = fake_fits.recorded(fake_fits.study(tmp_path, WORLD, change))
    keys = {row["key"] for row in found.models["gift_allocation"]["parameters"]}
    assert "district_wave[district 03, second]" in keys
    assert "district_wave[district 03, first]" not in keys


def test_panels_of_like_minded_people_are_left_out(tmp_path: Path) -> None:
    """A group of which 95 in 100 said one thing would tell what each of them said; receipts are no answers."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        passed_over = table.index[table["gift"] == 0]
        return table.assign(praise=table["praise"].where(table["gift"] == 1, "yes").where(
            ~table.index.isin(passed_over[:6]), "no"))  # fmt: skip

    name, inputs = "reported_loyalty", fake_fits.study(tmp_path, WORLD, change)
    shown, alike = (panel(name, item, 0, 300, [0.3333, 0.0667, 0.6][:n]) for item, n in (("pride", 3), ("praise", 2)))
    receipts = panel("gift_allocation", "gift", 0, 300, [0.5, 0.5]) | {"arm": "district 01"}
    made = audits(inputs, {name: (shown, alike), "gift_allocation": (receipts,)})
    (told,) = fake_fits.recorded(inputs, made).figures["predictive"]
    table = inputs.survey.table
    shares = table.loc[table["gift"] == 0, "pride"].value_counts(normalize=True, sort=False)
    assert told["observed"] == [round(share, 2) for share in shares]
    assert (told["item"], told["gift"], told["levels"]) == ("pride", 0, ["no", "rather", "yes"])
    assert not {"arm", "respondents"} & set(told)


def test_administrative_coverage_is_told_whole(inputs: Inputs, results: Results) -> None:
    """What a district file says of coverage is told for every district and wave, however few were asked there."""
    told = results.figures["coverage"]
    np.testing.assert_allclose(np.array(told["rate"], dtype=float), inputs.design.coverage.rate, atol=5e-4)
    assert told["waves"] == ["first", "second"]


def few_there(table: pd.DataFrame, *places: tuple[str, str, int, int]) -> pd.DataFrame:
    """Only so many others and receivers of some districts and waves; twelve of each of all the rest."""
    wanted = {(d, w, g): n for d, w, *counts in places for g, n in enumerate(counts)}
    parts = [rows.sample(wanted.get(key, 12), replace=True, random_state=1)
             for key, rows in table.groupby(["district", "wave", "gift"])]  # fmt: skip
    return pd.concat(parts)


@pytest.mark.parametrize(
    ("places", "hidden"),
    [
        ((), set()),
        ((("district 02", "first", 4, 5), ("district 05", "second", 11, 4)), {(1, 0), (4, 1)}),
        ((("district 02", "first", 4, 5), ("district 07", "second", 8, 8)), {(1, 0), (6, 1)}),
    ],
    ids=["all large", "two small", "one small, and the smallest of the rest with it"],
)
def test_a_sample_rate_of_few_is_kept_back(tmp_path: Path, places: Any, hidden: set[tuple[int, int]]) -> None:
    """Fewer than ten asked, or five of either arm, tell a count; one alone would be told by the mean of all rates."""
    inputs = fake_fits.study(tmp_path, WORLD, lambda table: few_there(table, *places), **NO_FILES)
    told = fake_fits.recorded(inputs).figures["coverage"]["rate"]
    assert {(d, w) for d, row in enumerate(told) for w, rate in enumerate(row) if rate is None} == hidden
    assert told[0][0] == 0.5


def test_a_district_of_which_no_rate_is_told_is_not_named(tmp_path: Path) -> None:
    """Without a district file nobody knows that somebody was asked in a small district."""
    inputs = fake_fits.study(tmp_path, WORLD, thin, **NO_FILES)
    told = fake_fits.recorded(inputs)
    assert "district 01" in told.figures["coverage"]["districts"]
    assert len(told.figures["coverage"]["rate"]) == len(told.figures["coverage"]["districts"])
    certified = {name: {**about, "certificate": None} for name, about in told.models.items()}
    for name in ("district 03", "district 06"):
        assert name not in repr(replace(told, models=certified).__dict__)


# --- the plain comparison --------------------------------------------------------------------------------------------


def test_a_published_study_has_its_published_comparison(repo: Path, tmp_path: Path) -> None:
    """The study of PANES in this repository: at the cutoff of income the plain regression gives .0998519."""
    shutil.copy(repo / "reports" / "panes" / "study.toml", tmp_path)
    data = gov_transfers.load_pandas().data
    table = pd.DataFrame({
        "participation": data["Participation"].astype(int), "income": data["Income_Centered"],
        "support": data["Support"].map({0.0: "worse", 0.5: "same", 1.0: "better"}),
    })  # fmt: skip
    (tmp_path / "_private").mkdir()
    table.to_csv(tmp_path / "_private" / "survey.csv", index=False)
    inputs = gather(Study.read(tmp_path))
    found = fake_fits.recorded(inputs)
    row = found.figures["plain"]["loyalty.at.cutoff"]
    assert plain.regressions(inputs)["loyalty.at.cutoff"]["estimate"] == pytest.approx(PUBLISHED, abs=1e-6)
    assert row["estimate"] == round(PUBLISHED, 3)
    assert row["label"] == "reported loyalty, at the income cutoff"
    assert (row["respondents"], row["clusters"]) == (1948, 1948)
    assert found.estimate("loyalty.direct.at.cutoff").extrapolation == ""
    assert found.estimate("loyalty.direct").extrapolation != ""


def test_every_outcome_is_compared_on_its_own_scale(inputs: Inputs, results: Results) -> None:
    """Loyalty averages evenly spaced answers; market is whether, and the share of income that a band stands for."""
    table = inputs.survey.table
    items = [table[i].cat.codes / (len(table[i].cat.categories) - 1) for i in WORLD.items]
    bands = np.concatenate([[0.0], (np.arange(5) + 0.5) / 5])[table["market"].cat.codes]
    scores = {"loyalty": np.mean(items, axis=0), "market_any": bands > 0, "market_much": bands}
    for outcome, score in scores.items():
        rows = plain.regressions(inputs)
        assert rows[f"{outcome}.at.core"]["estimate"] == pytest.approx(_by_hand(table, score), rel=1e-6)
        assert results.figures["plain"][outcome]["clusters"] == 8


def _by_hand(table: pd.DataFrame, score: Any) -> float:
    """The gift's coefficient for core families: levels of songbun counted from core, intercepts for each office."""
    gift = table["gift"].to_numpy(dtype=float)
    others = [(table["songbun"] == level).to_numpy(dtype=float) for level in ("wavering", "hostile")]
    office = table["district"].astype(str) + table["wave"].astype(str)
    columns = [gift, *(gift * o for o in others), *others, table["household"], *(office == o for o in office.unique())]
    return float(
        np.linalg.lstsq(np.column_stack(columns).astype(float), np.asarray(score, dtype=float), rcond=None)[0][0]
    )


def test_a_comparison_that_the_data_do_not_hold_is_left_out(tmp_path: Path) -> None:
    """Where everyone of a district and wave received or nobody did, no plain comparison stands beside the model."""

    def by_office(table: pd.DataFrame) -> pd.DataFrame:
        odd = table["district"].str[-1].astype(int) % 2 == 1
        return table.assign(gift=(odd == (table["wave"] == "first")).astype(int))

    inputs = fake_fits.study(tmp_path, WORLD, by_office, **NO_FILES)
    assert fake_fits.recorded(inputs).figures["plain"] == {}


def test_terms_a_design_cannot_inform_are_named(tmp_path: Path) -> None:
    """One wave drops wave effects, of every model that has them, with the reason."""
    world = WORLD.model_copy(update={"waves": ("only",)})
    found = fake_fits.recorded(fake_fits.study(tmp_path, world))
    dropped = {(d.model, d.term): d.why for d in found.dropped_terms}
    assert dropped[("reported_loyalty", "wave_effect")] == "there is only one wave"
    assert ("gift_allocation", "district_wave") in dropped
    assert len(found.figures["coverage"]["waves"]) == 1


def test_weights_are_told_with_what_they_cost(tmp_path: Path) -> None:
    """Weights of .5 and 2 make the sample worth Kish's number of equal respondents."""
    world = WORLD.model_copy(update={"weights": {"songbun": {"wavering": 0.5, "core": 2.0, "hostile": 2.0}}})
    inputs = fake_fits.study(tmp_path, world)
    w = inputs.survey.table["weight"].to_numpy()
    worth = w.sum() ** 2 / (w**2).sum()
    assert f"worth {worth:,.0f} equal respondents" in fake_fits.recorded(inputs).survey["weights"]
