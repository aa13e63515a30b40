"""The linear predictor in NumPy, term by term as the model cards write it; a term that was dropped adds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

Array = np.ndarray[Any, np.dtype[np.float64]]
Theta = Mapping[str, Array]


def draws_of(theta: Theta) -> int:
    """How many draws `theta` holds: every array has them on its first axis."""
    return len(next(iter(theta.values())))


def predictor(theta: Theta, rows: xr.Dataset, gift: Array, coverage: Array, prefix: str = "") -> Array:
    """[draw, row] predictor of `rows` under own gift `gift` and centred coverage `coverage` (both [row]).

    Who the rows are (district, wave, covariates, how their district differs for good) stays as observed.
    """
    d, t = rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()
    x = rows["x"].to_numpy()
    m = x[:, rows["modifier_index"].to_numpy()]
    passed_over, received = (1.0 - gift) * coverage, gift * coverage

    def at(name: str, weight: Array | float, index: Array | None = None) -> Array | float:
        values = theta.get(prefix + name)
        if values is None:
            return 0.0
        return values[:, index] * weight if index is not None else values[:, None] * weight

    def along(name: str, columns: Array, weight: Array | float = 1.0) -> Array | float:
        values = theta.get(prefix + name)
        return 0.0 if values is None else (values @ columns.T) * weight

    eta = np.zeros((draws_of(theta), len(d)))
    eta += at("intercept", 1.0)
    eta += at("district_effect", 1.0, d) + at("wave_effect", 1.0, t)
    eta += along("covariate_effect", x)
    eta += at("direct", gift) + at("direct_district", gift, d) + along("direct_by", m, gift)
    eta += at("spillover", passed_over) + along("spillover_by", m, passed_over)
    eta += at("spillover_received", received)
    eta += at("between", rows["coverage_between"].to_numpy()[d])
    return eta


def fixed(theta: Theta, name: str, value: float, size: int | None = None) -> Array:
    """Draws of `name`, or the constant the model holds it at when the design dropped it: [draw] or [draw, size]."""
    shape = (draws_of(theta),) if size is None else (draws_of(theta), size)
    return theta.get(name, np.full(shape, value))
