"""Installed anywhere, the package finds its models: editable install, wheel, and sdist -> wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from largesse import resources

GENERATED = ("_private", "results.json", "report.html")  # of a study; never to be published by accident


@pytest.fixture(scope="module")
def sources(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a private fit and a generated page in it."""
    copy = tmp_path_factory.mktemp("sources") / "largesse"
    shutil.copytree(repo, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "_private"))
    planted = copy / "reports" / "planted" / "_private" / "fit.nc"
    planted.parent.mkdir(parents=True)
    planted.write_text("private", encoding="utf-8")
    for name in ("results.json", "report.html"):
        (planted.parents[1] / name).write_text("generated", encoding="utf-8")
    (planted.parents[1] / "study.toml").write_text('name = "planted"\n', encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def builds(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`wheel`: built from the checkout; `sdist`: built from it too; `sdist wheel`: built from the sdist."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    for folder, what in ((direct, ["--wheel"]), (through, [])):  # without a choice, build goes through the sdist
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *what, str(sources)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    found = {"wheel": direct.glob("*.whl"), "sdist": through.glob("*.tar.gz"), "sdist wheel": through.glob("*.whl")}
    return {name: next(paths) for name, paths in found.items()}


def records(folder: Path) -> set[str]:
    """The files of every model's record, relative to the folder of models."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("build", ["wheel", "sdist wheel"])
def test_a_wheel_carries_and_finds_every_model(build: str, builds: dict[str, Path], repo: Path, tmp_path: Path) -> None:
    """Code run from an unpacked wheel finds the same model records and bibliography as the checkout holds."""
    with zipfile.ZipFile(builds[build]) as wheel:
        wheel.extractall(tmp_path)  # noqa: S202  (our own build)
    code = "from largesse import resources as r; print(r.__file__); print(r.models_folder()); print(r.bibliography())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    module, models, bibliography = (Path(line) for line in done.stdout.splitlines())
    assert module == tmp_path / "largesse" / "resources.py"
    assert models == tmp_path / "largesse" / "_models"
    assert records(models) == records(repo / "models")
    assert bibliography.read_bytes() == (repo / "references.bib").read_bytes()
    assert (tmp_path / "largesse" / "py.typed").is_file()


def test_the_checkout_finds_its_own_models(repo: Path) -> None:
    """An editable install reads the records people edit, at the top of the checkout."""
    assert resources.models_folder() == repo / "models"
    assert resources.bibliography() == repo / "references.bib"


def test_every_model_has_a_card_and_priors(repo: Path) -> None:
    """Each folder under models/ holds a card and a prior set, and nothing else lies beside the folders."""
    entries = sorted((repo / "models").iterdir())
    assert entries
    for folder in entries:
        assert folder.is_dir(), folder
        assert (folder / "card.md").is_file(), folder
        assert (folder / "priors.toml").is_file(), folder


def test_no_build_carries_private_or_generated_files(builds: dict[str, Path]) -> None:
    """An sdist has the sources of a study and not its fits, tables or pages; a wheel has no study at all."""
    with tarfile.open(builds["sdist"]) as sdist:
        inside = [name.partition("/")[2] for name in sdist.getnames()]
    assert "reports/planted/study.toml" in inside
    assert [name for name in inside if set(Path(name).parts) & set(GENERATED)] == []
    for build in ("wheel", "sdist wheel"):
        with zipfile.ZipFile(builds[build]) as wheel:
            assert [name for name in wheel.namelist() if "reports/" in name] == []


def test_the_sdist_carries_what_a_reader_needs(builds: dict[str, Path]) -> None:
    """The documents, the licence, the lock and the tests are in the sdist."""
    with tarfile.open(builds["sdist"]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {"README.md", "ARCHITECTURE.md", "LICENSE", "CITATION.cff", "references.bib", "requirements.lock"}
    assert wanted | {"Makefile", "tests/test_packaging.py", "src/largesse/py.typed"} <= inside
