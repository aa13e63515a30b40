"""Policies: who would receive, by who people are and by the private disposition u that offices may see.

A lottery gives everyone, in every office, the same chance. Every other policy leaves each office (a district in a
wave) the gifts it has and says only who gets them. Of a score it solves

    sum_row w_row sum_node q_node expit(a + score_row + slope_row u_node) = quota

for the intercept a, for every draw and office by itself, w being shares of an office's people. The left side rises in
a from 0 to 1, so the solution is unique; it is found by Newton's method on the scale of log-odds, where the left side
is nearly a line even in the tails, with halving of a bracket wherever a step leaves it or gains too little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np

from largesse import dims
from largesse.cells import Frame
from largesse.errors import InputError

Array = np.ndarray[Any, np.dtype[np.float64]]
Index = np.ndarray[Any, np.dtype[np.intp]]
Theta = Mapping[str, Array]
Nodes = tuple[Array, Array]

ROUNDING: Final = 1e-9
KEPT: Final = 1e-9  # how far receipts may miss a quota, against quota * (1 - quota); a tenth of what is promised
LAST_DIGITS: Final = 1e-14  # what the sum over an office's rows and nodes is uncertain by
STEPS: Final = 200  # halvings alone need about 60
FAR: Final = 350.0  # log-odds beyond are 0 or 1 to 150 digits; twice as far, exp still is a number


class Chooser(Protocol):
    """What a model says of how offices choose; the twin of a model that has a disposition is one."""

    def log_odds(self, theta: Theta, rows: Frame) -> Array:
        """[draw, row] log-odds of receiving for people of disposition 0."""

    def standing(self, theta: Theta, rows: Frame) -> Array:
        """[draw, row] standing x'gamma."""

    def favour(self, theta: Theta, rows: Frame) -> Array:
        """[draw, row] what one sd of the disposition counts with the office of the row."""


@dataclass(frozen=True)
class Offices:
    """The offices of some draws: what they see of people, and how many gifts each has to give.

    Attributes
    ----------
    rows : the frame; nodes : points and weights of the disposition.
    office : [row] the office of each row, counted from 0; within : [office, row] shares of an office's people.
    log_odds, standing, favour : [draw, row], as :class:`Chooser` has them.
    quota : [draw, office] the share of people who receive.
    """

    rows: Frame
    nodes: Nodes
    office: Index
    within: Array
    log_odds: Array
    standing: Array
    favour: Array
    quota: Array

    @classmethod
    def of(cls, chooser: Chooser, theta: Theta, rows: Frame, nodes: Nodes, quota: Array | None = None) -> Offices:
        """The offices of a frame under some draws.

        Parameters
        ----------
        quota : [district, wave] share of people who receive; expected receipts under the offices' own rule, which then
            differ from draw to draw, unless given.

        Raises
        ------
        InputError
            A given quota is no share from 0 to 1 for an office that has people in the frame.
        """
        places = np.stack([rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()])
        named, office = np.unique(places, axis=1, return_inverse=True)
        of_office = np.arange(named.shape[1])[:, None] == office.ravel()
        within = of_office * rows["weight"].to_numpy()
        within /= within.sum(axis=1, keepdims=True)
        log_odds, favour = chooser.log_odds(theta, rows), chooser.favour(theta, rows)
        if quota is None:
            own = _chances(log_odds, _tilt(favour, nodes[0]))
            shares = np.clip(_expected(own, nodes, within), 0.0, 1.0)
        else:
            given = np.asarray(quota, dtype=float)[tuple(named)]
            if not ((given >= 0) & (given <= 1)).all():
                raise InputError.one("policy", "quota", f"{given}", "a share from 0 to 1 for every district and wave")
            shares = np.tile(given, (len(log_odds), 1))
        return cls(rows, nodes, office.ravel(), within, log_odds, chooser.standing(theta, rows), favour, shares)

    def receipts(self, receipt: Array) -> Array:
        """[draw, office] share of people who receive, of [draw, row, node] chances."""
        return _expected(receipt, self.nodes, self.within)

    def faced(self) -> Array:
        """[draw, row] the coverage that people face while offices keep their quotas."""
        return np.asarray(self.quota[:, self.office])

    def spread(self, values: Array) -> Array:
        """[draw] standard deviation over the people of the frame, of [draw, row] or [row] values."""
        weight = self.rows["weight"].to_numpy() / self.rows["weight"].to_numpy().sum()
        values = np.atleast_2d(values)
        return np.asarray(np.sqrt(np.square(values - (values @ weight)[:, None]) @ weight))

    def give(self, score: Array, slope: Array) -> Array:
        """[draw, row, node] chance of a gift when every office keeps its quota and chooses by `score + slope * u`.

        Parameters
        ----------
        score, slope : [draw, row]; a constant added to an office's scores changes nothing.

        Raises
        ------
        ArithmeticError
            A quota cannot be met: scores are not finite, or so far apart that numbers run out of digits.
        """
        certain = (self.quota <= 0) | (self.quota >= 1)
        quota = np.where(certain, 0.5, self.quota)
        farthest = np.abs(slope) * np.abs(self.nodes[0]).max()
        middle = np.log(quota) - np.log1p(-quota)
        # With the lowest of these everybody's chance is at most the quota, with the highest at least.
        low = middle - (score + farthest).max(axis=1, keepdims=True)
        high = middle - (score - farthest).min(axis=1, keepdims=True)
        tilt = _tilt(slope, self.nodes[0])
        start = np.clip((self.log_odds - score) @ self.within.T, low, high)  # the offices' own generosity
        receipt = self._solve(score, tilt, quota, (low, start, high))
        sure = certain[:, self.office, None]
        return np.where(sure, self.quota[:, self.office, None], receipt) if certain.any() else receipt

    def _solve(self, score: Array, tilt: Array, quota: Array, bracket: tuple[Array, Array, Array]) -> Array:
        low, a, high = bracket
        before = np.full(a.shape, np.inf)
        for _ in range(STEPS):
            receipt = _chances(a[:, self.office] + score, tilt)
            share = self.receipts(receipt)
            steep = share - self.receipts(np.square(receipt))  # the derivative of `share` in a
            met = np.abs(share - quota) <= KEPT * quota * (1 - quota) + LAST_DIGITS
            if met.all():
                return receipt
            low, high = np.where(share < quota, a, low), np.where(share > quota, a, high)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                miss = np.log(share / quota) - np.log((1 - share) / (1 - quota))
                newton = a - miss * share * (1 - share) / steep
                good = (newton > low) & (newton < high) & (np.abs(miss) < before / 2)
            before = np.abs(miss)
            a = np.where(met, a, np.where(good, newton, (low + high) / 2))
        raise ArithmeticError(f"no intercept keeps the quota of {int((~met).sum())} offices")


