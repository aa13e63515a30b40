"""Predictive checks: data drawn under a set of draws, summarised as the data are: shares of each answer by gift arm."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr

from largesse import dims
from largesse.cells import Cells

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]


class Simulator(Protocol):
    """The part of a model's twin that draws answers."""

    def answer(self, theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
        """Column -> [row] simulated answers."""


@dataclass(frozen=True)
class Panel:
    """The shares of one item's answers in one gift arm (or of gifts in one district), observed and replicated.

    Attributes
    ----------
    item : the question, or `gift`.
    arm : 0 passed over, 1 received; for `gift`, the district.
    respondents : how many answered.
    observed : [answer]; replicated : [draw, answer].
    """

    item: str
    arm: str
    respondents: int
    observed: Array
    replicated: Array


def panels(twin: Simulator, theta: Theta, cells: Cells, rng: np.random.Generator) -> list[Panel]:
    """One panel per item and arm.

    Parameters
    ----------
    twin : the model's simulator.
    theta : parameter -> [draw, ...]; one data set is drawn for each draw.
    cells : the data; who did not answer an item stays silent in the replicates.
    """
    rows = people(cells)
    items = [str(i) for i in rows[dims.ITEM].to_numpy()]
    said = list(data_sets(twin, theta, rows, rng))
    data = {"gift": rows["gift"].to_numpy(), **{item: rows["answer"].to_numpy()[:, k] for k, item in enumerate(items)}}
    observed = _counts(rows, data, said[0])
    replicated = [_counts(rows, {"gift": data["gift"], **each}, each) for each in said]
    return [
        Panel(*key, int(n.sum()), _share(n), np.array([_share(each[key]) for each in replicated]))
        for key, n in observed.items()
        if n.sum()
    ]


def people(cells: Cells) -> xr.Dataset:
    """One row for each person of the cells."""
    return cells.isel({dims.CELL: np.repeat(np.arange(cells.sizes[dims.CELL]), cells["people"].to_numpy())})


def data_sets(twin: Simulator, theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> Iterator[dict[str, Array]]:
    """Column -> [row] what everybody answers, once for each draw of `theta`."""
    for s in range(len(next(iter(theta.values())))):
        yield twin.answer({name: v[s : s + 1] for name, v in theta.items()}, rows, rng)


def _counts(rows: xr.Dataset, answers: Mapping[str, Array], simulated: Collection[str]) -> dict[tuple[str, str], Array]:
    """(item, arm) -> [answer] how many people gave it; of gifts by district, where they are simulated.

    The arm is that of the gift in `answers`, so that gifts drawn anew go with the answers drawn after them.
    """
    gift, counts = answers["gift"], {}
    if "gift" in simulated:
        d = rows["in_district"].to_numpy()
        each = {str(name): gift[d == i] for i, name in enumerate(rows[dims.DISTRICT].to_numpy())}
        counts = {("gift", name): np.bincount(got, minlength=2) for name, got in each.items()}
    for k, item in enumerate(map(str, rows[dims.ITEM].to_numpy())):
        told, n = rows["answer"].to_numpy()[:, k] >= 0, int(rows["answers"].to_numpy()[k])
        counts |= {(item, str(g)): np.bincount(answers[item][told & (gift == g)], minlength=n) for g in (0, 1)}
    return counts


def _share(counts: Array) -> Array:
    return np.asarray(counts / max(1, counts.sum()))
