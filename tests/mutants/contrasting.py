"""Faults of the estimands: parameters are right, what is made of them is not.

Ranks cannot see it: truth and draws pass through the same function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from largesse.estimands import Contrast, Surface


def quota_broken(_right: Any) -> Any:
    """A lottery for a share c of people gives to the others."""
    return lambda y, c: (1 - c) * y(1, c) + c * y(0, c)


def spillover_of_receivers(right: Mapping[str, Contrast]) -> Mapping[str, Contrast]:
    """The effect of coverage on those passed over is told of those who receive."""
    wrong = right["spillover"]._replace(of=lambda y, high, low: y(1, high) - y(1, low))
    return {**right, "spillover": wrong}


def coverage_not_centred(right: type[Surface]) -> Any:
    """Predictions are made at a coverage that is not centred, of a predictor that reads it centred."""
    return lambda predict, theta, frame, groups: right(predict, theta, frame.assign_attrs(coverage_center=0.0), groups)


def frame_not_weighted(right: type[Surface]) -> Any:
    """Every row of the population table counts alike, however many people it stands for."""
    return lambda predict, theta, frame, groups: right(
        predict, theta, frame.assign(weight=frame["weight"] * 0 + 1), groups
    )


def amount_of_those_in(right: Any) -> Any:
    """The expected share of income is that of people who take part, with nobody counted as zero."""

    def predict(*given: Any) -> dict[str, Any]:
        told = right(*given)
        return {**told, "market_much": told["market_much"] / told["market_any"]}

    return predict


def standing_of_the_office(right: Any) -> Any:
    """Standing includes how generous the district's office is."""
    return lambda receipt, _standing, weight: right(receipt, receipt, weight)
