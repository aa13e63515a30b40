"""The two studies of the repository, from file to page: a simulated truth recovered, a published estimate met."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from processor_time import spent

from largesse.results import Results

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

PUBLISHED = 0.0998519  # Manacorda, Miguel & Vigorito 2011 data, linear, participation x centred income, at the cutoff


def copied(repo: Path, folder: Path, study: str) -> Path:
    """The sources of a study, with the data and bibliography they name, laid out as in the repository."""
    shutil.copytree(
        repo / "reports" / study,
        folder / "reports" / study,
        ignore=shutil.ignore_patterns("_private", "results.json", "report.html"),
    )
    shutil.copytree(repo / "data", folder / "data")
    shutil.copy(repo / "references.bib", folder)
    return folder / "reports" / study


def largesse(*arguments: object) -> dict[str, Any]:
    """What `largesse --json` answers, its exit code and the processor time it took."""
    done, seconds = spent([sys.executable, "-m", "largesse", *map(str, arguments), "--json"])
    assert done.stdout, done.stderr
    return {**json.loads(done.stdout), "exit": done.returncode, "seconds": seconds, "log": done.stderr}


@pytest.fixture(scope="module")
def hyesan(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The synthetic study, run on its seed, which was fixed before anything was fitted.

    Its curve has two points here, and no second map of exposure: five short fits that other tests need not wait for.
    """
    folder = copied(repo, tmp_path_factory.mktemp("hyesan"), "hyesan")
    record = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    record["estimands"]["favours"] = [0.0, 0.7]
    del record["exposure"]
    (folder / "study.toml").write_text(tomli_w.dumps(record), encoding="utf-8")
    return {**largesse("run", folder), "folder": folder}


@pytest.fixture(scope="module")
def panes(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The study of the Uruguayan transfer, on the data of the package causaldata."""
    folder = copied(repo, tmp_path_factory.mktemp("panes"), "panes")
    subprocess.run([sys.executable, str(folder / "survey.py")], check=True)
    assert largesse("run", folder)["exit"] == 0
    return Results.read(folder / "results.json")


def test_the_synthetic_study_is_reportable(hyesan: dict[str, Any]) -> None:
    """Every gate of every model passes on hyesan, the command exits 0, and the page leads with the headline."""
    assert hyesan["exit"] == 0, hyesan["log"]
    assert hyesan["reportable"]
    page = (hyesan["folder"] / "report.html").read_text(encoding="utf-8")
    assert "Synthetic data" in page
    assert "synthetic study" in hyesan["headline"][0]


def test_the_truth_of_the_synthetic_study_is_recovered(hyesan: dict[str, Any]) -> None:
    """No more truths lie outside their 99 % interval than chance allows, none of the population beyond 4 sd.

    Chance allows the 99.9 % quantile of the binomial number of parameters outside.
    """
    results = Results.read(hyesan["folder"] / "results.json")
    truth = results.truth
    assert truth is not None
    rows = [row for model in results.models.values() for row in model["parameters"]]
    assert truth["compared"] == len(rows)
    assert len(truth["outside"]) <= truth["allowed"]
    population = [row for row in rows if row["population"]]
    assert max(abs(row["truth"] - row["mean"]) / row["sd"] for row in population) < 4


def test_the_page_tells_the_truth_of_a_synthetic_study(hyesan: dict[str, Any]) -> None:
    """Each parameter outside its interval is named on the page."""
    results = Results.read(hyesan["folder"] / "results.json")
    page = (hyesan["folder"] / "report.html").read_text(encoding="utf-8")
    assert results.truth is not None
    for row in results.truth["outside"]:
        label = row["key"].partition("[")[2].rstrip("]")
        assert label in page


def test_the_second_run_reuses_everything(hyesan: dict[str, Any]) -> None:
    """Run again unchanged, the study is answered from what is stored, in under 15 s of processor time."""
    again = largesse("run", hyesan["folder"])
    assert again["reused"] == ["results.json", "report.html"]
    assert again["headline"] == hyesan["headline"]
    assert again["seconds"] < 15


def test_a_published_estimate_is_met(panes: Results) -> None:
    """The jump in support at the income cutoff lies within .012 of the published .0999.

    The plain regression is it, to the three digits that results tell; `test_comparison.py` has all of them.
    """
    assert abs(panes.estimate("loyalty.direct.at.cutoff").mean - PUBLISHED) < 0.012
    assert abs(panes.figures["plain"]["loyalty.at.cutoff"]["estimate"] - PUBLISHED) < 5e-4


def test_an_average_without_counterparts_is_called_extrapolation(panes: Results) -> None:
    """The average effect over all incomes is shown and marked; the effect at the cutoff is not."""
    assert "no counterpart" in panes.estimate("loyalty.direct").extrapolation
    assert panes.estimate("loyalty.direct.at.cutoff").extrapolation == ""


def test_nothing_is_claimed_where_nothing_can_be(panes: Results) -> None:
    """Without districts there is no allocation and no spillover: no estimate of either, and the terms are named."""
    assert {e.contrast for e in panes.estimates} == {"direct", "level"}
    assert {e.outcome for e in panes.estimates} == {"loyalty"}
    assert {"spillover", "district_effect"} <= {d.term for d in panes.dropped_terms}
