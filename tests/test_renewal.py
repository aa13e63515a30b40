"""Renewal: an edit that moves no digit leaves a certificate standing, with the chain back to its proof."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

from largesse import calibration, renewal, replicate
from largesse.certificate import certify, worth
from largesse.cli import app
from largesse.cli.library import _model_lines
from largesse.cli.simulation import _certificate
from largesse.errors import InputError, StaleError
from largesse.judgement import summarised
from largesse.renewal import renew, sampled
from largesse.replicate import Specification
from largesse.synthetic import World

Change = Callable[[list[dict[str, str]]], object]  # of the rows of a file of places

SPEC = Specification("gift_allocation", World(respondents=60, districts=3), seed=1)
NUMBERS = range(3)


def edited(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """As if the code behind certificates were another text that computes the same."""
    monkeypatch.setattr(replicate, "source", lambda *files: text)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def summary_of(folder: Path) -> dict[str, Any]:
    """The stored summary."""
    table: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return table


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of three replicates that were drawn, fitted and ranked; its confirmation is only named."""
    records = tmp_path_factory.mktemp("records")
    made = calibration.calibrate(SPEC, NUMBERS, records, progress=False)
    folder = tmp_path_factory.mktemp("proven") / "calibration"
    summary = {"seed": SPEC.seed, "binding": SPEC.binding, **summarised(made), "verdict": "passed"}
    certify(SPEC, {**summary, "confirmation": {"binding": "of the proof"}}, made, folder)
    return folder


@pytest.fixture
def folder(proven: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(proven, tmp_path / "calibration"))


