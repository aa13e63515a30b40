"""Graded response in PyTensor.

The probability of an answer between the boundaries l < h at predictor x is
`expit(h - x) - expit(l - x) = (1 - exp(l - h)) / ((1 + exp(x - h)) (1 + exp(l - x)))`: three positive factors, nothing
cancels, and a missing answer is simply the interval (-inf, inf) with probability 1. Only the denominator knows the
disposition, which :mod:`largesse.models.disposition` sums out; where there is none, over the single node 0.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pytensor.tensor as pt

from largesse.cells import Cells
from largesse.models import disposition
from largesse.simulators import graded as twin

Array = np.ndarray[Any, Any]

QUADRATURE: Final = str(twin.__file__)  # the source that the nodes come from, part of a model's fingerprint
ALONE: Final = (np.zeros(1), np.ones(1))  # the node and the weight of no disposition
FAR: Final = 1e3  # a boundary beyond every answer; exp(-FAR) is exactly 0 in double precision


def boundaries(answer: Array, answers: Array) -> dict[str, Array]:
    """[cell, item] positions of the boundaries below and above each answer among (-FAR, all cutpoints, FAR).

    A missing answer (-1) lies between the two outermost.
    """
    cuts = np.asarray(answers) - 1
    start, last = np.cumsum(cuts) - cuts, int(cuts.sum()) + 1
    below = np.where(answer > 0, start + answer, 0)
    above = np.where((answer >= 0) & (answer < cuts), start + answer + 1, last)
    return {"below": below.astype("int32"), "above": above.astype("int32")}


def quadrature(nodes: int) -> dict[str, Array]:
    """Points and weights of Gauss-Hermite quadrature over the disposition."""
    points, weights = twin.standard_normal_nodes(nodes)
    return {"node": points, "node_weight": weights}


def answers_logp(
    eta: Any, cut: Any, edges: tuple[Any, Any], items: int, scale: tuple[Any, Any], nodes: tuple[Any, Any]
) -> Any:
    """[cell] log probability of each cell's answers, the disposition summed out over the nodes.

    `edges` are the positions of :func:`boundaries`; `scale` is the discrimination of `items` (or None: all 1) and
    the sd of the disposition; `nodes` are points and weights. Both are None where there is no disposition.
    """
    discrimination, sd = scale
    if sd is None:
        return summed_out(measures(eta, cut, edges, items, (discrimination, 0.0)), ALONE)
    return summed_out(measures(eta, cut, edges, items, scale), nodes)


class Measure(NamedTuple):
    """One ordered answer of every cell, which the disposition moves.

    Attributes
    ----------
    x : [cell] predictor without the disposition; or one for all cells.
    below, above : [cell] positions of the boundaries below and above the answer.
    bound : [bound] the boundaries.
    scale : what one sd of the disposition adds to `x`; [group] where it differs between groups of cells.
    group : [cell] index of each cell's group.
    """

    x: Any
    below: Any
    above: Any
    bound: Any
    scale: Any
    group: Any = None


def measures(eta: Any, cut: Any, edges: tuple[Any, Any], items: int, scale: tuple[Any, Any]) -> list[Measure]:
    """The answers to `items` questions on one predictor; arguments as in :func:`answers_logp`."""
    (below, above), (discrimination, sd) = edges, scale
    bound, sharp = padded(cut), [1.0 if discrimination is None else discrimination[k] for k in range(items)]
    return [Measure(a * eta, below[:, k], above[:, k], bound, a * sd) for k, a in enumerate(sharp)]


def summed_out(every: list[Measure], nodes: tuple[Any, Any]) -> Any:
    """[cell] log probability of all answers together, the disposition summed out over nodes and their weights."""
    x = pt.stack([pt.broadcast_to(m.x, m.below.shape) for m in every])
    bound, below, above = _laid([m.bound for m in every], [m.below for m in every], [m.above for m in every])
    zero = pt.zeros(x.shape[1], dtype="int32")
    scale, row = _laid([pt.atleast_1d(m.scale) for m in every], [zero if m.group is None else m.group for m in every])
    outputs: Any = disposition.summed_out(x, below, above, bound, row, scale, *nodes)
    return outputs[0]


def _laid(tables: list[Any], *indices: list[Any]) -> tuple[Any, ...]:
    """Tables laid end to end, those that several measures share once; and [measure, cell] indices into the whole."""
    first, whole, size = {}, [], 0
    for table in tables:
        if table not in first:
            first[table] = size
            whole.append(table)
            size = size + table.shape[0]
    moved = [pt.stack([at + first[table] for at, table in zip(index, tables, strict=True)]) for index in indices]
    return pt.concatenate(whole), *moved  # type: ignore[no-untyped-call]


def padded(cut: Any) -> Any:
    """[bound] the cutpoints between two boundaries beyond every answer."""
    return pt.concatenate([[-FAR], cut, [FAR]])  # type: ignore[no-untyped-call]  # PyTensor has types for half its functions


def profile_arrays(cells: Cells) -> dict[str, Array]:
    """As :func:`cell_arrays`, but what cells that differ in their answers alone have in common stands there once.

    `profile` [cell] says which row is a cell's; `count` is by cell.
    """
    data = cell_arrays(cells)
    common = {name: values for name, values in data.items() if name not in ("count", "coverage_between")}
    table = np.column_stack([values.reshape(len(values), -1) for values in common.values()])
    _, first, profile = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return data | {name: values[first] for name, values in common.items()} | {"profile": profile.astype("int32")}


def cell_arrays(cells: Cells) -> dict[str, Array]:
    """What every outcome model reads of its cells: counts, places, gift, coverage, covariates."""
    return {
        "count": cells["count"].to_numpy().astype(float),
        "in_district": cells["in_district"].to_numpy().astype("int32"),
        "in_wave": cells["in_wave"].to_numpy().astype("int32"),
        "gift": cells["gift"].to_numpy().astype(float),
        "coverage": cells["coverage"].to_numpy().astype(float),
        "coverage_between": cells["coverage_between"].to_numpy().astype(float),
        "x": cells["x"].to_numpy().astype(float),
    }
