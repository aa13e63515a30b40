r"""Targeting: what it matters who receives. Receipt may depend on who people are and on the disposition u.

A programme is a policy with the coverage it implies. With r the chance of a gift and Y(z; c) the expected outcome of
people of one row and one u, own gift z and coverage c, and <.> the average over frame and u, its mean is

    M = < r Y(1; c) + (1 - r) Y(0; c) >,        overall(p, q) = M_p - M_q

Everyone belongs to one of three groups: `receivers`, by r; the `passed_over`, by 1 - r in rows where the chance of a
gift, averaged over u, is at least `eligible`; the `never_eligible`, by 1 - r in the other rows. The effect on receivers
is that of their own gift, < r [Y(1; c) - Y(0; c)] > / < r >; that on the others is that of coverage, of
Y(0; c) - Y(0; low), averaged in the same way.

Selectivity: a policy p against the lottery l of the same gifts. Adding and taking away what p would bring at l's
coverage,

    M_p - M_l = < r_p [Y(1; c_p) - Y(1; c_l)] + (1 - r_p) [Y(0; c_p) - Y(0; c_l)] >     exposure
              + < (r_p - r_l) [Y(1; c_l) - Y(0; c_l)] >                                 whom gifts go to

The last line is not 0 even if a gift moves everybody alike on the latent scale, for on the outcome's scale it then
moves those most who stand where the scale is steepest. With Y* the outcome if the effects of gift and coverage were
the average ones for everybody on the latent scale,

    curvature = < (r_p - r_l) [Y*(1; c_l) - Y*(0; c_l)] >,        reach = whom gifts go to - curvature

so that reach is what there is because effects differ between people, and the three parts sum to the whole. Where
nothing lets effects differ, reach would be 0 by assumption: the question is then not answerable.

Policies that keep an office's quota have one coverage, so Y is computed once for all of them, and exposure is 0.
(Hudgens & Halloran 2008, with receipt that depends on who people are.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import xarray as xr

from largesse import dims
from largesse.cells import Frame
from largesse.estimands import CONTRASTS, Surface, blocks
from largesse.policies import ROUNDING, Array, ByLot, Chooser, Nodes, Offices, Policy, Theta

PARTS: Final = ("whole", "reach", "exposure", "curvature")
WHO: Final = ("receivers", "passed_over", "never_eligible")
DIFFER: Final = ("direct_by", "spillover_by")  # terms of a predictor that let effects differ between people
HELD: Final = 8  # of the blocks of `estimands` in a table, 2 MB: blocks of one draw took nearly twice as long
UNANSWERED: Final = "selectivity_unanswered"  # the attribute that says why there is no split


class Twin(Chooser, Protocol):
    """What targeting asks of a model: how offices choose, and what people of one disposition answer."""

    def given(
        self, theta: Theta, rows: Frame, gift: Array, coverage: Array, points: Array
    ) -> Iterator[Mapping[str, Array]]:
        """Outcome -> [draw, row] of people of each of `points` in turn; gift [row], centred coverage [draw, row]."""


@dataclass(frozen=True)
class NotAnswerable:
    """A question that a model cannot answer, and why."""

    reason: str

    def __str__(self) -> str:
        return f"not answerable by this model: {self.reason}"


ALIKE: Final = NotAnswerable(
    "it lets no characteristic of people change the effect of a gift, so that whom gifts reach is all one to it"
)


class Outcome(NamedTuple):
    """[draw, row, node] expected outcome without and with a gift of one's own, at one coverage."""

    without: Array
    given: Array


class Programme(NamedTuple):
    """A policy's chances of a gift, [draw, row, node], and the outcome at the coverage it implies."""

    receipt: Array
    outcome: Outcome


class People(NamedTuple):
    """Who is averaged over: [group, row] shares of a group's people, and [node] weights of the disposition."""

    share: Array
    node: Array

    def mean(self, values: Array) -> Array:
        """[draw, group] average of [draw, row, node] values."""
        return np.asarray((values @ self.node) @ self.share.T)


@dataclass(frozen=True)
class Asked:
    """What is asked of a model.

    Attributes
    ----------
    policies : name -> who would receive.
    low : the coverage that effects on people without a gift are measured from.
    eligible : the chance of a gift, averaged over the disposition, from which people of a row count as eligible.
    quota : [district, wave] share receiving; what offices were expected to give under their own rule, unless given.
    """

    policies: Mapping[str, Policy]
    low: float
    eligible: float = 0.05
    quota: Array | None = None


# --- estimands of tables [draw, row, node] ---------------------------------------------------------------------------


def mean(people: People, programme: Programme) -> Array:
    """[draw, group] mean outcome under a programme."""
    receipt, y = programme
    return people.mean(y.without + receipt * (y.given - y.without))


