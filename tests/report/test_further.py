"""Pages on calibration, on priors and on two runs: made from what is stored, by the renderer of every page."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report import invented
from typer.testing import CliRunner

import largesse.report
from largesse import models
from largesse.cli import app
from largesse.dossier import believed, calibrated
from largesse.errors import InputError
from largesse.implied import Limits
from largesse.report.beliefs import Beliefs
from largesse.report.build import written
from largesse.report.changes import Changes
from largesse.report.proof import Proof, good
from largesse.report.source import read
from largesse.resources import bibliography
from largesse.results import Answer, Results
from largesse.store import write_json

FOLDER = Path(largesse.report.__file__).parent
SOURCES = {"calibration": Proof, "priors": Beliefs, "comparison": Changes}


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    """The dossier of a shipped model's calibration."""
    return calibrated([models.get("gift_allocation")])


@pytest.fixture(scope="module")
def beliefs() -> dict[str, Any]:
    """The dossier of a shipped model's priors, with results that say something of it."""
    model = models.get("gift_allocation")
    return believed([model], {model.name: model.priors()}, {model.name: Limits.of(model)}, invented.results())


def other(**moved: float) -> Results:
    """The invented results, with the means of some estimates moved by so many of their sds."""
    made = invented.results()
    estimates = tuple(replace(e, mean=e.mean + moved.get(e.key, 0.0) * e.sd) for e in made.estimates)
    return replace(made, estimates=estimates)


def stored(folder: Path, kind: str, proof: dict[str, Any], beliefs: dict[str, Any]) -> dict[str, Path]:
    """What a page of a kind reads, written to a folder with the bibliography."""
    shutil.copy(bibliography(), folder / "references.bib")
    if kind == "comparison":
        invented.results().write(folder / "before.json")
        other(**{"loyalty.direct": 1.5}).write(folder / "after.json")
        return {name: folder / f"{name}.json" for name in ("before", "after")}
    write_json(folder / "dossier.json", proof if kind == "calibration" else beliefs, ordered=True)
    return {"dossier": folder / "dossier.json"}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_is_portable_and_shows_every_section_once(kind: str) -> None:
    """Within the subset, and each section of its contents stands there once; numbers come from what is stored."""
    path = FOLDER / f"{kind}.qmd"
    assert read(path).blocks
    shown = re.findall(r"page\.(\w+)\(\)", path.read_text(encoding="utf-8"))
    public = {name: of for name, of in vars(SOURCES[kind]).items() if not name.startswith("_") and callable(of)}
    sections = [name for name, of in public.items() if of.__annotations__.get("return") == "Markdown"]
    assert sorted(shown) == sorted(sections)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_section_says_something(
    tmp_path: Path, kind: str, proof: dict[str, Any], beliefs: dict[str, Any]
) -> None:
    """No section is empty or prints what is missing as if it were a value."""
    page = SOURCES[kind].read(*stored(tmp_path, kind, proof, beliefs).values())
    for name in re.findall(r"page\.(\w+)\(\)", (FOLDER / f"{kind}.qmd").read_text(encoding="utf-8")):
        said = re.sub(r"base64,[\w+/=]+", "", str(getattr(page, name)()))
        assert said.strip(), name
        assert not re.search(r"\b(nan|None|inf)\b", said), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_each_kind_is_one_page(tmp_path: Path, kind: str, proof: dict[str, Any], beliefs: dict[str, Any]) -> None:
    """Rendered whole, with its pictures inside, below two megabytes, and with nothing left beside it."""
    page = written(kind, dict(stored(tmp_path, kind, proof, beliefs)), tmp_path / "out" / "page.html")
    text = page.read_text(encoding="utf-8")
    assert re.search(r'<img[^>]+src="data:image/svg\+xml;base64,[^>]+alt="\w', text)
    assert "<table" in text
    assert len(text.encode()) < 2_000_000
    assert [p.name for p in page.parent.iterdir()] == ["page.html"]


# --- calibration -------------------------------------------------------------------------------------------------


def test_a_page_on_calibration_tells_the_verdict_and_what_would_have_been_noticed(proof: dict[str, Any]) -> None:
    """The state of each design at the top, its size in words, the smallest fault that it would have shown."""
    page = Proof(proof["models"], proof["largesse"])
    (held, *_) = proof["models"]["gift_allocation"]["certificates"]
    assert "**Passed.**" in str(page.status())
    assert f"{held['replicates']:,} simulated surveys of {held['respondents']:,} people" in str(page.answer())
    assert f"| {held['summary']['detectable']['shift']:g} |" in str(page.detectable())
    assert good(proof["models"])


def test_a_certificate_that_does_not_count_is_stale_at_the_top(proof: dict[str, Any]) -> None:
    """A stale one is said not to count, and a model without one not to be calibrated."""
    about = proof["models"]["gift_allocation"]
    stale = [{**held, "state": "stale"} for held in about["certificates"]]
    chosen = {"gift_allocation": {**about, "certificates": stale}, "joint": {**about, "certificates": []}}
    said = str(Proof(chosen, "0").status())
    assert "**Stale.**" in said
    assert "it does not count" in said
    assert "**Not calibrated.** No certificate stands behind joint" in said
    assert not good(chosen)


def test_a_certificate_whose_coverage_was_altered_is_refused(tmp_path: Path) -> None:
    """The summary must say what the ranks beside it say: an altered share, or an altered rank, is named."""
    model = replace(models.get("gift_allocation"), folder=tmp_path)
    shutil.copytree(models.get("gift_allocation").resources / "calibration", tmp_path / "calibration")
    assert calibrated([model])["models"]
    path = tmp_path / "calibration" / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    summary["quantities"][0]["covered"]["0.5"] += 0.01
    path.write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(f"coverage of '{summary['quantities'][0]['quantity']}'")):
        calibrated([model])


