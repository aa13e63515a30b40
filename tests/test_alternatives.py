"""Effects under other maps of exposure, on fake fits: what is held, what is compiled, what is refused and told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import findings, models, sampling
from largesse.alternatives import SHOWN, Alternatives, alternatives, facing, under
from largesse.cells import Cells
from largesse.errors import InputError, Problem
from largesse.fits import Fit
from largesse.inputs import Inputs, gather
from largesse.maps import MAPS
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet
from largesse.record import record
from largesse.study import Exposure, MapName, Sampler, Study
from largesse.synthetic import ITEM, World

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


def test_each_map_that_is_named_is_fitted_once_to_data_of_one_shape(inputs: Inputs) -> None:
    """Two chains of few draws each, at the nodes that the fit itself needed; only what people face differs."""
    sample = Sample(inputs)
    found = alternatives(MODEL, inputs, sample, NODES[1])
    assert tuple(row.map for row in found.maps) == ALSO
    plain = inputs.cells["joint"]
    for cells, sampler, nodes, attempt in sample.asked:
        assert (sampler.chains, nodes, attempt) == (2, NODES[1], 1)
        assert sampler.draws <= 300
        changed = {n for n in cells.data_vars if not np.array_equal(cells[n], plain[n], equal_nan=True)}
        assert {"coverage"} <= changed <= {"coverage", "coverage_between", "coverage_rate"}


def test_all_maps_are_fitted_by_one_compiled_model(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of what is compiled is that of the receipt rate, and the design informs the same terms."""
    built: list[object] = []
    monkeypatch.setattr(sampling, "_compiled", {})
    monkeypatch.setattr(sampling.nutpie, "compile_pymc_model", lambda model, **_how: built.append(model) or model)
    every = [inputs, *(facing(name, MODEL, inputs) for name in ALSO)]
    ready = [sampling.compiled(MODEL, here.cells["joint"], here.priors["joint"]) for here in every]
    assert len(built) == 1
    assert all(one is ready[0] for one in ready)
    terms = [{p.name for p in MODEL.active(here.cells["joint"])[0]} for here in every]
    assert all(each == terms[0] for each in terms)


def test_effects_under_all_maps_compare_the_same_two_shares(inputs: Inputs) -> None:
    """A study that names no shares has its own map's; a map whose districts differ less extrapolates to them."""
    own = findings.Compared.of(inputs, inputs.cells["joint"])
    for name in ALSO:
        here = facing(name, MODEL, inputs)
        there = findings.Compared.of(here, here.cells["joint"])
        assert (there.low, there.high, there.center) == (own.low, own.high, own.center)
    smooth = facing("neighbours", MODEL, inputs)
    effects = under(fake_fits.fits(smooth)["joint"], MODEL, smooth).effects
    narrow = findings.Compared.of(smooth, smooth.cells["joint"]).observed
    assert bool(effects["spillover"]["extrapolation"]) == (not narrow[0] <= own.low < own.high <= narrow[1])


def test_the_effects_are_those_of_the_estimates(inputs: Inputs) -> None:
    """Under the study's own map mean and interval are those that the study reports, of everyone's reported loyalty."""
    fit = fake_fits.fits(inputs)["joint"]
    known = {e.key: e for e in findings.estimates(fit, MODEL, inputs)}
    found = under(fit, MODEL, inputs)
    assert (found.map, tuple(found.effects), found.alone) == ("rate", SHOWN, 0)
    for name, effect in found.effects.items():
        e = known[f"loyalty.{name}"]
        assert [effect[n] for n in ("mean", "sd", "lower", "upper")] == [e.mean, e.sd, e.lower, e.upper]


def test_what_is_stored_is_read_as_it_was(inputs: Inputs, tmp_path: Path) -> None:
    """Stored and read again, nothing has changed, and it is its owner's alone."""
    found = alternatives(MODEL, inputs, Sample(inputs))
    found.save(tmp_path / "alternatives.json")
    assert Alternatives.read(tmp_path / "alternatives.json") == found
    assert (tmp_path / "alternatives.json").stat().st_mode & 0o077 == 0


def test_results_have_every_map_side_by_side(inputs: Inputs) -> None:
    """The fit's own map comes first, then those named, each with its words and the four effects, in plain values."""
    beside = alternatives(MODEL, inputs, Sample(inputs))
    results = record(
        inputs, fake_fits.fits(inputs), fake_fits.audits(inputs), inputs.files, "fingerprint", beside=beside
    )
    told = results.figures["maps"]
    assert [row["map"] for row in told["rows"]] == list(MAPS)
    assert told["label"] == told["rows"][0]["label"] == MAPS["rate"].label
    assert "songbun" in told["rows"][2]["label"]
    assert all(set(row["effects"]) == set(SHOWN) for row in told["rows"])
    assert json.loads(json.dumps(told)) == told
    assert "neighbours.csv" in results.artefacts


def test_a_study_of_the_receipt_rate_alone_says_nothing_of_maps(inputs: Inputs) -> None:
    """Without `[exposure]` there is one map, and no table."""
    plain = replace(inputs, study=inputs.study.model_copy(update={"exposure": type(inputs.study.exposure)()}))
    assert fake_fits.recorded(plain).figures["maps"] is None


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
    assert [row["map"] for row in told["maps"]["rows"]] == ["neighbours"]
    assert told["maps"]["label"] == MAPS["neighbours"].label


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
