"""Diagnostics: draws in, verdicts out. The sampler prints no warnings of its own, so every gate is asked here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import logsumexp
from scipy.stats import binom

from largesse.results import Answer, Verdict
from largesse.settings import Gates

Array = np.ndarray[Any, np.dtype[np.float64]]

REFERENCE_NODES: Final = 201
ERROR_SD, SHIFT = 0.05, 0.05  # log-likelihood error over the draws; shift of a parameter in posterior sds
CHECKED_DRAWS: Final = 100  # enough to see an error whose sd is .05, at a tenth of the cost
POSTERIOR_BAND, PRIOR_BAND = 0.95, 0.99
FLAT: Final = 1e-10  # a log-likelihood that varies by less over the draws does not depend on them
INFLUENTIAL: Final = 0.01  # share of respondents beyond it that is worth a word
PARETO_K: Final = 0.7  # above it importance weights cannot be trusted, however many draws (Vehtari et al. 2024)
ENDS: Final = (0.05, 0.95)  # the quantiles whose effective draws are asked for


class Gate(NamedTuple):
    """One question about the draws: how to measure it, which limit holds, and the sentences."""

    name: str
    measure: Callable[[xr.DataTree], float]
    limit: str  # the key of `Gates`
    below: bool  # True when the value must not exceed the limit
    good: str
    bad: str
    needs: str = ""  # the statistic of the sampler it reads; without it the gate was not run


def diagnose(tree: xr.DataTree, gates: Gates | None = None) -> tuple[Verdict, ...]:
    """Convergence verdicts of one fit.

    Parameters
    ----------
    tree : groups `posterior` and `sample_stats` with dims (chain, draw, ...), `attrs["model"]`.
    gates : the limits; defaults of :class:`~largesse.study.Gates`.

    Returns
    -------
    One verdict each for R-hat, bulk ESS, tail ESS, divergences, tree depth and E-BFMI.
    """
    gates = gates or Gates()
    return tuple(_ask(gate, tree, float({**gates.model_dump(), "none": 0.0}[gate.limit])) for gate in GATES)


def _ask(gate: Gate, tree: xr.DataTree, limit: float) -> Verdict:
    model = str(tree.attrs.get("model", ""))
    if gate.needs and gate.needs not in tree["sample_stats"]:
        return Verdict(gate.name, model, Answer.NOT_RUN, f"the draws come without {gate.needs!r}", None, limit)
    value = gate.measure(tree)
    passed = value <= limit if gate.below else value >= limit
    sentence = (gate.good if passed else gate.bad).format(value=value, limit=limit)
    answer = Answer.PASSED if passed else Answer.FAILED
    return Verdict(gate.name, model, answer, sentence, round(value, 4), limit)


def _every_scalar(tree: xr.DataTree, statistic: Callable[..., Any], worst: Callable[..., Any], **how: Any) -> float:
    """The worst value over every scalar of the posterior; one that never moves in any chain is a constant, not drawn.

    Where nothing at all moves there is no value: not a number, which keeps no limit.
    """
    values = []
    for variable in tree["posterior"].to_dataset().data_vars.values():
        draws = variable.transpose("chain", "draw", ...).to_numpy()
        flat = draws.reshape(*draws.shape[:2], -1)
        moving = flat[:, :, np.ptp(flat, axis=(0, 1)) != 0]  # what is no number is no constant
        if moving.shape[2]:
            values.append(worst(statistic(moving, chain_axis=0, draw_axis=1, **how)))
    return float(worst(values)) if values else float("nan")


def _stat(tree: xr.DataTree, name: str) -> Array:
    return np.asarray(tree["sample_stats"][name].transpose("chain", "draw").to_numpy())


GATES: Final = (
    Gate("R-hat", lambda t: _every_scalar(t, array_stats.rhat, np.max), "rhat", True,
         "the chains agree (largest R-hat {value:.3f})",
         "the chains disagree (largest R-hat {value:.3f}, limit {limit}): draw longer, or look for two modes"),
    Gate("bulk ESS", lambda t: _every_scalar(t, array_stats.ess, np.min, method="bulk"), "ess", False,
         "means rest on at least {value:.0f} effective draws",
         "some mean rests on {value:.0f} effective draws only (at least {limit:.0f} wanted): draw longer"),
    Gate("tail ESS", lambda t: _every_scalar(t, array_stats.ess, np.min, method="tail", prob=ENDS), "ess", False,
         "interval ends rest on at least {value:.0f} effective draws",
         "some interval end rests on {value:.0f} effective draws only (at least {limit:.0f} wanted): draw longer"),
    Gate("divergences", lambda t: float(_stat(t, "diverging").sum()), "divergences", True,
         "no draw diverged",
         "{value:.0f} draws diverged: part of the posterior may be unexplored; use a narrower prior or fewer terms",
         "diverging"),
    Gate("tree depth", lambda t: float(_stat(t, "maxdepth_reached").sum()), "none", True,
         "no trajectory was cut short",
         "{value:.0f} trajectories were cut short: draws are slow to move, not wrong; draw longer",
         "maxdepth_reached"),
    Gate("E-BFMI", lambda t: float(np.min(array_stats.bfmi(_stat(t, "energy")))), "ebfmi", False,
         "the sampler explores all energies (smallest E-BFMI {value:.2f})",
         "the sampler is stuck at some energies (smallest E-BFMI {value:.2f}, at least {limit} wanted):"
         " use a narrower prior on the sds", "energy"),
)  # fmt: skip


def quadrature(model: str, coarse: Array, fine: Array, theta: Mapping[str, Array]) -> Verdict:
    """Whether the quadrature nodes of a fit were enough, against many more.

    Parameters
    ----------
    coarse, fine : [draw] joint log-likelihood at the nodes of the fit and at the reference.
    theta : parameter -> [draw, ...], the same draws.

    Returns
    -------
    Passed when the error varies by less than .05 over the draws and reweighting by it shifts no parameter by more
    than .05 posterior sd: an error that is the same for all draws changes nothing.
    """
    error = fine - coarse
    weight = np.exp(error - logsumexp(error))
    shift = max(float(np.max(np.abs(_shift(v.reshape(len(v), -1), weight)))) for v in theta.values())
    spread = float(np.std(error))
    good = spread < ERROR_SD and shift < SHIFT
    words = f"error over the draws {spread:.3f}, largest shift {shift:.3f} posterior sd"
    sentence = f"the disposition is integrated finely enough ({words})" if good else (
        f"the disposition is integrated too coarsely ({words}): use more nodes")  # fmt: skip
    return Verdict("quadrature", model, Answer.PASSED if good else Answer.FAILED, sentence, round(spread, 5), ERROR_SD)


def _shift(draws: Array, weight: Array) -> Array:
    sd = draws.std(axis=0)
    moved = weight @ draws - draws.mean(axis=0)
    return np.asarray(np.divide(moved, sd, out=np.zeros_like(moved), where=sd > 0))


def loo(model: str, pointwise: Array, people: Array, weight: Array, chains: int) -> tuple[Verdict, dict[str, float]]:
    """Respondent-level leave-one-out from cells: exact, since respondents of a cell are exchangeable.

    Parameters
    ----------
    pointwise : [draw, cell] log-likelihood of one respondent of each cell.
    people : [cell] respondents in it.
    weight : [cell] how much each of them counted in the fit; 1 unless the likelihood was weighted.
    chains : how many chains the draws come from.

    Returns
    -------
    The verdict on the importance weights, and elpd, its standard error, and the share of respondents whose Pareto k is
    above .7, or what the number of draws allows where that is less (Vehtari, Gelman & Gabry 2017; Vehtari et al. 2024).
    Their weights are the inverse of the likelihood that the respondent had in the fit.
    """
    moving = np.ptp(pointwise * weight, axis=0) > FLAT  # where nothing depends on the draw, leaving out changes nothing
    left_out, k = np.full(pointwise.T.shape, -np.log(len(pointwise))), np.full(len(people), -np.inf)
    if moving.any():
        likelihood = np.exp(pointwise[:, moving]).T
        ess = array_stats.ess(likelihood.reshape(len(likelihood), chains, -1), chain_axis=1, draw_axis=2)
        r_eff = float(np.clip(np.average(ess, weights=people[moving]) / len(pointwise), 1e-3, 1.0))
        left_out[moving], k[moving] = array_stats.psislw((weight * pointwise)[:, moving].T, r_eff=r_eff, axis=-1)
    elpd = logsumexp(left_out + pointwise.T, axis=1)
    n = people.sum()
    total = float(people @ elpd)
    se = float(np.sqrt(n * (people @ (elpd - total / n) ** 2) / n))
    bad = float(people @ ~(k <= min(PARETO_K, 1 - 1 / np.log10(len(pointwise)))) / n)  # one that is no number is bad
    answer = Answer.PASSED if bad < INFLUENTIAL else Answer.FLAGGED
    sentence = f"{bad:.1%} of respondents are too influential for leave-one-out to be exact" if bad else (
        "no respondent is influential enough to disturb leave-one-out")  # fmt: skip
    numbers = {"elpd": total, "se": se, "influential": bad}
    return Verdict("leave-one-out", model, answer, sentence, bad, INFLUENTIAL), numbers


def predictive(model: str, observed: Array, replicated: Array) -> Verdict:
    """Whether data drawn from the fit look like the data: shares of each answer, by item and gift arm.

    Parameters
    ----------
    observed : [share]; replicated : [draw, share].

    Returns
    -------
    Passed when no more shares fall outside their 95 % predictive interval than do in 99 of 100 data sets drawn, or than
    the binomial quantile allows: shares that move together (of one list, say) fall outside together.
    """
    outside, n = int(_outside(observed, replicated, POSTERIOR_BAND)), len(observed)
    drawn = np.quantile(_outside(replicated, replicated, POSTERIOR_BAND), 0.99, method="higher")
    allowed = max(int(drawn), int(binom.ppf(0.99, n, 1 - POSTERIOR_BAND)))
    good = outside <= allowed
    verb = "look" if good else "do not look"
    sentence = f"data drawn from the fit {verb} like the data ({outside} of {n} shares outside their 95 % interval)"
    return Verdict("posterior predictive", model, Answer.PASSED if good else Answer.FAILED, sentence, outside, allowed)


def prior_predictive(model: str, observed: Array, replicated: Array) -> Verdict:
    """Whether the priors thought the data possible: no observed share outside the 99 % prior predictive interval.

    A prior that rules out what was seen argues with the data; one flag is worth a look at the prior, not a failed fit.
    """
    outside, n = int(_outside(observed, replicated, PRIOR_BAND)), len(observed)
    sentence = f"the priors think every observed share possible ({n} shares)" if not outside else (
        f"{outside} of {n} observed shares lie outside what the priors think possible: read them again")  # fmt: skip
    answer = Answer.FLAGGED if outside else Answer.PASSED
    return Verdict("prior predictive", model, answer, sentence, outside, 0)


def _outside(observed: Array, replicated: Array, band: float) -> Any:
    """How many of [..., share] lie outside the band of [draw, share]."""
    low, high = np.quantile(replicated, [(1 - band) / 2, (1 + band) / 2], axis=0)
    return ((observed < low) | (observed > high)).sum(axis=-1)


def exposure(model: str, source: str, reliability: float, limit: float) -> Verdict:
    """Whether coverage is known well enough to carry a spillover."""
    if source == "administrative":
        return Verdict("coverage", model, Answer.PASSED, "coverage is taken from the district file", 1.0, limit)
    sentence = f"coverage is the sample's receipt rate, with reliability {reliability:.2f}"
    if reliability >= limit:
        return Verdict("coverage", model, Answer.PASSED, sentence, round(reliability, 3), limit)
    short = f"{sentence}: effects of coverage are attenuated to about {reliability:.0%} of their size"
    return Verdict("coverage", model, Answer.FLAGGED, short, round(reliability, 3), limit)


def weighting(model: str, *, weighted: bool) -> Verdict:
    """What weights in the likelihood cost."""
    if not weighted:
        return Verdict("weights", model, Answer.PASSED, "the likelihood is unweighted; weights enter the averages only")
    words = "a weighted likelihood gives a pseudo-posterior: intervals approximate, clustering not included"
    return Verdict("weights", model, Answer.FLAGGED, words)
