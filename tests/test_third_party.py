"""A model of somebody else's, installed beside this package, is treated like one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import toys
from graphs import Graph

from largesse import models
from largesse.errors import InputError
from largesse.models.contract import NODES
from largesse.provenance import lineage
from largesse.replicate import as_read
from largesse.results import Answer, Results
from largesse.simulators.graded import standard_normal_nodes
from largesse.synthetic import World, simulate
from largesse.template import start, study_of

MODEL = "probit_participation"
PACKAGE = Path(__file__).parent / "third_party"
REPLICATES = 20  # so few tell a broken model from a sound one, and no more
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the package is installed in, first on the path: largesse finds it by its entry point alone."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(PACKAGE)]
    subprocess.run(command, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="module")
def world(installed: Path) -> World:
    """The design that it is calibrated in."""
    return World.read(installed / MODEL / "world.toml")


@pytest.fixture(scope="module")
def largesse(installed: Path) -> Command:
    """The command line where the package is installed."""
    path = os.pathsep.join(p for p in (str(installed), os.environ.get("PYTHONPATH")) if p)

    def asked(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "largesse", *map(str, arguments)]
        found = os.environ | {"PYTHONPATH": path}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=found)

    return asked


def test_it_stands_among_the_models(installed: Path) -> None:
    """By name, after those shipped; its certificate rests on its own twin and what that is written with."""
    assert models.names() == (*models.SHIPPED, MODEL)
    assert {f.name for f in lineage(f"{MODEL}.twin")} == {"twin.py", "predictor.py"}
    assert models.get(MODEL).resources == installed / MODEL


def test_it_draws_the_surveys_that_it_is_calibrated_on(world: World) -> None:
    """In the place of the shipped model of the market, whose truths are then none of the survey's."""
    drawn = simulate(world)
    assert world.models == ("gift_allocation", MODEL)
    assert drawn.truth.keys() == {*world.models}
    assert set(drawn.survey["market"]) == {"yes", "no"}


def test_its_two_writings_agree(world: World) -> None:
    """The probit in PyTensor, by scaled tails, is SciPy's, at draws of the prior and far out in both tails."""
    model = models.get(MODEL)
    cells = as_read(simulate(world), model, model.priors()).cells[MODEL]
    graph, rng = Graph(model, cells), np.random.default_rng(6)
    for far in (0.0, -60.0, 60.0):
        theta = graph.priors.draw(graph.kept, toys.sizes(cells), graph.answers, rng)
        theta["any_threshold"] = theta["any_threshold"] + far
        expected = model.twin.loglik(toys.stacked(theta), cells, standard_normal_nodes(NODES[0]))[0]
        np.testing.assert_allclose(graph(theta)["answers"], cells["count"] * expected, rtol=1e-8, atol=1e-12)


def test_a_model_that_stands_in_for_nothing_is_refused(installed: Path, tmp_path: Path) -> None:
    """A world without the questions of its model would be drawn without it."""
    path = tmp_path / "world.toml"
    path.write_text(f'market = []\ndrawn_by = ["{MODEL}"]\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"drawn_by.*probit_participation.*one with the outcomes of gift_allocation"):
        World.read(path)
    path.write_text('drawn_by = ["probit_particpation"]\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"drawn_by.*perhaps 'probit_participation'"):
        World.read(path)


@pytest.fixture(scope="module")
def study(world: World, largesse: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that asks it, run from its survey to its page."""
    folder = tmp_path_factory.mktemp("third") / "study"
    simulate(world).write(folder)
    record = tomllib.loads(study_of(world, ("gift_allocation", MODEL)))
    start(folder, tomli_w.dumps(record))
    done = largesse("run", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_of_it_passes_its_gates_and_has_a_page(study: Path) -> None:
    """Every gate was asked of it and none failed; its effects and what it cannot tell are on the page."""
    results = Results.read(study / "results.json")
    assert {v.model for v in results.verdicts} == {"gift_allocation", MODEL}
    assert all(v.answer is not Answer.FAILED for v in results.verdicts)
    assert {"market_any.direct", "market_any.spillover"} <= {e.key for e in results.estimates}
    html = (study / "report.html").read_text(encoding="utf-8")
    assert "which of the two links is right" in html


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_is_calibrated_like_a_shipped_one(installed: Path, largesse: Command, tmp_path: Path) -> None:
    """No quantity of few replicates strays; the record of them names the model, its design and its verdict."""
    design = installed / MODEL / "world.toml"
    done = largesse("calibrate", MODEL, "--world", design, "--replicates", REPLICATES, "--out", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    specification = json.loads((tmp_path / "kept" / "specification.json").read_text(encoding="utf-8"))
    assert specification["model"] == MODEL
    assert specification["world"]["drawn_by"] == [MODEL]
    summary = json.loads((tmp_path / "kept" / "summary.json").read_text(encoding="utf-8"))
    assert summary["verdict"] == "passed"
    assert summary["replicates"] == REPLICATES


def test_its_priors_keep_their_limits(largesse: Command) -> None:
    """Those it takes over and its own, checked by the same command."""
    assert largesse("priors", "check", MODEL).returncode == 0
