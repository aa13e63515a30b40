"""What ten million respondents cost: seconds and memory to cells, by kind of file, and seconds of a fit to them.

    python benchmarks/rows.py     # a quarter of an hour, and 2 GB of disk

One synthetic world is asked at each size. A fresh process reads each survey, with all that `gather` does up to cells
and frame; its peak memory is that of the process, imports included. Then one process compiles the model once and fits
the smallest and the largest survey in turns, so that a machine which gets slower does so for both. Numbers go to
`benchmarks/rows.json`, and the table in `benchmarks/README.md` is written from them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import section
from clock import lap, machine
from multitude import KINDS, lay_out

from largesse import sampling
from largesse.inputs import Inputs, gather
from largesse.provenance import engines
from largesse.settings import Sampler
from largesse.store import write_json
from largesse.study import Study
from largesse.synthetic import LOYALTY

HERE: Final = Path(__file__).parent
SCRIPT, NUMBERS = Path(__file__).name, HERE / "rows.json"
SIZES: Final = (100_000, 1_000_000, 10_000_000)
SEEDS: Final = (1, 2)
SAMPLER: Final = Sampler(draws=200, tune=300, chains=2)
FIRST: Final = Sampler(draws=100, tune=100, chains=2)  # of the fits that are not counted
HEAD: Final = (
    "| rows | file | MB | to cells, s | of processor | peak memory, MB | cells |\n|---|---|---|---|---|---|---|"
)
FITS: Final = "| rows | s per fit | lowest | highest | gradients per draw |\n|---|---|---|---|---|"


def measure() -> dict[str, Any]:
    """Everything, in the order of the page."""
    with TemporaryDirectory() as folder:
        studies = {rows: lay_out(Path(folder), rows) for rows in SIZES}
        read = [_in_a_process("read", studies[rows][kind]) | {"kind": kind} for rows in SIZES for kind in KINDS]
        fits = _in_a_process("fit", *(studies[rows]["parquet"] for rows in (SIZES[0], SIZES[-1])))
    return {"read": read, "fits": fits, "machine": machine(), "engines": engines()}


def _in_a_process(what: str, *studies: Path) -> Any:
    command = [sys.executable, str(Path(__file__)), what, *map(str, studies)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # this script
    return json.loads(done.stdout.splitlines()[-1])


def read(folder: Path) -> dict[str, Any]:
    """Read and collapse one survey, in this process."""
    study = Study.read(folder)
    with lap() as took:
        inputs = gather(study)
    size = study.path(study.survey.file).stat().st_size / 1e6
    cells = inputs.cells[LOYALTY].sizes["cell"]
    about = {"rows": inputs.survey.rows, "megabytes": round(size, 1), "cells": cells, "peak": round(_peak() / 1e6)}
    return about | {"wall": round(took.wall, 2), "cpu": round(took.cpu, 2)}


def _peak() -> int:
    """Bytes of memory that this process held at most; `getrusage` would count what its parent held when it began."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def fits(few: Path, many: Path) -> dict[str, Any]:
    """Fit the few and the many in turns, after one fit of each that compiles and fills caches."""
    sides = {name: gather(Study.read(folder)) for name, folder in (("few", few), ("many", many))}
    for inputs in sides.values():
        _fit(inputs, 0, FIRST)
    laps: dict[str, list[tuple[float, int]]] = {name: [] for name in sides}
    for seed in SEEDS:
        for name, inputs in sides.items():
            laps[name].append(_fit(inputs, seed, SAMPLER))
    found = {name: _summary(laps[name]) | {"rows": inputs.survey.rows} for name, inputs in sides.items()}
    ratio = found["many"]["median"] / found["few"]["median"]
    return found | {"ratio": round(ratio, 3)}


def _fit(inputs: Inputs, seed: int, sampler: Sampler) -> tuple[float, int]:
    """Seconds of one fit, and gradients of all draws that were kept."""
    (model,) = inputs.models
    started = time.perf_counter()
    made = sampling.fit(model, inputs.cells[LOYALTY], inputs.priors[LOYALTY], sampler, seed=seed)
    return time.perf_counter() - started, int(made.tree["sample_stats"]["n_steps"].sum())


def _summary(laps: list[tuple[float, int]]) -> dict[str, Any]:
    seconds, steps = zip(*laps, strict=True)
    times = {"median": median(seconds), "lowest": min(seconds), "highest": max(seconds)}
    draws = SAMPLER.chains * SAMPLER.draws
    return {n: round(s, 3) for n, s in times.items()} | {"gradients": round(median(steps) / draws, 1)}


# --- the page --------------------------------------------------------------------------------------------------


def table() -> str:
    """The stored numbers in Markdown."""
    return "\n".join(_lines(json.loads(NUMBERS.read_text(encoding="utf-8")))) + "\n"


def _lines(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield HEAD
    for r in numbers["read"]:
        told = (f"{r['rows']:,}", r["kind"], f"{r['megabytes']:,.0f}", f"{r['wall']:.1f}", f"{r['cpu']:.1f}")
        yield f"| {' | '.join((*told, f'{r["peak"]:,}', f'{r["cells"]:,}'))} |"
    yield f"\n{FITS}"
    for side in (numbers["fits"]["few"], numbers["fits"]["many"]):
        seconds = (f"{side[key]:.2f}" for key in ("median", "lowest", "highest"))
        yield f"| {' | '.join((f'{side["rows"]:,}', *seconds, f'{side["gradients"]:.1f}'))} |"
    yield f"\nA fit to the many takes **{numbers['fits']['ratio']:.2f}** times as long as one to the few."
    yield f"\n- {section.measured_on(numbers)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("read", "fit", "page"))
    parser.add_argument("studies", nargs="*", type=Path)
    asked = parser.parse_args()
    match asked.what:
        case "read" | "fit":
            sys.stdout.write(json.dumps((read if asked.what == "read" else fits)(*asked.studies)) + "\n")
        case _:
            if asked.what is None:
                write_json(NUMBERS, measure())
            section.put(SCRIPT, table())
