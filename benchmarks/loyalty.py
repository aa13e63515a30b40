"""Reported loyalty as a user of simuk writes it: one row per respondent, in a plain `pm.Model`.

simuk draws its data from the graph of the model, so every item is an observed random variable with an answer for each
respondent. The disposition is integrated out in `largesse.models.reported_loyalty`; here it is one unknown per
respondent, as it is written by hand. With one item there is none, and the two models have the same posterior:
:func:`agree` holds them against each other.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from largesse import models
from largesse.cells import Cells
from largesse.models.contract import CENTRING
from largesse.priors import PriorSet
from largesse.replicate import Specification, data
from largesse.seeds import generator
from largesse.synthetic import ITEM, World

Array = np.ndarray[Any, Any]

MODEL: Final = "reported_loyalty"
ITEMS: Final = ("pride", "trust", "future")
POINTS: Final = 3  # at which the two densities are compared
TOLERANCE: Final = 1e-8


def specification(items: int) -> Specification:
    """The design of the certificates (8 districts, 400 respondents, two waves), with `items` items."""
    return Specification(MODEL, World(items=dict.fromkeys(ITEMS[:items], ITEM)))


def cells_of(spec: Specification) -> Cells:
    """The cells of the first replicate: the design that simuk's model holds fixed."""
    return data(spec, 0).inputs.cells[MODEL]


def by_rows(cells: Cells, priors: PriorSet) -> pm.Model:
    """The model of `cells`, written on rows: the priors, the predictor, and an ordered logit for each item."""
    rows = {n: np.repeat(cells[n].to_numpy(), cells["people"], axis=0) for n in cells if "cell" in cells[n].dims}
    n, items, answers = len(rows["gift"]), cells.sizes["item"], cells["answers"].to_numpy()
    between = cells["coverage_between"].to_numpy()[rows["in_district"]]
    gift, coverage = rows["gift"].astype(float), rows["coverage"]
    s = {name: prior.arguments.get("sigma") for name, prior in priors.entries.items()}
    with pm.Model() as model:
        alpha = pm.HalfNormal("district_sd", s["district_sd"]) * _zero_sum("district_effect_z", 1.0, "district", cells)
        omega = _zero_sum("wave_effect", s["wave_effect"], "wave", cells)
        beta = pm.Normal("covariate_effect", 0.0, s["covariate_effect"], shape=cells.sizes["covariate"])
        tau = pm.Normal("direct", 0.0, s["direct"])
        tau_d = pm.HalfNormal("direct_sd", s["direct_sd"]) * _zero_sum("direct_district_z", 1.0, "district", cells)
        psi = pm.Normal("spillover", 0.0, s["spillover"])
        psi_1 = pm.Normal("spillover_received", 0.0, s["spillover_received"])
        delta = pm.Normal("between", 0.0, s["between"])
        eta = (
            alpha[rows["in_district"]] + omega[rows["in_wave"]] + pt.dot(rows["x"], beta)
            + (tau + tau_d[rows["in_district"]]) * gift
            + psi * (1 - gift) * coverage + psi_1 * gift * coverage + delta * between
        )  # fmt: skip
        sharp: list[Any] = [1.0] * items
        if items > 1:
            eta = eta + pm.HalfNormal("disposition_sd", s["disposition_sd"]) * pm.Normal("u", 0.0, 1.0, shape=n)
        if items > 2:
            free = pm.LogNormal("discrimination_free", 0.0, s["discrimination"], shape=items - 1)
            sharp = [1.0, *(free[k] for k in range(items - 1))]
        cuts = _cutpoints(priors["cutpoint"].arguments["concentration"], answers)
        for k, item in enumerate(cells["item"].to_numpy()):
            said = pm.Data(f"said_{item}", rows["answer"][:, k])
            pm.OrderedLogistic(str(item), sharp[k] * eta, cuts[k], compute_p=False, observed=said)
    return model


def _zero_sum(name: str, sigma: Any, dim: str, cells: Cells) -> Any:
    return pm.ZeroSumNormal(name, sigma, shape=cells.sizes[dim])


def _cutpoints(concentration: Any, answers: Array) -> list[Any]:
    """Each item's cutpoints under Dirichlet shares, by the sticks that `largesse` draws too."""
    rest = np.concatenate([np.arange(n - 1, 0, -1) for n in answers])
    stick = pm.Beta("cutpoint_stick", concentration, concentration * rest, shape=len(rest))
    ends = np.cumsum(answers - 1)
    above = [pt.cumsum(pt.log1p(-stick[end - (n - 1) : end])) for n, end in zip(answers, ends, strict=True)]
    return [pt.log(pt.expm1(-a)) for a in above]


def agree(cells: Cells, priors: PriorSet, model: pm.Model) -> float:
    """The largest difference of log density between `model` and the one on cells, up to its constant.

    The two are compared at random points of the unconstrained space, where effects are standard deviates on both sides;
    a constant, such as a normalisation that one of them leaves out, changes no posterior and is taken away.

    Errors
    ------
    ValueError
        when they differ: then the two sides would not run the same model.
    """
    ours = models.get(MODEL).build(cells, priors)
    pm.set_data({name: 0.0 for name in ours.named_vars if name.endswith(CENTRING)}, model=ours)  # as the rows are
    start = ours.initial_point()
    if set(start) != set(model.initial_point()):
        raise ValueError(f"the models have different unknowns: {sorted(set(start) ^ set(model.initial_point()))}")
    rng = generator(0, "points")
    points = [{n: v + 0.5 * rng.normal(size=np.shape(v)) for n, v in start.items()} for _ in range(POINTS)]
    densities = [m.compile_logp(mode="FAST_COMPILE") for m in (ours, model)]
    gap = np.array([float(densities[0](p)) - float(densities[1](p)) for p in points])
    if np.ptp(gap) > TOLERANCE:
        raise ValueError(f"the models differ: their log densities are {gap} apart at {POINTS} points")
    return float(np.ptp(gap))
