"""Calibration: resumed by name, the same bytes however it was made, judged by rules, stale when anything changed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from largesse import calibration
from largesse.calibration import calibrate, certificate, certify, folder_of, judge, prove, shard
from largesse.errors import InputError, StaleError
from largesse.replicate import LOGLIK, Specification, data, replicate
from largesse.results import Answer
from largesse.synthetic import World

SPEC = Specification("gift_allocation", World(respondents=60, districts=3), seed=1)


def fake(spec: Specification, number: int) -> dict[str, Any]:
    """A replicate with a uniform place of one quantity, fixed by seed and number."""
    u = float(np.random.default_rng([spec.seed, number]).uniform())
    numbers = {"place": u, "truth": u, "mean": 0.5, "sd": 0.3}
    return {"number": number, "status": "done", "attempt": 1, "redrawn": 0, **{k: {"q": v} for k, v in numbers.items()}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the replicates that were made, by a fake that costs nothing."""
    numbers: list[int] = []

    def counted(spec: Specification, number: int) -> dict[str, Any]:
        numbers.append(number)
        return fake(spec, number)

    monkeypatch.setattr(calibration, "replicate", counted)
    return numbers


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_only_missing_replicates_are_made(tmp_path: Path, asked: list[int]) -> None:
    """What was made is kept; a record that is gone, damaged or of another number is made anew, and only that."""
    calibrate(SPEC, range(10), tmp_path, progress=False)
    before = bytes_of(tmp_path)
    asked.clear()
    (tmp_path / "000003.json").unlink()
    (tmp_path / "000005.json").write_bytes(before["000005.json"][:20])
    (tmp_path / "000007.json").write_bytes(before["000008.json"])
    records = calibrate(SPEC, range(10), tmp_path, progress=False)
    assert sorted(asked) == [3, 5, 7]
    assert [r["number"] for r in records] == list(range(10))
    assert bytes_of(tmp_path) == before