def _tilt(slope: Array, points: Array) -> Array:
    """[draw, row, node] what a disposition does to the odds against a gift."""
    return np.asarray(np.exp(-np.clip(slope[:, :, None] * points, -FAR, FAR)))


def _chances(base: Array, tilt: Array) -> Array:
    """[draw, row, node] chance of a gift; exp(a + b) = exp(a) exp(b) keeps a step to one exponential per row."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(base, -FAR, FAR))[:, :, None] * tilt))


def _expected(receipt: Array, nodes: Nodes, within: Array) -> Array:
    return np.asarray((receipt @ nodes[1]) @ within.T)


class Policy(Protocol):
    """Who would receive.

    Attributes
    ----------
    coverage : the share receiving in every office; None where each office keeps its quota.
    """

    @property
    def coverage(self) -> float | None:
        """The share receiving in every office; None where each office keeps its quota."""

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] chance of a gift."""


@dataclass(frozen=True)
class Lottery:
    """Every resident of every district receives with the same probability.

    Attributes
    ----------
    coverage : the share receiving, 0 to 1, in every district and wave.
    """

    coverage: float

    def extrapolates(self, observed: tuple[float, float]) -> str:
        """Why this coverage was never seen, or nothing."""
        low, high = observed
        if low - ROUNDING <= self.coverage <= high + ROUNDING:
            return ""
        return f"coverage {self.coverage:.0%} lies outside the observed range {low:.0%} to {high:.0%}"

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] the one chance of all."""
        return np.full((*offices.log_odds.shape, len(offices.nodes[0])), float(self.coverage))


NOBODY: Final = Lottery(0.0)
EVERYBODY: Final = Lottery(1.0)


@dataclass(frozen=True)
class AsObserved:
    """The offices' own rule; under a quota that is not their own, the same choice among people."""

    coverage: ClassVar[None] = None

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] chance of a gift."""
        return offices.give(offices.log_odds, offices.favour)


@dataclass(frozen=True)
class ByLot:
    """Each office draws lots for its gifts."""

    coverage: ClassVar[None] = None

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] the quota of the row's office."""
        nodes = len(offices.nodes[0])
        return np.repeat(offices.faced()[:, :, None], nodes, axis=2)


@dataclass(frozen=True)
class ByStanding:
    """Each office chooses by standing x'gamma, and by the disposition as far as `favour` says.

    Attributes
    ----------
    favour : log-odds per sd of the disposition, the same in every office and draw; 0 is standing alone.
    """

    favour: float = 0.0
    coverage: ClassVar[None] = None

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] chance of a gift."""
        return offices.give(offices.standing, np.full(offices.standing.shape, float(self.favour)))


@dataclass(frozen=True)
class ByNeed:
    """Each office chooses by one covariate, those with more of it first, as sharply as offices choose by standing.

    The covariate is rescaled in every draw to the standard deviation that standing has in the frame.

    Attributes
    ----------
    covariate : name of a column of the design matrix.
    """

    covariate: str
    coverage: ClassVar[None] = None

    def receipt(self, offices: Offices) -> Array:
        """[draw, row, node] chance of a gift.

        Raises
        ------
        InputError
            The design has no such column, or everybody has the same of it.
        """
        names = list(map(str, offices.rows[dims.COVARIATE].to_numpy()))
        if self.covariate not in names:
            raise InputError.one("policy", "covariate", repr(self.covariate), f"one of {', '.join(names)}")
        need = offices.rows["x"].to_numpy()[:, names.index(self.covariate)]
        spread = offices.spread(need)
        if spread[0] <= ROUNDING:
            raise InputError.one("policy", "covariate", f"{self.covariate!r}, the same for all", "people who differ")
        score = need * (offices.spread(offices.standing) / spread)[:, None]
        return offices.give(score, np.zeros(score.shape))
