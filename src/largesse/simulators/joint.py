"""Receipt, loyalty, the market and support together, in NumPy: the second implementation of `models/joint.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit, log_expit, logsumexp

from largesse.cells import part
from largesse.simulators import gift_allocation, graded, market_participation, sincere_support
from largesse.simulators.predictor import Theta, draws_of, fixed, predictor
from largesse.simulators.sincere_support import Said

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]


def _under(theta: Theta, prefix: str) -> dict[str, Array]:
    """The parameters of one equation, by the names that its own twin knows."""
    return {name.removeprefix(prefix): v for name, v in theta.items() if name.startswith(prefix)}


def log_odds(theta: Theta, rows: xr.Dataset) -> Array:
    """[draw, row] log-odds of receiving for people of disposition 0."""
    return gift_allocation.log_odds(_under(theta, "receipt_"), rows)


def standing(theta: Theta, rows: xr.Dataset) -> Array:
    """[draw, row] standing x'gamma."""
    return gift_allocation.standing(_under(theta, "receipt_"), rows)


def favour(theta: Theta, rows: xr.Dataset) -> Array:
    """[draw, row] what one sd of the disposition counts with the office of the row's district."""
    shape = (draws_of(theta), len(rows["in_district"]))
    if "favour" not in theta or not float(rows["estimated"]):
        return np.full(shape, float(rows["favour"]))
    slope = np.repeat(theta["favour"][:, None], shape[1], axis=1)
    if "favour_district" in theta:
        slope += theta["favour_district"][:, rows["in_district"].to_numpy()]
    return slope


def _disposition_sd(theta: Theta, rows: xr.Dataset) -> Array:
    return fixed(theta, "loyalty_disposition_sd", float(rows["disposition_sd"]))


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of each cell's gift and answers, the disposition integrated out."""
    points, weights = nodes
    out = np.empty((draws_of(theta), len(cells["gift"])))
    for s in graded.blocks(len(out), out.shape[1] * len(points)):
        drawn = {name: v[s] for name, v in theta.items()}
        out[s] = logsumexp(_log_given(drawn, cells, points), b=weights, axis=2)
    return out


def _log_given(theta: Theta, cells: xr.Dataset, points: Array) -> Array:
    """[draw, cell, node] log probability of the gift and of all answers, given the disposition."""
    sign = np.where(cells["gift"].to_numpy() == 1, 1.0, -1.0)
    chance = log_odds(theta, cells)[:, :, None] + favour(theta, cells)[:, :, None] * points
    total = np.asarray(log_expit(sign[:, None] * chance))  # (1)
    for eta, loading, answer, cut, answers, discrimination in _measures(theta, cells):
        latent = eta[:, :, None] + loading[:, None, None] * points
        total += graded.log_given(latent, answer, graded.edges(cut, answers), discrimination)  # (2), (3), (4)
    if _on_support(cells):
        total += np.stack(list(sincere_support.log_answers(theta, cells, points)), axis=-1)  # (5)
    return total


def _on_support(rows: xr.Dataset) -> bool:
    """Whether anything was asked about support, directly or not."""
    asked = (sincere_support.LIST, sincere_support.DIRECT, sincere_support.RANDOMISED)
    return any(sincere_support.asked(rows, role) for role in asked)


def _measures(theta: Theta, cells: xr.Dataset) -> Iterator[tuple[Array, ...]]:
    """Predictor, loading, answers, cutpoints, numbers of answers and discrimination of each equation."""
    gift, coverage = cells["gift"].to_numpy(), cells["coverage"].to_numpy()
    said = {role: part(cells, role) for role in ("loyalty", "market", "loyalty_before")}
    for prefix, role in (("loyalty_", "loyalty"), ("before_", "loyalty_before")):
        answer, answers = said[role]["answer"].to_numpy(), said[role]["answers"].to_numpy()
        if len(answers):
            sharp = fixed(theta, f"{prefix}discrimination", 1.0, len(answers))
            eta = predictor(theta, cells, gift, coverage, prefix)
            yield eta, _disposition_sd(theta, cells), answer, theta[f"{prefix}cutpoint"], answers, sharp
    for prefix, n in _bands(said["market"]).items():
        band, one = said["market"]["answer"].to_numpy(), np.ones((draws_of(theta), 1))
        answer = np.minimum(band, 1) if prefix == "any_" else np.maximum(band - 1, -1)
        eta = predictor(theta, cells, gift, coverage, prefix)
        yield eta, theta[f"{prefix}disposition"], answer, theta[f"{prefix}cutpoint"], np.array([n]), one


def _bands(rows: xr.Dataset) -> dict[str, int]:
    """Equation of the market -> number of its answers; none without a market question."""
    return market_participation.parts(rows) if rows.sizes["item"] else {}


def given(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, points: Array) -> Iterator[dict[str, Array]]:
    """Outcome -> [draw, row] expected outcome of people of one disposition, for each of `points` in turn.

    `gift` is [row]; `coverage` is [row] or [draw, row], centred. Outcomes as :func:`predict` has them.
    """
    asked, market = part(rows, "loyalty")["answers"].to_numpy(), part(rows, "market")
    score = _score(theta, rows, predictor(theta, rows, gift, coverage, "loyalty_"), asked)
    parts = {
        prefix: _passing(theta, predictor(theta, rows, gift, coverage, prefix), prefix, n)
        for prefix, n in _bands(market).items()
    }
    leans = sincere_support.leaning(theta, rows, gift, coverage) if _on_support(rows) else None
    for u in points:
        outcome = {"loyalty": _sum(score, u)}
        if parts:
            outcome["market_any"] = parts["any_"][0].at(u)
        if "much_" in parts:
            shares = rows["band_share"].to_numpy()
            raised = list(zip(np.diff(shares), parts["much_"], strict=True))
            outcome["market_much"] = outcome["market_any"] * (shares[0] + _sum(raised, u))
        yield outcome | (sincere_support.outcomes(leans, rows, float(u)) if leans else {})


