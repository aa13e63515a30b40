"""A built model is a plain `pm.Model`: what somebody adds to it counts, and nothing else of it changes."""

from __future__ import annotations

from collections.abc import Callable

import designs
import numpy as np
import pymc as pm
import pytest
from scipy import stats

from largesse import models

OUTSIDE, ERROR = 0.9, 0.2  # what another source says of the effect of a gift, with its standard error


def built() -> pm.Model:
    """The model of who receives, on a small design."""
    found = models.get("gift_allocation")
    return found.build(designs.cells(designs.FULL, found.name), found.priors())


def logp_at(model: pm.Model) -> Callable[[float], float]:
    """Intercept -> log probability of a model at its initial point."""
    compiled, start = model.compile_logp(mode="FAST_COMPILE"), model.initial_point()
    return lambda value: float(compiled(start | {"intercept": np.array(value)}))


def test_what_is_added_is_all_that_changes() -> None:
    """The log probability of the extended model is the model's own and that of what another source says, anywhere."""
    alone, extended = built(), built()
    with extended:
        pm.Normal("outside", mu=extended["intercept"], sigma=ERROR, observed=OUTSIDE)
    own, whole = logp_at(alone), logp_at(extended)
    for value in (-1.0, 0.0, 0.9):
        assert whole(value) - own(value) == pytest.approx(stats.norm.logpdf(OUTSIDE, value, ERROR), rel=1e-9)
