r"""Heterogeneity: what several studies say of the next one, whose numbers are as far from what is common as theirs are.

The meta-analytic predictive prior (Neuenschwander et al. 2010), of several numbers at once. With x a number on its
normal scale, in sds of the model's own prior around that prior's middle, R the correlations of that prior, and b the
block of a number:

    (1) mu ~ Normal(0, R)
    (2) theta_k ~ Normal(mu, diag tau_b^2),   tau_b ~ HalfNormal(heterogeneity)
    (3) what study k says of theta_k: information L_k and score h_k, its posterior with the prior taken out of it
    (4) theta_new ~ Normal(mu, diag tau_b^2)

The prior is in every posterior and must count once: L_k = S_k^-1 - R^-1, h_k = S_k^-1 m_k, and a direction that study k
learnt nothing of gets neither. Solved by Gibbs sampling: (1) to (3) are normal given tau, and each tau is drawn on a
grid. What is told is a normal with the middle, the central 95 % intervals and the correlations of (4): with few studies
the tails are longer than its own, and too wide in the middle does less harm than too narrow outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import linalg, stats

from largesse.seeds import generator

Array = np.ndarray[Any, np.dtype[np.float64]]

DRAWS, WARMUP = 20_000, 500
GRID: Final = np.geomspace(1e-3, 6.0, 300)  # tau, in units of its scale: beyond 6 a half-normal has nothing
ENDS: Final = float(stats.norm.ppf(0.975))
STEP: Final = float(np.log(GRID[1] / GRID[0]))


class Said(NamedTuple):
    """What one study's data say: `information` [number, number] and `score` [number], its prior taken out."""

    information: Array
    score: Array


@dataclass(frozen=True)
class Predicted:
    """What studies say of the next one, in sds of the model's own prior.

    Attributes
    ----------
    mean, covariance : [number], [number, number] of the normal of the next study's numbers.
    common : [number, number] covariance of the common ones, did studies not differ at all.
    tau : [block] median of how far studies differ.
    skew : [number] how far the middle lies from that of the interval's ends, in sds.
    """

    mean: Array
    covariance: Array
    common: Array
    tau: Array
    skew: Array


def said(mean: Array, covariance: Array, agreement: Array) -> Said:
    """The information and the score of a posterior whose prior was normal with mean 0 and covariance `agreement`.

    Directions in which the posterior is no narrower than the prior have neither.
    """
    root = np.linalg.cholesky(agreement)
    precision = np.linalg.inv(covariance)
    gain, along = np.linalg.eigh(root.T @ precision @ root)
    learnt = gain > 1.0
    back = linalg.solve_triangular(root, along, lower=True, trans="T")
    information = (back * np.where(learnt, gain - 1.0, 0.0)) @ back.T
    score = back @ np.where(learnt, along.T @ root.T @ precision @ mean, 0.0)
    return Said(information, score)


def predict(
    past: Sequence[Said], agreement: Array, sizes: tuple[int, ...], heterogeneity: float, draws: int = DRAWS
) -> Predicted:
    """Equations (1) to (4), by Gibbs sampling.

    Parameters
    ----------
    past : what each study says, [number] in sds of the prior, blocks of `sizes` side by side.
    agreement : [number, number] correlations of the prior; heterogeneity : scale of tau.
    """
    rng = generator(0, "meta-analysis")
    prior, block = np.linalg.inv(agreement), np.repeat(np.arange(len(sizes)), sizes)
    information, score = (
        np.stack(each) for each in zip(*past, strict=True)
    )  # [study, number, number], [study, number]
    counts, firsts, n = len(past) * np.array(sizes), np.cumsum((0, *sizes[:-1])), len(block)
    tau, kept, taus = np.full(len(sizes), heterogeneity), np.empty((draws, n)), np.empty((draws, len(sizes)))
    for step in range(-WARMUP, draws):
        variance = tau[block] ** 2
        # of mu, the studies' own numbers summed out: else nothing moves where studies hardly differ
        share = np.linalg.inv(np.eye(n) + information * variance)
        mu = _draw(prior + (share @ information).sum(axis=0), (share @ score[..., None])[..., 0].sum(axis=0), rng)
        apart = _draw(information + np.diag(1.0 / variance), score - information @ mu, rng)
        tau = _tau(np.add.reduceat(np.square(apart).sum(axis=0), firsts), counts, heterogeneity, rng)
        if step >= 0:
            kept[step], taus[step] = mu + tau[block] * rng.normal(size=n), tau
    common = np.linalg.inv(prior + information.sum(axis=0))
    low, middle, high = np.quantile(kept, stats.norm.cdf([-ENDS, 0.0, ENDS]), axis=0)
    sd = (high - low) / (2 * ENDS)
    covariance = np.atleast_2d(np.corrcoef(kept.T)) * np.outer(sd, sd)
    skew = np.abs((low + high) / 2 - middle) / sd
    return Predicted(middle, covariance, common, np.median(taus, axis=0), skew)


def _draw(precision: Array, score: Array, rng: np.random.Generator) -> Array:
    """[..., number] a draw of each normal with this precision, and precision times mean."""
    covariance = np.linalg.inv(precision)
    root = np.linalg.cholesky((covariance + np.swapaxes(covariance, -1, -2)) / 2)
    moved = covariance @ score[..., None] + root @ rng.normal(size=(*score.shape, 1))
    return np.asarray(moved[..., 0])


def _tau(squares: Array, counts: Array, scale: float, rng: np.random.Generator) -> Array:
    """[block] a draw of how far studies differ, given the sum of squares of so many deviations; by a grid of logs."""
    grid = scale * GRID
    log = (1 - counts[:, None]) * np.log(grid) - squares[:, None] / (2 * grid**2) - np.square(GRID) / 2
    chance = np.cumsum(np.exp(log - log.max(axis=1, keepdims=True)), axis=1)
    at = (chance < rng.uniform(size=(len(squares), 1)) * chance[:, -1:]).sum(axis=1)
    return np.asarray(grid[at] * np.exp((rng.uniform(size=len(at)) - 0.5) * STEP))