def _sum(steps: list[tuple[float, graded.Step]], u: float) -> Array:
    """[draw, row] weighted sum of the chances of passing each step, in place: a dozen of them, for every node."""
    total = np.zeros(steps[0][1].odds_against.shape)
    for weight, step in steps:
        total += weight * step.at(u)
    return total


def _score(theta: Theta, rows: xr.Dataset, eta: Array, answers: Any) -> list[tuple[float, graded.Step]]:
    """What each cutpoint adds to the score, and the chance of passing it."""
    cut, sharp = theta["loyalty_cutpoint"], fixed(theta, "loyalty_discrimination", 1.0, len(answers))
    owner, sd = np.repeat(np.arange(len(answers)), answers - 1), _disposition_sd(theta, rows)
    return [
        (1.0 / (len(answers) * (answers[k] - 1)), graded.Step.of(eta, cut[:, j], sharp[:, k], sd))
        for j, k in enumerate(owner)
    ]


def _passing(theta: Theta, eta: Array, prefix: str, answers: int) -> list[graded.Step]:
    cut, one = theta[f"{prefix}cutpoint"], np.ones(draws_of(theta))
    return [graded.Step.of(eta, cut[:, j], one, theta[f"{prefix}disposition"]) for j in range(answers - 1)]


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """[draw, row] what the models of loyalty, the market and support predict, averaged over dispositions."""
    points, weights = nodes
    total: dict[str, Array] = {}
    for weight, outcomes in zip(weights, given(theta, rows, gift, coverage, points), strict=True):
        for name, values in outcomes.items():
            total[name] = total.get(name, 0.0) + weight * values
    return total


def spoken(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> Iterator[tuple[float, Said]]:
    """What each kind of person says when asked directly, of people of one disposition in turn, with their share."""
    leans = sincere_support.leaning(theta, rows, gift, coverage)
    return ((float(weight), leans.said(u)) for u, weight in zip(*nodes, strict=True))


def receipt(theta: Theta, rows: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, row] probability of receiving, averaged over dispositions."""
    base, slope = log_odds(theta, rows), favour(theta, rows)
    return np.asarray(sum(w * expit(base + slope * u) for u, w in zip(*nodes, strict=True)))


def receive(theta: Theta, rows: xr.Dataset, disposition: Array, rng: np.random.Generator) -> Array:
    """[row] simulated receipt of people of these dispositions, under the first draw of `theta`."""
    chance = expit(log_odds(theta, rows) + favour(theta, rows) * disposition)[0]
    return np.asarray(rng.uniform(size=chance.shape) < chance).astype(int)


def say(theta: Theta, rows: xr.Dataset, disposition: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Column -> [row] simulated answers of people of these dispositions, under the first draw of `theta`."""
    gift, coverage = rows["gift"].to_numpy(), rows["coverage"].to_numpy()
    said: dict[str, Array] = {}
    for prefix, role in (("loyalty_", "loyalty"), ("before_", "loyalty_before")):
        asked = part(rows, role)
        names, answers = asked["item"].to_numpy(), asked["answers"].to_numpy()
        if len(names):
            eta = predictor(theta, rows, gift, coverage, prefix)[0] + _disposition_sd(theta, rows)[0] * disposition
            sharp = fixed(theta, f"{prefix}discrimination", 1.0, len(names))[0]
            drawn = graded.draw_answers(eta, theta[f"{prefix}cutpoint"][0], answers, sharp, 0.0, rng)
            said |= {str(name): drawn[:, k] for k, name in enumerate(names)}
    market = part(rows, "market")
    band = dict.fromkeys(("any_", "much_"), np.zeros(len(gift), dtype=int))
    for prefix, n in _bands(market).items():
        eta = predictor(theta, rows, gift, coverage, prefix)[0] + theta[f"{prefix}disposition"][0] * disposition
        band[prefix] = graded.draw_answers(eta, theta[f"{prefix}cutpoint"][0], np.array([n]), np.ones(1), 0.0, rng)[
            :, 0
        ]
    said |= {str(name): np.where(band["any_"] == 1, 1 + band["much_"], 0) for name in market["item"].to_numpy()}
    return said | (sincere_support.say(theta, rows, disposition, rng) if _on_support(rows) else {})


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """Column -> [row] simulated answers under the first draw of `theta`, and `gift`, which they follow.

    The coverage that people face stays as it is.
    """
    disposition = rng.normal(size=len(rows["gift"]))
    gift = receive(theta, rows, disposition, rng)
    return {"gift": gift, **say(theta, rows.assign(gift=(rows["gift"].dims, gift)), disposition, rng)}


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many answers the items behind each set of cutpoints have."""
    roles = {"cut": "loyalty", "before_cut": "loyalty_before"}
    asked = {dim: tuple(int(n) for n in part(cells, role)["answers"].to_numpy()) for dim, role in roles.items()}
    market = {f"{prefix}cut": (n,) for prefix, n in _bands(part(cells, "market")).items()}
    return {dim: counts for dim, counts in asked.items() if counts} | market | sincere_support.answers(cells)
