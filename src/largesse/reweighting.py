"""Reweighting: what effects would be under the other priors that a careful reader might have chosen.

Nothing is fitted again: draws count by the ratio of the other prior to the one they were drawn under, their weights
smoothed by a Pareto tail (Vehtari et al. 2024). Where too few draws carry the weight there is no answer. Beside it
stands how much an effect moves when all priors that name alternatives, or the likelihood, count a little more or less
(power scaling; Kallioinen et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import expit

from largesse import dims
from largesse.diagnostics import PARETO_K
from largesse.estimands import EVERYONE
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model
from largesse.parameters import Parameter
from largesse.priors import Alternative, Prior
from largesse.results import Estimate
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]

DRAWS: Final = 1000  # smoothed weights need the tail of the draws, not all of them
ALPHAS: Final = (0.99, 1.01)  # powers that a component is raised to, near enough to 1 for a slope
HEADLINE: Final = ("loyalty.direct", "loyalty.spillover", "market_any.direct")


def ranges(
    drawn: xr.Dataset, fit: Fit, model: Model, inputs: Inputs, estimates: tuple[Estimate, ...]
) -> list[dict[str, Any]]:
    """The effects for everyone that lead the page, and each that is driven by its prior, under other priors.

    Parameters
    ----------
    drawn : the effects, as :func:`largesse.findings.estimate` gives them of the fit.
    estimates : those of the study, which say what is prior-driven.

    Returns
    -------
    One row for each effect: `key`, `model`, `status`, its own `mean`, `lower`, `upper`; `others`, for each alternative
    of a prior that the design keeps [{`parameter`, `name`, `khat`, and `mean`, `lower`, `upper`, None where the k-hat
    is .7 or more}]; `prior` and `likelihood`, the power-scaling sensitivities.
    """
    told = {e.key: e for e in estimates if e.model == model.name and not e.group}
    few, drawn = _thinned(fit), drawn.isel({dims.DRAW: _kept(fit)})
    effects = {n: e for n, e in told.items() if n in drawn and (n in HEADLINE or e.status == "prior_driven")}
    if not effects:
        return []
    weights = list(_others(few, model, inputs))
    scaled = _scaled(few, model, inputs)
    tail = (1 - inputs.study.estimands.interval) / 2
    rows = []
    for name, e in effects.items():
        draws = drawn[name].sel(group=EVERYONE).to_numpy()
        own = {"key": name, "model": model.name, "status": e.status, "mean": e.mean, "lower": e.lower, "upper": e.upper}
        others = [about | _summary(draws, w, tail, float(about["khat"])) for about, w in weights]
        rows.append(own | {"others": others} | {part: _moves(draws, lw, few.chains) for part, lw in scaled.items()})
    return rows


def _thinned(fit: Fit) -> Fit:
    """The fit with about `DRAWS` of its draws, evenly spaced, as many of each chain."""
    posterior = fit.tree["posterior"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": posterior.isel(draw=slice(None, None, _step(fit)))})
    tree.attrs = dict(fit.tree.attrs)
    return Fit(tree)


def _kept(fit: Fit) -> Array:
    """Where the draws that :func:`_thinned` keeps stand among all, chains stacked."""
    draws = fit.tree["posterior"].sizes["draw"]
    return np.arange(fit.chains * draws).reshape(fit.chains, draws)[:, :: _step(fit)].ravel()


def _step(fit: Fit) -> int:
    return max(1, fit.chains * fit.tree["posterior"].sizes["draw"] // DRAWS)


def _disputed(model: Model, inputs: Inputs) -> Iterator[tuple[Parameter, Prior]]:
    """The parameters of this design whose priors name alternatives, unless they are borrowed: it is the loan then."""
    priors = inputs.priors[model.name]
    lent = priors.borrowed.parameters if priors.borrowed else frozenset()
    for p in model.active(inputs.cells[model.name])[0]:
        if priors[p.name].alternatives and p.name not in lent:
            yield p, priors[p.name]


def _others(fit: Fit, model: Model, inputs: Inputs) -> Iterator[tuple[dict[str, Any], Array]]:
    """Each alternative with the weights of the draws under it, which sum to 1."""
    answers = model.twin.answers(inputs.cells[model.name])
    for p, prior in _disputed(model, inputs):
        own = log_density(p, prior, fit.theta, answers)
        for other in prior.alternatives:
            ratio = log_density(p, instead(prior, other), fit.theta, answers) - own
            log_weight, k = array_stats.psislw(-ratio)  # written for leaving out, it takes what is divided by
            khat = float(k) if np.isfinite(k) else 0.0  # weights that are all alike have no tail
            yield {"parameter": p.name, "name": other.name, "khat": round(khat, 2)}, np.exp(log_weight)


def instead(prior: Prior, other: Alternative) -> Prior:
    """The prior with the distribution of one of its alternatives."""
    return prior.model_copy(update={"distribution": other.distribution, "arguments": dict(other.arguments)})


def log_density(p: Parameter, prior: Prior, theta: Theta, answers: Mapping[str, tuple[int, ...]]) -> Array:
    """[draw] log density of a parameter, summed over its elements; of cutpoints, that of the shares they stand for."""
    values = theta[p.name]
    if p.construct == "cutpoints":
        ends = np.cumsum([n - 1 for n in answers[p.dims[0]]])[:-1]
        items = np.split(values, ends, axis=-1)
        shares = (np.diff(expit(cut), prepend=0.0, append=1.0, axis=-1) for cut in items)
        return np.asarray(sum(prior.logpdf(share) for share in shares))
    if p.construct == "discrimination":
        values = values[..., 1:]  # the first is 1 by definition
    found = prior.logpdf(values, {n: _beside(v, values) for n, v in theta.items()})
    return np.asarray(found.reshape(len(found), -1).sum(axis=1))


def _beside(scale: Array, values: Array) -> Array:
    """A scalar parameter's draws in a shape that goes with those of a parameter that names it as its scale."""
    return scale.reshape(len(scale), *[1] * (values.ndim - 1)) if scale.ndim == 1 else scale


