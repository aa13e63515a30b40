"""Findings: what an estimate says, what it rests on, and who is never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import dims, findings, models
from largesse.estimands import CONTRASTS, EVERYONE
from largesse.findings import POOLED, Compared
from largesse.inputs import Inputs
from largesse.results import SMALLEST, Estimate, direction
from largesse.synthetic import World

Array = np.ndarray[Any, Any]

WORLD = World(
    name="made_up", seed=7, respondents=480, modifiers=("songbun",), truth={"gift_allocation": {"intercept": -0.5}}
)
ONE_WAVE = WORLD.model_copy(update={"waves": ("only",)})
AT = [
    {"name": "core", "label": "core families", "values": {"songbun": "core"}},
    {"name": "big", "label": "core, household of five", "values": {"songbun": "core", "household": 5.0}},
    {"name": "huge", "label": "household of ninety", "values": {"household": 90.0}},
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A made-up study of eight districts and two waves, with three profiles of which one does not exist."""
    return fake_fits.study(tmp_path_factory.mktemp("whole"), WORLD, estimands={"at": AT})


@pytest.fixture(scope="module")
def found(inputs: Inputs) -> dict[str, Estimate]:
    """Its estimates on fake fits, by key."""
    return keyed(inputs)


def keyed(inputs: Inputs, spread: float = fake_fits.SPREAD) -> dict[str, Estimate]:
    """Every estimate of a study on fake fits; no key comes twice."""
    fits = fake_fits.fits(inputs, spread=spread)
    every = [e for m in inputs.models for e in findings.estimates(fits[m.name], m, inputs)]
    assert len({e.key for e in every}) == len(every)
    return {e.key: e for e in every}


# --- what an estimate rests on ---------------------------------------------------------------------------------------


def test_status_and_reason_are_those_of_the_parameters(inputs: Inputs, found: dict[str, Estimate]) -> None:
    """Each contrast is as well identified as the weakest parameter it rests on, and names what each of them needs."""
    for model, prefixes in (
        ("reported_loyalty", {"loyalty": ""}),
        ("market_participation", {"market_any": "any_", "market_much": "much_"}),
    ):
        named = {p.name: p for p in models.get(model).active(inputs.cells[model])[0]}
        for outcome, prefix in prefixes.items():
            direct, spillover = named[f"{prefix}direct"], named[f"{prefix}spillover"]
            assert direct.reason != spillover.reason
            alone = {"direct": direct, "level.0": direct, "level.1": direct, "spillover": spillover}
            for contrast, parameter in alone.items():
                e = found[f"{outcome}.{contrast}"]
                assert (e.status, e.reason, e.model) == (parameter.status, parameter.reason, model)
            for contrast in ("total", "overall"):
                e = found[f"{outcome}.{contrast}"]
                assert e.status == "conditional"
                assert direct.reason in e.reason
                assert spillover.reason in e.reason


def test_receipt_rests_on_its_own_parameters(inputs: Inputs, found: dict[str, Estimate]) -> None:
    """The share receiving is known from receipts; what standing counts, from people who differ in it."""
    named = {p.name: p for p in models.get("gift_allocation").active(inputs.cells["gift_allocation"])[0]}
    for contrast, name in {
        "level": "intercept",
        "top": "standing",
        "selectivity": "standing",
        "gini": "standing",
    }.items():
        e = found[f"receipt.{contrast}"]
        assert (e.status, e.reason) == (named[name].status, named[name].reason)


def test_one_wave_cannot_tell_what_coverage_does(tmp_path: Path) -> None:
    """With one wave spillover is prior driven, and so is what rests on it; the direct effect stays conditional."""
    found = keyed(fake_fits.study(tmp_path, ONE_WAVE))
    for outcome in ("loyalty", "market_any", "market_much"):
        for contrast in ("spillover", "total", "overall"):
            e = found[f"{outcome}.{contrast}"]
            assert e.status == "prior_driven"
            assert "never changes within a district" in e.reason
            assert direction(e) == "cannot tell"
        assert found[f"{outcome}.direct"].status == "conditional"


