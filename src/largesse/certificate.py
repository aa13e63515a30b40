"""Certificate: the proof of a calibration that travels with its model, and what it is worth now."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from largesse.calibration import Record, calibrate, folder_of
from largesse.judgement import summarised
from largesse.replicate import Specification
from largesse.results import Answer
from largesse.store import atomic, write_json
from largesse.synthetic import World

Array = np.ndarray[Any, np.dtype[np.float64]]

HEAD: Final = ("replicate", "status", "attempt", "redrawn", "diverging")
FITTED: Final = ("status", "attempt", "diverging")  # of them, what only a fit can tell
BINS: Final = 20  # of the places that a page shows
KINDS: Final = {"place": "ranks.csv", "prior": "truths.csv"}  # column of the records -> file


def prove(spec: Specification, replicates: int, records: Path, executor: Executor | None = None) -> dict[str, Any]:
    """Calibrate, judge, and confirm what is red once, at a new seed with twice the replicates.

    Parameters
    ----------
    records : the folder under which records are kept, one folder for each fingerprint.

    Returns
    -------
    The summary of :func:`~largesse.judgement.summarised` with `seed` and `binding`; with the same of the second run
    under `confirmation` where there was one. A quantity fails only if the same one is red in both.
    """
    summary = _run(spec, replicates, records, executor)
    if summary["verdict"] != Answer.FAILED.value:
        return summary
    again = _run(replace(spec, seed=spec.seed + 1), 2 * replicates, records, executor)
    twice = sorted({*summary["red"]} & {*again["red"]})
    settled = Answer.FAILED.value if twice else Answer.PASSED.value
    verdict = again["verdict"] if again["verdict"] == Answer.NOT_RUN.value else settled
    return {**summary, "verdict": verdict, "red": twice, "confirmation": again}


def _run(spec: Specification, replicates: int, records: Path, executor: Executor | None) -> dict[str, Any]:
    made = calibrate(spec, range(replicates), records / folder_of(spec), executor)
    return {"seed": spec.seed, "binding": spec.binding, **summarised(made)}


def certify(spec: Specification, summary: Mapping[str, Any], records: list[Record], folder: Path) -> None:
    """Write a certificate.

    `specification.json` and `summary.json`; `ranks.csv`, the place of each truth among its draws, and `truths.csv`, its
    place in its prior: one row per replicate, one column per quantity.
    """
    write_json(folder / "specification.json", spec.described(), ordered=True)  # levels are drawn in their order
    write_json(folder / "summary.json", dict(summary))
    for kind, file in KINDS.items():
        write_places(records, kind, folder / file)


def write_places(records: list[Record], kind: str, path: Path) -> None:
    """Write the places of every replicate: `place` among the draws or `prior` in the prior; in order of number."""
    names = sorted({n for r in records for n in r.get(kind, {})})
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, [*HEAD, *names], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(r, kind) for r in sorted(records, key=lambda r: r["number"]))


def row(record: Record, kind: str) -> dict[str, str]:
    """A record's row in a file of places: column -> text; what the record does not tell is left out."""
    about = {"replicate": record["number"], "redrawn": record.get("redrawn", 0)}
    told = {name: record[name] for name in FITTED if name in record}
    return {name: str(value) for name, value in (about | told | record.get(kind, {})).items()}


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a file of places as text, by column; an empty cell is an empty text."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def read_places(path: Path) -> dict[str, Array]:
    """Quantity -> [replicate that reports it] of a file of places."""
    rows = read_rows(path)
    names = [n for n in (rows[0] if rows else {}) if n not in HEAD]
    return {n: np.array([float(row[n]) for row in rows if row[n]]) for n in names}


def worth(folder: Path) -> dict[str, Any]:
    """What a stored certificate is worth now.

    Returns
    -------
    `state`: its verdict, `stale` when anything behind it changed, or `none`; where there is one also `replicates`,
    `failed`, `quantities` (how many), `detectable`, how often it was `renewed` by replay since it was proved, and the
    design: its name, `respondents`, `districts`, `items`.
    """
    try:
        spec, summary = specified(folder), stored(folder, "summary")
    except FileNotFoundError:
        return {"state": "none"}
    return {
        "state": str(summary["verdict"]) if summary["binding"] == spec.binding else "stale",
        **{name: summary[name] for name in ("replicates", "failed", "detectable")},
        "quantities": len(summary["quantities"]),
        "renewed": len(summary.get("renewed", ())),
        "design": spec.world.name,
        "respondents": spec.world.respondents,
        "districts": spec.world.districts,
        "items": len(spec.world.items),
    }


def specified(folder: Path) -> Specification:
    """What a stored certificate is of."""
    about = stored(folder, "specification")
    return Specification(about["model"], World.model_validate(about["world"]), about["seed"], about["overrides"])


def stored(folder: Path, name: str) -> dict[str, Any]:
    """The `specification` or the `summary` of a certificate as it was written."""
    table: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return table


def shown(folder: Path) -> dict[str, Any]:
    """What :func:`worth` says, and where the certificate counts its `picture`: the verdict and all places, in bins."""
    about = worth(folder)
    if about["state"] in ("none", "stale"):
        return about
    summary = stored(folder, "summary")
    kept = {name: summary[name] for name in ("verdict", "red", "replicates", "failed", "level", "prior")}
    quantities = [{name: q[name] for name in ("quantity", "adjusted")} for q in summary["quantities"]]
    return {**about, "picture": {**kept, "quantities": quantities, **binned(folder)}}


def binned(folder: Path) -> dict[str, dict[str, list[int]]]:
    """`places` among the draws and of `truths` in their priors: quantity -> how many lie in each of twenty bins."""
    return {name: _binned(folder / KINDS[kind]) for name, kind in (("places", "place"), ("truths", "prior"))}


def _binned(path: Path) -> dict[str, list[int]]:
    """Quantity -> how many places lie in each of twenty bins."""
    return {n: np.histogram(u, bins=BINS, range=(0, 1))[0].tolist() for n, u in read_places(path).items()}


def every(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The certificate of the usual design in `folder`, and those of other designs in its folders, by name."""
    yield folder, worth(folder)
    for path in sorted(p.parent for p in folder.glob("*/specification.json")):
        yield path, worth(path)
