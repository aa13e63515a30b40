"""Faults of the simulator: the PyMC model is right, people are not as it says."""

from __future__ import annotations

from typing import Any

import numpy as np


def swapped_arm(right: Any) -> Any:
    """Who received answers as one passed over, and who was passed over as one who received."""
    return lambda theta, rows, rng: right(theta, rows.assign(gift=1 - rows["gift"]), rng)


def cutpoints_off_by_one(right: Any) -> Any:
    """An answer is the number of cutpoints passed less one."""
    return lambda theta, rows, rng: {item: np.maximum(y - 1, 0) for item, y in right(theta, rows, rng).items()}


def variance_for_sd(right: Any) -> Any:
    """Dispositions are drawn with their variance where the sd belongs."""
    return lambda theta, rows, rng: right({**theta, "disposition_sd": theta["disposition_sd"] ** 2}, rows, rng)


def discriminations_ignored(right: Any) -> Any:
    """Every item tells dispositions apart as sharply as the first."""
    return lambda theta, rows, rng: right({**theta, "discrimination": theta["discrimination"] * 0 + 1}, rows, rng)


def spillover_sign(right: Any) -> Any:
    """Coverage moves those passed over the other way."""
    return lambda theta, *rest: right({**theta, "spillover": -theta["spillover"]}, *rest)


def spillover_felt_by_receivers(right: Any) -> Any:
    """What coverage does to those passed over it does to receivers too, on top of their own."""
    return lambda theta, rows, rng: right(
        {**theta, "spillover_received": theta["spillover_received"] + theta["spillover"]}, rows, rng
    )


def district_shifted(right: Any) -> Any:
    """Everyone is given a gift by the office of the next district."""
    return lambda theta, rows, rng: right(
        theta, rows.assign(in_district=(rows["in_district"] + 1) % rows.sizes["district"]), rng
    )


def wave_sign(right: Any) -> Any:
    """A wave moves receipt the other way."""
    return lambda theta, *rest: right({**theta, "wave_effect": -theta["wave_effect"]}, *rest)


def covariates_not_centred(right: Any) -> Any:
    """Covariates are counted from their lowest value, not from their mean."""
    return lambda theta, rows, rng: right(theta, rows.assign(x=rows["x"] - rows["x"].to_numpy().min(axis=0)), rng)


def market_parts_exchanged(right: Any) -> Any:
    """What moves whether people trade is what should move how much, and the other way round; cutpoints stay."""
    other = {"any_": "much_", "much_": "any_"}

    def exchanged(name: str) -> str:
        part = name[: name.index("_") + 1]
        return name if name.endswith("cutpoint") else other[part] + name.removeprefix(part)

    return lambda theta, rows, rng: right({exchanged(name): v for name, v in theta.items()}, rows, rng)
