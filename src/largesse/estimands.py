"""Estimands: contrasts of predictions on the outcome scale, every draw kept. Knows no model by name.

With Y(z; c) the mean outcome over the frame and the disposition, own gift z, coverage c in every district:

    direct(c) = Y(1; c) - Y(0; c)
    spillover(c, c') = Y(0; c) - Y(0; c')
    total(c, c') = Y(1; c) - Y(0; c') = direct(c) + spillover(c, c')
    overall(c, c') = [c Y(1; c) + (1 - c) Y(0; c)] - [c' Y(1; c') + (1 - c') Y(0; c')], gifts by lottery

(Hudgens & Halloran 2008.) Districts that differ for other reasons stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from largesse import dims
from largesse.cells import Frame

Array = np.ndarray[Any, np.dtype[np.float64]]
Predict = Callable[[Mapping[str, Array], Frame, Array, Array], Mapping[str, Array]]

EVERYONE: Final = ""  # the group that is the whole frame
BLOCK: Final = 32_768  # predictions made at once: 256 kB, so that the dozen arrays of a predictor stay in the cache
TIED: Final = 1e-9  # standings that differ by less are of one profile, summed in another order


class Contrast(NamedTuple):
    """One row of the table below: a label, whether it needs coverage that varies, and the formula."""

    label: str
    needs_coverage: bool
    of: Callable[[Callable[[int, float], Array], float, float], Array]


def _lottery(y: Callable[[int, float], Array], c: float) -> Array:
    return c * y(1, c) + (1 - c) * y(0, c)


CONTRASTS: Final[Mapping[str, Contrast]] = {
    "direct": Contrast("effect of a gift on who receives it", False, lambda y, high, _low: y(1, high) - y(0, high)),
    "spillover": Contrast(
        "effect of more coverage on those passed over", True, lambda y, high, low: y(0, high) - y(0, low)
    ),
    "total": Contrast(
        "receiving under high coverage, against being passed over under low",
        True,
        lambda y, high, low: y(1, high) - y(0, low),
    ),
    "overall": Contrast(
        "effect of more coverage on everyone, gifts by lottery",
        True,
        lambda y, high, low: _lottery(y, high) - _lottery(y, low),
    ),
    "level.0": Contrast("mean without a gift of one's own", False, lambda y, high, _low: y(0, high)),
    "level.1": Contrast("mean with a gift of one's own", False, lambda y, high, _low: y(1, high)),
}


class Surface:
    """Y(z; c) of one fitted model, averaged over groups of the frame; each value computed once.

    Parameters
    ----------
    predict : (theta, rows, gift, centred coverage) -> outcome -> [draw, row].
    theta : parameter -> [draw, ...].
    frame : the population table.
    groups : name -> [row] mask; the whole frame unless given.
    """

    def __init__(
        self, predict: Predict, theta: Mapping[str, Array], frame: Frame, groups: Mapping[str, Array] | None = None
    ) -> None:
        rows = frame.sizes[dims.ROW]
        masks = {EVERYONE: np.ones(rows, dtype=bool)} if groups is None else groups
        mass = np.array([mask * frame["weight"].to_numpy() for mask in masks.values()])
        self.predict, self.theta, self.frame = predict, theta, frame
        self.groups = tuple(masks)
        self.share = mass / mass.sum(axis=1, keepdims=True)  # [group, row]
        self._known: dict[tuple[int, float], dict[str, Array]] = {}

    def __call__(self, outcome: str, gift: int, coverage: float) -> Array:
        """[draw, group] mean outcome under own gift and (uncentred) coverage."""
        return self.outcomes(gift, coverage)[outcome]

    def outcomes(self, gift: int, coverage: float) -> dict[str, Array]:
        """Outcome -> [draw, group], all that the model predicts."""
        key = (gift, round(coverage, 12))
        if key not in self._known:
            rows = self.frame.sizes[dims.ROW]
            own, faced = np.full(rows, float(gift)), np.full(rows, coverage - self.frame.attrs["coverage_center"])
            means = [
                {name: values @ self.share.T for name, values in self.predict(part, self.frame, own, faced).items()}
                for part in blocks(self.theta, rows)
            ]
            self._known[key] = {name: np.concatenate([m[name] for m in means]) for name in means[0]}
        return self._known[key]


def blocks(theta: Mapping[str, Array], rows: int) -> Iterator[dict[str, Array]]:
    """The draws in parts, each so small that predictions of `rows` rows stay in the processor's cache."""
    draws, step = len(next(iter(theta.values()))), max(1, BLOCK // rows)
    return ({n: v[i : i + step] for n, v in theta.items()} for i in range(0, draws, step))


def effects(surface: Surface, high: float, low: float, *, varies: bool) -> xr.Dataset:
    """Every contrast of every outcome.

    Parameters
    ----------
    high, low : the two coverages compared; `direct` and the levels are at `high`.
    varies : whether coverage plays a part; without it only contrasts of one coverage are returned.

    Returns
    -------
    xarray.Dataset with variables `outcome.contrast`, dims (sample, group), as shares of the outcome's range.
    """
    named = {}
    for outcome in surface.outcomes(0, high):

        def y(gift: int, coverage: float, outcome: str = outcome) -> Array:
            return surface(outcome, gift, coverage)

        for name, contrast in CONTRASTS.items():
            if varies or not contrast.needs_coverage:
                named[f"{outcome}.{name}"] = ((dims.DRAW, "group"), contrast.of(y, high, low))
    return xr.Dataset(named, coords={"group": list(surface.groups)}, attrs={"high": high, "low": low})


def selectivity(receipt: Array, standing: Array, weight: Array) -> dict[str, Array]:
    """How selective offices are, on scales people can read.

    Parameters
    ----------
    receipt : [draw, row] probability of receiving; standing : [draw, row]; weight : [row].

    Returns
    -------
    `top` and `bottom`: mean receipt of the quarter of people with most and least standing (rows of equal standing on
    its boundary count alike, in part); `selectivity`: their difference; `gini`: concentration of receipt
    probabilities, 0 when all have the same. Each is [draw].
    """
    share = weight / weight.sum()
    top, bottom, gini = (np.empty(len(receipt)) for _ in range(3))
    for s, (chance, place) in enumerate(zip(receipt, standing, strict=True)):
        order = np.argsort(place)
        people, received = _by_place(place[order], share[order], chance[order])
        upto = np.cumsum(people)
        for out, low, high in ((bottom, 0.0, 0.25), (top, 0.75, 1.0)):
            inside = _overlap(upto, people, low, high) / people
            out[s] = inside @ received / (inside @ people)
        gini[s] = _gini(chance, share)
    return {"top": top, "bottom": bottom, "selectivity": top - bottom, "gini": gini}


def _by_place(place: Array, share: Array, receipt: Array) -> tuple[Array, Array]:
    """[place] the share of people of one standing, and of people of it who receive; `place` is sorted."""
    first = np.flatnonzero(np.diff(place, prepend=-np.inf) > TIED)
    return np.add.reduceat(share, first), np.add.reduceat(share * receipt, first)


def _overlap(upto: Array, share: Array, low: float, high: float) -> Array:
    """[place] how much of each share lies between two quantiles: one on the boundary counts in part."""
    return np.asarray(np.clip(np.minimum(upto, high) - np.maximum(upto - share, low), 0.0, None))


def _gini(values: Array, share: Array) -> float:
    """Twice the area between the diagonal and the Lorenz curve."""
    order = np.argsort(values)
    w, v = share[order], values[order]
    lorenz = np.concatenate([[0.0], np.cumsum(w * v) / (w @ v)])
    return float(1.0 - (w * (lorenz[1:] + lorenz[:-1])).sum())
