"""Effects were one thing taken otherwise, on fake fits: what is held, what is compiled, what is refused and told."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import findings, models, sampling
from largesse.alternatives import (
    KINDS,
    SHOWN,
    TERMS,
    Alternative,
    Alternatives,
    alternatives,
    as_is,
    facing,
    other_maps,
    other_places,
    other_terms,
    under,
)  # fmt: skip
from largesse.cells import Cells
from largesse.errors import InputError, Problem
from largesse.fits import Fit
from largesse.inputs import Inputs, gather
from largesse.maps import MAPS
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet
from largesse.record import record
from largesse.settings import Exposure, MapName, Sampler
from largesse.simulators.graded import standard_normal_nodes
from largesse.study import Study
from largesse.synthetic import ITEM, World
from largesse.template import study_of

WORLD = World(name="faced", seed=11, respondents=240, districts=5, modifiers=("songbun",), before={"earlier": ITEM})
ALSO: tuple[MapName, ...] = ("others", "own_group", "neighbours")
MODEL = models.get("joint")


def study(folder: Path, exposure: Mapping[str, Any], world: World = WORLD, **tables: Any) -> Inputs:
    """A synthetic study with `[exposure]`, its districts in a row, written with their neighbours and read back."""
    names = [f"district {d + 1:02d}" for d in range(world.districts)]
    neighbours = pd.DataFrame({"district": names[:-1], "neighbour": names[1:]})
    folder.mkdir(exist_ok=True)
    neighbours.to_csv(folder / "neighbours.csv", index=False)
    files = {"file": "survey.csv", "districts": "districts.csv", "truth": "truth.json"}
    asked = {exposure.get("map"), *exposure.get("also", ())}
    files |= {"neighbours": "neighbours.csv"} if "neighbours" in asked else {}
    exposure = {**exposure, **({"group": "songbun"} if "own_group" in asked else {})}
    return fake_fits.study(folder, world, survey=files, exposure=exposure, **tables)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A study of the receipt rate that names every other map beside it."""
    return study(tmp_path_factory.mktemp("faced") / "study", {"also": ALSO})


class Sample:
    """Draws around the study's truth, whatever people face; remembers the data it was asked to fit."""

    def __init__(self, inputs: Inputs) -> None:
        self.center, self.asked = fake_fits.center(inputs, MODEL), list[tuple[Cells, Sampler, int, int]]()

    def __call__(
        self, model: Model, cells: Cells, _priors: PriorSet, sampler: Sampler, *, seed: int, nodes: int, attempt: int
    ) -> Fit:
        """A fit as `sampling.fit` would return it."""
        self.asked.append((cells, sampler, nodes, attempt))
        return fake_fits.fake(model, cells, self.center, (2, 50), seed)


def maps_of(inputs: Inputs) -> list[Alternative]:
    """Every further map that a study names."""
    return list(other_maps(MODEL, inputs))


def test_each_map_that_is_named_is_fitted_once_to_data_of_one_shape(inputs: Inputs) -> None:
    """Two chains of few draws each, at the nodes that the fit itself needed; only what people face differs."""
    sample = Sample(inputs)
    found = alternatives(maps_of(inputs), MODEL, sample, NODES[1])
    assert tuple(row.name for row in found.rows) == ALSO
    plain = inputs.cells["joint"]
    for cells, sampler, nodes, attempt in sample.asked:
        assert (sampler.chains, nodes, attempt) == (2, NODES[1], 1)
        assert sampler.draws <= 300
        assert {"coverage"} <= changed(cells, plain) <= {"coverage", "coverage_between", "coverage_rate"}


def changed(cells: Cells, plain: Cells) -> set[str]:
    """The variables in which cells differ."""
    return {str(n) for n in cells.data_vars if not np.array_equal(cells[n], plain[n], equal_nan=True)}