def test_without_coverage_that_varies_nothing_compares_two(tmp_path: Path) -> None:
    """One district in one wave has one coverage: direct effects and levels are told, and no contrast of coverages."""
    world = ONE_WAVE.model_copy(update={"districts": 1, "respondents": 120})
    found = keyed(fake_fits.study(tmp_path, world))
    assert {k.partition(".")[2] for k in found if k.startswith("loyalty")} == {"direct", "level.0", "level.1"}
    assert not any(e.group for e in found.values())


def test_without_covariates_nobody_has_standing(tmp_path: Path) -> None:
    """How selective offices are cannot be told where no attribute of people is known."""
    world = WORLD.model_copy(update={"categorical": {}, "continuous": {}, "modifiers": ()})
    found = keyed(fake_fits.study(tmp_path, world))
    assert {e.contrast for e in found.values() if e.outcome == "receipt"} == {"level"}


# --- which coverages are compared ------------------------------------------------------------------------------------


def compared(inputs: Inputs) -> Compared:
    """The coverages that the study's loyalty effects compare."""
    return Compared.of(inputs, inputs.cells["reported_loyalty"])


def with_coverage(inputs: Inputs, rate: Array) -> Inputs:
    """The study as it would be under other coverages."""
    name = "reported_loyalty"
    cells = inputs.cells[name].assign(coverage_rate=((dims.DISTRICT, dims.WAVE), rate))
    return replace(inputs, cells={**inputs.cells, name: cells})


def test_usual_coverages_are_compared_in_whole_percents(inputs: Inputs) -> None:
    """Unless the study asks, the 10 % and 90 % quantiles of what districts had are compared."""
    rate = inputs.cells["reported_loyalty"]["coverage_rate"].to_numpy()
    low, high = np.quantile(rate, [0.1, 0.9])
    used = compared(inputs)
    assert (used.low, used.high) == (pytest.approx(low, abs=0.005), pytest.approx(high, abs=0.005))
    assert (100 * used.low) % 1 == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("odd", "rest"),
    [(0.304, 0.301), (0.9, 0.3), (0.3000001, 0.3)],
    ids=["within a percent", "all but one alike", "hardly at all"],
)
def test_two_coverages_are_never_one(inputs: Inputs, odd: float, rest: float) -> None:
    """Where quantiles coincide or round to one percent, two that were seen are compared, never one."""
    rate = np.full((8, 2), rest)
    rate[3, 1] = odd
    used = compared(with_coverage(inputs, rate))
    assert used.varies
    assert rest <= used.low < used.high <= odd
    assert {c: used.extrapolation(c) for c in CONTRASTS} == dict.fromkeys(CONTRASTS, "")


def test_a_coverage_beyond_what_was_seen_is_labelled(tmp_path: Path) -> None:
    """Nobody and ninety in a hundred were never seen here: every contrast that uses one of them says so."""
    inputs = fake_fits.study(tmp_path, WORLD, estimands={"coverage": [0.0, 0.99]})
    highest = float(np.nanmax(inputs.cells["reported_loyalty"]["coverage_rate"]))
    assert 0.0 < highest < 0.99
    for e in keyed(inputs).values():
        if e.outcome == "receipt":
            assert e.extrapolation == ""
        else:
            assert "coverage 99% lies outside" in e.extrapolation


def test_a_low_coverage_matters_where_it_is_used(tmp_path: Path) -> None:
    """Where only the lower coverage was never seen, the direct effect and the levels, at the higher one, stand."""
    inputs = fake_fits.study(tmp_path, WORLD, estimands={"coverage": [0.0, 0.35]})
    for e in keyed(inputs).values():
        assert bool(e.extrapolation) == (e.contrast in ("spillover", "total", "overall"))


