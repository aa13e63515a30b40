"""Identification: clones are exact, a known model is measured as theory says, and every declared status holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import designs
import fake_fits
import numpy as np
import pytest
import toys
import xarray as xr
from typer.testing import CliRunner

from largesse import dims, identification, models
from largesse.cells import Cells, lacks
from largesse.cli import app
from largesse.cloning import CLONINGS, changing, counts_times, districts_times, measured, waves_times, way_of
from largesse.fits import Fit
from largesse.identification import ESS, Identification, Row, binding, drawn_in, identify, stored
from largesse.models import graded
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from largesse.priors import Prior, PriorSet, Source
from largesse.simulators import gift_allocation as twin
from largesse.simulators.graded import standard_normal_nodes
from largesse.synthetic import World

Array = np.ndarray[Any, Any]

TERMS = ("slope", "one", "other")  # of the model below: an effect, and two of which only the sum is known
MEASURED_IN = {"joint": ("joint", "sincere_support")}  # how districts and coverage move support is measured there
EVERY = [(name, design) for name in models.SHIPPED for design in identification.designs(models.get(name).resources)]


def loglik(model: Model, theta: toys.Theta, cells: Cells) -> float:
    """Log-likelihood of all respondents, by the NumPy twin."""
    draws = toys.stacked(theta)
    return float(model.twin.loglik(draws, cells, standard_normal_nodes(21))[0] @ cells["count"].to_numpy())


def copied(model: Model, theta: toys.Theta, cells: Cells, times: int) -> toys.Theta:
    """The same truth, each copy of a district like the first."""
    out = dict(theta)
    for p in (p for p in model.active(cells)[0] if dims.DISTRICT in p.dims):
        axis = p.dims.index(dims.DISTRICT)
        out[p.name] = np.concatenate([theta[p.name]] * times, axis=axis)
    return out


@pytest.mark.parametrize("name", models.SHIPPED)
def test_cloned_cells_are_exact(name: str) -> None:
    """Copies of districts, or of people, have as many times the log-likelihood of the cells that they are copies of."""
    toy = designs.toy(designs.full(name))
    model, cells, theta = models.get(name), toy.cells[name], toy.truth[name]
    once = loglik(model, theta, cells)
    assert loglik(model, theta, counts_times(cells, 16)) == pytest.approx(16 * once, rel=1e-12)
    many = districts_times(cells, 4)
    assert loglik(model, copied(model, theta, cells, 4), many) == pytest.approx(4 * once, rel=1e-12)
    assert lacks(many) == lacks(cells)
    assert len(set(many[dims.DISTRICT].to_numpy())) == 4 * cells.sizes[dims.DISTRICT]


@pytest.mark.parametrize("name", models.SHIPPED)
def test_cloned_waves_are_exact(name: str) -> None:
    """Each copy of a wave, and of what changed in it, has sixteen times the people of the wave it is a copy of."""
    toy = designs.toy(designs.full(name))
    model, cells, theta = models.get(name), toy.cells[name], dict(toy.truth[name])
    once = loglik(model, theta, cells)
    for p in (p for p in model.active(cells)[0] if dims.WAVE in p.dims):
        theta[p.name] = np.concatenate([theta[p.name]] * 4, axis=p.dims.index(dims.WAVE))
    many = waves_times(cells, 4)
    assert loglik(model, theta, many) == pytest.approx(64 * once, rel=1e-12)
    assert lacks(many) == lacks(cells)


def test_a_copy_of_a_district_is_a_district_of_its_own(toy: toys.Toy) -> None:
    """What one copy is like moves its own people's odds and nobody else's."""
    cells = toy.cells["gift_allocation"]
    many, n = districts_times(cells, 4), cells.sizes[dims.CELL]
    theta = copied(models.get("gift_allocation"), toy.truth["gift_allocation"], cells, 4)
    before = twin.log_odds(toys.stacked(theta), many)[0]
    theta["district_effect"] = theta["district_effect"] + np.repeat([0.0, 0.0, 1.0, 0.0], cells.sizes[dims.DISTRICT])
    moved = twin.log_odds(toys.stacked(theta), many)[0] - before
    np.testing.assert_allclose(moved, np.repeat([0.0, 0.0, 1.0, 0.0], n), atol=1e-12)


def test_a_district_is_cloned_by_its_people_and_the_rest_by_districts(toy: toys.Toy) -> None:
    """What belongs to one district asks for more people there; with one district there is nothing else to copy."""
    cells = toy.cells["joint"]
    ways = {p.name: way_of(p, cells) for p in models.get("joint").active(cells)[0]}
    assert {n for n, way in ways.items() if way == "counts"} == {
        *("receipt_district_effect", "receipt_district_wave", "favour_district", "before_district_effect"),
        *(
            f"{e}_{n}"
            for e in ("loyalty", "any", "much", "sincere", "willing")
            for n in ("district_effect", "direct_district")
        ),
    }
    model = models.get("gift_allocation")
    kept = model.active(toy.cells["gift_allocation"])[0]
    free = changing(kept, lambda name: model.priors()[name].distribution == "ZeroSumNormal")
    assert free == {"district_effect", "district_wave"}  # only their sums are known, one for each wave
    assert {way_of(p, toy.cells["gift_allocation"], free) for p in kept if p.name in free} == {"waves"}
    joint = models.get("joint")
    assert not changing(joint.active(cells)[0], lambda name: joint.priors()[name].distribution == "ZeroSumNormal")
    alone = designs.cells("one district", "reported_loyalty")
    assert {way_of(p, alone) for p in models.get("reported_loyalty").active(alone)[0]} == {"counts"}


def test_bounds_are_where_they_were_declared() -> None:
    """Below .65 and above .85 with four times the districts, below .5 and above .8 with sixteen times the people."""
    at = {"districts": (0.64, 0.65, 0.85, 0.86), "counts": (0.49, 0.5, 0.8, 0.81), "waves": (0.64, 0.65, 0.85, 0.86)}
    for way, ratios in at.items():
        assert [measured(r, way) for r in ratios] == ["estimable", "weak", "weak", "prior_driven"]  # type: ignore[arg-type]
    assert {way: how.times for way, how in CLONINGS.items()} == {"districts": 4, "counts": 16, "waves": 4}


def test_what_is_weak_speaks_against_nothing() -> None:
    """Estimable against prior driven disagrees, either way round; weak agrees with both."""
    told = {
        (declared, ratio): Row("p", declared, "", "districts", ratio, ratio, ratio, 1, ESS).agrees  # type: ignore[arg-type]
        for declared in ("identified", "conditional", "prior_driven")
        for ratio in (0.5, 0.75, 1.0)
    }
    assert {key for key, agrees in told.items() if not agrees} == {
        ("identified", 1.0),
        ("conditional", 1.0),
        ("prior_driven", 0.5),
    }


# --- a model whose posterior is known ---------------------------------------------------------------------------


def linear() -> Model:
    """A normal answer (the gift, for one) with mean `slope * x + one + other`, all three Normal(0, 1) beforehand."""

    def likelihood(v: Variables, data: Data, _cells: Cells) -> Any:
        return -0.5 * (data["gift"] - v["slope"] * data["x"][:, 0] - v["one"] - v["other"]) ** 2

    def arrays(cells: Cells, _nodes: int) -> dict[str, Array]:
        return {name: graded.cell_arrays(cells)[name] for name in ("count", "gift", "x")}

    terms = tuple(Parameter(n, n, n, "effect", (), "1", "real", "identified", "") for n in TERMS)
    return Model("linear", "?", ("gift",), {}, terms, arrays, likelihood, twin, (__file__,))


def standard() -> PriorSet:
    """Its priors."""
    known = {"unit": "1", "statement": "s", "by": "b", "date": date(2026, 11, 26)}
    prior = Prior(distribution="Normal", arguments={"mu": 0.0, "sigma": 1.0},
                  source=Source(kind="weak", where="a test"), **known)  # type: ignore[arg-type]  # fmt: skip
    return PriorSet("linear", dict.fromkeys(TERMS, prior), "here")


def exact(cells: Cells, times: int) -> Array:
    """[term] posterior sd with so many times the data, by linear algebra."""
    x = np.column_stack([cells["x"].to_numpy()[:, 0], *[np.ones(cells.sizes[dims.CELL])] * 2])
    return np.sqrt(np.diag(np.linalg.inv(np.eye(3) + times * (x.T * cells["count"].to_numpy()) @ x)))


@pytest.mark.slow
def test_what_is_estimable_and_what_is_not_are_told_apart(toy: toys.Toy) -> None:
    """An effect sharpens with clones as linear algebra says; two of which only the sum is known stay as they were."""
    cells = toy.cells["gift_allocation"].isel(cell=slice(0, None, 4))
    found = identify(linear(), cells, standard(), seed=1)
    np.testing.assert_allclose([row.ratio for row in found.rows], exact(cells, 4) / exact(cells, 1), rtol=0.1)
    assert [row.measured for row in found.rows] == ["estimable", "prior_driven", "prior_driven"]
    assert {row.parameter for row in found.disagreeing} == {"one", "other"}
    assert found.settled
    assert set(found.fits) == {"once", "districts"}


@pytest.mark.parametrize("times", [1.0, 5.0])
def test_copies_are_measured_by_the_first_of_them_and_in_terms_of_their_sd(toy: toys.Toy, times: float) -> None:
    """Changes of districts, cloned by waves: a ratio for each that there was, whatever their sd was found to be.

    Where copies find it five times as large, each change is twice as wide as before in logits, and .4 times in sds.
    """
    model, cells = models.get("gift_allocation"), toy.cells["gift_allocation"]
    moved = ("district_wave", "district_wave_sd")

    def sample(asked: Model, copied: Cells, *_: Any, seed: int) -> Fit:
        many = copied.sizes[dims.WAVE] > cells.sizes[dims.WAVE]
        truth = dict(toy.truth["gift_allocation"])
        for name in (p.name for p in asked.active(copied)[0]):
            wanted = [copied.sizes[d] for d in next(p.dims for p in asked.parameters if p.name == name)]
            truth[name] = np.resize(truth[name], wanted)
        fit = fake_fits.fake(asked, copied, truth, (2, 1000), seed, 0.04 if many else 0.1)
        drawn = fit.tree["posterior"].to_dataset()
        grown = drawn.assign({name: times * drawn[name] for name in moved}) if many else drawn
        return Fit(fit.tree.assign(posterior=xr.DataTree(grown)))

    rows = {row.parameter: row for row in identify(model, cells, sample=sample).rows}
    assert rows["district_wave"].scalars == cells.sizes[dims.DISTRICT] * cells.sizes[dims.WAVE]
    assert rows["district_wave"].ratio == pytest.approx(0.4, abs=0.03)  # the sd of 2,000 draws is known to 1.6 %
    assert (rows["district_wave"].way, rows["district_effect"].way) == ("waves", "waves")


# --- what is stored, and the command that stores it ---------------------------------------------------------------


def some(made_by: str, ratio: float = 0.5, ess: int = ESS) -> Identification:
    """One parameter, measured."""
    row = Row("intercept", "identified", "from the share receiving", "districts", ratio, ratio, ratio, 1, ess)
    return Identification("gift_allocation", made_by, {"once": {"draws": 1000, "diverging": 0}}, (row,))


def of(model: Model, world: World) -> str:
    """The binding of what is measured in a world."""
    return binding(model, drawn_in(model, world), world.seed)


def test_what_is_stored_is_read_as_it_was(tmp_path: Path) -> None:
    """A record comes back whole, and counts only as long as nothing behind it changed."""
    model, world = models.get("gift_allocation"), World()
    path = tmp_path / "world.json"
    assert stored(model, world, path) is None
    found = some(of(model, world))
    found.save(path)
    assert Identification.read(path) == found
    assert stored(model, world, path) == found
    assert stored(model, world.model_copy(update={"seed": 1}), path) is None


def test_a_changed_source_makes_what_is_stored_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another simulator, sampler or measure, and what was measured before counts no more."""
    model, world = models.get("gift_allocation"), World()
    some(of(model, world)).save(tmp_path / "world.json")
    monkeypatch.setattr(identification, "source", lambda *files: "another")
    assert stored(model, world, tmp_path / "world.json") is None


