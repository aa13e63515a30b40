"""The likelihood of ordered answers by hand: one pass over cells in plain numba, value and derivatives together.

It is what a patient programmer writes for one machine: sparse predictors, tables for what cells share, and for each
cell a loop over nodes and answers. `gradient.py` holds the models' gradients against it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """Everything that is data.

    Attributes
    ----------
    count : [cell] people.
    first, term, value : the sparse predictors, [equation * cell + 1], [entry] and [entry]: which coefficient, by what.
    equation : [answer] whose predictor an answer has.
    below, above : [answer, cell] the boundaries around each answer.
    group : [answer, cell] which scale moves it.
    node, weight : [node] of the disposition.
    """

    count: Array
    first: Array
    term: Array
    value: Array
    equation: Array
    below: Array
    above: Array
    group: Array
    node: Array
    weight: Array


class Slopes(NamedTuple):
    """Derivatives by coefficients, boundaries, how sharp each answer is, and scales."""

    coefficient: Array
    bound: Array
    sharp: Array
    scale: Array


@njit(error_model="numpy")
def by_hand(  # noqa: C901  # one pass over everything, which is the point of it
    p: Problem, coefficient: Array, bound: Array, sharp: Array, scale: Array, out: Slopes
) -> float:
    """The log-likelihood; `out` is filled. An answer's predictor is `sharp` times that of its equation."""
    answers, cells, nodes = len(p.equation), len(p.count), len(p.node)
    equations = (len(p.first) - 1) // cells
    risen, sunk = np.exp(bound), np.exp(-bound)
    gap = bound.reshape(-1, 1) - bound
    width, slope = np.log(-np.expm1(np.minimum(gap, 0.0))), 1.0 / np.expm1(np.maximum(-gap, 0.0))
    up, down = np.exp(np.outer(scale, p.node)), np.exp(-np.outer(scale, p.node))
    eta, by_eta = np.empty(equations), np.empty(equations)
    over, under, both, part = np.empty(answers), np.empty(answers), np.empty(answers), np.empty(answers)
    high, low, lean = np.empty(answers), np.empty(answers), np.empty(answers)
    for slopes in out:
        slopes[:] = 0.0
    total = 0.0
    for i in range(cells):
        for e in range(equations):
            eta[e] = 0.0
            for at in range(p.first[e * cells + i], p.first[e * cells + i + 1]):
                eta[e] += coefficient[p.term[at]] * p.value[at]
        for k in range(answers):
            moved = np.exp(sharp[k] * eta[p.equation[k]])
            over[k], under[k] = moved * sunk[p.above[k, i]], risen[p.below[k, i]] / moved
            both[k] = 1.0 + over[k] * under[k]
            high[k] = low[k] = lean[k] = 0.0
        mass = 0.0
        for j in range(nodes):
            product = 1.0
            for k in range(answers):
                g = p.group[k, i]
                part[k] = both[k] + over[k] * up[g, j] + under[k] * down[g, j]
                product *= part[k]
            share = p.weight[j] / product
            mass += share
            for k in range(answers):
                g = p.group[k, i]
                rise, fall, q = over[k] * up[g, j], under[k] * down[g, j], share / part[k]
                high[k] += rise * q
                low[k] += fall * q
                lean[k] += p.node[j] * (rise - fall) * q
        n, chance = p.count[i], np.log(mass)
        by_eta[:] = 0.0
        for k in range(answers):
            a, b = high[k] / mass, low[k] / mass
            below, above = p.below[k, i], p.above[k, i]
            same = (1.0 - a - b) * (1.0 - 1.0 / both[k]) + slope[below, above]
            chance += width[below, above]
            out.bound[above] += n * (a + same)
            out.bound[below] -= n * (b + same)
            out.scale[p.group[k, i]] -= n * lean[k] / mass
            out.sharp[k] += n * (b - a) * eta[p.equation[k]]
            by_eta[p.equation[k]] += n * (b - a) * sharp[k]
        total += n * chance
        for e in range(equations):
            for at in range(p.first[e * cells + i], p.first[e * cells + i + 1]):
                out.coefficient[p.term[at]] += by_eta[e] * p.value[at]
    return total
