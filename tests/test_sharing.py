"""Sharing: a bundle holds what may leave the desk, and is refused, with what is wrong, if anything else is in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from report import invented

from largesse.errors import InputError
from largesse.results import Results
from largesse.sharing import CONTENTS, MANIFEST, Shared, contents, pack, proved, share
from largesse.store import file_digest
from largesse.study import Study
from largesse.synthetic import World
from largesse.template import study_of

WORLD = World(name="shared", seed=3)


def finished(folder: Path, results: Results | None = None) -> Study:
    """A study with results and a page that names them; who answered lies beside them."""
    (folder / "study.toml").write_text(study_of(WORLD, ("gift_allocation",)), encoding="utf-8")
    (results or invented.results()).write(folder / "results.json")
    (folder / "report.qmd").write_text("---\ntitle: A page\n---\n", encoding="utf-8")
    page = f"<html><body>Made from {file_digest(folder / 'results.json')}</body></html>"
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "survey.csv").write_text("respondent\nsomebody\n", encoding="utf-8")
    return Study.read(folder)


def refused(folder: Path, change: Callable[[tuple[Shared, ...]], tuple[Shared, ...]]) -> str:
    """What is said of a bundle of other files than a study's."""
    pack(change(contents(finished(folder))), folder / "bundle.zip")
    with pytest.raises(InputError) as caught:
        proved(folder / "bundle.zip")
    return str(caught.value)


def test_a_bundle_holds_page_results_source_and_record(tmp_path: Path) -> None:
    """Four files and the list of their digests; no survey, no fit, and no path in the record of the study."""
    folder = tmp_path / "study"
    folder.mkdir()
    study = finished(folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(text.replace('"survey.csv"', '"/home/someone/survey.csv"'), encoding="utf-8")
    held = share(study, tmp_path / "bundle.zip")
    with ZipFile(tmp_path / "bundle.zip") as bundle:
        assert sorted(bundle.namelist()) == sorted([*CONTENTS, MANIFEST])
        assert json.loads(bundle.read(MANIFEST)) == held
        record = bundle.read("study.toml").decode()
    assert 'file = "survey.csv"' in record
    assert "someone" not in record
    assert held["results.json"] == file_digest(study.results_path)


def test_the_same_study_gives_the_same_bundle(tmp_path: Path) -> None:
    """Byte for byte: no time and no owner is kept."""
    study = finished(tmp_path)
    for name in ("one.zip", "two.zip"):
        share(study, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_private_file_is_named_and_refused(tmp_path: Path) -> None:
    """A survey that was put among the files."""
    said = refused(tmp_path, lambda files: (*files, Shared("survey.csv", b"respondent\nsomebody\n")))
    assert "survey.csv: found a file that may not be shared" in said


def test_a_file_changed_in_a_bundle_is_found(tmp_path: Path) -> None:
    """The manifest lists another digest than that of the file as it lies there."""
    pack(contents(finished(tmp_path)), tmp_path / "bundle.zip")
    with ZipFile(tmp_path / "bundle.zip") as bundle:
        opened = {name: bundle.read(name) for name in bundle.namelist()}
    with ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        for name, content in opened.items():
            bundle.writestr(name, content + (b"\n" if name == "report.qmd" else b""))
    with pytest.raises(InputError, match="another file than the manifest lists"):
        proved(tmp_path / "bundle.zip")


@pytest.mark.parametrize(
    ("name", "add", "found"),
    [
        ("report.html", b"<script>alert(1)</script>", "found '<script'"),
        ("report.html", b"<img src='https://example.org/x.png'>", "found '<img src='https:"),
        ("report.qmd", b"see /home/someone/notes", "found the path '/home/'"),
    ],
)
def test_what_runs_fetches_or_tells_of_a_machine_is_refused(tmp_path: Path, name: str, add: bytes, found: str) -> None:
    """Each is named with its file."""
    said = refused(tmp_path, lambda files: tuple(Shared(f.name, f.content + add * (f.name == name)) for f in files))
    assert f"{name}" in said
    assert found in said


def test_a_page_of_other_results_is_refused(tmp_path: Path) -> None:
    """Results were made anew, and the page was not."""
    study = finished(tmp_path)
    dataclasses.replace(invented.results(), truth=None).write(study.results_path)
    with pytest.raises(InputError, match=r"a page of other results"):
        share(study, tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


def _few(made: Results) -> Results:
    return dataclasses.replace(made, dropped=(dataclasses.replace(made.dropped[0], count=3),))


def _each(made: Results) -> Results:
    return dataclasses.replace(made, figures={**made.figures, "extra": [0] * made.survey["kept"]})


@pytest.mark.parametrize(("change", "found"), [(_few, "3 people"), (_each, "as many as respondents")])
def test_results_with_few_people_or_all_of_them_are_refused(
    tmp_path: Path, change: Callable[[Results], Results], found: str
) -> None:
    """A count from 1 to 4, and a list with an entry for each respondent; no bundle is left."""
    study = finished(tmp_path, change(invented.results()))
    with pytest.raises(InputError, match=found):
        share(study, tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


def test_without_results_or_page_nothing_is_shared(tmp_path: Path) -> None:
    """What is missing is named, with the command that writes it."""
    study = finished(tmp_path)
    study.page_path.unlink()
    with pytest.raises(InputError, match=r"report.html.*largesse run"):
        share(study, tmp_path / "bundle.zip")
