"""A calibration on a thousand workers: a plan, simulated from what one replicate and one record were measured to take.

    python benchmarks/scaling.py     # half a minute

Workers make replicates on their own; one process hands them out, takes the records in and writes each to its own file.
That process is the only thing that all wait for. What it needs for one record is measured here, with replicates that
take no time and records of the usual size; how long a replicate takes is the time that `sbc.py` measured. The two are
put together by a simulation of the queue: everyone works, and records wait in line.
"""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import loyalty
import numpy as np
import page
from clock import machine
from section import measured_on, put, row

from largesse.calibration import calibrate
from largesse.replicate import replicate
from largesse.store import write_json

HEAD: Final = "| workers | replicates a second | of what as many alone would do |\n|---|---|---|"
SCRIPT: Final = Path(__file__).name
STORED: Final = Path(__file__).with_suffix(".json")
RECORDS: Final = 2_000
EACH: Final = 200  # replicates of every worker in the plan
WORKERS: Final = (1, 2, 4, 10, 30, 100, 300, 1_000)
SPREAD: Final = 0.3  # sd of the logarithm of a replicate's seconds: some are drawn twice as long


class Instant:
    """A subject whose replicates are there at once: one record of reported loyalty, under every number."""

    model = "instant"
    fingerprint = "0" * 16

    def __init__(self) -> None:
        self.record = replicate(loyalty.specification(1), 0)

    def described(self) -> dict[str, Any]:
        """As plain values."""
        return {"model": self.model}

    def replicate(self, number: int) -> dict[str, Any]:
        """The same record, by another number."""
        return {**self.record, "number": number}


def per_record() -> float:
    """Seconds that the process which writes needs for one record: handed out, taken in, stored."""
    subject = Instant()
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        calibrate(subject, range(RECORDS), Path(folder), pool, progress=False)
        return (time.perf_counter() - started) / RECORDS


def throughput(workers: int, seconds: float, record: float, rng: np.random.Generator) -> float:
    """Replicates a second, when `workers` make them in `seconds` each and one process takes `record` for each."""
    total = workers * EACH
    took: Sequence[float] = rng.lognormal(np.log(seconds) - SPREAD**2 / 2, SPREAD, total).tolist()
    ready = [took[i] for i in range(workers)]
    heapq.heapify(ready)
    free = 0.0  # when the writer has nothing to do again
    for i in range(total):
        done = heapq.heappop(ready)
        free = max(free, done) + record
        if workers + i < total:
            heapq.heappush(ready, free + took[workers + i])  # the next one is handed out when this one is in
    return total / free


def table(found: Mapping[str, Any]) -> str:
    """The stored numbers in Markdown."""
    alone = 1 / (found["replicate"] + found["record"])
    lines = [
        row(f"{int(workers):,}", f"{rate:,.1f}", f"{rate / alone / int(workers):.0%}")
        for workers, rate in found["rates"].items()
    ]
    about = (
        f"- {found['replicate']:g} s of a processor for a replicate, {1000 * found['record']:.2g} ms for its record;"
        f" {measured_on(found)}"
    )
    return "\n".join([HEAD, *lines, "", about]) + "\n"


def main() -> None:
    """Measure, simulate, store and show."""
    seconds = page.stored()["loyalty_1"]["here"]["cpu"]["mean"]
    record = per_record()
    rng = np.random.default_rng(0)
    rates = {str(w): round(throughput(w, seconds, record, rng), 2) for w in WORKERS}
    found = {"replicate": round(seconds, 3), "record": round(record, 5), "rates": rates, "machine": machine()}
    write_json(STORED, found)
    put(SCRIPT, table(found))
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
