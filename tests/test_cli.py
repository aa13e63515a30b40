"""The command line: help at once, one message per problem, exit codes, and answers that programs can read."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tomli_w
from processor_time import spent
from typer.testing import CliRunner

from largesse import models
from largesse.cli import app
from largesse.synthetic import World, simulate
from largesse.template import start, study_of

HEAVY = {"pymc", "pytensor", "arviz", "nutpie", "pandas", "polars", "matplotlib", "pydantic", "rich"}
COMMANDS = {
    *("new", "check", "run", "fit", "diagnose", "estimate", "report", "share", "show", "compare"),
    *("simulate", "calibrate", "merge", "identify", "plan", "models", "priors"),
}
PRIOR: dict[str, Any] = {
    "distribution": "Normal",
    "arguments": {"mu": 0.0, "sigma": 0.2},
    "unit": "logit",
    "statement": "95% sure that the effect is below 0.4 logits",
    "by": "A. Tester",
    "date": "2026-11-24",
    "source": {"kind": "weak", "where": "a test"},
}


def largesse(*arguments: object) -> Any:
    """The command line in this process: exit code, standard output and standard error."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic study, not yet fitted."""
    folder = tmp_path_factory.mktemp("pristine") / "study"
    world = World(
        name="small",
        seed=5,
        respondents=80,
        districts=4,
        weights={"songbun": {"wavering": 1.0, "core": 0.8, "hostile": 1.2}},
    )
    simulate(world).write(folder)
    start(folder, study_of(world, ("gift_allocation", "reported_loyalty", "market_participation")))
    return folder


@pytest.fixture
def study(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(pristine, tmp_path / "study"))


def spoil(folder: Path, name: str = "study.toml", **changes: Any) -> None:
    """Change tables of study.toml; a table is merged, anything else replaced, None removed."""
    path = folder / name
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        table[key] = {**table.get(key, {}), **value} if isinstance(value, dict) else value
        table[key] = {k: v for k, v in table[key].items() if v is not None} if isinstance(value, dict) else value
    path.write_text(tomli_w.dumps(table), encoding="utf-8")


def rewrite(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "survey.csv") -> Callable[[Path], None]:
    """A change of a CSV file of the study."""

    def apply(folder: Path) -> None:
        table = pd.read_csv(folder / name, dtype=str)
        change(table).to_csv(folder / name, index=False)

    return apply


def set_all(**columns: Any) -> Callable[[Path], None]:
    """A survey with some columns replaced."""
    return rewrite(lambda t: t.assign(**columns))


def retype(**changes: Any) -> Callable[[Path], None]:
    """A study record with some tables changed."""
    return lambda folder: spoil(folder, **changes)