@pytest.mark.slow
def test_what_moves_no_digit_renews_a_certificate_and_keeps_the_chain(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of two harmless edits it passes again; its summary alone grows, by where it came from."""
    before, proof = bytes_of(folder), summary_of(folder)
    bindings = [SPEC.binding]
    with ThreadPoolExecutor(1) as pool:
        for text, executor in (("an edit", None), ("another", pool)):
            edited(monkeypatch, text)
            assert worth(folder)["state"] == "stale"
            about = renew(folder, 1, executor, progress=False)
            assert about
            bindings.append(about["to"])
            assert worth(folder)["state"] == "passed"
    after = summary_of(folder)
    assert [(r["from"], r["to"]) for r in after["renewed"]] == list(pairwise(bindings))
    assert [(r["data"], r["fits"], len(r["numbers"])) for r in after["renewed"]] == [(3, 1, 1)] * 2
    assert {**after, "binding": proof["binding"]} == {**proof, "renewed": after["renewed"]}
    assert {n: b for n, b in bytes_of(folder).items() if n != "summary.json"} == {
        n: b for n, b in before.items() if n != "summary.json"
    }
    line = list(_model_lines("gift_allocation", {"question": "", "certificates": [worth(folder)]}))[1]
    assert "passed, renewed 2 times (3 replicates" in line


def spoil(path: Path, change: Change) -> None:
    """Change the rows of a file of places."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def digit(rows: list[dict[str, str]]) -> None:
    """Another last digit of one place."""
    at = rows[1]["intercept"]
    rows[1]["intercept"] = at[:-1] + str((int(at[-1]) + 1) % 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("truths.csv", digit, r"truths.csv, replicate 1, intercept: found 0\.\d+; expected 0\.\d+"),
        ("truths.csv", lambda rows: rows[2].update(redrawn="1"), "replicate 2, redrawn: found 0; expected 1"),
        ("truths.csv", lambda rows: [r.pop("intercept") for r in rows], "intercept: found .*; expected nothing"),
        ("truths.csv", lambda rows: [r.update(slope="0.5") for r in rows], "slope: found nothing; expected 0.5"),
        ("ranks.csv", digit, r"ranks.csv, replicate 1, intercept: found 0\.\d+; expected 0\.\d+"),
        ("ranks.csv", lambda rows: rows[0].update(status="failed"), "status: found done; expected failed"),
        ("ranks.csv", lambda rows: rows[0].update(attempt="2"), "attempt: found 1; expected 2"),
        ("ranks.csv", lambda rows: [r.pop("receipt.level") for r in rows], "receipt.level: found .*; expected nothing"),
    ],
)
def test_a_difference_renews_nothing(
    folder: Path, file: str, change: Change, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digit, a status, or a quantity that one side lacks: it is named, no file changes, the certificate is stale."""
    spoil(folder / file, change)
    edited(monkeypatch, "an edit")
    before = bytes_of(folder)
    with pytest.raises(StaleError, match=told):
        renew(folder, progress=False)
    assert bytes_of(folder) == before
    assert worth(folder)["state"] == "stale"


def test_places_of_truths_do_not_see_a_prior_of_another_scale() -> None:
    """They move with it, which is one reason why replicates are fitted again."""
    entry = SPEC.priors["intercept"].model_dump(mode="json")
    wider = {**entry, "arguments": {**entry["arguments"], "sigma": 2 * entry["arguments"]["sigma"]}}
    other = Specification(SPEC.model, SPEC.world, SPEC.seed, {"intercept": wider})
    assert other.binding != SPEC.binding
    for number in NUMBERS:
        assert renewal._drawn(other, number)["prior"] == renewal._drawn(SPEC, number)["prior"]


def test_a_fingerprint_chooses_its_own_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers for the same code, each once; others for other code; all where there are few."""
    first = sampled(SPEC, 500)
    assert sampled(Specification(SPEC.model, SPEC.world, SPEC.seed), 500) == first
    assert len(set(first)) == len(first) == 20
    assert first == sorted(first)
    assert 0 <= first[0] <= first[-1] < 500
    edited(monkeypatch, "an edit")
    assert sampled(Specification(SPEC.model, SPEC.world, SPEC.seed), 500) != first
    assert sampled(SPEC, 3) == [0, 1, 2]


@pytest.mark.slow
def test_a_current_certificate_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is replayed and nothing written where nothing changed."""
    monkeypatch.setattr(renewal, "made", None)
    before = bytes_of(folder)
    assert renew(folder, progress=False) is None
    assert bytes_of(folder) == before


@pytest.mark.slow
def test_data_that_are_no_longer_read_renew_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When today's reader refuses every data set of a replicate, the certificate is stale; no input is at fault."""
    edited(monkeypatch, "an edit")
    monkeypatch.setattr(replicate, "REDRAWS", 0)
    before = bytes_of(folder)
    with pytest.raises(StaleError, match="replicate 0: found 0 unusable data sets"):
        renew(folder, progress=False)
    assert bytes_of(folder) == before


@pytest.mark.slow
def test_code_edited_meanwhile_renews_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was replayed must be what the new binding is of."""
    edits = count()
    monkeypatch.setattr(replicate, "source", lambda *files: str(next(edits)))
    before = bytes_of(folder)
    with pytest.raises(StaleError, match="edited while it was replayed"):
        renew(folder, 1, progress=False)
    assert bytes_of(folder) == before


@pytest.mark.slow
def test_what_is_no_whole_certificate_is_bad_input(folder: Path, tmp_path: Path) -> None:
    """A missing file, a missing row, a renewal without a fit: named before anything is replayed."""
    with pytest.raises(InputError, match=r"no specification\.json"):
        renew(tmp_path / "none")
    with pytest.raises(InputError, match="at least 1"):
        renew(folder, 0)
    spoil(folder / "ranks.csv", lambda rows: rows.pop())
    with pytest.raises(InputError, match="found 2 rows; expected one row for each of 3 replicates"):
        renew(folder)
    (folder / "truths.csv").unlink()
    with pytest.raises(InputError, match=r"no truths\.csv"):
        renew(folder)


def test_data_are_drawn_in_any_process_without_a_fit() -> None:
    """What draws the data of a replicate goes to a worker; it tells what `truths.csv` holds, and nothing of a fit."""
    drawn = pickle.loads(pickle.dumps(partial(renewal._drawn, SPEC)))(2)  # noqa: S301  (our own)
    found = replicate.data(SPEC, 2)
    assert drawn == {"number": 2, "redrawn": found.redrawn, "prior": found.prior}


@pytest.mark.slow
def test_the_command_says_what_became_of_a_certificate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0 where it is current or renewed, 1 where digits differ, 2 where another model's was asked for."""

    def largesse(*arguments: object) -> tuple[int, str]:
        options = ("--renew", "--out", folder, "--workers", 1)
        done = CliRunner().invoke(app, ["calibrate", *map(str, (*arguments, *options))])
        return done.exit_code, done.output

    assert largesse("gift_allocation") == (0, f"{folder} is current: nothing to renew\n")
    edited(monkeypatch, "an edit")
    code, said = largesse("gift_allocation")
    assert code == 0
    assert "is renewed: 3 data sets and 3 fits are the same, digit for digit" in said
    edited(monkeypatch, "another")
    spoil(folder / "truths.csv", digit)
    code, said = largesse("gift_allocation")
    assert (code, "replicate 1, intercept" in said) == (1, True)
    for wrong in (("reported_loyalty",), ("gift_allocation", "--here"), ("gift_allocation", "--shard", "1/2")):
        assert largesse(*wrong)[0] == 2


def test_a_model_s_certificate_is_found_by_its_design(repo: Path, tmp_path: Path) -> None:
    """Without a world it is that of the usual design; a design that was never certified is bad input."""
    held = repo / "models" / "reported_loyalty" / "calibration"
    hyesan = held / "hyesan" / "world.toml"
    assert _certificate("reported_loyalty", None, None, {}) == held
    assert _certificate("reported_loyalty", hyesan, None, {}) == held / "hyesan"
    other = tmp_path / "world.toml"
    other.write_text(tomli_w.dumps({"respondents": 61}), encoding="utf-8")
    with pytest.raises(InputError, match="no certificate"):
        _certificate("reported_loyalty", other, None, {})
