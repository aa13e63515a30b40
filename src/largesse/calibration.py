"""Calibration: many replicates of one subject on any executor, one file each, resumed by name.

What a replicate is, its subject knows (`replicate.Specification` for a model under its priors). Here they are made,
kept, gone on with after any interruption, and brought together from several machines.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from largesse.errors import InputError, StaleError
from largesse.store import write_json

Record = Mapping[str, Any]
log = logging.getLogger(__name__)

CLAIM: Final = "specification.json"  # binds a folder of records to one fingerprint
DONE: Final = ("done", "failed")


class Subject(Protocol):
    """What is calibrated: picklable, and the same replicate for the same number in every process.

    Attributes
    ----------
    model : the name that its folder and its progress bar carry.
    fingerprint : of everything that could change a record.
    """

    @property
    def model(self) -> str:
        """See above."""

    @property
    def fingerprint(self) -> str:
        """See above."""

    def described(self) -> dict[str, Any]:
        """As plain values."""

    def replicate(self, number: int) -> dict[str, Any]:
        """A record with `number` and `status` (done or failed); without times, hosts and names of workers."""


def calibrate(
    subject: Subject, replicates: range, folder: Path, executor: Executor | None = None, *, progress: bool = True
) -> list[Record]:
    """Make the missing replicates and return all of them.

    Parameters
    ----------
    subject : what is calibrated.
    replicates : which numbers; a shard is a range with a step.
    folder : where records are kept, one file each, named by number; created where it is not there.
    executor : any `concurrent.futures.Executor`; this process alone unless given. Only this process writes.
    progress : show a bar with the time left.

    Errors
    ------
    StaleError
        when the folder holds records of another fingerprint.
    """
    _claim(folder, subject)
    missing = [n for n in replicates if _record(folder, n) is None]
    with bar(progress) as shown:
        task = shown.add_task(subject.model, total=len(replicates), completed=len(replicates) - len(missing))
        for record in made(subject.replicate, missing, executor):
            write_json(_path(folder, record["number"]), record)
            shown.advance(task)
    return gathered(folder, replicates)


def gathered(folder: Path, replicates: range) -> list[Record]:
    """The stored records of `replicates`, in order; those that are missing or damaged are left out."""
    found = (_record(folder, n) for n in replicates)
    return [record for record in found if record is not None]


def folder_of(subject: Subject) -> str:
    """The name of the folder of a subject's records."""
    return f"{subject.model}-{subject.fingerprint}"


def _claim(folder: Path, subject: Subject) -> None:
    """Bind a folder of records to a fingerprint, or find it bound to this one."""
    if not (folder / CLAIM).is_file():
        write_json(folder / CLAIM, {**subject.described(), "fingerprint": subject.fingerprint})
    elif _fingerprint(folder) != subject.fingerprint:
        raise StaleError(f"{folder} holds replicates of another model, design, seed or engine: choose an empty folder")


def _fingerprint(folder: Path) -> str:
    """What a folder of records is bound to."""
    try:
        return str(json.loads((folder / CLAIM).read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError.one(folder, CLAIM, "nothing that can be read", "a folder of replicates") from None


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.json"


def _record(folder: Path, number: int) -> Record | None:
    """A stored record; None where there is none, or one that is damaged, which is named and will be made anew."""
    path = _path(folder, number)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        record = None
    if isinstance(record, dict) and record.get("number") == number and record.get("status") in DONE:
        return record
    log.warning("%s is damaged and will be made anew", path)
    return None


def made(
    replicate: Callable[[int], Record], numbers: Sequence[int], executor: Executor | None = None
) -> Iterator[Record]:
    """What `replicate`, which must be picklable for an executor, makes of each number; in the order they get ready."""
    if executor is None:
        yield from (replicate(n) for n in numbers)
        return
    waiting: list[Future[Record]] = [executor.submit(replicate, n) for n in numbers]
    try:
        for future in as_completed(waiting):
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()


def bar(shown: bool) -> Progress:
    """A bar with counts and the time left; one that is not `shown` keeps still."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, disable=not shown)


# --- executors -------------------------------------------------------------------------------------------------


@contextmanager
def workers(number: int, scheduler: str | None = None) -> Iterator[Executor | None]:
    """What makes replicates: spawned processes, the workers of a Dask cluster, or None for this process itself.

    Parameters
    ----------
    number : of processes; below 2, this process does the work.
    scheduler : address of a Dask scheduler (`tcp://...`), whose workers are used instead. A worker that is lost
        costs the replicates it had in hand, which another makes.

    Errors
    ------
    InputError
        when `distributed` is not installed, or nothing answers at the address.
    """
    if scheduler:
        with _cluster(scheduler) as client:
            yield client.get_executor(pure=False)
    elif number < 2:
        yield None
    else:
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(number, mp_context=spawned, initializer=_die_with_parent) as pool:
            yield pool


def _cluster(scheduler: str) -> Any:
    try:
        from distributed import Client  # noqa: PLC0415  # an optional dependency
    except ImportError:
        wanted = "the extra `cluster`: pip install 'largesse[cluster]'"
        raise InputError.one("command line", "--scheduler", "no Dask", wanted) from None
    try:
        # set as the default, it would stay that of every Dask call in this process, xarray's too, when it is gone
        return Client(scheduler, timeout=20, set_as_default=False)  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError.one("command line", "--scheduler", str(error), "the address of a Dask scheduler") from None


def _die_with_parent() -> None:
    """End this worker when the process that started it is gone; it would wait for work for ever, with its memory."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


# --- several machines ------------------------------------------------------------------------------------------


def shard(text: str, replicates: int) -> range:
    """The numbers of shard `i/n` (from 1): every n-th replicate.

    Errors
    ------
    InputError
        when the text is not of that form.
    """
    part, _, whole = text.partition("/")
    if not (part.isdigit() and whole.isdigit() and 1 <= int(part) <= int(whole)):
        raise InputError.one("command line", "--shard", repr(text), "i/n, for example 1/4")
    return range(int(part) - 1, replicates, int(whole))


def merge(shards: Iterable[Path], folder: Path) -> int:
    """Bring the records of several folders together in `folder`, which may hold some already.

    Returns
    -------
    How many records were added. A damaged one is named and left behind, to be made anew.

    Errors
    ------
    InputError
        when one is no folder of replicates.
    StaleError
        when fingerprints differ, or two folders hold different records of one number; nothing is added then.
    """
    sources = list(shards)
    claims = {path: _fingerprint(path) for path in [*sources, *([folder] if (folder / CLAIM).is_file() else [])]}
    if len(set(claims.values())) > 1:
        told = "; ".join(f"{path}: {claim}" for path, claim in claims.items())
        raise StaleError(f"these replicates are not of one model, design, seed, engine and kind of processor: {told}")
    found = dict(_every(folder))
    added: dict[int, Record] = {}
    for path in sources:
        for n, record in _every(path):
            if record != found.setdefault(n, record):
                raise StaleError(f"replicate {n} of {path} differs from another of the same fingerprint")
            if not _path(folder, n).is_file():
                added[n] = record
    if not (folder / CLAIM).is_file():
        write_json(folder / CLAIM, json.loads((sources[0] / CLAIM).read_text(encoding="utf-8")))
    for n, record in added.items():
        write_json(_path(folder, n), record)
    return len(added)


def _every(folder: Path) -> Iterator[tuple[int, Record]]:
    """The number and the record of every whole replicate in a folder."""
    numbers = sorted(int(p.stem) for p in folder.glob("[0-9]*.json") if p.stem.isdigit())
    return ((n, record) for n in numbers if (record := _record(folder, n)) is not None)
