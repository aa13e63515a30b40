"""brms, through its own R: rows, priors and what to draw go to `brms.R` in a folder, draws and seconds come back."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pandas as pd
from contest import FORMULA, Contest, Data
from entrants import CORES, Sampled
from translation import of_brms, told

from largesse.store import write_json

SCRIPT: Final = Path(__file__).with_name("brms.R")


ASKED: Final = "for (n in c('brms', 'rstan', 'posterior', 'jsonlite')) cat(n, as.character(packageVersion(n)), '\\n')"


def absent() -> str:
    """Why brms cannot be run here; nothing where it can."""
    if shutil.which("Rscript") is None:
        return "R is not installed here"
    return "" if versions() else "R is here without brms"


def versions() -> dict[str, str]:
    """R's packages behind this side and their versions; nothing where one is missing."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return {}
    found = subprocess.run([rscript, "-e", ASKED], check=False, capture_output=True, text=True)  # noqa: S603 (ours)
    return {} if found.returncode else dict(line.split()[:2] for line in found.stdout.splitlines())


class Brms:
    """brms with rstan, all settings but draws, warm-up and chains as they are by default.

    Its seconds are what its chains say of themselves, laid on the cores one after another: the start of R's own worker
    processes and the reading of rows do not count.
    """

    def prepare(self, contest: Contest) -> Mapping[str, float]:
        """Write the rows, have the model compiled."""
        self.contest, self.data = contest, Data.of(contest)
        self.folder = Path(mkdtemp(prefix="brms-"))  # inside the worker's own, which it takes along
        self.waves = [str(w) for w in self.data.cells["wave"].to_numpy()]
        self.data.table().to_csv(self.folder / "rows.csv", index=False)
        found = self._run(None)
        return {"preparation": found["preparation"], "compilation": found["compilation"]}

    def sample(self, seed: int) -> Sampled:
        """One fit by the compiled model."""
        found = self._run(seed)
        table = pd.read_csv(self.folder / "draws.csv")
        shape = (self.contest.chains, self.contest.draws)
        table = table.sort_values([".chain", ".iteration"])
        columns = {name: table[name].to_numpy().reshape(shape) for name in table if not str(name).startswith(".")}
        draws = of_brms(columns, self.data.levels, self.waves)
        self.cost = {"seconds": sum(found["chains"]) / found["steps"]}
        effort = {name: found[name] for name in ("gradients", "depth", "diverging")}
        seconds = laid(found["chains"], CORES)
        return Sampled(None, seconds, told(draws.own()), told(draws.ours(self.data.centre)), effort)

    def gradient(self) -> Mapping[str, float]:
        """From all gradients of the last fit, warm-up included, and the seconds of its chains."""
        return self.cost

    def _run(self, seed: int | None) -> dict[str, Any]:
        c = self.contest
        sampler = {"chains": c.chains, "draws": c.draws, "tune": c.tune, "cores": CORES}
        levels = {"wave": self.waves, **{name: list(levels) for name, levels in self.data.levels.items()}}
        asked = {"formula": FORMULA, "levels": levels, "scale": self.data.normals(), **sampler}
        write_json(self.folder / "asked.json", asked if seed is None else asked | {"seed": seed}, ordered=True)
        command = [str(shutil.which("Rscript")), str(SCRIPT), str(self.folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (the command is ours)
        if done.returncode:
            raise RuntimeError(f"brms.R failed: {done.stderr[-2000:]}")
        return dict(json.loads((self.folder / "told.json").read_text(encoding="utf-8")))


def laid(chains: list[float], cores: int) -> float:
    """Seconds until the last of these chains ends, each started on the core that is free first."""
    busy = [0.0] * cores
    for seconds in chains:
        first = busy.index(min(busy))
        busy[first] += seconds
    return max(busy)
