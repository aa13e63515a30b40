"""Calibration: many replicates on any executor, resumed by name, judged together, and certified.

A model is calibrated when the places of simulated truths among its draws are uniform, for every parameter, every
estimand and the joint log-likelihood (Talts et al. 2018; Modrak et al. 2023). Passing does not show that a quantity is
identified: a posterior that equals its prior passes too.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from largesse import uniformity
from largesse.errors import InputError, StaleError
from largesse.replicate import Specification
from largesse.results import Answer
from largesse.store import atomic, write_json
from largesse.synthetic import World

Array = np.ndarray[Any, np.dtype[np.float64]]
Record = Mapping[str, Any]

TOLERATED: Final = 0.02  # share of failed replicates beyond which nothing is concluded
CONTENTS: Final = (0.5, 0.8, 0.95)  # of the central intervals whose coverage is reported
REPORTED: Final = 0.5  # a quantity is judged where at least this share of replicates reports it
HEAD: Final = ("replicate", "status", "attempt", "redrawn", "diverging")


def calibrate(
    spec: Specification, replicates: range, folder: Path, executor: Executor | None = None, *, progress: bool = True
) -> list[Record]:
    """Make the missing replicates and return all of them.

    Parameters
    ----------
    spec : what is calibrated.
    replicates : which numbers; a shard is a range with a step.
    folder : where records are kept, one file each, named by number; created where it is not there.
    executor : any `concurrent.futures.Executor`; this process alone unless given.
    progress : show a bar with the time left.

    Errors
    ------
    StaleError
        when the folder holds records of another fingerprint.
    """
    _claim(folder, spec)
    missing = [n for n in replicates if _record(folder, n) is None]
    with _bar(progress) as bar:
        task = bar.add_task(spec.model, total=len(replicates), completed=len(replicates) - len(missing))
        for made in _made(spec, missing, executor):
            write_json(folder / f"{made['number']:06d}.json", made)
            bar.advance(task)
    found = (_record(folder, n) for n in replicates)
    return [record for record in found if record is not None]


def _claim(folder: Path, spec: Specification) -> None:
    """Bind a folder of records to a fingerprint, or find it bound to this one."""
    path = folder / "specification.json"
    if not path.is_file():
        write_json(path, {**described(spec), "fingerprint": spec.fingerprint})
    elif json.loads(path.read_text(encoding="utf-8")).get("fingerprint") != spec.fingerprint:
        raise StaleError(f"{folder} holds replicates of another model, design, seed or engine: choose an empty folder")


def described(spec: Specification) -> dict[str, Any]:
    """A specification as plain values."""
    world = spec.world.model_dump(mode="json")
    return {"model": spec.model, "seed": spec.seed, "world": world, "overrides": dict(spec.overrides)}


def _record(folder: Path, number: int) -> Record | None:
    """A stored record; None where there is none, or one that is damaged and will be made anew."""
    path = folder / f"{number:06d}.json"
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return record if record.get("number") == number and record.get("status") in ("done", "failed") else None


def _made(spec: Specification, missing: list[int], executor: Executor | None) -> Iterable[Record]:
    if executor is None:
        yield from (spec.replicate(n) for n in missing)
        return
    waiting: list[Future[dict[str, Any]]] = [executor.submit(spec.replicate, n) for n in missing]
    try:
        for future in as_completed(waiting):
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def processes(workers: int) -> Iterator[Executor | None]:
    """A pool of `workers` spawned processes, or none for one worker: this process does the work itself."""
    if workers < 2:
        yield None
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def _bar(shown: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, disable=not shown)


# --- judgement -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judgement:
    """What the replicates say of one quantity.

    Attributes
    ----------
    quantity : a parameter's scalar, an estimand's key, or the log-likelihood.
    replicates : how many reported it.
    p, adjusted : of uniformity, by itself and after Holm over all quantities.
    covered : content -> share of central intervals that held the truth.
    bias : mean of (posterior mean minus truth) in posterior sd.
    contraction : 1 - mean posterior variance / variance of the truths; near 0 the data said nothing.
    """

    quantity: str
    replicates: int
    p: float
    adjusted: float
    covered: Mapping[str, float]
    bias: float
    contraction: float

    @property
    def red(self) -> bool:
        """Whether uniformity is rejected at the family-wise level."""
        return self.adjusted < uniformity.FAMILYWISE


def judge(records: Iterable[Record]) -> tuple[Answer, list[Judgement]]:
    """Judge the places of all quantities together.

    Returns
    -------
    `passed` when none is red; `failed` when one is, which is to be confirmed at a new seed with twice the replicates;
    `not run` (inconclusive) when more than 2 % of replicates failed. And the judgement of each quantity, least p first.
    """
    every = list(records)
    done = [r for r in every if r["status"] == "done"]
    places = _table(done, "place")
    names = [n for n, values in places.items() if len(values) >= max(20, REPORTED * len(done))]
    p = np.array([uniformity.uniformity(places[n][:, None])[0] for n in names])
    adjusted = uniformity.holm(p)
    found = [_judged(n, done, (float(p[i]), float(adjusted[i]))) for i, n in enumerate(names)]
    found.sort(key=lambda j: j.p)
    if len(every) - len(done) > TOLERATED * len(every):
        return Answer.NOT_RUN, found
    return (Answer.FAILED if any(j.red for j in found) else Answer.PASSED), found


def _judged(name: str, done: list[Record], p: tuple[float, float]) -> Judgement:
    place, truth, mean, sd = (_table(done, what)[name] for what in ("place", "truth", "mean", "sd"))
    covered = {f"{c:g}": float(uniformity.covered(place[:, None], c)[0]) for c in CONTENTS}
    contraction = 1 - float((sd**2).mean() / truth.var()) if truth.var() > 0 else 0.0
    return Judgement(name, len(place), *p, covered, float(((mean - truth) / sd).mean()), contraction)


def _table(records: list[Record], what: str) -> dict[str, Array]:
    """Quantity -> [replicate that reports it]."""
    names = list(dict.fromkeys(n for r in records for n in r[what]))
    return {n: np.array([r[what][n] for r in records if n in r[what]]) for n in names}


# --- the certificate -------------------------------------------------------------------------------------------


def prove(spec: Specification, replicates: int, records: Path, executor: Executor | None = None) -> dict[str, Any]:
    """Calibrate, judge, and confirm what is red once, at a new seed with twice the replicates.

    Parameters
    ----------
    records : the folder under which records are kept, one folder for each fingerprint.

    Returns
    -------
    The summary of :func:`summarised`; with the same of the second run under `confirmation` where there was one. A
    quantity fails only if the same one is red in both.
    """
    made = calibrate(spec, range(replicates), records / folder_of(spec), executor)
    summary = summarised(spec, made)
    if summary["verdict"] != Answer.FAILED.value:
        return {**summary, "records": made}
    other = replace(spec, seed=spec.seed + 1)
    again = summarised(other, calibrate(other, range(2 * replicates), records / folder_of(other), executor))
    twice = sorted({*summary["red"]} & {*again["red"]})
    verdict = again["verdict"] if again["verdict"] == Answer.NOT_RUN.value else (
        Answer.FAILED.value if twice else Answer.PASSED.value)  # fmt: skip
    return {**summary, "verdict": verdict, "red": twice, "confirmation": again, "records": made}


def folder_of(spec: Specification) -> str:
    """The name of the folder of a specification's records."""
    return f"{spec.model}-{spec.fingerprint}"


