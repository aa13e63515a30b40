"""Nobody can alter an artefact behind a page unnoticed: the page turns stale or is not built, until the study is run.

Twenty alterations, drawn by a seeded generator over every kind of artefact: a number altered or deleted, a byte turned,
a file that is gone.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lent
import numpy as np
import pytest
import tomli_w
from fake_fits import fake
from typer.testing import CliRunner

from largesse.artefacts import place
from largesse.audit import prior_draws
from largesse.borrowed import Borrowed
from largesse.cli import app
from largesse.errors import InputError
from largesse.fits import Fit, fit_fingerprint
from largesse.inputs import gather
from largesse.report.build import build
from largesse.report.contents import Page
from largesse.report.markdown import literal
from largesse.report.source import read
from largesse.resources import models_folder
from largesse.results import Results
from largesse.settings import Sampler
from largesse.study import Study
from largesse.synthetic import World, simulate
from largesse.template import start, study_of
from largesse.workflow import Workflow, check

MODELS = ("gift_allocation", "reported_loyalty")
LENT = "past.toml"
RNG = np.random.default_rng(20171012)  # any seed: what is altered, and where, must not matter


class Kind(NamedTuple):
    """A kind of artefact: a pattern of names in results, and the ways to alter one."""

    names: str
    ways: tuple[str, ...]


KINDS = {
    "results": Kind(r"results\.json", ("number", "drop")),
    "fit": Kind(r"_private/fit-.*", ("byte", "gone")),
    "audit": Kind(r"_private/audit-.*", ("number", "gone")),
    "short fits": Kind(r"_private/(tipping|maps|terms|places|borrowed)-.*", ("number", "gone")),
    "study": Kind(r"study\.toml", ("number",)),
    "own prior": Kind(r"study\.toml", ("prior",)),
    "borrowed priors": Kind(re.escape(LENT), ("number", "gone")),
    "shipped priors": Kind(r"models/\w+/priors\.toml", ("prior", "gone")),
    "card": Kind(r"models/\w+/card\.md", ("byte",)),
    "certificate": Kind(r"models/\w+/calibration/(summary|specification)\.json", ("number", "gone")),
    "ranks": Kind(r"models/\w+/calibration/(ranks|truths)\.csv", ("number", "gone")),
    "survey": Kind(r"survey\.csv", ("number", "byte", "gone")),
    "districts": Kind(r"districts\.csv", ("number", "gone")),
    "truth": Kind(r"truth\.json", ("number",)),
    "bibliography": Kind(r"references\.bib", ("byte", "number")),
    "source": Kind(r"report\.qmd", ("byte",)),
}
NUMBERS = {
    "number": re.compile(
        rb"(?<![\w.'-])\d+\.\d+|(?<=: )\d+(?=[,\n])|(?<== )\d+(?=\n)|(?<=,)\d+(?=[,\n])|(?<=\{)\d{4}(?=\})"
    ),
    "prior": re.compile(rb"(?<=sigma = )\d+\.\d+"),
}


def drawn() -> Iterator[tuple[str, str, int]]:
    """Every kind of artefact once, then others by chance: the kind, the way, and a seed for the place."""
    names = list(KINDS)
    for name in [*names, *RNG.choice(names, 20 - len(names))]:
        yield str(name), str(RNG.choice(KINDS[name].ways)), int(RNG.integers(1_000_000))


CASES = list(drawn())


def altered(path: Path, way: str, seed: int) -> None:
    """Alter a file at a place that a generator chooses."""
    rng, content = np.random.default_rng(seed), path.read_bytes()
    if way == "gone":
        path.unlink()
        return
    if way == "drop":
        table = json.loads(content)
        del table["estimates"][int(rng.integers(len(table["estimates"])))]
        path.write_text(json.dumps(table), encoding="utf-8")
        return
    if way == "byte":
        at = int(rng.integers(len(content)))
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        return
    match = (found := list(NUMBERS[way].finditer(content)))[int(rng.integers(len(found)))]
    number = str(int(match[0]) + 1) if match[0].isdigit() else repr(float(match[0]) + 0.01)
    path.write_bytes(content[: match.start()] + number.encode() + content[match.end() :])


def sampled(model: Any, cells: Any, priors: Any, sampler: Sampler, *, seed: int, nodes: int, attempt: int) -> Fit:
    """A fit that nobody sampled, around a prior draw; the same draws for the same seed."""
    center = {name: draws[0] for name, draws in prior_draws(model, priors, cells, 1, seed).items()}
    tree = fake(model, cells, center, (4, 50), seed).tree
    made_by = fit_fingerprint(model, cells, priors, sampler, seed)
    tree.attrs |= {"nodes": nodes, "fingerprint": made_by, "attempt": attempt}
    return Fit(tree)


OWN = {
    "distribution": "Normal",
    "arguments": {"mu": 0.0, "sigma": 0.2},
    "dims": ["covariate"],
    "unit": "logit",
    "statement": "95% sure that a covariate moves the odds of a gift by less than a half",
    "by": "A. Tester",
    "date": "2026-11-24",
    "source": {"kind": "weak", "where": "a test"},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that borrows, has a prior of its own, was fitted by nobody, and has its page; with the models' records.

    The page is what stands at its top: a real one takes seconds and is held elsewhere.
    """
    folder = tmp_path_factory.mktemp("finished") / "study"
    world = World(name="small", seed=5, respondents=120, districts=4)
    simulate(world).write(folder)
    start(folder, study_of(world, MODELS))
    table = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    loyalty = next(m for m in gather(Study.read(folder)).models if m.name == "reported_loyalty")
    cells = gather(Study.read(folder)).cells["reported_loyalty"]
    Borrowed.model_validate(lent.table(loyalty, cells)).write(folder / LENT)
    table["priors"] = {"reported_loyalty": {"borrow": LENT}, "gift_allocation": {"standing": OWN}}
    table["gates"] = {"rhat": 1.05}  # independent draws pass 1.01 only when there are more of them than needed here
    (folder / "study.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    Workflow(check(Study.read(folder)), sampled).results()
    for model in MODELS:
        shutil.copytree(models_folder() / model, folder / "shipped" / model)
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A copy of it that a test may alter, with its page."""
    folder = Path(shutil.copytree(finished, tmp_path / "study"))
    monkeypatch.setattr("largesse.artefacts.models_folder", lambda: folder / "shipped")
    monkeypatch.setattr("largesse.report.build.render", top)
    build(Study.read(folder))
    return Study.read(folder)


def top(source: Path, out: Path) -> None:
    """What a page says at its top, from a source that is within the subset."""
    read(source)
    out.write_text(str(Page.read(source.parent / "results.json").status()), encoding="utf-8")


def built(study: Study) -> tuple[str, str]:
    """What comes of a build: refused, with the file at fault; reused or made, with what the page says at its top."""
    reused: list[Path] = []
    try:
        page = build(study, reused.append)
    except InputError as error:
        return "refused", Path(error.problems[0].where).name
    return "reused" if reused else "made", page.read_text(encoding="utf-8")


def test_a_page_that_nobody_touched_is_up_to_date(study: Study) -> None:
    """It says nothing of being stale, and is not made again."""
    what, said = built(study)
    assert what == "reused"
    assert "**Stale.**" not in said


@pytest.mark.parametrize(("kind", "way", "seed"), CASES, ids=[f"{kind}: {way}" for kind, way, _ in CASES])
def test_an_altered_artefact_makes_the_page_stale_or_the_build_fail(
    study: Study, kind: str, way: str, seed: int
) -> None:
    """The page that lies there is not taken for up to date, and the one in its place says what changed.

    The words of its own source are the study's to change: a page of other words is made anew.
    """
    names = ["results.json", "report.qmd", *Results.read(study.results_path).artefacts]
    name = sorted(n for n in names if re.fullmatch(KINDS[kind].names, n))[seed % 2 - 1]
    altered(place(name, study.folder), way, seed)
    what, said = built(study)
    if what == "refused":
        assert said == Path(name).name
    else:
        assert what == "made"
        assert kind == "source" or re.search(rf"\*\*Stale\.\*\*.*{re.escape(literal(name))}", said)


def test_show_says_of_a_number_which_file_behind_it_changed(study: Study) -> None:
    """Exit code 0 with every file unchanged; 1 for a number whose fit was altered, 0 still for one of another model."""

    def shown(*key: str) -> Any:
        done = CliRunner().invoke(app, ["show", str(study.folder), *key, "--json"])
        return done.exit_code, json.loads(done.stdout)

    status, every = shown()
    assert status == 0
    assert {file["state"] for file in every["artefacts"].values()} == {"unchanged"}
    fit = next(name for name in every["artefacts"] if name.startswith("_private/fit-reported_loyalty-"))
    altered(study.path(fit), "byte", 1)
    status, told = shown("loyalty.direct")
    assert status == 1
    assert told["artefacts"][fit]["state"] == "changed"
    assert told["value"]["key"] == "loyalty.direct"
    assert shown("receipt.level")[0] == 0


def test_twenty_alterations_touch_every_kind_of_artefact() -> None:
    """Each kind at least once."""
    assert len(CASES) == 20
    assert {kind for kind, *_ in CASES} == set(KINDS)


def test_no_file_behind_results_is_of_another_kind(study: Study) -> None:
    """Whatever results name as an artefact is of a kind that is altered here."""
    names = Results.read(study.results_path).artefacts
    assert [n for n in names if not any(re.fullmatch(kind.names, n) for kind in KINDS.values())] == []
