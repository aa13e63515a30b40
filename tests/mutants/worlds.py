"""Small worlds in which a fault of one kind shows cheaply: what does not bear on it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse import models
from largesse.replicate import Specification
from largesse.synthetic import World

SEED: Final = 20180418
TWO, THREE, FOUR = ("no", "yes"), ("no", "partly", "yes"), ("no", "rather no", "rather yes", "yes")
BARE: Final[Mapping[str, Any]] = {"items": {"pride": TWO}, "market": TWO, "categorical": {}, "continuous": {}}
ONE_PLACE: Final[Mapping[str, Any]] = {**BARE, "districts": 1, "waves": ("one",)}
SONGBUN: Final = World().categorical


def _wider(model: str, **sigma: float) -> dict[str, Any]:
    """Shipped priors at another scale."""
    shipped = models.get(model).priors()
    rows = {name: shipped[name].model_dump(mode="json", exclude_defaults=True) for name in sigma}
    return {name: {**row, "arguments": {**row["arguments"], "sigma": sigma[name]}} for name, row in rows.items()}


DESIGNS: Final[Mapping[str, Specification]] = {
    # who receives: offices of 20 people in 4 districts and 2 waves, two covariates
    "offices": Specification(
        "gift_allocation",
        World(
            **{**BARE, "respondents": 160, "districts": 4, "categorical": SONGBUN, "continuous": {"household": (4, 1)}}
        ),
        SEED,
    ),
    # one item in one place, a quarter of answers missing: gift, covariate and cutpoints, nothing else
    "answers": Specification(
        "reported_loyalty",
        World(**{**ONE_PLACE, "respondents": 140, "items": {"pride": FOUR}, "categorical": SONGBUN, "dont_know": 0.25}),
        SEED,
    ),
    # one item in 12 offices: what coverage does, on a scale at which 240 people can tell
    "coverage": Specification(
        "reported_loyalty",
        World(**{**BARE, "respondents": 240, "districts": 6, "items": {"pride": THREE}}),
        SEED,
        _wider("reported_loyalty", spillover=3.0, spillover_received=3.0),
    ),
    # three items in one place: the disposition and how sharply each item tells it
    "items": Specification(
        "reported_loyalty",
        World(**{**ONE_PLACE, "respondents": 150, "items": dict.fromkeys(("pride", "trust", "hope"), THREE)}),
        SEED,
    ),
    # the market question in one place: two equations and nothing but gift and covariate in them
    "bands": Specification(
        "market_participation",
        World(**{**ONE_PLACE, "respondents": 150, "categorical": SONGBUN, "market": ("none", "some", "much", "all")}),
        SEED,
    ),
}