def cut_parquet(folder: Path) -> None:
    """The survey as a Parquet file that ends too early."""
    pd.read_csv(folder / "survey.csv").to_parquet(folder / "survey.parquet")
    whole = (folder / "survey.parquet").read_bytes()
    (folder / "survey.parquet").write_bytes(whole[: len(whole) // 2])
    spoil(folder, survey={"file": "survey.parquet"})


def respondents(folder: Path) -> None:
    """Two rows of one wave under one respondent's number."""
    table = pd.read_csv(folder / "survey.csv", dtype=str)
    table["who"] = [f"r{i}" for i in range(len(table))]
    first = table.index[table["wave"] == table["wave"].iloc[0]][:2]
    table.loc[first, "who"] = "r0"
    table.to_csv(folder / "survey.csv", index=False)
    spoil(folder, columns={"respondent": "who"})


def override(**prior: Any) -> Callable[[Path], None]:
    """A study with its own prior of the direct effect, changed."""
    return retype(priors={"reported_loyalty": {"direct": {**PRIOR, **prior}}})


def write(content: bytes, name: str = "survey.csv") -> Callable[[Path], None]:
    """A file of the study with other content."""
    return lambda folder: (folder / name).write_bytes(content) and None


BAD: dict[str, tuple[Callable[[Path], None], str, str]] = {  # what is wrong -> how to make it so, and who must be named
    "missing column": (rewrite(lambda t: t.drop(columns="pride")), "survey.csv", "column 'pride'"),
    "unknown role": (retype(columns={"wafe": "wave"}), "study.toml", "columns.wafe"),
    "gift in words": (set_all(gift="perhaps"), "survey.csv", "column 'gift'"),
    "gift counted without threshold": (
        rewrite(lambda t: t.assign(gift=[str(i % 4) for i in range(len(t))])),
        "survey.csv",
        "column 'gift'",
    ),
    "unordered item": (retype(levels={"pride": None}), "survey.csv", "column 'pride'"),
    "single category": (set_all(pride="agree"), "survey.csv", "column 'pride'"),
    "unknown district": (
        rewrite(lambda t: t[t["district"] != "district 02"], "districts.csv"),
        "districts.csv",
        "column 'district'",
    ),
    "doubled district": (
        rewrite(lambda t: pd.concat([t, t.head(1)]), "districts.csv"),
        "districts.csv",
        "column 'district'",
    ),
    "negative weight": (rewrite(lambda t: t.assign(weight=["-1", *t["weight"][1:]])), "survey.csv", "column 'weight'"),
    "missing weight": (rewrite(lambda t: t.assign(weight=["", *t["weight"][1:]])), "survey.csv", "column 'weight'"),
    "all answers missing": (set_all(pride="don't know"), "survey.csv", "column 'pride'"),
    "empty file": (write(b""), "survey.csv", "empty"),
    "wrong encoding": (write("district,gift\nd\xefs,1\n".encode("latin-1")), "survey.csv", "utf-8"),
    "truncated Parquet": (cut_parquet, "survey.parquet", "Parquet"),
    "TOML typo": (write(b'name = "small\n', "study.toml"), "study.toml", "line 1"),
    "misspelled prior": (retype(priors={"reported_loyalty": {"dirict": PRIOR}}), "study.toml", "perhaps 'direct'"),
    "wrong argument of a prior": (override(arguments={"mu": 0.0, "sd": 1.0}), "study.toml", "reported_loyalty.direct"),
    "prior outside its support": (
        override(distribution="HalfNormal", arguments={"sigma": 1.0}),
        "study.toml",
        "direct",
    ),
    "no such model": (retype(models=["reported_loyalti"]), "study.toml", "perhaps 'reported_loyalty'"),
    "one respondent twice": (respondents, "survey.csv", "column 'who'"),
    "a name": (rewrite(lambda t: t.assign(full_name="Kim")), "survey.csv", "column 'full_name'"),
    "a phone number": (rewrite(lambda t: t.assign(reach="010-1234-5678")), "survey.csv", "column 'reach'"),
    "an e-mail address": (rewrite(lambda t: t.assign(reach="a.b@example.org")), "survey.csv", "column 'reach'"),
}


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("wrong", BAD)
def test_bad_input_is_one_message_exit_2_and_nothing_written(study: Path, wrong: str) -> None:
    """Each mistake is one clear message naming file and key, exit code 2, and leaves no file behind."""
    make, file, key = BAD[wrong]
    make(study)
    before = files(study)
    for command in ("check", "run"):
        done = largesse(command, study)
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert done.exit_code == 2, done.stderr
        assert len(lines) == 1, lines
        assert file in lines[0]
        assert key in lines[0]
        assert "; expected " in lines[0]
    assert files(study) == before


def test_all_problems_of_a_study_are_listed_together(study: Path) -> None:
    """Three mistakes in three places are three messages of one `largesse check`, in JSON too."""
    rewrite(lambda t: t.drop(columns="pride").assign(gift="perhaps"))(study)
    override(arguments={"mu": 0.0, "sd": 1.0})(study)
    done = largesse("check", study, "--json")
    assert done.exit_code == 2
    problems = json.loads(done.stdout)["problems"]
    assert {p["key"].split(",")[0] for p in problems} == {
        "column 'pride'",
        "column 'gift'",
        "prior 'priors.reported_loyalty.direct'",
    }
    assert all({"where", "key", "found", "expected"} == set(p) for p in problems)


def test_a_study_without_mistakes_passes_the_check(study: Path) -> None:
    """`largesse check` of a whole study exits 0, counts who stays, and names the terms that the design drops."""
    done = largesse("check", study, "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["rows"], answer["kept"]) == (80, 80)
    assert {"model", "term", "why"} == set(answer["dropped_terms"][0])
    assert "nothing wrong" in largesse("check", study).stdout


def test_help_lists_every_command() -> None:
    """The commands are those of the manual."""
    single = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert single | {group.name for group in app.registered_groups} == COMMANDS


def test_help_puts_commands_under_headings_and_tells_them_in_full() -> None:
    """Every heading that a command names, and each command's first sentence to its end."""
    told = " ".join(largesse("--help").stdout.split())
    for command in app.registered_commands:
        assert f"{command.rich_help_panel}: " in told
        assert command.callback
        assert (command.callback.__doc__ or "").split(".")[0] in told


def test_help_loads_nothing_heavy() -> None:
    """`largesse --help` imports no numerical library, none that validates and none that draws boxes."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "sys.argv = ['largesse', '--help']\n"
        "import largesse.cli; largesse.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def test_help_costs_little_more_than_the_library_that_prints_it() -> None:
    """By processor time, in turns with a process that imports Typer alone: 1.4 to 1.5 times it, at most 2."""
    printing = [sys.executable, "-c", "import typer"]
    ratios = [_seconds([sys.executable, "-m", "largesse", "--help"]) / _seconds(printing) for _ in range(9)]
    assert statistics.median(ratios) < 2


def _seconds(command: list[str]) -> float:
    done, seconds = spent(command)
    done.check_returncode()
    return seconds


def test_models_and_priors_are_listed() -> None:
    """`models` names each model with its question; `priors` gives every prior with statement and source."""
    listed = {*models.SHIPPED}
    assert set(json.loads(largesse("models", "--json").stdout)) == listed
    table = json.loads(largesse("priors", "reported_loyalty", "--json").stdout)["reported_loyalty"]
    assert table["direct"]["statement"]
    assert table["direct"]["source"]["where"]
    assert "direct ~ Normal" in largesse("priors", "reported_loyalty").stdout


def test_priors_of_a_study_are_its_own(study: Path) -> None:
    """With --study, an entry that the study replaces is shown as the study has it."""
    override()(study)
    table = json.loads(largesse("priors", "reported_loyalty", "--study", study, "--json").stdout)["reported_loyalty"]
    assert table["direct"]["arguments"] == {"mu": 0.0, "sigma": 0.2}


def test_an_unknown_model_is_bad_input() -> None:
    """A model that does not exist is exit code 2 with the nearest name."""
    done = largesse("priors", "reported_loyalti")
    assert done.exit_code == 2
    assert "reported_loyalty" in done.stderr


def test_a_simulated_study_can_be_checked_at_once(tmp_path: Path) -> None:
    """`simulate` leaves a study that `check` finds whole, with the models that were named."""
    assert largesse("simulate", "reported_loyalty", "--out", tmp_path / "s", "--respondents", 60).exit_code == 0
    done = largesse("check", tmp_path / "s", "--json")
    assert done.exit_code == 0, done.stderr
    assert set(json.loads(done.stdout)["models"]) == {"reported_loyalty"}


def test_new_does_not_write_twice(tmp_path: Path) -> None:
    """`new` in a folder that has a study is exit code 2 and changes nothing."""
    assert largesse("new", tmp_path / "s").exit_code == 0
    before = files(tmp_path)
    assert largesse("new", tmp_path / "s").exit_code == 2
    assert files(tmp_path) == before


def test_nothing_is_shared_without_results(study: Path) -> None:
    """`share` without results is exit code 2, names the file that is missing, and leaves no bundle."""
    before = files(study)
    done = largesse("share", study)
    assert done.exit_code == 2
    assert "results.json" in done.stderr
    assert files(study) == before


def test_a_report_needs_results(study: Path) -> None:
    """`report` without results is exit code 2 and names the file that is missing."""
    done = largesse("report", study)
    assert done.exit_code == 2
    assert "results.json" in done.stderr


@pytest.mark.slow
def test_an_interrupted_process_keeps_nothing_half_done(study: Path, tmp_path: Path) -> None:
    """SIGINT while a model is compiled or sampled leaves a sentence and no artefact; the next run works.

    Code is kept in a folder of this test: where another process had kept the same model's, none would be compiled.
    """
    spoil(study, models=["gift_allocation"])
    command = [sys.executable, "-m", "largesse", "fit", str(study)]
    alone = {**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'compiled'}"}
    for moment in ("compiling", "compiled"):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**alone, "PYTHONUNBUFFERED": "1"})
        assert process.stderr
        for line in process.stderr:
            if moment in line:
                process.send_signal(2)
                break
        said = process.stderr.read()
        assert process.wait(120) == 130, said
        assert "interrupted" in said
        assert not list((study / "_private").glob("*")) if (study / "_private").exists() else True
    done = subprocess.run([*command, "--quiet"], capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(list((study / "_private").glob("fit-gift_allocation-*.nc"))) == 1