def who(people: People, receipt: Array, eligible: float) -> dict[str, Array]:
    """The groups of `WHO` -> [draw, row, node] the chance to be in it; the three sum to 1."""
    may = ((receipt @ people.node) >= eligible - ROUNDING)[:, :, None]
    return dict(zip(WHO, (receipt, (1 - receipt) * may, (1 - receipt) * ~may), strict=True))


def effect_on(people: People, chance: Array, change: Array) -> Array:
    """[draw, group] average of a change among those in a group, NaN where nobody is; both are [draw, row, node]."""
    total, there = people.mean(chance * change), people.mean(chance)
    return np.asarray(np.divide(total, there, out=np.full(total.shape, np.nan), where=there > 0))


def split(people: People, policy: Programme, lottery: Programme, alike: Outcome) -> dict[str, Array]:
    """The `PARTS` of what a policy brings against a lottery -> [draw, group]; reach, exposure and curvature sum to it.

    `alike` is the outcome at the lottery's coverage, were effects the same for everybody on the latent scale.
    """
    whole = mean(people, policy) - mean(people, lottery)
    exposure = mean(people, policy) - mean(people, Programme(policy.receipt, lottery.outcome))
    moved = policy.receipt - lottery.receipt
    curvature = people.mean(moved * (alike.given - alike.without))
    return dict(zip(PARTS, (whole, whole - exposure - curvature, exposure, curvature), strict=True))


def up_and_down(loyalty: Array, market: Array) -> Array:
    """[group] probability that loyalty rises while the market falls, of [draw, group] changes."""
    return np.asarray(((loyalty > 0) & (market < 0)).mean(axis=0))


class BreakEven(NamedTuple):
    """The coverages that do as much as a low one: a set, which may be empty.

    Attributes
    ----------
    found : [point, draw, group] the coverage at a point of the grid, or between it and the next; NaN where none is.
    """

    found: Array

    @property
    def smallest(self) -> Array:
        """[draw, group] the smallest coverage of the set; NaN where it is empty."""
        return np.asarray(np.fmin.reduce(self.found, axis=0))

    @property
    def exists(self) -> Array:
        """[group] probability that there is one in the range of the grid."""
        return np.asarray(np.isfinite(self.smallest).mean(axis=0))

    def quantiles(self, at: Array) -> Array:
        """[quantile, group] of the smallest, among draws that have one; NaN where none has."""
        every = (column[np.isfinite(column)] for column in self.smallest.T)
        return np.stack([np.quantile(c, at) if len(c) else np.full(len(at), np.nan) for c in every], axis=1)


def break_even(change: Array, grid: Array) -> BreakEven:
    """Where a change crosses 0, by linear interpolation.

    Parameters
    ----------
    change : [point, draw, group] mean outcome at each coverage of the grid, against the low one.
    grid : [point] coverages above the low one, rising.
    """
    found = np.where(change == 0, grid[:, None, None], np.nan)
    here, there = change[:-1], change[1:]
    step = np.diff(grid)[:, None, None]
    crosses = here * there < 0
    part = np.divide(here, here - there, out=np.zeros(here.shape), where=crosses)
    found[:-1] = np.where(crosses, grid[:-1, None, None] + part * step, found[:-1])
    return BreakEven(found)


def lottery_changes(surface: Surface, outcome: str, low: float, grid: Array) -> Array:
    """[point, draw, group] what a lottery at each coverage of the grid brings, against a lottery at `low`."""
    return np.stack([CONTRASTS["overall"].of(partial(surface, outcome), float(c), low) for c in grid])


# --- from draws to tables --------------------------------------------------------------------------------------------


