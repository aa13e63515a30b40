"""What assuming that offices favour nobody costs, where they favour the privately loyal: one simulated survey.

    python benchmarks/favour.py     # ten minutes on two cores

24 districts, 2,000 respondents, three items and one asked before the gift; favour .7 and a direct effect of .45. The
joint model is fitted with the favour set on a grid, without the answers from before, and with them, the favour
estimated. Numbers go to `models/joint/favour.json`, the picture of the card beside it;
`tests/models/test_known_favour.py` holds both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from arviz_stats.base import array_stats
from clock import machine

from largesse import models, sensitivity
from largesse.figures.canvas import WIDTH, above, blank
from largesse.figures.style import BLUE, INK, MUTED, VERMILLION, Picture, styled
from largesse.fits import Fit
from largesse.provenance import engines, source
from largesse.replicate import as_read
from largesse.sampling import compiled, fit
from largesse.settings import Sampler
from largesse.store import atomic, fingerprint, write_json
from largesse.synthetic import ITEM, World, simulate

log = logging.getLogger(__name__)
ROOT: Final = Path(__file__).parents[1]
TRUE: Final = 0.7
DIRECT: Final = 0.45
GRID: Final = (0.0, 0.15, 0.3, 0.45, 0.6, TRUE, 0.8, 1.0, 1.2)
WORLD: Final = World(
    name="favour",
    seed=20171012,
    respondents=2000,
    districts=24,
    items={"pride": ITEM, "support": ITEM, "trust": ITEM},
    before={"pride_before": ITEM},
    truth={
        "joint": {
            "favour": TRUE,
            "favour_sd": 0.1,
            "receipt_intercept": -0.9,
            "loyalty_direct": DIRECT,
            "loyalty_direct_sd": 0.1,
            "loyalty_spillover": -0.8,
            "loyalty_disposition_sd": 1.3,
        }
    },
)
SAMPLER: Final = Sampler(draws=600, tune=400, chains=2)
QUICK: Final = Sampler(draws=1200, tune=300, chains=2)  # about as few draws as leave 400 effective ones
SEEDS: Final = (1, 2, 3)
STORED: Final = ROOT / "models" / "joint" / "favour.json"
PICTURE: Final = STORED.with_suffix(".svg")


def binding() -> str:
    """Of everything that the numbers depend on."""
    model = models.get("joint")
    twins = (f"simulators/{name}.py" for name in ("joint", "graded", "predictor", "gift_allocation"))
    code = source(*twins, "synthetic.py", "sampling.py", "sensitivity.py", "cells.py")
    parts = (model.fingerprint, code, model.priors().fingerprint, engines())
    return fingerprint(*parts, WORLD.model_dump(mode="json"), GRID, SAMPLER.model_dump())


def main() -> None:
    """Fit, time, and store."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model = models.get("joint")
    inputs = as_read(simulate(WORLD), model, model.priors())
    compiled(model, inputs.cells["joint"], inputs.priors["joint"])
    runs: list[dict[str, Any]] = []

    def timed(*args: Any, **kwargs: Any) -> Fit:
        started = time.monotonic()
        found = fit(*args, **kwargs)
        told = {name: summary(found.theta[name]) for name in ("favour", "loyalty_direct")}
        runs.append({"seconds": round(time.monotonic() - started, 1), "ess": smallest(found), **told})
        log.info("%s", runs[-1])
        return found

    for seed in SEEDS:
        timed(model, inputs.cells["joint"], sampler=QUICK, seed=seed)
    timed(model, inputs.cells["joint"], sampler=SAMPLER, seed=WORLD.seed)
    asked = inputs.study.estimands.model_copy(update={"favours": GRID})
    inputs = replace(inputs, study=inputs.study.model_copy(update={"estimands": asked}))
    curve = sensitivity.tipping(model, inputs, timed, sampler=SAMPLER)
    quick, (estimated, *swept) = runs[: len(SEEDS)], runs[len(SEEDS) :]
    points = [
        {**run, "favour": p.favour, "settled": p.settled, "effect": p.effects["loyalty.direct"]}
        for p, run in zip(curve.points, swept, strict=True)
    ]
    about = {"binding": binding(), "truth": {"favour": TRUE, "loyalty_direct": DIRECT}, "machine": machine()}
    table = {**about, "quick": quick, "estimated": estimated, "points": points}
    write_json(STORED, table)
    with atomic(PICTURE) as part:
        part.write_bytes(picture(table).svg())


@styled
def picture(table: Mapping[str, Any]) -> Picture:
    """The direct effect over favour, where answers from before put both, and the truth."""
    figure = blank(2.4, 0.5, synthetic=True)
    tall = figure.get_figheight()
    axes = figure.add_axes((0.5 / WIDTH, 0.5 / tall, 1 - 0.7 / WIDTH, 2.4 / tall))
    favour = [p["favour"] for p in table["points"]]
    mean, low, high = ([p["loyalty_direct"][k] for p in table["points"]] for k in ("mean", "lower", "upper"))
    axes.fill_between(favour, low, high, color=BLUE, alpha=0.16, linewidth=0)
    axes.plot(favour, mean, color=BLUE, marker="o", markersize=3.5, label="favour set, nothing asked before")
    at, effect = table["estimated"]["favour"], table["estimated"]["loyalty_direct"]
    cross: dict[str, Any] = {"color": INK, "linewidth": 1.4}
    axes.plot([at["lower"], at["upper"]], [effect["mean"]] * 2, **cross)
    axes.plot(
        [at["mean"]] * 2, [effect["lower"], effect["upper"]], **cross, label="favour estimated by answers from before"
    )
    truth = table["truth"]
    axes.plot(truth["favour"], truth["loyalty_direct"], "x", color=VERMILLION, markersize=7, label="truth")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlabel("favour, logits of a gift per sd of the disposition")
    axes.grid(axis="y")
    axes.legend(loc="upper right")
    above(axes, "Direct effect of a gift on reported loyalty, logits", (-24, 9), weight="bold")
    found = [f"favour {p['favour']:g}: {p['loyalty_direct']['mean']:.2f}" for p in table["points"]]
    figure.tell("The direct effect by the favour that is assumed, with 95% intervals.", found)
    return figure


def summary(draws: np.ndarray[Any, Any]) -> dict[str, float]:
    """Mean, sd and 95 % interval."""
    lower, upper = np.quantile(draws, [0.025, 0.975])
    numbers = {"mean": draws.mean(), "sd": draws.std(ddof=1), "lower": lower, "upper": upper}
    return {name: round(float(value), 4) for name, value in numbers.items()}


def smallest(found: Fit) -> dict[str, float]:
    """The smallest bulk ESS of any parameter, and which."""
    posterior = found.tree["posterior"].to_dataset()
    each = {}
    for name, values in posterior.data_vars.items():
        flat = values.to_numpy().reshape(*values.shape[:2], -1)
        ess = [
            float(array_stats.ess(flat[:, :, j], method="bulk", chain_axis=0, draw_axis=1))
            for j in range(flat.shape[2])
        ]
        each[str(name)] = float(np.nanmin(ess))
    worst = min(each, key=lambda name: each[name])
    return {worst: round(each[worst], 0)}


if __name__ == "__main__":
    main()
