"""Calibration: resumed by name, the same bytes however it was made and interrupted, nothing mixed, nothing lost."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import subjects
from subjects import Conjugate

from largesse.calibration import calibrate, gathered, merge, shard, workers
from largesse.certificate import write_places
from largesse.errors import InputError, StaleError

SUBJECT = Conjugate()


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every whole file of a folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".")}


def ranks(folder: Path, replicates: int) -> bytes:
    """The ranks file of a folder of records."""
    write_places(gathered(folder, range(replicates)), "place", folder.parent / f"{folder.name}.csv")
    return (folder.parent / f"{folder.name}.csv").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 replicates, made without interruption in one process."""
    folder = tmp_path_factory.mktemp("calibration") / "whole"
    calibrate(SUBJECT, range(300), folder, progress=False)
    return folder


def test_only_missing_replicates_are_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was made is kept; a record that is gone, damaged or of another number is named, and it alone made anew."""
    calibrate(SUBJECT, range(10), tmp_path, progress=False)
    before = bytes_of(tmp_path)
    (tmp_path / "000003.json").unlink()
    (tmp_path / "000005.json").write_bytes(before["000005.json"][:20])
    (tmp_path / "000006.json").write_bytes(b"\xff\xfe")
    (tmp_path / "000007.json").write_bytes(before["000008.json"])
    (tmp_path / "000009.json").write_bytes(b"[]")
    kept = (tmp_path / "000001.json").stat().st_mtime_ns
    with caplog.at_level(logging.WARNING):
        records = calibrate(SUBJECT, range(10), tmp_path, progress=False)
    told = {Path(m.split(" is damaged")[0]).name for m in caplog.messages}
    assert told == {"000005.json", "000006.json", "000007.json", "000009.json"}
    assert [r["number"] for r in records] == list(range(10))
    assert bytes_of(tmp_path) == before
    assert (tmp_path / "000001.json").stat().st_mtime_ns == kept


def test_on_any_executor_the_files_are_the_same(tmp_path: Path, whole: Path) -> None:
    """Made by four threads, the records are those of one process, byte for byte."""
    with ThreadPoolExecutor(4) as pool:
        calibrate(SUBJECT, range(300), tmp_path / "threads", pool, progress=False)
    assert bytes_of(tmp_path / "threads") == bytes_of(whole)


def test_shards_of_two_machines_merge_to_the_whole(tmp_path: Path, whole: Path) -> None:
    """Two shards, made apart and merged with one call: the records and the ranks file of an uninterrupted run."""
    parts = [tmp_path / "one", tmp_path / "two"]
    for part, text in zip(parts, ("1/2", "2/2"), strict=True):
        calibrate(SUBJECT, shard(text, 300), part, progress=False)
    assert merge(parts, tmp_path / "both") == 300
    assert merge(parts, tmp_path / "both") == 0
    assert bytes_of(tmp_path / "both") == bytes_of(whole)
    assert ranks(tmp_path / "both", 300) == ranks(whole, 300)


def test_merging_refuses_what_does_not_belong_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another fingerprint, a different record of one number, a folder of something else: nothing is added."""
    one, other, odd = tmp_path / "one", tmp_path / "other", tmp_path / "odd"
    calibrate(SUBJECT, range(4), one, progress=False)
    calibrate(Conjugate(seed=2), range(4, 8), other, progress=False)
    calibrate(SUBJECT, range(4), odd, progress=False)
    (odd / "000002.json").write_bytes((odd / "000002.json").read_bytes().replace(b'"attempt": 1', b'"attempt": 2'))
    for shards in ([one, other], [one, odd]):
        with pytest.raises(StaleError):
            merge(shards, tmp_path / "into")
    with pytest.raises(InputError, match="a folder of replicates"):
        merge([one, tmp_path], tmp_path / "into")
    assert not (tmp_path / "into").exists()
    (odd / "000002.json").write_bytes(b"{")
    with caplog.at_level(logging.WARNING):
        assert merge([odd], tmp_path / "into") == 3
    assert "000002.json is damaged" in caplog.text


