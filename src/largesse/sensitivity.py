"""Sensitivity: what the answer would be, had offices favoured the privately loyal more or less than is assumed.

Favour is data of the compiled model, so one compile serves the whole curve. The curve uses nothing that was asked
before the gift: it shows what the other answers say at each favour, and where loyalty was asked before, the favour that
those answers point to is marked on it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import expit, ndtri

from largesse import dims, findings
from largesse.estimands import EVERYONE
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import NODES, Model
from largesse.settings import Sampler
from largesse.store import write_json

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

SAMPLER: Final = Sampler(draws=250, tune=250, chains=2)  # a mean known to a tenth of its sd, an interval to a fifth
RHAT, ESS, DIVERGENCES = 1.05, 100, 10  # of the effects that are drawn; a curve needs no more of a fit
CURVES: Final = ("loyalty.direct", "market_any.direct", "market_much.direct")
PEOPLE: Final = 1000  # dispositions of equal weight, so that a quarter of them is a quarter


@dataclass(frozen=True)
class Point:
    """What the fit at one favour says.

    Attributes
    ----------
    favour : logits of a gift per sd of the disposition.
    effects : `outcome.contrast` -> `mean`, `sd`, `lower`, `upper`, as shares of the outcome's range.
    top, bottom : chance of a gift of the quarter of people with most and with least disposition, of an average profile
        in an office that gives to the average share.
    gradients : favour as a multiple of the largest difference that a covariate makes to standing; None without one.
    settled : whether the chains agree on the effects, well enough for a curve.
    """

    favour: float
    effects: Mapping[str, Mapping[str, float]]
    top: float
    bottom: float
    gradients: float | None
    settled: bool


@dataclass(frozen=True)
class Tipping:
    """The headline effect over a grid of favour.

    Attributes
    ----------
    points : in order of favour.
    """

    points: tuple[Point, ...]

    def crossing(self, effect: str, level: float = 0.0) -> float | None:
        """The favour at which the mean of an effect comes to `level`, on straight lines between points; None if never.

        Of several, the one nearest to no favour at all.
        """
        x = np.array([p.favour for p in self.points if p.settled])
        y = np.array([p.effects[effect]["mean"] for p in self.points if p.settled]) - level
        at = np.flatnonzero(y[:-1] * y[1:] <= 0) if len(y) > 1 else np.array([], dtype=int)
        found = [float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i])) for i in at if y[i + 1] != y[i]]
        return min(found, key=abs) if found else None

    def save(self, path: Path) -> None:
        """Write JSON, atomically, readable by the owner alone."""
        write_json(path, asdict(self), private=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a stored curve."""
        table = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(Point(**row) for row in table["points"]))


def tipping(
    model: Model,
    inputs: Inputs,
    sample: Callable[..., Fit],
    nodes: int = NODES[0],
    sampler: Sampler = SAMPLER,
) -> Tipping:
    """Fit a model with a favour at each value of the study's grid.

    Parameters
    ----------
    model, inputs : a model that assumes a favour, and the study; what was asked before the gift is not used.
    sample : what draws from a posterior, called like :func:`largesse.sampling.fit`.
    nodes : points of the quadrature over the disposition, as many as the fit itself needed.
    """
    grid, points = inputs.study.estimands.favours, []
    for number, favour in enumerate(grid):
        log.info("favour %+.2f, %d of %d", favour, number + 1, len(grid))
        here = assuming(favour, model, inputs)
        fit = sample(
            model, here.cells[model.name], here.priors[model.name], sampler, seed=inputs.study.seed, nodes=nodes
        )
        points.append(_point(favour, fit, model, here))
    return Tipping(tuple(points))


def assuming(favour: float, model: Model, inputs: Inputs) -> Inputs:
    """The study with a favour that is set, and nobody's answers from before the gift: data of the same shape."""
    cells, frame = inputs.cells[model.name], inputs.frames[model.name]
    assumed: dict[Any, Any] = {"favour": float(favour), "estimated": 0.0}
    silent = cells["answer"].where(cells[dims.ROLE] != "loyalty_before", -1)
    return replace(
        inputs,
        cells={**inputs.cells, model.name: cells.assign({"answer": silent, **assumed})},
        frames={**inputs.frames, model.name: frame.assign(assumed)},
    )


def _point(favour: float, fit: Fit, model: Model, inputs: Inputs) -> Point:
    effects, settled = told(findings.estimate(fit, model, inputs), fit, inputs, CURVES)
    standing = fit.theta.get(f"{model.prefixes['receipt']}standing")
    steepest = None if standing is None else float(np.abs(standing.mean(axis=0)).max())
    bottom, top = quarters(favour, float(inputs.cells[model.name].attrs["coverage_center"]))
    return Point(float(favour), effects, top, bottom, favour / steepest if steepest else None, settled)


def told(drawn: xr.Dataset, fit: Fit, inputs: Inputs, names: Sequence[str]) -> tuple[dict[str, dict[str, float]], bool]:
    """What the effects of a short fit are on everyone, and whether its chains tell alike of each, well enough for that.

    Returns
    -------
    `outcome.contrast` -> `mean`, `sd`, `lower`, `upper`, as shares of the outcome's range, of those of `names` that the
    model has; and whether the fit settled.
    """
    tail = (1 - inputs.study.estimands.interval) / 2
    effects, settled = {}, int(fit.tree["sample_stats"]["diverging"].sum()) <= DIVERGENCES
    for name in (n for n in names if n in drawn):
        draws = drawn[name].sel(group=EVERYONE).to_numpy()
        settled &= _agreed(fit, draws)
        lower, upper = np.quantile(draws, [tail, 1 - tail])
        numbers = {"mean": draws.mean(), "sd": draws.std(ddof=1), "lower": lower, "upper": upper}
        effects[name] = {k: float(v) for k, v in numbers.items()}
    return effects, settled


def _agreed(fit: Fit, draws: Array) -> bool:
    """Whether the chains tell alike of [draw] values, chain after chain."""
    by_chain = draws.reshape(fit.chains, -1)
    return bool(array_stats.rhat(by_chain) <= RHAT and array_stats.ess(by_chain, method="bulk") >= ESS)


def quarters(favour: float, coverage: float) -> tuple[float, float]:
    """Chance of a gift of the quarter with least and the quarter with most disposition, where `coverage` receive.

    For one profile: the intercept is that at which the average over dispositions is `coverage`.
    """
    people = ndtri((np.arange(PEOPLE) + 0.5) / PEOPLE)
    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + favour * people).mean() < coverage else (low, middle)
    chance = expit(low + favour * people)
    return float(chance[: PEOPLE // 4].mean()), float(chance[-PEOPLE // 4 :].mean())
