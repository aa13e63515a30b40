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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from clock import machine
from favour import smallest, summary

from largesse import findings, models
from largesse.figures.canvas import WIDTH, blank
from largesse.figures.style import BLUE, INK, MUTED, VERMILLION, Picture, styled
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model
from largesse.provenance import engines, source
from largesse.replicate import as_read
from largesse.sampling import compiled, fit
from largesse.settings import Sampler
from largesse.store import atomic, fingerprint, write_json
from largesse.synthetic import ITEM, World, simulate

log = logging.getLogger(__name__)
STORED: Final = Path(__file__).parents[1] / "models" / "joint" / "support.json"
PICTURE: Final = STORED.with_suffix(".svg")
MODELS: Final = ("sincere_support", "joint")
NAMES: Final = {
    "said.direct": "people say yes",
    "sincere.direct": "people support",
    "belief.direct": "of what is said, belief",
    "words.direct": "of what is said, words",
}
SHOWN: Final = tuple(NAMES)
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
    table = {"binding": binding(), "machine": machine(), "truth": true, "quick": quick, "found": found}
    write_json(STORED, table)
    with atomic(PICTURE) as part:
        part.write_bytes(picture(table).svg())


@styled
def picture(table: Mapping[str, Any]) -> Picture:
    """Each effect by both models, with 95 % intervals, and its truth."""
    figure = blank(len(SHOWN) * 0.5, 0.68, synthetic=True)
    tall = figure.get_figheight()
    axes = figure.add_axes((1.75 / WIDTH, 0.68 / tall, 1 - 1.9 / WIDTH, len(SHOWN) * 0.5 / tall))
    rows = np.arange(len(SHOWN))[::-1].astype(float)
    styles: dict[str, dict[str, Any]] = {
        "sincere_support": {"color": MUTED, "marker": "D", "markerfacecolor": "white", "label": "favour left out"},
        "joint": {"color": BLUE, "marker": "o", "label": "receipt and answers together"},
    }
    for (name, style), shift in zip(styles.items(), (0.14, -0.14), strict=True):
        each = [table["found"][name][key] for key in SHOWN]
        mean, low, high = (100 * np.array([e[k] for e in each]) for k in ("mean", "lower", "upper"))
        axes.errorbar(mean, rows + shift, xerr=[mean - low, high - mean], linestyle="none", **style)
    truth = [100 * table["truth"][key] for key in SHOWN]
    axes.plot(truth, rows, "x", color=VERMILLION, markersize=7, label="truth")
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(rows, [NAMES[key] for key in SHOWN], color=INK)
    axes.set_ylim(-0.5, len(SHOWN) - 0.4)
    axes.set_xlabel("effect of a gift on who receives it, points of 100")
    axes.grid(axis="x")
    figure.legend(loc="lower center", ncols=3)
    found = [f"{NAMES[key]}: {table['found'][name][key]['mean']:.3f} by {name}" for key in SHOWN for name in MODELS]
    figure.tell("What a gift does to minds and to words, by two models, with 95% intervals.", found)
    return figure


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
