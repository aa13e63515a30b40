"""Sincere support in NumPy: the second implementation of `models/sincere_support.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import expit

from largesse.cells import part
from largesse.simulators.predictor import Theta, draws_of, predictor

Array = np.ndarray[Any, np.dtype[np.float64]]
Nodes = tuple[Array, Array]

LIST, DIRECT, RANDOMISED = "list_count", "direct", "randomised"
SINCERE, WILLING, CONTROL = "sincere_", "willing_", "control_"


class Said(NamedTuple):
    """What each kind of person says when asked directly.

    Attributes
    ----------
    sincere : [draw, row] chance of supporting sincerely.
    under : [draw, row] chance that someone who does says no.
    over : [draw, row] chance that someone who does not says yes.
    """

    sincere: Array
    under: Array
    over: Array

    @property
    def yes(self) -> Array:
        """[draw, row] chance of a yes."""
        return self.sincere * (1 - self.under) + (1 - self.sincere) * self.over


def asked(rows: xr.Dataset, role: str) -> bool:
    """Whether the rows have a question of a role."""
    return role in rows["role"].to_numpy()


def answered(cells: xr.Dataset) -> dict[str, Array]:
    """Role -> [cell] the answer to its question, -1 where there is none."""
    return {str(role): part(cells, role)["answer"].to_numpy()[:, 0] for role in cells["role"].to_numpy()}


def control_items(rows: xr.Dataset) -> int:
    """How many items the control list has: an answer is one of J + 1 counts of it, or of J + 2 of the treated list."""
    return (int(part(rows, LIST)["answers"].to_numpy()[0]) - 3) // 2


def sincere(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array) -> Array:
    """[draw, row] chance of supporting sincerely under own gift and centred coverage."""
    return np.asarray(expit(predictor(theta, rows, gift, coverage, SINCERE)))  # (1)


def speaking(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array) -> Said:
    """Who supports, and what each kind says when asked directly."""
    willing = predictor(theta, rows, gift, coverage, WILLING)
    under = expit(theta["under_intercept"][:, None] - willing)  # (2)
    assumed = np.full_like(willing, float(rows["over"]))
    over = expit(theta["over_intercept"][:, None] + willing) if "over_intercept" in theta else assumed  # (3)
    return Said(sincere(theta, rows, gift, coverage), under, over)


def control_below(theta: Theta, rows: xr.Dataset, gift: Array) -> tuple[Array, Array]:
    """[draw, row, J + 1] chance of at most 0, 1, ..., J control items, of who does not support and of who does."""
    eta = predictor(theta, rows, gift, np.zeros_like(gift), CONTROL)
    cut = theta["control_cutpoint"][:, None, :]
    sure = np.ones((*eta.shape, 1))
    shifts = (np.zeros(len(eta)), theta["control_sincere"])
    found = (np.concatenate([expit(cut - eta[..., None] - s[:, None, None]), sure], axis=-1) for s in shifts)  # (4)
    no, yes = found
    return no, yes


def given(theta: Theta, cells: xr.Dataset) -> tuple[Array, Array]:
    """[draw, cell] chance of all answers of a cell, of who does not support and of who does."""
    gift, coverage = cells["gift"].to_numpy().astype(float), cells["coverage"].to_numpy()
    shape = (draws_of(theta), len(gift))
    found = [np.ones(shape), np.ones(shape)]
    answer = answered(cells)
    if LIST in answer:
        for kind, chance in enumerate(_counted(theta, cells, answer[LIST])):
            found[kind] *= chance
    if DIRECT in answer:
        said = speaking(theta, cells, gift, coverage)
        for kind, yes in enumerate((said.over, 1 - said.under)):
            found[kind] *= _answered(yes, answer[DIRECT])
    if RANDOMISED in answer:
        for kind, yes in enumerate(cells["yes"].to_numpy()):  # (6)
            found[kind] *= _answered(np.full(shape, float(yes)), answer[RANDOMISED])
    return found[0], found[1]


def _answered(yes: Array, answer: Array) -> Array:
    """[draw, cell] chance of the answer, 1 where there is none."""
    return np.where(answer < 0, 1.0, np.where(answer == 1, yes, 1 - yes))


def _counted(theta: Theta, cells: xr.Dataset, answer: Array) -> tuple[Array, Array]:
    """[draw, cell] chance of the count, of who does not support and of who does."""
    items = control_items(cells)
    treated = answer > items
    count = np.where(treated, answer - items - 1, answer)
    below = control_below(theta, cells, cells["gift"].to_numpy().astype(float))
    found = []
    for kind, upto in enumerate(below):
        each = np.diff(upto, axis=-1, prepend=0.0)
        own = count - treated * kind  # (5)
        possible = (own >= 0) & (own <= items)
        chance = np.take_along_axis(each, np.clip(own, 0, items)[None, :, None], axis=-1)[..., 0]
        found.append(np.where(answer < 0, 1.0, np.where(possible, chance, 0.0)))
    return found[0], found[1]


def loglik(theta: Theta, cells: xr.Dataset, nodes: Nodes) -> Array:
    """[draw, cell] log probability of each cell's answers, whether people support summed out."""
    del nodes  # no disposition in this model
    gift, coverage = cells["gift"].to_numpy().astype(float), cells["coverage"].to_numpy()
    chance = sincere(theta, cells, gift, coverage)
    no, yes = given(theta, cells)
    return np.asarray(np.log((1 - chance) * no + chance * yes))


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """[draw, row] what the questions speak to.

    Of an indirect question `sincere` support, of a direct one `said`, the chance of a yes; of both also their `gap`.
    """
    del nodes
    if not asked(rows, DIRECT):
        return {"sincere": sincere(theta, rows, gift, coverage)}
    said = speaking(theta, rows, gift, coverage)
    if not (asked(rows, LIST) or asked(rows, RANDOMISED)):
        return {"said": said.yes}
    return {"sincere": said.sincere, "said": said.yes, "gap": said.yes - said.sincere}


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{column: [row]} simulated answers under the first draw of `theta`; arms of a list are drawn by a fair coin."""
    gift, coverage = rows["gift"].to_numpy().astype(float), rows["coverage"].to_numpy()
    support = rng.uniform(size=len(gift)) < sincere(theta, rows, gift, coverage)[0]
    roles = dict(zip(rows["role"].to_numpy(), rows["item"].to_numpy(), strict=True))
    drawn: dict[str, Array] = {}
    if LIST in roles:
        treated = rng.integers(0, 2, size=len(gift))
        no, yes = control_below(theta, rows, gift)
        upto = np.where(support[:, None], yes[0], no[0])
        control = (rng.uniform(size=len(gift))[:, None] > upto[:, :-1]).sum(axis=1)
        drawn[str(roles[LIST])] = control + treated * (support + control_items(rows) + 1)
    if DIRECT in roles:
        said = speaking(theta, rows, gift, coverage)
        chance = np.where(support, 1 - said.under[0], said.over[0])
        drawn[str(roles[DIRECT])] = (rng.uniform(size=len(gift)) < chance).astype(int)
    if RANDOMISED in roles:
        chance = rows["yes"].to_numpy()[support.astype(int)]
        drawn[str(roles[RANDOMISED])] = (rng.uniform(size=len(gift)) < chance).astype(int)
    return drawn


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many counts the control list has."""
    return {f"{CONTROL}cut": (control_items(cells) + 1,)} if asked(cells, LIST) else {}