def test_records_of_two_subjects_do_not_mix(tmp_path: Path) -> None:
    """A folder that holds replicates of one seed or model refuses those of another."""
    calibrate(SUBJECT, range(2), tmp_path, progress=False)
    for other in (Conjugate(seed=2), Conjugate(model="other")):
        with pytest.raises(StaleError):
            calibrate(other, range(2), tmp_path, progress=False)


def test_shards_are_disjoint_and_whole() -> None:
    """The shards of n cover every replicate once; anything else than i/n is refused."""
    assert sorted(n for i in range(1, 5) for n in shard(f"{i}/4", 10)) == list(range(10))
    for wrong in ("0/2", "3/2", "1", "a/b", "1/0"):
        with pytest.raises(InputError, match="i/n"):
            shard(wrong, 10)


def test_a_scheduler_that_does_not_answer_is_bad_input() -> None:
    """An address that is none is named as such, before any work."""
    with pytest.raises(InputError, match="--scheduler"), workers(2, "nonsense://nowhere"):
        pass


SCRIPT = """
import sys
from pathlib import Path
from subjects import Conjugate
from largesse.calibration import calibrate, workers
if __name__ == "__main__":
    with workers(int(sys.argv[2])) as executor:
        calibrate(Conjugate(seconds=0.02), range(300), Path(sys.argv[1]), executor, progress=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_twenty_moments_and_resumed_the_ranks_are_the_same(
    tmp_path: Path, whole: Path, processes: int
) -> None:
    """SIGKILL at 20 random moments, in one process and with two workers: the ranks file of an uninterrupted run.

    A kill comes when 0 to 12 records were made since the last, and a moment later, on a machine of any speed: at
    least half must hit while records are being made, and no worker may outlive its parent.
    """
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    rng = np.random.default_rng(processes)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "cut"), str(processes)]
    environment = {**os.environ, "PYTHONPATH": str(Path(subjects.__file__).parent)}
    during = 0
    for _ in range(20):
        before, more = _made(tmp_path / "cut"), int(rng.integers(13))
        running = subprocess.Popen(command, env=environment, start_new_session=True)
        while _made(tmp_path / "cut") < before + more and running.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.02))
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert _gone(running.pid)
        during += before < _made(tmp_path / "cut") < 300
    assert during >= 10
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert ranks(tmp_path / "cut", 300) == ranks(whole, 300)
    records = {n: b for n, b in bytes_of(tmp_path / "cut").items() if n != "specification.json"}
    assert records == {n: b for n, b in bytes_of(whole).items() if n != "specification.json"}


def _gone(group: int) -> bool:
    """Whether within ten seconds no process of a group is left: spawned workers belong to the group of their parent."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _made(folder: Path) -> int:
    return len(list(folder.glob("[0-9]*.json"))) if folder.is_dir() else 0


@pytest.mark.slow
def test_a_lost_worker_of_a_cluster_changes_nothing(tmp_path: Path, whole: Path) -> None:
    """A Dask cluster of two workers, one of which is killed half-way: the same records, byte for byte."""
    import dask
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster, set_as_default=False) as client:
            client.upload_file(subjects.__file__)
            victim = next(iter(client.run(os.getpid).values()))

        def strike() -> None:
            while _made(tmp_path / "lost") < 150:
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=strike)
        killer.start()
        with workers(0, cluster.scheduler_address) as executor:
            made = calibrate(Conjugate(seconds=0.01), range(300), tmp_path / "lost", executor, progress=False)
        killer.join()
    assert len(made) == 300
    assert ranks(tmp_path / "lost", 300) == ranks(whole, 300)
    assert dask.config.get("scheduler", None) is None  # what else this process computes is left alone
