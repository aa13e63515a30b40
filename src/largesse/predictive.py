"""Predictive checks: data drawn under a set of draws, summarised as the data are: shares of each answer by gift arm."""

from __future__ import annotations

from collections.abc import Mapping
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
    rows = cells.isel({dims.CELL: np.repeat(np.arange(cells.sizes[dims.CELL]), cells["people"].to_numpy())})
    groups = _groups(rows)
    observed = {key: _share(values, where, n) for key, (values, where, n) in groups.items()}
    draws = len(next(iter(theta.values())))
    replicated: dict[tuple[str, str], list[Array]] = {key: [] for key in groups}
    for s in range(draws):
        said = twin.answer({name: v[s : s + 1] for name, v in theta.items()}, rows, rng)
        for key, (_, where, n) in groups.items():
            replicated[key].append(_share(said[key[0]], where, n))
    sizes = {key: int(where.sum()) for key, (_, where, _) in groups.items()}
    return [Panel(*key, sizes[key], observed[key], np.array(replicated[key])) for key in groups]


def _groups(rows: xr.Dataset) -> dict[tuple[str, str], tuple[Array, Array, int]]:
    """(item, arm) -> observed answers, [row] who is in the panel, number of answers. Empty panels are left out."""
    gift, items = rows["gift"].to_numpy(), [str(i) for i in rows[dims.ITEM].to_numpy()]
    if not items:
        names, d = rows[dims.DISTRICT].to_numpy(), rows["in_district"].to_numpy()
        return {("gift", str(name)): (gift, d == i, 2) for i, name in enumerate(names) if (d == i).any()}
    answer, answers = rows["answer"].to_numpy(), rows["answers"].to_numpy()
    every = {
        (item, str(g)): (answer[:, k], (gift == g) & (answer[:, k] >= 0), int(answers[k]))
        for k, item in enumerate(items)
        for g in (0, 1)
    }
    return {key: panel for key, panel in every.items() if panel[1].any()}


def _share(values: Array, where: Array, answers: int) -> Array:
    return np.asarray(np.bincount(values[where], minlength=answers) / where.sum())
