"""Run every mutant and the right models at the same seeds; print the table and write `results.csv` beside it.

Replicates are kept in `.calibration/mutants/`, so that a run that was interrupted goes on where it stopped. From the
top of the checkout: `PYTHONPATH=tests .venv/bin/python -m mutants.run [--workers N]`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from mutants.catchers import Found, from_code, from_records
from mutants.mutant import Catcher, Mutant, Trial
from mutants.table import MUTANTS, right
from mutants.worlds import DESIGNS
from rich.console import Console
from rich.table import Table

from largesse.calibration import calibrate, folder_of, workers
from largesse.store import atomic

RESULTS: Final = Path(__file__).with_name("results.csv")
RECORDS: Final = Path(".calibration/mutants")
ASKED: Final = (Catcher.RANKS, Catcher.PRIOR, Catcher.EQUALITY, Catcher.ORACLE)
SHOWN: Final = ("mutant", "smallest", "expected", "caught by", "quantity", "measure", "size", "verdict")
ROUNDING: Final = 1e-12  # a p of combined tests that is smaller is no number to print
Row = dict[str, str]


def tried(trial: Trial, replicates: int, executor: Executor | None = None, records: Path = RECORDS) -> Row:
    """One row of the table: what each catcher says of a mutant, or of a right model."""
    failed, found = 0, []
    if replicates:
        made = calibrate(trial, range(replicates), records / folder_of(trial), executor)
        failed = sum(r["status"] == "failed" for r in made)
        found += from_records(made, fitted=trial.fitted)
    return told(trial, replicates, failed, [*found, *from_code(trial)])


def told(trial: Trial, replicates: int, failed: int, found: Iterable[Found]) -> Row:
    """What was found, as text."""
    by = {f.catcher: f for f in found}
    expected, mutant = trial.mutant.expected if trial.mutant else Catcher.NONE, trial.mutant
    caught = [c.value for c, f in by.items() if f.caught]
    shown = by.get(expected) or next((f for f in by.values() if f.caught), by.get(Catcher.RANKS)) or by[Catcher.ORACLE]
    return {
        "mutant": trial.model,
        "what is wrong": mutant.fault if mutant else "Nothing: the right model.",
        "at": mutant.at if mutant else "",
        "design": trial.design,
        "smallest": f"{mutant.smallest.kind} {mutant.smallest.value:g}" if mutant and mutant.smallest else "",
        "expected": expected.value if mutant else "none: right",
        "caught by": "; ".join(caught),
        "quantity": shown.quantity,
        "measure": measured(shown),
        "size": shown.size,
        "verdict": verdict(mutant, caught),
        **{c.value: measured(by[c]) if c in by else "" for c in ASKED},
        "replicates": str(replicates),
        "failed": str(failed),
        "fingerprint": trial.binding,
    }


def measured(found: Found) -> str:
    """A measure with two digits."""
    if found.catcher in (Catcher.RANKS, Catcher.PRIOR) and found.measure < ROUNDING:
        return f"<{ROUNDING:g}"
    return f"{found.measure:.2g}"


def verdict(mutant: Mutant | None, caught: list[str]) -> str:
    """`caught` when the expected catcher saw it; `green` when nothing is wrong and nobody saw anything."""
    if mutant is None or mutant.equivalent:
        return "false alarm" if caught else "green"
    return "caught" if mutant.expected.value in caught else "missed"


def main() -> None:
    """Every right model, then every mutant; the worst verdict is the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=1, help="processes that make replicates")
    console, rows = Console(width=180, markup=False), []
    with workers(parser.parse_args().workers) as executor:
        for trial, replicates in [*map(right, DESIGNS), *((Trial.of(m), m.replicates) for m in MUTANTS)]:
            rows.append(tried(trial, replicates, executor))
            console.print(" | ".join(rows[-1][column] for column in SHOWN))
    with atomic(RESULTS) as part, part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shown = Table(*SHOWN, title="Mutants: measure is p (ranks, priors), relative difference, or standard errors")
    for row in rows:
        shown.add_row(*(row[column] for column in SHOWN))
    console.print(shown)
    raise SystemExit(any(row["verdict"] not in ("caught", "green") for row in rows))


if __name__ == "__main__":
    main()
