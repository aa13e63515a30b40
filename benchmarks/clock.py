"""Seconds by the wall and by the processor, and the machine they were measured on, in words."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any


@dataclass
class Lap:
    """What a block took, known when it ends: `wall` seconds, and `cpu` seconds of this process and of ended children.

    A chain that runs beside another adds to `cpu`, not to `wall`; other work on the machine adds to `wall`.
    """

    wall: float = 0.0
    cpu: float = 0.0


CLOCKS = ("wall", "cpu")


@contextmanager
def lap() -> Iterator[Lap]:
    """Time the block."""
    measured, wall, cpu = Lap(), time.perf_counter(), _cpu()
    yield measured
    measured.wall, measured.cpu = time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def summary(laps: Sequence[Lap]) -> dict[str, dict[str, float]]:
    """Clock -> mean, median, lowest and highest seconds."""
    statistics = {"mean": mean, "median": median, "lowest": min, "highest": max}
    return {
        clock: {name: round(float(of([getattr(one, clock) for one in laps])), 4) for name, of in statistics.items()}
        for clock in CLOCKS
    }


def machine() -> dict[str, Any]:
    """The processor's name, its cores, those this process may use, and how many were busy in the last minute."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    usable = len(os.sched_getaffinity(0))
    return {"processor": names[0], "cores": len(names), "usable": usable, "busy": round(os.getloadavg()[0], 1)}
