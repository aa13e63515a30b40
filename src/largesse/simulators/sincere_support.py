"""Sincere support in NumPy: the second implementation of `models/sincere_support.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import expit

from largesse.cells import part
from largesse.simulators.predictor import Theta, draws_of, fixed, predictor

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


class Leaning(NamedTuple):
    """What people lean to, as log-odds; the disposition moves support and willingness where a model knows one.

    Attributes
    ----------
    support : [draw, row] of supporting sincerely.
    under : [draw, row] of a no of those who do; None where nobody was asked directly.
    over : [draw, row] of a yes of those who do not; None where their share is `assumed`.
    slopes : [draw] what one sd of the disposition adds to support and to willingness.
    """

    support: Array
    under: Array | None
    over: Array | None
    assumed: float
    slopes: tuple[Array, Array]

    def sincere(self, disposition: Array | float = 0.0) -> Array:
        """[draw, row] chance of supporting sincerely, of people of one disposition, or of each row's own."""
        return np.asarray(expit(self.support + self.slopes[0][:, None] * disposition))  # (1)

    def said(self, disposition: Array | float = 0.0) -> Said:
        """Who supports, and what each kind says when asked directly."""
        if self.under is None:
            raise ValueError("nobody was asked directly")
        moved = self.slopes[1][:, None] * disposition
        under = expit(self.under - moved)  # (2)
        over = np.full_like(under, self.assumed) if self.over is None else expit(self.over + moved)  # (3)
        return Said(self.sincere(disposition), under, over)


def leaning(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array) -> Leaning:
    """What people lean to under own gift and centred coverage."""
    support, willing = (predictor(theta, rows, gift, coverage, prefix) for prefix in (SINCERE, WILLING))
    slopes = (fixed(theta, f"{SINCERE}disposition", 0.0), fixed(theta, f"{WILLING}disposition", 0.0))
    if not asked(rows, DIRECT):
        return Leaning(support, None, None, 0.0, slopes)
    under = theta["under_intercept"][:, None] - willing
    over = theta["over_intercept"][:, None] + willing if "over_intercept" in theta else None
    return Leaning(support, under, over, float(rows["over"]), slopes)


def control_below(theta: Theta, rows: xr.Dataset, gift: Array) -> tuple[Array, Array]:
    """[draw, row, J + 1] chance of at most 0, 1, ..., J control items, of who does not support and of who does."""
    eta = predictor(theta, rows, gift, np.zeros_like(gift), CONTROL)
    cut = theta["control_cutpoint"][:, None, :]
    sure = np.ones((*eta.shape, 1))
    shifts = (np.zeros(len(eta)), theta["control_sincere"])
    found = (np.concatenate([expit(cut - eta[..., None] - s[:, None, None]), sure], axis=-1) for s in shifts)  # (4)
    no, yes = found
    return no, yes


def indirect(theta: Theta, cells: xr.Dataset) -> tuple[Array, Array]:
    """[draw, cell] chance of a cell's answers to indirect questions, of who does not support and of who does."""
    found = [np.ones((draws_of(theta), len(cells["gift"]))) for _ in range(2)]
    answer = answered(cells)
    if LIST in answer:
        for kind, chance in enumerate(_counted(theta, cells, answer[LIST])):
            found[kind] *= chance
    if RANDOMISED in answer:
        for kind, yes in enumerate(cells["yes"].to_numpy()):  # (6)
            found[kind] *= _answered(np.full(found[kind].shape, float(yes)), answer[RANDOMISED])
    return found[0], found[1]


def log_answers(theta: Theta, cells: xr.Dataset, points: Array) -> Iterator[Array]:
    """[draw, cell] log probability of all answers on support, of people of each disposition in turn."""
    gift, coverage = cells["gift"].to_numpy().astype(float), cells["coverage"].to_numpy()
    hidden, leans, answer = indirect(theta, cells), leaning(theta, cells, gift, coverage), answered(cells)
    for u in points:
        (no, yes), chance = hidden, leans.sincere(u)
        if DIRECT in answer:
            said = leans.said(u)
            no, yes = no * _answered(said.over, answer[DIRECT]), yes * _answered(1 - said.under, answer[DIRECT])
        yield np.asarray(np.log((1 - chance) * no + chance * yes))


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
    (found,) = log_answers(theta, cells, np.zeros(1))
    return found


def outcomes(leans: Leaning, rows: xr.Dataset, disposition: float = 0.0) -> dict[str, Array]:
    """[draw, row] what the questions speak to, of people of one disposition.

    Of an indirect question `sincere` support, of a direct one `said`, the chance of a yes; of both also their `gap`.
    """
    if not asked(rows, DIRECT):
        return {"sincere": leans.sincere(disposition)}
    said = leans.said(disposition)
    if not (asked(rows, LIST) or asked(rows, RANDOMISED)):
        return {"said": said.yes}
    return {"sincere": said.sincere, "said": said.yes, "gap": said.yes - said.sincere}


def predict(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> dict[str, Array]:
    """See :func:`outcomes`."""
    del nodes
    return outcomes(leaning(theta, rows, gift, coverage), rows)


def spoken(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, nodes: Nodes) -> Iterator[tuple[float, Said]]:
    """What each kind of person says, with the share of people whom it is of: all of them."""
    del nodes
    yield 1.0, leaning(theta, rows, gift, coverage).said()


def answer(theta: Theta, rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
    """{column: [row]} simulated answers under the first draw of `theta`."""
    return say(theta, rows, 0.0, rng)


def say(theta: Theta, rows: xr.Dataset, disposition: Array | float, rng: np.random.Generator) -> dict[str, Array]:
    """The same of people of one disposition, or of each row's own."""
    gift, coverage = rows["gift"].to_numpy().astype(float), rows["coverage"].to_numpy()
    leans = leaning(theta, rows, gift, coverage)
    support = rng.uniform(size=len(gift)) < leans.sincere(disposition)[0]
    roles = dict(zip(rows["role"].to_numpy(), rows["item"].to_numpy(), strict=True))
    drawn: dict[str, Array] = {}
    if LIST in roles:
        treated = _arms(rows, rng.integers(0, 2, size=len(gift)))
        no, yes = control_below(theta, rows, gift)
        upto = np.where(support[:, None], yes[0], no[0])
        control = (rng.uniform(size=len(gift))[:, None] > upto[:, :-1]).sum(axis=1)
        drawn[str(roles[LIST])] = control + treated * (support + control_items(rows) + 1)
    if DIRECT in roles:
        said = leans.said(disposition)
        chance = np.where(support, 1 - said.under[0], said.over[0])
        drawn[str(roles[DIRECT])] = (rng.uniform(size=len(gift)) < chance).astype(int)
    if RANDOMISED in roles:
        chance = rows["yes"].to_numpy()[support.astype(int)]
        drawn[str(roles[RANDOMISED])] = (rng.uniform(size=len(gift)) < chance).astype(int)
    return drawn


def _arms(rows: xr.Dataset, coin: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """[row] whether the longer list was shown: as it was to those who answered, else as the coin fell."""
    answer = answered(rows)[LIST] if "answer" in rows else np.full(len(coin), -1)
    return np.where(answer < 0, coin, answer > control_items(rows)).astype(int)


def answers(cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
    """How many counts the control list has."""
    return {f"{CONTROL}cut": (control_items(cells) + 1,)} if asked(cells, LIST) else {}