def programmes(twin: Twin, surface: Surface, nodes: Nodes, asked: Asked) -> xr.Dataset:
    """Every policy's mean, whom it reaches, what it does to them, and how it compares with a lottery of its gifts.

    Parameters
    ----------
    twin : what the model says of people of each disposition.
    surface : draws, frame and groups of the same model.
    nodes : points and weights of the disposition.

    Returns
    -------
    xarray.Dataset over (sample, group, policy), outcomes as shares of their range:

    `outcome.mean`; `outcome.receivers` (effect of their own gift), `outcome.passed_over` and `outcome.never_eligible`
    (effect of coverage against `asked.low`), NaN in draws in which nobody is of the group;
    `share.receivers` and so on: the share of people in each; `empty.receivers` and so on (group, policy): the share of
    draws in which nobody is; `outcome.whole`, `outcome.reach`, `outcome.exposure`, `outcome.curvature`: see
    :func:`selectivity`.
    """
    each = max(1, surface.frame.sizes[dims.ROW] * len(nodes[0]) // HELD)
    people = People(surface.share, nodes[1])
    parts = [_Block(twin, part, surface.frame, nodes, asked).told(people) for part in blocks(surface.theta, each)]
    every = (dims.DRAW, "group", "policy")
    told: dict[str, Any] = {name: (every, np.concatenate([p[name] for p in parts])) for name in parts[0]}
    empty = {f"empty.{g}": (every[1:], (told[f"share.{g}"][1] == 0).mean(axis=0)) for g in WHO}
    return xr.Dataset(
        told | empty,
        coords={"group": list(surface.groups), "policy": list(asked.policies)},
        attrs={"low": asked.low, "eligible": asked.eligible, UNANSWERED: "" if varies(surface.theta) else str(ALIKE)},
    )


def overall(found: xr.Dataset, policy: str, other: str) -> xr.Dataset:
    """Outcome -> (sample, group) what one policy brings against another, of what :func:`programmes` found."""
    means = {str(name).removesuffix(".mean"): v for name, v in found.items() if str(name).endswith(".mean")}
    one, another = (xr.Dataset(means).sel(policy=name, drop=True) for name in (policy, other))
    return one - another


def selectivity(found: xr.Dataset, outcome: str, policy: str) -> xr.Dataset | NotAnswerable:
    """The `PARTS` of a policy against a lottery of the offices' gifts, each (sample, group), or why there are none."""
    if found.attrs[UNANSWERED]:
        return ALIKE
    return xr.Dataset({p: found[f"{outcome}.{p}"].sel(policy=policy, drop=True) for p in PARTS})


def varies(theta: Theta) -> bool:
    """Whether the effect of a gift may differ between people of a district."""
    return any(name.endswith(DIFFER) for name in theta)


def alike(theta: Theta, rows: Frame) -> dict[str, Array]:
    """The draws as they would be if effects were, for everybody of a district, their average over the frame."""
    weight = rows["weight"].to_numpy()
    average = weight @ rows["x"].to_numpy()[:, rows["modifier_index"].to_numpy()] / weight.sum()
    out = dict(theta)
    for name in filter(lambda n: n.endswith(DIFFER), theta):
        out[name] = np.zeros(theta[name].shape)
        out[name.removesuffix("_by")] = theta.get(name.removesuffix("_by"), 0.0) + theta[name] @ average
    return out


class _Block:
    """Some draws: their offices, and tables [draw, row, node], each coverage's computed once."""

    def __init__(self, twin: Twin, theta: Theta, rows: Frame, nodes: Nodes, asked: Asked) -> None:
        self.twin, self.theta, self.rows, self.nodes, self.asked = twin, theta, rows, nodes, asked
        self.offices = Offices.of(twin, theta, rows, nodes, asked.quota)
        self.known: dict[float | None, dict[str, Outcome]] = {}

    def told(self, people: People) -> dict[str, Array]:
        """Variable -> [draw, group, policy]."""
        low = self._table(self.theta, 0, self.asked.low)
        same = self._outcomes(alike(self.theta, self.rows), None) if varies(self.theta) else {}
        lot = ByLot().receipt(self.offices)
        columns = []
        for policy in self.asked.policies.values():
            receipt = policy.receipt(self.offices)
            chances = who(people, receipt, self.asked.eligible)
            column = {f"share.{group}": people.mean(chance) for group, chance in chances.items()}
            for name, y in self.outcomes(policy.coverage).items():
                programme, spilt = Programme(receipt, y), y.without - low[name]
                changes = dict(zip(WHO, (y.given - y.without, spilt, spilt), strict=True))
                column[f"{name}.mean"] = mean(people, programme)
                column |= {f"{name}.{g}": effect_on(people, chance, changes[g]) for g, chance in chances.items()}
                if same:
                    lottery = Programme(lot, self.outcomes(None)[name])
                    parts = split(people, programme, lottery, same[name])
                    column |= {f"{name}.{part}": values for part, values in parts.items()}
            columns.append(column)
        return {name: np.stack([column[name] for column in columns], axis=-1) for name in columns[0]}

    def outcomes(self, coverage: float | None) -> dict[str, Outcome]:
        """Every outcome at one coverage everywhere, or at the offices' quotas."""
        if coverage not in self.known:
            self.known[coverage] = self._outcomes(self.theta, coverage)
        return self.known[coverage]

    def _outcomes(self, theta: Theta, coverage: float | None) -> dict[str, Outcome]:
        without, given = (self._table(theta, gift, coverage) for gift in (0, 1))
        return {name: Outcome(without[name], given[name]) for name in without}

    def _table(self, theta: Theta, gift: int, coverage: float | None) -> dict[str, Array]:
        """Outcome -> [draw, row, node]."""
        faced = self.offices.faced() if coverage is None else np.full(self.offices.log_odds.shape, coverage)
        faced = faced - self.rows.attrs["coverage_center"]
        own = np.full(faced.shape[1], float(gift))
        every = list(self.twin.given(theta, self.rows, own, faced, self.nodes[0]))
        return {name: np.stack([at[name] for at in every], axis=-1) for name in every[0]}
