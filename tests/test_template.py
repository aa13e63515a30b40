"""A new study: what is laid out, and that nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from largesse.errors import InputError
from largesse.report import source
from largesse.study import Study
from largesse.template import related, start


def test_the_template_is_a_valid_study(tmp_path: Path) -> None:
    """A fresh folder gets a study.toml that `Study` takes as it is, and a page whose source is within the subset."""
    start(tmp_path / "My Study 2")
    study = Study.read(tmp_path / "My Study 2")
    assert study.name == "my_study_2"
    assert source.read(study.path(study.report.source)).blocks
    assert (study.folder / "references.bib").is_file()


def test_private_and_generated_files_are_ignored_by_git(tmp_path: Path) -> None:
    """The folder's .gitignore keeps fits, results and pages out of a repository."""
    start(tmp_path)
    assert {"_private/", "results.json", "*.html"} <= set((tmp_path / ".gitignore").read_text().splitlines())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Where one of the files lies already, nothing at all is written."""
    (tmp_path / "report.qmd").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.qmd, already there"):
        start(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["report.qmd"]
    assert (tmp_path / "report.qmd").read_text(encoding="utf-8") == "mine"


def test_a_related_study_asks_what_the_past_one_asked_of_other_people(tmp_path: Path, repo: Path) -> None:
    """Columns, levels, models, effects and estimands are those of the past study; name, title and truth are not."""
    past = Study.read(repo / "reports" / "hyesan")
    related(tmp_path / "sinuiju", past)
    study = Study.read(tmp_path / "sinuiju")
    for table in ("columns", "levels", "models", "effects", "estimands", "missing", "gates", "priors"):
        assert getattr(study, table) == getattr(past, table), table
    assert (study.name, study.synthetic, study.survey.truth) == ("sinuiju", False, None)
    with pytest.raises(InputError, match="already there"):
        related(tmp_path / "sinuiju", past)