def test_all_alternatives_are_fitted_by_one_compiled_model(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of what is compiled is that of the receipt rate, and the design informs the same terms."""
    built: list[object] = []
    monkeypatch.setattr(sampling, "_compiled", {})
    monkeypatch.setattr(sampling.machine_code, "compiled", lambda model, _names: built.append(model) or model)
    each = [other.inputs for of in KINDS.values() for other in of(MODEL, leaving_out("district", inputs))]
    assert len(each) > len(ALSO) + len(TERMS)
    ready = [sampling.compiled(MODEL, here.cells["joint"], here.priors["joint"]) for here in (inputs, *each)]
    assert len(built) == 1
    assert all(one is ready[0] for one in ready)
    terms = [{p.name for p in MODEL.active(here.cells["joint"])[0]} for here in (inputs, *each)]
    assert all(each == terms[0] for each in terms)


def test_effects_under_all_maps_compare_the_same_two_shares(inputs: Inputs) -> None:
    """A study that names no shares has its own map's; a map whose districts differ less extrapolates to them."""
    own = findings.Compared.of(inputs, inputs.cells["joint"])
    for name in ALSO:
        here = facing(name, MODEL, inputs)
        there = findings.Compared.of(here, here.cells["joint"])
        assert (there.low, there.high, there.center) == (own.low, own.high, own.center)
    (smooth,) = (other for other in maps_of(inputs) if other.name == "neighbours")
    effects = under(fake_fits.fits(smooth.inputs)["joint"], MODEL, smooth).effects
    narrow = findings.Compared.of(smooth.inputs, smooth.inputs.cells["joint"]).observed
    assert bool(effects["spillover"]["extrapolation"]) == (not narrow[0] <= own.low < own.high <= narrow[1])


def test_the_effects_are_those_of_the_estimates(inputs: Inputs) -> None:
    """As the study takes things, mean and interval are those that it reports, of everyone's reported loyalty."""
    fit = fake_fits.fits(inputs)["joint"]
    known = {e.key: e for e in findings.estimates(fit, MODEL, inputs)}
    found = under(fit, MODEL, as_is(inputs))
    assert (found.name, tuple(found.effects), found.alone) == ("rate", SHOWN, 0)
    for name, effect in found.effects.items():
        e = known[f"loyalty.{name}"]
        assert [effect[n] for n in ("mean", "sd", "lower", "upper")] == [e.mean, e.sd, e.lower, e.upper]


def without(name: str, inputs: Inputs) -> Alternative:
    """The study without one term."""
    (found,) = (other for other in other_terms(MODEL, inputs) if other.name == name)
    return found


@pytest.mark.parametrize("name", TERMS)
def test_where_a_term_is_away_its_parameters_multiply_nothing(inputs: Inputs, name: str) -> None:
    """The likelihood does not move with them, in any equation, and is that of the whole data with them at 0."""
    other, theta = without(name, inputs), fake_fits.fits(inputs)["joint"].theta
    points = standard_normal_nodes(NODES[0])
    assert set(other.away) == {f"{prefix}_{name}" for prefix in ("loyalty", "any", "much")}
    nothing = theta | {p: 0.0 * theta[p] for p in other.away}
    held = MODEL.twin.loglik(nothing, inputs.cells["joint"], points)
    cells = other.inputs.cells["joint"]
    np.testing.assert_allclose(MODEL.twin.loglik(theta, cells, points), held, rtol=0, atol=1e-12)
    assert np.abs(MODEL.twin.loglik(theta, inputs.cells["joint"], points) - held).max() > 1e-4


def test_effects_without_a_term_do_not_read_what_its_prior_drew(inputs: Inputs) -> None:
    """Of those who receive, coverage then changes nothing: the overall effect is of those passed over alone."""
    other = without("spillover_received", inputs)
    fit = fake_fits.fits(inputs)["joint"]
    compared = findings.Compared.of(inputs, inputs.cells["joint"])
    drawn = findings.estimate(fit, MODEL, inputs)
    found = under(fit, MODEL, other).effects
    level = drawn["loyalty.level.1"].sel(group="").to_numpy()
    away = {p: 0.0 * fit.theta[p] for p in other.away}
    rows, weight = inputs.frames["joint"], inputs.frames["joint"]["weight"].to_numpy()
    gift, faced = np.ones(len(weight)), np.full(len(weight), compared.low - compared.center)
    said = MODEL.twin.predict(fit.theta | away, rows, gift, faced, standard_normal_nodes(NODES[0]))["loyalty"] @ weight
    none = MODEL.twin.predict(fit.theta | away, rows, 0 * gift, faced, standard_normal_nodes(NODES[0]))["loyalty"]
    spilt = found["spillover"]["mean"]
    overall = compared.high * said.mean() + (1 - compared.high) * ((none @ weight).mean() + spilt)
    overall -= compared.low * said.mean() + (1 - compared.low) * (none @ weight).mean()
    assert found["overall"]["mean"] == pytest.approx(overall, abs=1e-12)
    assert abs(level.mean() - said.mean()) > 1e-5  # where the term stays, coverage moves those who receive


def test_a_design_without_coverage_has_no_term_to_leave_out(tmp_path: Path) -> None:
    """In a single district there is nothing to take otherwise."""
    world = WORLD.model_copy(update={"districts": 1})
    alone = fake_fits.study(tmp_path, world)
    assert not list(other_terms(MODEL, alone))


def leaving_out(place: str, inputs: Inputs) -> Inputs:
    """The study with places left out."""
    estimands = inputs.study.estimands.model_copy(update={"leave_out": place})
    return replace(inputs, study=inputs.study.model_copy(update={"estimands": estimands}))


def test_each_district_is_left_out_once_with_its_answers_and_its_people(inputs: Inputs) -> None:
    """The likelihood is that of everyone else, effects are averaged over everyone else, and nothing else moves."""
    asked = leaving_out("district", inputs)
    found, plain, frame = list(other_places(MODEL, asked)), inputs.cells["joint"], inputs.frames["joint"]
    names = [str(n) for n in plain["district"].to_numpy()]
    pool = findings.pooled(inputs)
    assert [other.name for other in found] == [n for n, p in zip(names, pool, strict=True) if not p] + (
        [findings.POOLED] if pool.any() else []
    )
    for other in (o for o in found if o.name in names):
        d, cells, rest = names.index(other.name), other.inputs.cells["joint"], other.inputs.frames["joint"]
        here = plain["in_district"].to_numpy() == d
        assert changed(cells, plain) == {"count"}
        assert cells["count"].to_numpy()[here].sum() == 0
        np.testing.assert_array_equal(cells["count"].to_numpy()[~here], plain["count"].to_numpy()[~here])
        kept = frame["in_district"].to_numpy() != d
        weight = frame["weight"].to_numpy()[kept]
        np.testing.assert_allclose(rest["weight"], weight / weight.sum(), rtol=1e-12)
        assert d not in rest["in_district"].to_numpy()
        assert set(under(fake_fits.fits(inputs)["joint"], MODEL, other).effects) == set(SHOWN)


def test_a_study_that_does_not_ask_leaves_no_place_out(inputs: Inputs) -> None:
    """One short fit for each place is not made unasked."""
    assert not list(other_places(MODEL, inputs))


def test_a_province_is_left_out_with_all_its_districts(tmp_path: Path) -> None:
    """Districts of one province go together."""
    world = WORLD.model_copy(update={"before": {}, "respondents": 600})
    lies_in = {f"district {d:02d}": "north" if d < 3 else "south" for d in range(1, 6)}
    columns = tomllib.loads(study_of(world, ("reported_loyalty",)))["columns"] | {"province": "province"}
    made = fake_fits.study(
        tmp_path, world, lambda table: table.assign(province=table["district"].map(lies_in)), ("reported_loyalty",),
        columns=columns, estimands={"leave_out": "province"},
    )  # fmt: skip
    model = models.get("reported_loyalty")
    found = {other.name: other.inputs.cells[model.name] for other in other_places(model, made)}
    assert list(found) == ["north", "south"]
    for name, cells in found.items():
        kept = cells["district"].to_numpy()[cells["in_district"].to_numpy()[cells["count"].to_numpy() > 0]]
        assert {lies_in[str(d)] for d in kept} == {"north", "south"} - {name}


def test_places_that_the_survey_does_not_name_cannot_be_left_out(inputs: Inputs) -> None:
    """Without a column of provinces, the study is refused."""
    record = inputs.study.model_dump(mode="json") | {"estimands": {"leave_out": "province"}}
    with pytest.raises(InputError, match=r"key 'estimands\.leave_out'"):
        Study.from_table(record, Path("study.toml"))


def test_what_is_stored_is_read_as_it_was(inputs: Inputs, tmp_path: Path) -> None:
    """Stored and read again, nothing has changed, and it is its owner's alone."""
    found = alternatives(maps_of(inputs), MODEL, Sample(inputs))
    found.save(tmp_path / "maps.json")
    assert Alternatives.read(tmp_path / "maps.json") == found
    assert (tmp_path / "maps.json").stat().st_mode & 0o077 == 0


def test_results_have_every_alternative_by_kind(inputs: Inputs) -> None:
    """The study as it is, then each map that it names and each term, with words and four effects, in plain values."""
    beside = {kind: alternatives(list(KINDS[kind](MODEL, inputs)), MODEL, Sample(inputs)) for kind in ("maps", "terms")}
    results = record(
        inputs, fake_fits.fits(inputs), fake_fits.audits(inputs), inputs.files, "fingerprint", beside=beside
    )
    told = results.figures["alternatives"]
    assert told["own"]["label"] == MAPS["rate"].label
    assert [told["own"]["name"], *(row["name"] for row in told["maps"])] == list(MAPS)
    assert "songbun" in told["maps"][1]["label"]
    assert [row["name"] for row in told["terms"]] == list(TERMS)
    assert all(set(row["effects"]) == set(SHOWN) for row in (told["own"], *told["maps"], *told["terms"]))
    assert json.loads(json.dumps(told)) == told
    assert "neighbours.csv" in results.artefacts


def test_under_another_map_policies_are_not_reported(tmp_path: Path) -> None:
    """What people would face under another policy is known of the receipt rate alone: the rest is said to be open."""
    inputs = study(tmp_path / "study", {"map": "neighbours"})
    fits = fake_fits.fits(inputs)
    keys = {e.key for e in findings.estimates(fits["joint"], MODEL, inputs)}
    assert not {key for key in keys if ".policy." in key or "loyalty.selectivity" in key or ".passed_over" in key}
    assert {"loyalty.direct", "loyalty.spillover", "receipt.selectivity"} <= keys
    assert not {n for n in findings.quantities(fits["joint"].theta, 21, MODEL, inputs) if ".policy." in n}
    told = fake_fits.recorded(inputs).figures
    assert "receipt rate" in told["programmes"]["joint"]["unanswered"]["selectivity"]
    assert told["alternatives"]["own"]["name"] == "neighbours"
    assert told["alternatives"]["own"]["label"] == MAPS["neighbours"].label


def refused(study_: Study) -> Problem:
    """The one problem of a study."""
    with pytest.raises(InputError) as caught:
        gather(study_)
    (problem,) = caught.value.problems
    return problem


def test_a_map_that_is_another_by_a_second_name_is_refused(tmp_path: Path) -> None:
    """Of a sample that no office corrects, the receipt rate is the rate among the others already."""
    inputs = fake_fits.study(tmp_path, WORLD, survey={"file": "survey.csv"})
    problem = refused(asking(inputs, also=("others",)))
    assert problem.key == "key 'exposure.also'"
    assert problem.found == "'others', the same here as 'rate'"


@pytest.mark.parametrize(("exposure", "key"), [({"also": ("others",)}, "also"), ({"map": "neighbours"}, "map")])
def test_a_map_that_tells_no_districts_apart_is_refused(tmp_path: Path, exposure: dict[str, Any], key: str) -> None:
    """Where every office gives alike, terms of coverage are dropped: another map would need another model."""
    inputs = study(tmp_path / "study", {})
    table = pd.read_csv(tmp_path / "study" / "districts.csv").assign(coverage=0.3)
    table.to_csv(tmp_path / "study" / "districts.csv", index=False)
    problem = refused(asking(inputs, **exposure))
    assert problem.key == f"key 'exposure.{key}'"
    assert "districts are all alike" in problem.found


def asking(inputs: Inputs, **exposure: Any) -> Study:
    """The study with another `[exposure]`."""
    files = inputs.study.survey.model_copy(update={"neighbours": "neighbours.csv"} if "map" in exposure else {})
    return inputs.study.model_copy(update={"exposure": Exposure(**exposure), "survey": files})


def test_maps_are_shown_of_a_model_of_loyalty(tmp_path: Path) -> None:
    """A study of the market alone has no effect on reported loyalty to show."""
    world = WORLD.model_copy(update={"before": {}})
    with pytest.raises(InputError, match=r"key 'exposure\.also': found no model of reported loyalty"):
        study(tmp_path / "study", {"also": ["others"]}, world, models=["market_participation"])