@pytest.mark.parametrize(("ratio", "ess", "status"), [(0.5, ESS, 0), (0.9, ESS, 1), (0.5, ESS - 1, 1)])
def test_the_command_stores_what_it_finds_and_keeps_what_is_current(
    ratio: float, ess: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves 1 when a declared status is contradicted or draws are too few; run again, it measures nothing."""
    asked: list[str] = []

    def found(model: Model, world: World) -> Identification:
        asked.append(world.name)
        return some(of(model, world), ratio, ess)

    monkeypatch.setattr(identification, "identify_in", found)
    for _ in range(2):
        done = CliRunner().invoke(app, ["identify", "gift_allocation", "--out", str(tmp_path)])
        assert done.exit_code == status
        assert ("DISAGREES" in done.stdout) == (ratio > 0.85)
    assert asked == ["one_wave", "two_waves"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one_wave.json", "two_waves.json"]


# --- what the shipped models declare, and what was measured --------------------------------------------------------


def shipped(name: str, design: str) -> Identification:
    """What is stored of a shipped model in one of its designs."""
    return Identification.read(models.get(name).resources / "identification" / f"{design}.json")


@pytest.mark.parametrize(("name", "design"), EVERY)
def test_what_was_measured_is_current(name: str, design: str) -> None:
    """What lies in models/ was measured with the models, priors, code and engines as they are: `make identify`."""
    model = models.get(name)
    world = identification.designs(model.resources)[design]
    assert world.name == design
    assert stored(model, world, model.resources / "identification" / f"{design}.json")


@pytest.mark.parametrize(("name", "design"), EVERY)
def test_every_declared_status_is_measured(name: str, design: str) -> None:
    """No parameter is measured as what it is not declared to be, each on a thousand effective draws or more."""
    found = shipped(name, design)
    assert found.disagreeing == ()
    assert min(row.ess for row in found.rows) >= ESS


@pytest.mark.parametrize("name", models.SHIPPED)
def test_every_parameter_is_measured(name: str) -> None:
    """With all that it leans on, and without changing coverage too; in the model whose equation it is."""
    rows = [row for n, design in EVERY if n in MEASURED_IN.get(name, (name,)) for row in shipped(n, design).rows]
    parameters = models.get(name).parameters
    told, driven = (
        {row.parameter for row in rows if (row.declared == "prior_driven") == unknown} for unknown in (False, True)
    )
    assert told == {p.name for p in parameters}
    assert driven == {p.name for p in parameters if {"changing coverage", "vignettes"} & {*p.leans_on}}


@pytest.mark.parametrize("name", models.SHIPPED)
def test_the_folder_holds_designs_and_what_was_found_in_them(name: str) -> None:
    """Each design has its file of findings, and no file is without its design."""
    folder = models.get(name).resources / "identification"
    names = {suffix: {p.stem for p in folder.glob(f"*{suffix}")} for suffix in (".toml", ".json")}
    assert names[".toml"]
    assert names[".json"] == names[".toml"]
    assert {p.suffix for p in folder.iterdir()} <= {".toml", ".json"}