def summarised(spec: Specification, records: list[Record]) -> dict[str, Any]:
    """The verdict with its counts, its judgements, and the smallest miscalibration that would have been found."""
    verdict, judgements = judge(records)
    done = sum(r["status"] == "done" for r in records)
    level = uniformity.FAMILYWISE / max(1, len(judgements))
    return {
        "binding": spec.binding,
        "seed": spec.seed,
        "verdict": verdict.value,
        "red": [j.quantity for j in judgements if j.red],
        "replicates": len(records),
        "failed": len(records) - done,
        "retried": sum(r.get("attempt") == 2 for r in records),
        "redrawn": sum(r["redrawn"] for r in records),
        "level": level,
        "detectable": uniformity.detectable(done, level),
        "quantities": [{**vars(j), "covered": dict(j.covered)} for j in judgements],
    }


def certify(spec: Specification, summary: Mapping[str, Any], folder: Path) -> None:
    """Write a certificate: `specification.json`, `summary.json` and `ranks.csv`, one row per replicate."""
    write_json(folder / "specification.json", described(spec))
    write_json(folder / "summary.json", {name: value for name, value in summary.items() if name != "records"})
    _write_ranks(summary["records"], folder / "ranks.csv")


def _write_ranks(records: list[Record], path: Path) -> None:
    names = sorted({n for r in records for n in r.get("place", {})})
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*HEAD, *names])
        for r in sorted(records, key=lambda r: r["number"]):
            about = (r["number"], r["status"], r.get("attempt", ""), r["redrawn"], r.get("diverging", ""))
            writer.writerow([*about, *(r.get("place", {}).get(n, "") for n in names)])


def certificate(folder: Path) -> dict[str, Any]:
    """What a stored certificate is worth now.

    Returns
    -------
    `state`: its verdict, `stale` when anything behind it changed, or `none`; where there is one also `replicates`,
    `failed`, `quantities` (how many), `detectable`, and the design: `respondents`, `districts`, `items`.
    """
    try:
        about = json.loads((folder / "specification.json").read_text(encoding="utf-8"))
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"state": "none"}
    spec = Specification(about["model"], World.model_validate(about["world"]), about["seed"], about["overrides"])
    return {
        "state": str(summary["verdict"]) if summary["binding"] == spec.binding else "stale",
        **{name: summary[name] for name in ("replicates", "failed", "detectable")},
        "quantities": len(summary["quantities"]),
        "respondents": spec.world.respondents,
        "districts": spec.world.districts,
        "items": len(spec.world.items),
    }


def lines(summary: Mapping[str, Any]) -> list[str]:
    """A summary for a terminal: the verdict, what it rests on, what it could not have seen, and the least uniform."""
    found = ", ".join(f"{kind} {size:g}" for kind, size in summary["detectable"].items() if size is not None)
    refits = f"{summary['failed']} failed, {summary['retried']} drawn twice, {summary['redrawn']} data sets refused"
    worst = [
        f"  {j['quantity']:<36} p {j['p']:.4f}, adjusted {j['adjusted']:.3f}, bias {j['bias']:+.2f} sd"
        for j in summary["quantities"][:5]
    ]
    return [
        f"{summary['verdict']}: {len(summary['quantities'])} quantities, {summary['replicates']} replicates ({refits})",
        f"a fault would have been found from these sizes on: {found or 'none of those tried'}",
        "least uniform:",
        *worst,
    ]


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
