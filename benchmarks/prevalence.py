"""What more people would settle of who supports, and of who says what they do not mean: answers cloned sixteen times.

    python benchmarks/prevalence.py     # some minutes

9,600 people in 12 districts, asked by a list and directly. The same answers are fitted once and with sixteen times the
people. What the answers tell has then a quarter of its sd; what rests on priors keeps it. `make identify` clones
parameters one by one; these are the shares of people that a page tells. Numbers go to
`models/sincere_support/prevalence.json`; `tests/models/test_known_prevalence.py` holds them.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np
from arviz_stats.base import array_stats

from largesse import identification, models
from largesse.cells import Cells
from largesse.cloning import counts_times
from largesse.provenance import engines
from largesse.replicate import as_read
from largesse.sampling import fit
from largesse.settings import Sampler
from largesse.simulators import sincere_support as twin
from largesse.store import fingerprint, write_json
from largesse.synthetic import simulate

log = logging.getLogger(__name__)
MODEL: Final = models.get("sincere_support")
STORED: Final = MODEL.resources / "prevalence.json"
WORLD: Final = identification.designs(MODEL.resources)["one_wave"]
TIMES: Final = 16
SAMPLER: Final = Sampler(draws=2000, tune=1000, chains=2)


def binding() -> str:
    """Of everything that the numbers depend on."""
    cells = identification.binding(MODEL, identification.drawn_in(MODEL, WORLD), WORLD.seed)
    return fingerprint(cells, TIMES, SAMPLER.model_dump(), engines())


def shares(theta: twin.Theta, cells: Cells) -> dict[str, np.ndarray[Any, Any]]:
    """Name -> [draw]: people who support; of them, who would say no; of the rest, who would say yes; who says yes."""
    gift, coverage = cells["gift"].to_numpy().astype(float), cells["coverage"].to_numpy()
    said = twin.leaning(theta, cells, gift, coverage).said()
    people = cells["people"].to_numpy() / cells["people"].to_numpy().sum()
    support = said.sincere @ people
    under, over = (said.sincere * said.under) @ people / support, ((1 - said.sincere) * said.over) @ people
    return {"prevalence": support, "under": under, "over": over / (1 - support), "yes": said.yes @ people}


def told(draws: np.ndarray[Any, Any], chains: int) -> dict[str, float]:
    """Mean, sd and effective draws."""
    ess = float(array_stats.ess(draws.reshape(chains, -1), chain_axis=0, draw_axis=1))
    return {"mean": round(float(draws.mean()), 4), "sd": round(float(draws.std(ddof=1)), 5), "ess": round(ess)}


def main() -> None:
    """Fit once and cloned, and store."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    held, inputs = binding(), as_read(simulate(WORLD), MODEL, MODEL.priors())
    cells = inputs.cells[MODEL.name]
    truth = {p: np.asarray(value)[None] for p, value in (inputs.truth or {})[MODEL.name].items()}
    found: dict[str, dict[str, Any]] = {n: {"truth": round(float(v[0]), 4)} for n, v in shares(truth, cells).items()}
    for run, copied in (("once", cells), ("cloned", counts_times(cells, TIMES))):
        made = fit(MODEL, copied, MODEL.priors(), SAMPLER, seed=WORLD.seed)
        for share, draws in shares(made.theta, copied).items():
            found[share][run] = told(draws, SAMPLER.chains)
    table = {n: row | {"ratio": round(row["cloned"]["sd"] / row["once"]["sd"], 3)} for n, row in found.items()}
    log.info("%s", table)
    write_json(STORED, {"binding": held, "times": TIMES, "found": table})


if __name__ == "__main__":
    main()