def test_the_studys_own_reason_not_to_extrapolate_is_on_every_average(tmp_path: Path) -> None:
    """A study that says why its average has no counterpart labels every average with it, and no profile it asks for."""
    found = keyed(fake_fits.study(tmp_path, WORLD, estimands={"extrapolates": "nobody was there", "at": AT[:1]}))
    effects = {key: e for key, e in found.items() if e.outcome != "receipt"}
    assert {".at." in key for key, e in effects.items() if "nobody was there" not in e.extrapolation} == {True}
    assert all("nobody was there" in e.extrapolation for key, e in effects.items() if ".at." not in key)


# --- summaries -------------------------------------------------------------------------------------------------------


def test_an_estimate_sums_up_its_draws(inputs: Inputs) -> None:
    """Mean, sd, equal tails and probabilities are those of the draws, for everyone and in every district shown."""
    name = "reported_loyalty"
    model, fit = models.get(name), fake_fits.fits(inputs)[name]
    drawn = findings.estimate(fit, model, inputs)
    assert drawn["loyalty.direct"].dims == (dims.DRAW, "group")
    told = {e.key: e for e in findings.estimates(fit, model, inputs)}
    rope = inputs.study.estimands.rope
    for group in map(str, drawn["group"].to_numpy()):
        draws = drawn["loyalty.direct"].sel(group=group).to_numpy()
        e = told[f"loyalty.direct.{group}".rstrip(".")]
        assert len(draws) == 200
        by_hand = {"mean": np.mean(draws), "sd": np.std(draws, ddof=1), "lower": np.quantile(draws, 0.05),
                   "upper": np.quantile(draws, 0.95), "p_positive": np.mean(draws > 0),
                   "p_negligible": np.mean(np.abs(draws) < rope)}  # fmt: skip
        assert {n: getattr(e, n) for n in by_hand} == pytest.approx(by_hand)
        assert (e.group, e.interval, e.contrast, e.outcome) == (group, 0.9, "direct", "loyalty")


def test_total_is_the_sum_of_its_parts(found: dict[str, Estimate]) -> None:
    """Means add up as draws do: total = direct + spillover, of every outcome."""
    for outcome in ("loyalty", "market_any", "market_much"):
        direct, spillover, total = (found[f"{outcome}.{c}"].mean for c in ("direct", "spillover", "total"))
        assert total == pytest.approx(direct + spillover)


def test_what_is_told_by_district_needs_no_second_coverage(found: dict[str, Estimate]) -> None:
    """Districts have a direct effect, levels and a share receiving; contrasts of coverages are for everyone."""
    by_district = {e.contrast for key, e in found.items() if e.group and ".at." not in key}
    assert by_district == {"direct", "level"}


def test_shares_receiving_average_to_everyones(inputs: Inputs, found: dict[str, Estimate]) -> None:
    """The share receiving is that of districts and of the pool, weighted by the people in them."""
    frame = inputs.frames["gift_allocation"]
    groups = findings.groups(inputs, frame)
    weight = {g: float(frame["weight"].to_numpy() @ m) for g, m in groups.items() if g != EVERYONE}
    averaged = sum(found[f"receipt.level.{g}"].mean * w for g, w in weight.items())
    assert sum(weight.values()) == pytest.approx(1.0)
    assert found["receipt.level"].mean == pytest.approx(averaged)


def test_the_truth_beside_an_estimate_is_that_of_the_world(inputs: Inputs) -> None:
    """Draws that all lie at the simulated truth have the truth as their mean, and nothing is left of their sd."""
    for e in keyed(inputs, spread=1e-9).values():
        assert e.truth == pytest.approx(e.mean, abs=1e-6)
        assert e.sd < 1e-6


def test_a_study_of_real_people_has_no_truth(tmp_path: Path) -> None:
    """Where no truth file is named, no estimate has a truth."""
    inputs = fake_fits.study(tmp_path, WORLD, survey={"file": "survey.csv", "districts": "districts.csv"})
    assert {e.truth for e in keyed(inputs).values()} == {None}