def _summary(draws: Array, weight: Array, tail: float, khat: float) -> dict[str, float | None]:
    """Weighted mean and equal tails; nothing where the weights cannot be trusted."""
    if khat >= PARETO_K:
        return {"mean": None, "lower": None, "upper": None}
    order = np.argsort(draws)
    lower, upper = np.interp([tail, 1 - tail], np.cumsum(weight[order]), draws[order])
    return {"mean": float(weight @ draws / weight.sum()), "lower": float(lower), "upper": float(upper)}


def _scaled(fit: Fit, model: Model, inputs: Inputs) -> dict[str, tuple[Array, Array]]:
    """Component -> the log weights of draws when it counts a little less and a little more, each [draw]."""
    cells = inputs.cells[model.name]
    answers = model.twin.answers(cells)
    chosen = [log_density(p, prior, fit.theta, answers) for p, prior in _disputed(model, inputs)]
    chosen += _lent(fit, model, inputs)
    likelihood = model.twin.loglik(fit.theta, cells, standard_normal_nodes(fit.nodes)) @ cells["count"].to_numpy()
    parts = {"prior": np.sum(chosen, axis=0) if chosen else np.zeros(len(likelihood)), "likelihood": likelihood}
    return {part: tuple(array_stats.power_scale_lw(log, alpha=a) for a in ALPHAS) for part, log in parts.items()}


def _lent(fit: Fit, model: Model, inputs: Inputs) -> list[Array]:
    """[draw] log densities of what is borrowed: of the model's own priors, and of the mixture against them."""
    priors, cells = inputs.priors[model.name], inputs.cells[model.name]
    if (borrowed := priors.borrowed) is None:
        return []
    answers = model.twin.answers(cells)
    lent = (p for p in model.active(cells)[0] if p.name in borrowed.parameters)
    own = [log_density(p, priors[p.name], fit.theta, answers) for p in lent]
    return [*own, borrowed.held(fit.theta, priors.entries)[0].sum(axis=1)]


def _moves(draws: Array, log_weights: tuple[Array, Array], chains: int) -> float:
    """Power-scaling sensitivity: how far the distribution of an effect moves per doubling of a component's weight."""
    values, lower, upper = (v.reshape(chains, -1) for v in (draws, *(np.exp(w) for w in log_weights)))
    how = {"lower_alpha": ALPHAS[0], "upper_alpha": ALPHAS[1], "chain_axis": 0, "draw_axis": 1}
    return round(float(array_stats.power_scale_sense(values, lower, upper, **how)), 3)
