"""What ten million respondents cost: the survey that is measured is one, and the page shows what was measured."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from largesse.study import Study
from largesse.workflow import check


@pytest.fixture
def benchmark(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the folder by name, as its script does."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    return import_module


def test_the_survey_that_is_measured_is_a_study(benchmark: Any, tmp_path: Path) -> None:
    """`check` finds nothing wrong with it, and both kinds of file hold the same people."""
    studies = benchmark("multitude").lay_out(tmp_path, 5_000)
    found = [check(Study.read(folder)) for folder in studies.values()]
    assert [len(inputs.survey.table) for inputs in found] == [5_000, 5_000]
    one, other = (inputs.cells["reported_loyalty"] for inputs in found)
    xr.testing.assert_identical(one, other)


def test_people_are_drawn_from_the_world(benchmark: Any) -> None:
    """Shares of people are those of the world, and rates of gifts those that its districts cover."""
    multitude = benchmark("multitude")
    drawn = multitude.simulate(multitude.WORLD)
    share = multitude.shares(drawn)  # [district, wave, songbun, age, gift, answer]
    assert share.sum() == pytest.approx(1)
    songbun = share.sum(axis=(0, 1, 3, 4, 5))
    np.testing.assert_allclose(songbun, [*multitude.WORLD.categorical["songbun"].values()], rtol=1e-12)
    given = share.sum(axis=(2, 3, 5))
    rate = (given[..., 1] / given.sum(axis=-1)).ravel()
    asked = drawn.survey.groupby(["district", "wave"]).size().to_numpy()
    sd = np.sqrt(rate * (1 - rate) / asked)  # of the coverage of those 20,000 who were asked, were profiles unalike
    assert np.all(np.abs(rate - drawn.districts["coverage"].to_numpy()) < 4 * sd)


def test_the_page_shows_what_rows_cost(benchmark: Any) -> None:
    """Nobody edits the table by hand, nor leaves it behind the numbers."""
    rows = benchmark("rows")
    assert benchmark("section").shown(rows.SCRIPT) == rows.table()


def test_ten_million_rows_are_cells_in_time(benchmark: Any) -> None:
    """Of both kinds of file, at most 20 seconds of processor and 2 GiB, as stored."""
    rows = benchmark("rows")
    stored = json.loads(rows.NUMBERS.read_text(encoding="utf-8"))["read"]
    many = [r for r in stored if r["rows"] == 10_000_000]
    assert {r["kind"] for r in many} == {"csv", "parquet"}
    assert max(r["cpu"] for r in many) <= 20
    assert max(r["peak"] for r in many) <= 2**31 / 1e6