# --- profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_is_what_the_frame_would_be_if_all_were_alike(inputs: Inputs) -> None:
    """Everyone gets the profile's covariates, coded as the survey's own are; district, wave and the rest stay."""
    frame, design = inputs.frames["reported_loyalty"], inputs.design
    there = findings.at_profile(frame, design, AT[1]["values"])
    x = there.assign_coords()["x"].to_pandas()
    own = design.table.assign(songbun="core", household=5.0).iloc[:1]
    coded = design.matrix(
        {n: own[n].astype(str).to_numpy() if n == "songbun" else own[n].to_numpy() for n in ("songbun", "household")}
    )
    np.testing.assert_allclose(x.to_numpy(), np.tile(coded, (len(x), 1)))
    assert there.drop_vars("x").identical(frame.drop_vars("x"))
    partly = findings.at_profile(frame, design, AT[0]["values"])["x"].to_pandas()
    np.testing.assert_array_equal(partly["household"], frame["x"].to_pandas()["household"])


def test_the_effect_at_a_profile_is_that_of_people_of_it(inputs: Inputs, found: dict[str, Estimate]) -> None:
    """The direct effect at a profile averages over a frame of such people alone, and is not everyone's."""
    name = "reported_loyalty"
    model, fit = models.get(name), fake_fits.fits(inputs)[name]
    there = findings.at_profile(inputs.frames[name], inputs.design, AT[0]["values"])
    alone = replace(inputs, frames={**inputs.frames, name: there})
    expected = findings.estimate(fit, model, alone)["loyalty.direct"].sel(group=EVERYONE).to_numpy()
    e = found["loyalty.direct.at.core"]
    assert e.mean == pytest.approx(expected.mean())
    assert (e.group, e.contrast) == ("core families", "direct")
    assert abs(e.mean - found["loyalty.direct"].mean) > 0.001
    assert e.truth is not None


def test_a_profile_nobody_has_is_labelled(found: dict[str, Estimate]) -> None:
    """A household of ninety lies outside what was observed; core families do not."""
    for outcome in ("loyalty", "market_any", "market_much"):
        assert "household 90" in found[f"{outcome}.direct.at.huge"].extrapolation
        for name in ("core", "big"):
            assert found[f"{outcome}.direct.at.{name}"].extrapolation == ""


def test_a_profile_of_hardly_anyone_is_labelled_without_their_number(tmp_path: Path) -> None:
    """Four respondents of a profile are too few to speak from, and too few to be counted aloud."""

    def rarer(table: pd.DataFrame) -> pd.DataFrame:
        core = table.index[table["songbun"] == "core"]
        return table.drop(index=core[4:])

    found = keyed(fake_fits.study(tmp_path, WORLD, rarer, estimands={"at": AT[:1]}))
    assert found["loyalty.direct.at.core"].extrapolation == "fewer than 5 respondents are of this profile"


# --- small districts -------------------------------------------------------------------------------------------------


Change = Callable[[pd.DataFrame], pd.DataFrame]


def left(**people: tuple[int, int]) -> Change:
    """Leaves so many others and receivers in some districts (`d3=(4, 6)`), and all that there are in the rest."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for district, rows in table.groupby("district"):
            others, receivers = people.get(f"d{int(str(district).split()[1])}", (None, None))
            given = rows["gift"] == 1
            parts += [rows[~given].head(others) if others is not None else rows[~given]]
            parts += [rows[given].head(receivers) if receivers is not None else rows[given]]
        return pd.concat(parts)

    return change


def silent(district: str) -> Change:
    """Nobody in a district says whether they trade, but four of each arm."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        there = table["district"] == district
        kept = table[there].groupby("gift").head(4).index
        return table.assign(market=table["market"].where(~there | table.index.isin(kept), "refused"))

    return change


