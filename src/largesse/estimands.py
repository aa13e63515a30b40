"""Estimands: contrasts of predictions on the outcome scale, every draw kept. Knows no model by name.

With Y(z; c) the mean outcome over the frame and the disposition, own gift z, coverage c in every district:

    direct(c) = Y(1; c) - Y(0; c)
    spillover(c, c') = Y(0; c) - Y(0; c')
    total(c, c') = Y(1; c) - Y(0; c') = direct(c) + spillover(c, c')
    overall(c, c') = [c Y(1; c) + (1 - c) Y(0; c)] - [c' Y(1; c') + (1 - c') Y(0; c')], gifts by lottery

(Hudgens & Halloran 2008.) Districts that differ for other reasons stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from largesse import dims
from largesse.cells import Frame
from largesse.results import Estimate
from largesse.study import Estimands

Array = np.ndarray[Any, np.dtype[np.float64]]
Surface = Callable[[float, float], Mapping[str, Array]]


class Contrast(NamedTuple):
    """One row of the table below: a label, whether it needs coverage that varies, and the formula."""

    label: str
    needs_coverage: bool
    of: Callable[[Callable[[int, float], Array], float, float], Array]


CONTRASTS: Final[Mapping[str, Contrast]] = {
    "direct": Contrast("effect of a gift on who receives it", False, lambda y, high, low: y(1, high) - y(0, high)),
    "spillover": Contrast("effect of more coverage on those passed over", True,
                          lambda y, high, low: y(0, high) - y(0, low)),
    "total": Contrast("receiving under high coverage, against being passed over under low", True,
                      lambda y, high, low: y(1, high) - y(0, low)),
    "overall": Contrast("effect of more coverage on everyone, gifts by lottery", True,
                        lambda y, high, low: _lottery(y, high) - _lottery(y, low)),
}  # fmt: skip


def _lottery(y: Callable[[int, float], Array], c: float) -> Array:
    return c * y(1, c) + (1 - c) * y(0, c)


class Predictions:
    """Y(z; c) of one fitted model over a frame, each computed once.

    Parameters
    ----------
    predict : (rows, gift, centred coverage) -> outcome -> [draw, row].
    frame : the population table.
    """

    def __init__(self, predict: Callable[[Frame, Array, Array], Mapping[str, Array]], frame: Frame) -> None:
        self.predict, self.frame = predict, frame
        self._known: dict[tuple[int, float], Mapping[str, Array]] = {}

    def __call__(self, outcome: str, gift: int, coverage: float) -> Array:
        """[draw, row] expected outcome under own gift and uncentred coverage."""
        key = (gift, round(coverage, 12))
        if key not in self._known:
            n = self.frame.sizes[dims.ROW]
            centred = coverage - float(self.frame.attrs["coverage_center"])
            self._known[key] = self.predict(self.frame, np.full(n, float(gift)), np.full(n, centred))
        return self._known[key][outcome]


def contrasts(
    predictions: Predictions, outcome: str, high: float, low: float, *, varies: bool
) -> dict[str, Array]:
    """Contrast -> [draw, row] before averaging over the frame; `varies` says whether coverage has an effect at all."""

    def y(gift: int, coverage: float) -> Array:
        return predictions(outcome, gift, coverage)

    return {name: c.of(y, high, low) for name, c in CONTRASTS.items() if varies or not c.needs_coverage}


def average(values: Array, weight: Array) -> Array:
    """[draw] mean over rows with `weight` (any scale)."""
    return np.asarray(values @ (weight / weight.sum()))


def by_district(values: Array, frame: Frame) -> dict[str, Array]:
    """District -> [draw] mean over its rows."""
    where, weight = frame["in_district"].to_numpy(), frame["weight"].to_numpy()
    names = frame[dims.DISTRICT].to_numpy()
    return {str(names[d]): average(values[:, where == d], weight[where == d]) for d in np.unique(where)}


def selectivity(receipt: Array, standing: Array, weight: Array) -> dict[str, Array]:
    """How selective offices are, on scales people can read.

    Parameters
    ----------
    receipt : [draw, row] probability of receiving; standing : [draw, row]; weight : [row].

    Returns
    -------
    `top` and `bottom`: mean receipt of the quarter of people with most and least standing; `selectivity`: their
    difference; `gini`: concentration of receipt probabilities, 0 when all have the same.
    """
    top, bottom, gini = (np.empty(len(receipt)) for _ in range(3))
    for s in range(len(receipt)):
        order = np.argsort(standing[s], kind="stable")
        mass = np.cumsum(weight[order]) / weight.sum()
        for out, quarter in ((bottom, mass <= 0.25), (top, mass > 0.75)):
            rows = order[quarter] if quarter.any() else order[[0 if out is bottom else -1]]
            out[s] = np.average(receipt[s, rows], weights=weight[rows])
        gini[s] = _gini(receipt[s], weight)
    return {"top": top, "bottom": bottom, "selectivity": top - bottom, "gini": gini}


def _gini(values: Array, weight: Array) -> float:
    """Twice the area between the diagonal and the Lorenz curve."""
    order = np.argsort(values, kind="stable")
    w, v = weight[order] / weight.sum(), values[order]
    lorenz = np.concatenate([[0.0], np.cumsum(w * v) / (w @ v)])
    return float(1.0 - (w * (lorenz[1:] + lorenz[:-1])).sum())


def summarise(draws: Array, asked: Estimands, **about: Any) -> Estimate:
    """The summary of [draw] values that results carry; intervals have equal tails.

    `about` are the fields of :class:`~largesse.results.Estimate` that say what it is (key, label, outcome, ...).
    """
    tail = (1 - asked.interval) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail])
    numbers = {"mean": draws.mean(), "sd": draws.std(ddof=1), "lower": lower, "upper": upper,
               "p_positive": (draws > 0).mean(), "p_negligible": (np.abs(draws) < asked.rope).mean()}  # fmt: skip
    return Estimate(interval=asked.interval, **{n: float(v) for n, v in numbers.items()}, **about)
