"""Graded response in NumPy: probabilities of ordered answers, the disposition averaged out by quadrature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logsumexp

Array = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 4_000_000  # numbers held at once: 32 MB, within the cache hierarchy's reach and no more


def standard_normal_nodes(n: int) -> tuple[Array, Array]:
    """Nodes and weights with sum(w * f(x)) = E f(u), u ~ Normal(0, 1), exact for polynomials of degree 2n - 1.

    One node is the point 0: no disposition at all. The points are the eigenvalues of the tridiagonal matrix of the
    Hermite recurrence (Golub & Welsch 1969), made exactly symmetric; the weights are one over the sum of squares of the
    normalised polynomials there, a sum without cancellation, so that they are right to the last digit at 201 nodes too.
    """
    step = np.sqrt(np.arange(1.0, n))
    points = np.linalg.eigvalsh(np.diag(step, 1) + np.diag(step, -1))
    points = (points - points[::-1]) / 2
    polynomials = [np.ones(n), points]
    for k in range(1, n - 1):
        polynomials.append((points * polynomials[k] - step[k - 1] * polynomials[k - 1]) / step[k])
    return points, 1.0 / np.square(polynomials[:n]).sum(axis=0)


def edges(cut: Array, answers: Array) -> list[Array]:
    """Per item, its cutpoints [draw, answer + 1] with -inf before the first and +inf behind the last."""
    ends = np.cumsum(np.asarray(answers) - 1)
    padding = ((0, 0), (1, 1))
    out = [np.pad(part, padding) for part in np.split(cut, ends[:-1], axis=1)]
    for part in out:
        part[:, 0], part[:, -1] = -np.inf, np.inf
    return out


def log_interval(lower: Array, upper: Array) -> Array:
    """log(expit(upper) - expit(lower)), taken on the side of zero where less cancels.

    The probability is right to about 1e-16 over the width of the interval; a probability below exp(-700) is 0.
    """
    flip = lower > 0
    low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(expit(high) - expit(low)))


def loglik(
    eta: Array, answer: Array, cut: Array, answers: Array, discrimination: Array, sd: Array, nodes: tuple[Array, Array]
) -> Array:
    """[draw, cell] log probability of each cell's answers, the disposition integrated out.

    Parameters
    ----------
    eta : [draw, cell] predictor without the disposition.
    answer : [cell, item], 0 = lowest, -1 = not answered (contributes probability 1).
    cut : [draw, cut], item after item; answers : [item], how many answers each has.
    discrimination : [draw, item]; sd : [draw] of the disposition; nodes : (points, weights).
    """
    points, weights = nodes
    bounds = edges(cut, answers)
    out = np.empty(eta.shape)
    for s in blocks(len(eta), eta.shape[1] * len(points)):
        latent = eta[s, :, None] + sd[s, None, None] * points
        total = log_given(latent, answer, [edge[s] for edge in bounds], discrimination[s])
        out[s] = logsumexp(total, b=weights, axis=2)
    return out


def log_given(latent: Array, answer: Array, bounds: list[Array], discrimination: Array) -> Array:
    """[draw, cell, node] log probability of each cell's answers, given the disposition.

    Parameters
    ----------
    latent : [draw, cell, node] predictor with the disposition in it.
    answer : [cell, item], 0 = lowest, -1 = not answered (contributes probability 1).
    bounds : as :func:`edges` makes them, one for each item; discrimination : [draw, item].
    """
    total = np.zeros(latent.shape)
    for k, edge in enumerate(bounds):
        seen = answer[:, k] >= 0
        y = answer[seen, k]
        shifted = discrimination[:, k, None, None] * latent[:, seen]
        total[:, seen] += log_interval(edge[:, y, None] - shifted, edge[:, y + 1, None] - shifted)
    return total


def above(eta: Array, cut: Array, discrimination: Array, sd: Array, nodes: tuple[Array, Array]) -> Array:
    """[draw, row] probability of answering above one cutpoint, averaged over the disposition.

    `cut`, `discrimination` and `sd` are [draw]. exp(a - b) = exp(a) / exp(b) keeps it to one exponential per row.
    """
    points, weights = nodes
    out = np.zeros(eta.shape)
    odds_against = np.exp(cut[:, None] - discrimination[:, None] * eta)
    factor = np.exp(-discrimination[:, None] * sd[:, None] * points)
    for s in blocks(len(eta), eta.shape[1]):
        for q, w in enumerate(weights):
            out[s] += w / (1.0 + odds_against[s] * factor[s, q, None])
    return out


class Step(NamedTuple):
    """The chance of answering above one cutpoint, as a function of the disposition.

    Attributes
    ----------
    odds_against : [draw, row] of people of disposition 0; slope : [draw] logits per sd of the disposition.
    """

    odds_against: Array
    slope: Array

    @classmethod
    def of(cls, eta: Array, cut: Array, discrimination: Array, sd: Array) -> Step:
        """Of a predictor [draw, row] and its cutpoint, discrimination and loading, each [draw]."""
        return cls(np.exp(cut[:, None] - discrimination[:, None] * eta), discrimination * sd)

    def at(self, disposition: float) -> Array:
        """[draw, row] the chance for people of this disposition."""
        out = self.odds_against * np.exp(-self.slope * disposition)[:, None]
        out += 1.0
        return np.divide(1.0, out, out=out)


def score(
    eta: Array, cut: Array, answers: Array, discrimination: Array, sd: Array, nodes: tuple[Array, Array]
) -> Array:
    """[draw, row] expected score, items averaged, each item's answers evenly spaced from 0 (lowest) to 1 (highest)."""
    out = np.zeros(eta.shape)
    owner = np.repeat(np.arange(len(answers)), np.asarray(answers, dtype=int) - 1)
    for j, k in enumerate(owner):
        share = 1.0 / (len(answers) * (int(answers[k]) - 1))
        out += share * above(eta, cut[:, j], discrimination[:, k], sd, nodes)
    return out


def draw_answers(
    eta: Array, cut: Array, answers: Array, discrimination: Array, sd: float, rng: np.random.Generator
) -> Array:
    """[respondent, item] answers of simulated people, one disposition each, by counting cutpoints passed."""
    latent = eta + sd * rng.normal(size=eta.shape)
    out = np.empty((len(eta), len(answers)), dtype=int)
    start = 0
    for k, n in enumerate(answers):
        own = cut[start : start + n - 1]
        noise = rng.logistic(size=len(eta))
        out[:, k] = (discrimination[k] * latent[:, None] + noise[:, None] > own).sum(axis=1)
        start += n - 1
    return out


def blocks(draws: int, each: int) -> Iterator[slice]:
    """The draws in parts, each so small that `BLOCK` numbers hold `each` of every draw."""
    step = max(1, BLOCK // max(each, 1))
    return (slice(i, i + step) for i in range(0, draws, step))
