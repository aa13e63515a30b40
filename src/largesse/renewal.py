"""Renewal: a certificate goes on after an edit of its code that moves no digit, shown by replay instead of a new proof.

Replicates are the same digit for digit, so an edit that changes nothing can be shown to change nothing. All data are
drawn again, which costs little, and a few replicates, chosen by the fingerprint of the new code, are fitted again. Of
the data only the truths are stored, and a prior of another scale leaves their places as they are; the fits see both.
What neither sees is an edit that matters only in replicates that are not fitted: one that moves every tenth replicate
is missed by 20 fits with odds of 1 in 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from largesse.calibration import Record, bar, made
from largesse.certificate import FITTED, KINDS, read_rows, row, specified, stored
from largesse.errors import InputError, Problem, StaleError
from largesse.replicate import Specification, data
from largesse.seeds import generator
from largesse.store import write_json

Rows = Mapping[str, list[dict[str, str]]]  # kind of place -> the rows of its file, one for each number

FITS: Final = 20
QUOTED: Final = 5  # differences that a refusal spells out
ABSENT: Final = "nothing"


def renew(
    folder: Path, fits: int = FITS, executor: Executor | None = None, *, progress: bool = True
) -> dict[str, Any] | None:
    """Replay a stale certificate under today's code and, if every digit is the same, bind it to that code.

    The data of every replicate are drawn again: how many were refused, and where the first truth lies in its prior,
    must be what `truths.csv` says. A sample of the replicates is fitted again (:func:`sampled`): status, attempt,
    divergences and all places must be what both files say. A quantity that only one side has is a difference.

    Parameters
    ----------
    folder : of the certificate. Only `summary.json` is written: its `binding` becomes today's, and `renewed` grows by
        one entry, so that the chain leads back to the proof; the binding of a confirmation stays what it was.
    fits : how many replicates are fitted again, at least 1; all, where there are fewer.
    executor : as for :func:`~largesse.calibration.calibrate`. Only this process writes.
    progress : show a bar with the time left.

    Returns
    -------
    The entry added to `renewed`: bindings `from` and `to`, how many `data` and `fits` were compared, and the `numbers`
    of the replicates fitted. None where the certificate is current, and nothing was done.

    Errors
    ------
    InputError
        when there is no certificate, its files do not have one row for each replicate, or nothing is to be fitted.
    StaleError
        when anything differs: says in which replicate and quantity, and leaves every file as it is. Digits are the
        same on one kind of processor (:func:`~largesse.provenance.processor`); on another than that of the proof a
        renewal may fail for that reason alone. A failure does no harm: the certificate is stale as before.
    """
    if fits < 1:
        raise InputError.one("renewal", "fits", str(fits), "at least 1")
    spec, summary, rows = _held(folder)
    if summary["binding"] == spec.binding:
        return None
    numbers = range(summary["replicates"])
    chosen = sampled(spec, len(numbers), fits)
    try:
        _same(folder, rows, _replayed(f"{spec.model}, data", partial(_drawn, spec), numbers, executor, progress))
        _same(folder, rows, _replayed(f"{spec.model}, fits", spec.replicate, chosen, executor, progress))
    except InputError as error:
        raise StaleError(f"{folder} is not renewed: {error}") from error
    if replace(spec).binding != spec.binding:  # a new one reads the sources as they are now
        raise StaleError(f"{folder} is not renewed: the code was edited while it was replayed")
    about = {"from": summary["binding"], "to": spec.binding, "data": len(numbers), "fits": len(chosen)}
    about["numbers"] = chosen
    chain = [*summary.get("renewed", ()), about]
    write_json(folder / "summary.json", {**summary, "binding": spec.binding, "renewed": chain})
    return about


def sampled(spec: Specification, replicates: int, fits: int = FITS) -> list[int]:
    """The numbers of the replicates to fit again, in order: nobody's choice, but that of the new code's fingerprint."""
    rng = generator(spec.seed, "renewal", spec.binding)
    chosen: list[int] = rng.choice(replicates, size=min(fits, replicates), replace=False).tolist()
    return sorted(chosen)


def _held(folder: Path) -> tuple[Specification, dict[str, Any], Rows]:
    """A certificate as it is stored."""
    try:
        spec, summary = specified(folder), stored(folder, "summary")
        rows = {kind: read_rows(folder / file) for kind, file in KINDS.items()}
    except FileNotFoundError as error:
        raise InputError.one(folder, "", f"no {Path(error.filename).name}", "a certificate, whole") from None
    numbers = [str(n) for n in range(summary["replicates"])]
    for kind, file in KINDS.items():
        if [r.get("replicate") for r in rows[kind]] != numbers:
            wanted = f"one row for each of {len(numbers)} replicates, in order"
            raise InputError.one(folder / file, "column 'replicate'", f"{len(rows[kind])} rows", wanted)
    return spec, summary, rows


def _drawn(spec: Specification, number: int) -> Record:
    """The part of a replicate's record that needs no fit."""
    found = data(spec, number)
    return {"number": number, "redrawn": found.redrawn, "prior": found.prior}


def _replayed(
    what: str, replay: Callable[[int], Record], numbers: Sequence[int], executor: Executor | None, progress: bool
) -> list[Record]:
    with bar(progress) as shown:
        return list(shown.track(made(replay, numbers, executor), len(numbers), description=what))


def _same(folder: Path, rows: Rows, records: list[Record]) -> None:
    """Nothing, if today's records are the stored rows digit for digit; an error that says where they are not."""
    found = [
        (record["number"], problem)
        for record in sorted(records, key=lambda r: r["number"])
        for kind in (KINDS if "status" in record else ("prior",))
        for problem in _differences(record, kind, rows[kind][record["number"]], folder / KINDS[kind])
    ]
    if not found:
        return
    differ = len({number for number, _ in found})
    lines = [
        f"{folder} is not renewed: {differ} of the {len(records)} replicates replayed differ under today's code",
        *(str(problem) for _, problem in found[:QUOTED]),
        *([f"and {len(found) - QUOTED} more"] if len(found) > QUOTED else []),
        "prove it anew; or replay it on the kind of processor of its proof, if this is another",
    ]
    raise StaleError("\n".join(lines))


def _differences(record: Record, kind: str, then: Mapping[str, str], file: Path) -> Iterator[Problem]:
    """What a record and its stored row do not have in common; a record of data alone is silent about the fit."""
    now, silent = row(record, kind), () if "status" in record else FITTED
    before = {name: text for name, text in then.items() if text and name not in silent}
    for name in sorted(now.keys() | before.keys(), key=str):  # a cell beyond the head has no name
        if now.get(name) != before.get(name):
            where = f"replicate {record['number']}, {name}"
            yield Problem(str(file), where, now.get(name, ABSENT), before.get(name, ABSENT))