def test_interrupted_or_in_parallel_the_records_are_the_same(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at any replicate and resumed, in two shards, or on an executor: the same files, byte for byte."""
    whole, cut, parts, threads = (tmp_path / name for name in ("whole", "cut", "parts", "threads"))
    calibrate(SPEC, range(12), whole, progress=False)
    made = calibration.replicate

    def dies(spec: Specification, number: int) -> dict[str, Any]:
        if number % 5 == 4 and asked.count(number) < 2:
            asked.append(number)
            raise KeyboardInterrupt
        return made(spec, number)

    asked.clear()
    monkeypatch.setattr(calibration, "replicate", dies)
    for _ in range(6):
        try:
            calibrate(SPEC, range(12), cut, progress=False)
            break
        except KeyboardInterrupt:
            continue
    monkeypatch.setattr(calibration, "replicate", made)
    for part in ("1/2", "2/2"):
        calibrate(SPEC, shard(part, 12), parts, progress=False)
    with ThreadPoolExecutor(3) as pool:
        calibrate(SPEC, range(12), threads, pool, progress=False)
    assert bytes_of(cut) == bytes_of(whole)
    assert bytes_of(parts) == bytes_of(whole)
    assert bytes_of(threads) == bytes_of(whole)


def test_records_of_two_specifications_do_not_mix(tmp_path: Path, asked: list[int]) -> None:
    """A folder that holds replicates of one seed, design or model refuses those of another."""
    calibrate(SPEC, range(2), tmp_path, progress=False)
    for other in (
        Specification(SPEC.model, SPEC.world, seed=2),
        Specification(SPEC.model, World(respondents=61, districts=3), seed=1),
        Specification("reported_loyalty", SPEC.world, seed=1),
    ):
        with pytest.raises(StaleError):
            calibrate(other, range(2), tmp_path, progress=False)


def test_shards_are_disjoint_and_whole() -> None:
    """The shards of n cover every replicate once; anything else than i/n is refused."""
    assert sorted(n for i in range(1, 5) for n in shard(f"{i}/4", 10)) == list(range(10))
    for wrong in ("0/2", "3/2", "1", "a/b", "1/0"):
        with pytest.raises(InputError, match="i/n"):
            shard(wrong, 10)


def test_uniform_places_pass_and_crowded_ones_fail() -> None:
    """Uniform places are passed; places crowded in the middle, as of too wide a posterior, fail."""
    uniform = [fake(SPEC, n) for n in range(300)]
    assert judge(uniform)[0] is Answer.PASSED
    crowded = [{**r, "place": {"q": 0.5 + (r["place"]["q"] - 0.5) / 2}} for r in uniform]
    verdict, (judgement,) = judge(crowded)
    assert verdict is Answer.FAILED
    assert judgement.red
    assert judgement.covered["0.5"] > 0.9


def test_many_failed_replicates_conclude_nothing() -> None:
    """With more than two failed replicates in a hundred the result is inconclusive, however uniform the rest."""
    failed = [{"number": n, "status": "failed", "redrawn": 0} for n in range(300, 310)]
    assert judge([fake(SPEC, n) for n in range(300)] + failed)[0] is Answer.NOT_RUN


def test_a_red_quantity_is_confirmed_once_at_a_new_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is red by chance is passed when twice the replicates at another seed are not; both runs are recorded."""

    def unlucky(spec: Specification, number: int) -> dict[str, Any]:
        record = fake(spec, number)
        if spec.seed == SPEC.seed:
            record["place"] = {"q": record["place"]["q"] ** 2}
        return record

    monkeypatch.setattr(calibration, "replicate", unlucky)
    summary = prove(SPEC, 100, tmp_path)
    assert summary["verdict"] == "passed"
    assert summary["confirmation"]["replicates"] == 200
    assert summary["confirmation"]["seed"] == SPEC.seed + 1
    monkeypatch.setattr(
        calibration, "replicate", lambda s, n: {**fake(s, n), "place": {"q": fake(s, n)["place"]["q"] ** 2}}
    )
    assert prove(SPEC, 100, tmp_path / "again")["red"] == ["q"]


def test_a_certificate_is_stale_when_anything_behind_it_changed(tmp_path: Path, asked: list[int]) -> None:
    """A stored certificate tells its verdict as long as model, priors, design and engines are the same."""
    assert certificate(tmp_path / "none")["state"] == "none"
    certify(SPEC, prove(SPEC, 100, tmp_path / "records"), tmp_path / "c")
    assert certificate(tmp_path / "c")["state"] == "passed"
    table = json.loads((tmp_path / "c" / "specification.json").read_text(encoding="utf-8"))
    table["overrides"] = {"intercept": _narrower()}
    (tmp_path / "c" / "specification.json").write_text(json.dumps(table), encoding="utf-8")
    assert certificate(tmp_path / "c")["state"] == "stale"


def _narrower() -> dict[str, Any]:
    prior = SPEC.priors["intercept"].model_dump(mode="json")
    return {**prior, "arguments": {"mu": 0.0, "sigma": 0.1}}


def test_every_shipped_certificate_is_current(repo: Path) -> None:
    """A certificate in models/ stands for the models, priors and engines as they are, and has passed."""
    found = sorted((repo / "models").glob("*/calibration"))
    assert {folder.parent.name: certificate(folder)["state"] for folder in found} == {
        folder.parent.name: "passed" for folder in found
    }


def test_data_sets_that_cannot_be_read_are_drawn_again() -> None:
    """A tiny design now and then gives an item a single answer: such a data set is refused by a rule on the data."""
    spec = Specification("gift_allocation", World(respondents=12, districts=2, waves=("one",)), seed=4)
    redrawn = [data(spec, n)[1] for n in range(12)]
    assert sum(redrawn) > 0
    assert [data(spec, n)[1] for n in range(12)] == redrawn


@pytest.mark.slow
def test_a_replicate_is_the_same_in_another_process(tmp_path: Path) -> None:
    """Once its compiled code lies in the cache on disk, a replicate is the same here and in two spawned processes.

    Code that a process has just compiled may differ in the last digits from the same code read from the cache; so the
    first process here only fills the cache.
    """
    with calibration.processes(2) as pool:
        assert pool
        pool.submit(replicate, SPEC, 0).result()
    calibrate(SPEC, range(3), tmp_path / "here", progress=False)
    with calibration.processes(2) as pool:
        calibrate(SPEC, range(3), tmp_path / "there", pool, progress=False)
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")
    record = json.loads((tmp_path / "here" / "000000.json").read_text(encoding="utf-8"))
    assert record["status"] == "done"
    assert {"intercept", "standing[0]", "receipt.level", "receipt.gini", LOGLIK} <= set(record["place"])
    assert set(record["place"]) == set(record["sd"])
    assert replicate(SPEC, 0) == record
    assert folder_of(SPEC).startswith("gift_allocation-")
