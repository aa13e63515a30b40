"""The page is made where no sampler can be imported, quickly, and a page that may not be reported is exit code 1."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processor_time import spent
from report import invented

from largesse.results import Results

SAMPLERS = ("pymc", "pytensor", "nutpie")
LIBRARIES = "import pandas, xarray, matplotlib.pyplot, ipykernel.kernelapp"  # what any page of figures must import
TIMES = 9.0  # of the processor time that they take; a page was measured at 4.2 to 6.2 times it
REFUSE = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SAMPLERS!r}:
            raise ImportError(f"{{name}} is not wanted here")
sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture(scope="module", params=[invented.results, invented.unreportable], ids=["sound", "failed"])
def made(request: pytest.FixtureRequest, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `largesse report` did with stored results where any import of a sampler, in any process, is an error."""
    folder = tmp_path_factory.mktemp("study")
    results: Callable[[], Results] = request.param
    results().write(folder / "results.json")
    shutil.copy(repo / "reports/hyesan/study.toml", folder)
    shutil.copy(repo / "src/largesse/report/study.qmd", folder / "report.qmd")
    shutil.copy(repo / "references.bib", folder)
    (folder / "refusing").mkdir()
    (folder / "refusing/sitecustomize.py").write_text(REFUSE, encoding="utf-8")
    paths = [str(folder / "refusing"), os.environ.get("PYTHONPATH", "")]
    importing = statistics.median(spent([sys.executable, "-c", LIBRARIES])[1] for _ in range(5))
    command = [sys.executable, "-m", "largesse", "report", str(folder), "--json"]
    done, seconds = spent(command, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    assert done.stdout, done.stderr
    told = {"exit": done.returncode, "times": seconds / importing, "sound": results().reportable, "folder": folder}
    return json.loads(done.stdout) | told


def test_the_guard_refuses_a_sampler(made: dict[str, Any]) -> None:
    """Under the same path an import of any of them fails: that the page was made means that none was asked for."""
    for name in SAMPLERS:
        guarded = {**os.environ, "PYTHONPATH": str(made["folder"] / "refusing")}
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"], env=guarded, capture_output=True, text=True, check=False
        )
        assert "is not wanted here" in done.stderr


def test_a_page_is_made_without_a_sampler_within_the_time(made: dict[str, Any]) -> None:
    """Neither the command nor the kernel that runs the page imports one; the time is told as a ratio, see `TIMES`."""
    page = Path(made["page"])
    assert page.is_file()
    assert page.stat().st_size < 1_000_000
    assert made["times"] < TIMES


def test_a_failed_gate_is_exit_code_1_and_stands_before_the_answer(made: dict[str, Any]) -> None:
    """Both pages are written; the failed one says so, why, and what to do, above everything else."""
    text = Path(made["page"]).read_text(encoding="utf-8")
    assert made["reportable"] == made["sound"]
    assert made["exit"] == (0 if made["sound"] else 1)
    assert ("Not reportable" in text) != made["sound"]
    if not made["sound"]:
        places = [
            text.index(said) for said in ("Not reportable", "the chains disagree", "What to do", 'id="the-answer"')
        ]
        assert places == sorted(places)
