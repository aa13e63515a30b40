"""From the start of `largesse fit` to a stored posterior, cold and warm: single-item reported loyalty, 5,000 people.

    python benchmarks/first_result.py     # three minutes

Cold is a machine that never compiled anything: PyTensor's folder is empty. Warm is any later process. Every run draws
anew. Beside the seconds stands the smallest bulk ESS of any parameter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from clock import machine
from gradient import survey
from section import measured_on, put, row

from largesse.diagnostics import diagnose
from largesse.fits import Fit
from largesse.provenance import engines
from largesse.store import write_json
from largesse.synthetic import simulate
from largesse.template import study_of

SCRIPT: Final = Path(__file__).name
STORED: Final = Path(__file__).with_suffix(".json")
RESPONDENTS: Final = 5_000
MODEL: Final = "reported_loyalty"
SAMPLER: Final = "\n[sampler]\ndraws = 700\ntune = 400\nchains = 2\n"
WARM: Final = 5


def prepared(folder: Path) -> None:
    """A study folder as a user has it: survey, district file and `study.toml`."""
    world = survey(RESPONDENTS, 1)
    simulate(world).write(folder)
    (folder / "study.toml").write_text(study_of(world, (MODEL,)) + SAMPLER, encoding="utf-8")


def run(study: Path, compiled: Path) -> dict[str, float]:
    """Fit once, with nothing drawn yet: seconds from the start of the process to its end, and the smallest ESS."""
    for old in study.glob("_private/fit-*"):
        old.unlink()
    flags = {**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={compiled}"}
    started = time.perf_counter()
    command = [sys.executable, "-m", "largesse", "fit", str(study), "--quiet"]
    subprocess.run(command, check=True, env=flags)  # noqa: S603  # this interpreter, and a folder of ours
    seconds = time.perf_counter() - started
    (stored,) = study.glob("_private/fit-*.nc")
    told = {v.gate: v.value for v in diagnose(Fit.load(stored).tree)}
    return {"seconds": round(seconds, 2), "ess": round(told["bulk ESS"] or 0)}


def table(found: Mapping[str, Any]) -> str:
    """The stored numbers in Markdown."""
    warm = sorted(each["seconds"] for each in found["warm"])
    least = min(each["ess"] for each in found["warm"])
    lines = [
        "| start | s (lowest to highest) | smallest bulk ESS |\n|---|---|---|",
        row("cold", f"{found['cold']['seconds']:g}", f"{found['cold']['ess']:,}"),
        row(f"warm, {len(warm)} times", f"**{median(warm):g}** ({warm[0]:g} to {warm[-1]:g})", f"{least:,}"),
    ]
    return "\n".join([*lines, "", f"- {measured_on(found)}"]) + "\n"


def main() -> None:
    """Measure, store and show."""
    with TemporaryDirectory() as at:
        study, compiled = Path(at) / "study", Path(at) / "compiled"
        prepared(study)
        cold = run(study, compiled)
        warm = [run(study, compiled) for _ in range(WARM)]
    about = {"machine": machine(), "engines": engines(), "respondents": RESPONDENTS}
    found: dict[str, Any] = {**about, "cold": cold, "warm": warm}
    write_json(STORED, found)
    put(SCRIPT, table(found))
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