CASES: Mapping[str, tuple[Change, set[str]]] = {  # name -> survey, districts that must not be shown
    "none is small": (left(), set()),
    "two are small": (left(d2=(4, 5), d5=(7, 4)), {"district 02", "district 05"}),
    "one is small": (left(d4=(6, 3)), {"district 04"}),
    "one has few receivers": (left(d4=(40, 4)), {"district 04"}),
    "one has few others": (left(d4=(4, 40)), {"district 04"}),
    "two make no ten": (left(d2=(2, 2), d5=(3, 2)), {"district 02", "district 05"}),
    "one is small for one question": (silent("district 06"), {"district 06"}),
    "all are small": (left(**{f"d{d}": (4, 4) for d in range(1, 9)}), {f"district 0{d}" for d in range(1, 9)}),
    "all but one are small": (left(**{f"d{d}": (4, 4) for d in range(2, 9)}), {f"district 0{d}" for d in range(2, 9)}),
}


@pytest.fixture(scope="module", params=CASES)
def thinned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, set[str]]:
    """A study in which some districts are small, and which."""
    change, small = CASES[request.param]
    return fake_fits.study(tmp_path_factory.mktemp("small"), WORLD, change), small


def shown(inputs: Inputs) -> dict[str, Array]:
    """Name -> [district] which districts are in each group that is shown."""
    frame = inputs.frames["reported_loyalty"]
    where, n = frame["in_district"].to_numpy(), frame.sizes[dims.DISTRICT]
    return {g: np.bincount(where, mask, n) > 0 for g, mask in findings.groups(inputs, frame).items()}


def people(inputs: Inputs) -> dict[str, Array]:
    """Model -> [district, gift] respondents, counted from the survey."""
    table = inputs.survey.table
    answered = {
        "gift_allocation": table,
        "reported_loyalty": table[table[list(inputs.survey.items)].notna().any(axis=1)],
        "market_participation": table[table["market"].notna()],
    }
    return {m: pd.crosstab(t["district"], t["gift"], dropna=False).reindex(columns=[0, 1], fill_value=0).to_numpy()
            for m, t in answered.items()}  # fmt: skip


def test_a_small_district_is_in_no_estimate(thinned: tuple[Inputs, set[str]]) -> None:
    """Fewer than ten respondents, or fewer than five in an arm, of any question: no estimate is of that district."""
    inputs, small = thinned
    found = keyed(inputs)
    assert not small & {e.group for e in found.values()}
    assert not any(name in e.key or name in e.label for e in found.values() for name in small)


def test_every_group_and_all_that_is_left_over_is_large(thinned: tuple[Inputs, set[str]]) -> None:
    """Each group shown, and everyone less any number of them, has ten respondents with five in each arm, or none."""
    inputs, _ = thinned
    groups = shown(inputs)
    alone = [members for name, members in groups.items() if name != EVERYONE]
    rest = groups[EVERYONE] & ~np.any([*alone, np.zeros_like(groups[EVERYONE])], axis=0)
    for counts in people(inputs).values():
        for members in (*alone, rest):
            each = counts[members].sum(axis=0)
            assert not members.any() or (each.sum() >= 2 * SMALLEST and each.min() >= SMALLEST)


def test_no_small_district_can_be_told_from_differences(thinned: tuple[Inputs, set[str]]) -> None:
    """No sum or difference of groups shown is a small district: it is no combination of their memberships."""
    inputs, small = thinned
    names = [str(n) for n in inputs.frames["reported_loyalty"][dims.DISTRICT].to_numpy()]
    told = np.array(list(shown(inputs).values()), dtype=float)
    for name in small:
        with_it = np.vstack([told, [n == name for n in names]])
        assert np.linalg.matrix_rank(with_it) == np.linalg.matrix_rank(told) + 1


def test_large_districts_are_shown(thinned: tuple[Inputs, set[str]]) -> None:
    """Pooling costs at most one large district, where a small one would stand alone or a pool would be too small."""
    inputs, small = thinned
    groups = set(shown(inputs)) - {EVERYONE, POOLED}
    names = {str(n) for n in inputs.frames["reported_loyalty"][dims.DISTRICT].to_numpy()}
    assert len(names - small - groups) <= (1 if len(small) in (1, 2) else 0)
    assert (POOLED in shown(inputs)) == bool(small and groups)
