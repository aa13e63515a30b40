"""What a gift does to minds, where it does nothing: offices favour the privately loyal, and receivers say more.

    python benchmarks/support.py     # a quarter of an hour on two cores

4,000 respondents in 12 districts, asked by a list and directly, and about loyalty twice; favour .9. A gift changes what
people say and no mind. `sincere_support` takes receivers for people like the rest; `joint` lets offices favour those
who are loyal, as strongly as answers from before say. Beside it, how long `sincere_support` takes with 1,000
respondents. Numbers go to `models/joint/support.json`; `tests/models/test_known_support.py` holds them.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from clock import machine
from favour import smallest, summary

from largesse import findings, models
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model
from largesse.provenance import engines, source
from largesse.replicate import as_read
from largesse.sampling import compiled, fit
from largesse.settings import Sampler
from largesse.store import fingerprint, write_json
from largesse.synthetic import ITEM, World, simulate

log = logging.getLogger(__name__)
STORED: Final = Path(__file__).parents[1] / "models" / "joint" / "support.json"
MODELS: Final = ("sincere_support", "joint")
SHOWN: Final = ("said.direct", "sincere.direct", "belief.direct", "words.direct")
COVERAGE: Final = ("spillover", "spillover_received", "between")  # gifts of others do nothing
WORLD: Final = World(
    name="support",
    seed=7,
    respondents=4000,
    districts=12,
    categorical={},
    continuous={},
    items={"pride": ITEM, "trust": ITEM},
    before={"pride_before": ITEM},
    market=(),
    direct=True,
    control_items=3,
    truth={
        "joint": {
            "favour": 0.9,
            "favour_sd": 0.1,
            "receipt_intercept": -0.5,
            "loyalty_disposition_sd": 1.3,
            "loyalty_direct": 0.4,
            "sincere_intercept": 0.0,
            "sincere_direct": 0.0,
            "sincere_direct_sd": 0.1,
            "sincere_disposition": 1.2,
            "willing_direct": 0.8,
            "willing_direct_sd": 0.1,
            "willing_disposition": 0.3,
            "under_intercept": -2.0,
            "over_intercept": -1.2,
            **{f"{on}_{term}": 0.0 for on in ("sincere", "willing") for term in COVERAGE},
        }
    },
)
THOUSAND: Final = World(
    name="thousand", seed=1, respondents=1000, districts=6, market=(), items={}, direct=True, control_items=3
)
SAMPLER: Final = Sampler(draws=800, tune=500, chains=2)
QUICK: Final = Sampler(draws=1100, tune=400, chains=2)  # about as few draws as leave 400 effective ones
SEEDS: Final = (1, 2, 3)


def binding() -> str:
    """Of everything that the numbers depend on."""
    twins = (f"simulators/{n}.py" for n in ("joint", "sincere_support", "graded", "predictor", "gift_allocation"))
    code = source(*twins, "synthetic.py", "sampling.py", "cells.py", "belief.py", "estimands.py")
    made = [models.get(name) for name in MODELS]
    parts = [(m.fingerprint, m.priors().fingerprint) for m in made]
    worlds = [w.model_dump(mode="json") for w in (WORLD, THOUSAND)]
    return fingerprint(parts, code, engines(), worlds, SAMPLER.model_dump(), QUICK.model_dump())


def main() -> None:
    """Fit, time, and store."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    quick = list(timed())
    synthetic = simulate(WORLD)
    found: dict[str, Any] = {}
    for name in MODELS:
        model = models.get(name)
        inputs = as_read(synthetic, model, model.priors())
        made, seconds = drawn(model, inputs, SAMPLER, WORLD.seed)
        effects = findings.estimate(made, model, inputs)
        told = {key: summary(effects[key].isel(group=0).to_numpy()) for key in SHOWN}
        found[name] = {"seconds": seconds, "ess": smallest(made), **told}
        log.info("%s: %s", name, found[name])
    truth = {name: np.asarray(value)[None] for name, value in (inputs.truth or {})["joint"].items()}
    known = findings.quantities(truth, made.nodes, model, inputs)
    true = {key: round(float(known[key][0]), 4) for key in SHOWN}
    write_json(STORED, {"binding": binding(), "machine": machine(), "truth": true, "quick": quick, "found": found})


def timed() -> Any:
    """Fits of 1,000 respondents to a list and a direct question, already compiled."""
    model = models.get("sincere_support")
    inputs = as_read(simulate(THOUSAND), model, model.priors())
    compiled(model, inputs.cells[model.name], inputs.priors[model.name])
    for seed in SEEDS:
        made, seconds = drawn(model, inputs, QUICK, seed)
        yield {"seconds": seconds, "ess": smallest(made)}
        log.info("1,000 respondents: %.1f s", seconds)


def drawn(model: Model, inputs: Inputs, sampler: Sampler, seed: int) -> tuple[Fit, float]:
    """A fit, and its seconds."""
    started = time.monotonic()
    made = fit(model, inputs.cells[model.name], sampler=sampler, seed=seed)
    return made, round(time.monotonic() - started, 1)


if __name__ == "__main__":
    main()