# --- priors ------------------------------------------------------------------------------------------------------


def test_a_page_on_priors_gives_each_prior_its_words_and_source(beliefs: dict[str, Any]) -> None:
    """Every statement, where it comes from, and who stated it; and each limit that they keep."""
    page = Beliefs(beliefs["models"], None, "0", frozenset())
    said = str(page.sets()).replace("\\", "")
    for prior in beliefs["models"]["gift_allocation"]["priors"]:
        assert " ".join(prior["statement"].split()) in said
        assert " ".join(prior["source"]["where"].split()) in said
    assert "**Within their limits.**" in str(page.status())
    assert "priors stated by largesse developers" in str(page.provenance())


def test_priors_beyond_their_limits_are_said_at_the_top(beliefs: dict[str, Any]) -> None:
    """What they rule out, or hold likely against reason, and of which quantity."""
    about = beliefs["models"]["gift_allocation"]
    rows = [{**row, "wrong": "goes beyond 0 to 1"} for row in about["implied"][:1]]
    page = Beliefs({"gift_allocation": {**about, "implied": rows}}, None, "0", frozenset())
    assert "**Beyond their limits.**" in str(page.status())


def test_a_study_s_posterior_stands_beside_its_priors(beliefs: dict[str, Any]) -> None:
    """What the data taught least about comes first; models by themselves have no posterior and say so."""
    about = beliefs["models"]["gift_allocation"]
    told = {"mean": 0.1, "lower": 0.0, "upper": 0.2, "prior_sd": 1.0}
    learnt = [{"key": k, "sd": s, "contraction": 1 - s**2, **told} for k, s in (("much", 0.1), ("little", 0.9))]
    study = invented.results().study
    with_study = Beliefs({"gift_allocation": {**about, "posterior": learnt}}, study, "0", frozenset())
    said = str(with_study.learnt())
    assert said.index("| little |") < said.index("| much |")
    assert "19%" in said
    alone = Beliefs({"gift_allocation": {**about, "posterior": []}}, None, "0", frozenset())
    assert "no posterior" in str(alone.learnt())


# --- two runs ----------------------------------------------------------------------------------------------------


def test_equal_results_have_not_moved() -> None:
    """Nothing moved, nothing turned, every file and every check is the same."""
    page = Changes(invented.results(), invented.results())
    assert "**As before.**" in str(page.status())
    assert "Nothing moved" in str(page.answer())
    assert "byte for byte" in str(page.inputs())
    assert "told alike" in str(page.settings())
    assert "Every check answers as before" in str(page.checks())


def test_a_change_is_told_in_points_and_in_sds_of_the_earlier_posterior() -> None:
    """By how much, from what to what, and the largest of them in the answer."""
    page = Changes(invented.results(), other(**{"loyalty.spillover": -2.0, "market_any.direct": 0.5}))
    assert page.told() == {"loyalty.spillover": -2.0, "market_any.direct": 0.5}
    assert "spillover: from \N{MINUS SIGN}5.0 to \N{MINUS SIGN}7.4 points of 100" in str(page.answer())
    assert "2.0 sds of the earlier posterior" in str(page.answer())


def test_a_direction_that_turned_and_a_check_that_failed_are_said() -> None:
    """An effect that points elsewhere makes the strip red; a gate that fails now is named with both answers."""
    before = invented.results()
    failed = replace(before.verdicts[0], answer=Answer.FAILED)
    after = replace(before, verdicts=(failed, *before.verdicts[1:]))
    turned = tuple(replace(e, p_positive=0.5) if e.key == "loyalty.direct" else e for e in after.estimates)
    page = Changes(before, replace(after, estimates=turned))
    assert "**Turned.** 1 of" in str(page.status())
    assert "**No longer reportable.**" in str(page.status())
    assert "raises, now cannot be told" in str(page.effects())
    assert f"| {Answer.PASSED} | {Answer.FAILED} |" in str(page.checks())


def test_what_went_in_otherwise_is_listed() -> None:
    """A file of other bytes, another seed, fewer people, another engine."""
    before = invented.results()
    after = replace(
        before,
        artefacts={**before.artefacts, "survey.csv": "ef" * 32},
        study={**before.study, "seed": 2},
        survey={**before.survey, "kept": 1_990},
        made={**before.made, "engines": {**before.made["engines"], "pymc": "6.4.0"}},
    )
    page = Changes(before, after)
    assert page.files() == ["survey.csv"]
    assert "1 file behind the results stayed the same" in str(page.inputs())
    said = str(page.settings()).replace("\\", "")
    for row in ("| study, seed | 1 | 2 |", "| survey, kept | 2003 | 1990 |", "| engine pymc | 6.3.2 | 6.4.0 |"):
        assert row in said


def test_a_study_without_an_earlier_run_cannot_be_compared_with_it(tmp_path: Path) -> None:
    """Exit code 2, and what to do instead; results that were altered are refused as well."""
    runner = CliRunner()
    assert runner.invoke(app, ["new", str(tmp_path / "s")]).exit_code == 0
    done = runner.invoke(app, ["compare", str(tmp_path / "s")])
    assert done.exit_code == 2
    assert "no earlier results" in done.stderr
    invented.results().write(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    (tmp_path / "b.json").write_text(text.replace('"rope": 0.03', '"rope": 0.02'), encoding="utf-8")
    done = runner.invoke(app, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert done.exit_code == 2
    assert "key 'seal'" in done.stderr
