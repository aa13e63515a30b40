"""Audit: every gate asked of one fit, and what the gates found out on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from largesse import diagnostics
from largesse.cells import Cells, sizes
from largesse.fits import Fit
from largesse.models.contract import Model
from largesse.predictive import Panel, panels
from largesse.priors import PriorSet
from largesse.results import Answer, Verdict
from largesse.seeds import generator
from largesse.settings import Gates
from largesse.simulators.graded import standard_normal_nodes
from largesse.store import write_json

Array = np.ndarray[Any, Any]

LOO_DRAWS: Final = 1000  # importance weights need the tail of the draws, not all of them
REPLICATES: Final = 200  # data sets drawn for each predictive check: the 95 % band is known to about 3 points


@dataclass(frozen=True)
class Audit:
    """The answers of all gates about one fit.

    Attributes
    ----------
    verdicts : one for each gate.
    loo : elpd, its standard error, and the share of influential respondents.
    predictive : one entry for each item and gift arm: observed shares, and mean and band of the replicated ones.
    """

    verdicts: tuple[Verdict, ...]
    loo: Mapping[str, float]
    predictive: tuple[Mapping[str, Any], ...]

    def save(self, path: Path) -> None:
        """Write JSON, atomically, readable by the owner alone."""
        write_json(path, asdict(self), private=True)

    @classmethod
    def read(cls, path: Path) -> Audit:
        """Read a stored audit."""
        table = json.loads(path.read_text(encoding="utf-8"))
        verdicts = tuple(Verdict(**{**row, "answer": Answer(row["answer"])}) for row in table["verdicts"])
        return cls(verdicts, table["loo"], tuple(table["predictive"]))


def audit(fit: Fit, model: Model, cells: Cells, priors: PriorSet, gates: Gates) -> Audit:
    """Ask every gate.

    Parameters
    ----------
    fit, model, cells, priors : a fit and what made it.
    gates : the study's limits.
    """
    seed = int(fit.tree.attrs["seed"])
    loo, numbers = _loo(fit, model, cells)
    posterior = panels(model.twin, fit.thinned(REPLICATES), cells, generator(seed, "posterior predictive", model.name))
    drawn = prior_draws(model, priors, cells, REPLICATES, seed)
    prior = panels(model.twin, drawn, cells, generator(seed, "prior predictive", model.name))
    verdicts = (
        *diagnostics.diagnose(fit.tree, gates),
        quadrature(fit, model, cells),
        diagnostics.predictive(model.name, *_flat(posterior)),
        diagnostics.prior_predictive(model.name, *_flat(prior)),
        loo,
        _exposure(model, cells, gates),
        diagnostics.weighting(model.name, weighted=bool((cells["count"] != cells["people"]).any())),
    )
    return Audit(verdicts, numbers, tuple(_entry(model.name, panel) for panel in posterior))


def prior_draws(model: Model, priors: PriorSet, cells: Cells, draws: int, seed: int) -> dict[str, Array]:
    """Parameter -> [draw, ...]: joint draws from the priors of the terms that the design keeps, by NumPy."""
    kept, _ = model.active(cells)
    rng = generator(seed, "prior draws", model.name)
    lengths, answers = sizes(cells), model.twin.answers(cells)
    each = [priors.draw(kept, lengths, answers, rng) for _ in range(draws)]
    return {p.name: np.array([theta[p.name] for theta in each]) for p in kept}


def quadrature(fit: Fit, model: Model, cells: Cells) -> Verdict:
    """Hold the fit's quadrature against one of many more nodes; not applicable where nothing is integrated."""
    if "node" not in model.arrays(cells, 1):
        words = "this model has no disposition to integrate in this design"
        return Verdict("quadrature", model.name, Answer.NOT_APPLICABLE, words)
    theta = fit.thinned(diagnostics.CHECKED_DRAWS)
    count = cells["count"].to_numpy()
    coarse, fine = (
        model.twin.loglik(theta, cells, standard_normal_nodes(n)) @ count
        for n in (fit.nodes, diagnostics.REFERENCE_NODES)
    )
    return diagnostics.quadrature(model.name, coarse, fine, theta)


def _loo(fit: Fit, model: Model, cells: Cells) -> tuple[Verdict, dict[str, float]]:
    as_many_of_each = LOO_DRAWS // fit.chains * fit.chains
    pointwise = model.twin.loglik(fit.thinned(as_many_of_each), cells, standard_normal_nodes(fit.nodes))
    people = cells["people"].to_numpy().astype(float)
    return diagnostics.loo(model.name, pointwise, people, cells["count"].to_numpy() / people, fit.chains)


def _exposure(model: Model, cells: Cells, gates: Gates) -> Verdict:
    terms = {p.name for p in model.active(cells)[0]}
    if not any(name.endswith("spillover") for name in terms):
        words = "coverage plays no part in this model in this design"
        return Verdict("coverage", model.name, Answer.NOT_APPLICABLE, words)
    source, reliability = str(cells.attrs["coverage_source"]), float(cells.attrs["reliability"])
    return diagnostics.exposure(model.name, source, reliability, gates.reliability)


def _flat(every: list[Panel]) -> tuple[Array, Array]:
    """[share] and [draw, share]: all panels side by side, the last answer of each left out (shares sum to 1)."""
    observed = np.concatenate([p.observed[:-1] for p in every])
    return observed, np.concatenate([p.replicated[:, :-1] for p in every], axis=1)


def _entry(model: str, panel: Panel) -> dict[str, Any]:
    low, high = np.quantile(panel.replicated, [0.025, 0.975], axis=0)
    numbers = {"observed": panel.observed, "mean": panel.replicated.mean(axis=0), "lower": low, "upper": high}
    rounded = {name: [round(float(v), 4) for v in values] for name, values in numbers.items()}
    return {"model": model, "item": panel.item, "arm": panel.arm, "respondents": panel.respondents, **rounded}
