"""The registry: every model by name, shipped here or found at the entry point `largesse.models`."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from largesse.errors import InputError

if TYPE_CHECKING:
    from largesse.models.contract import Model

SHIPPED: Final = {
    name: f"largesse.models.{name}"
    for name in (
        "gift_allocation",
        "reported_loyalty",
        "anchored_loyalty",
        "market_participation",
        "sincere_support",
        "joint",
    )
}


def names() -> tuple[str, ...]:
    """Names of all models, shipped first."""
    return (*SHIPPED, *sorted(point.name for point in entry_points(group="largesse.models")))


def get(name: str, where: str = "models") -> Model:
    """The model called `name`.

    Errors
    ------
    InputError
        names `where` it was asked for and the nearest known model.
    """
    if name in SHIPPED:
        model: Model = import_module(SHIPPED[name]).MODEL
        return model
    for point in entry_points(group="largesse.models", name=name):
        third: Model = point.load()
        return third
    near = difflib.get_close_matches(name, names(), n=1)
    expected = f"perhaps '{near[0]}'" if near else f"one of {', '.join(names())}"
    raise InputError.one(where, f"model '{name}'", "a model that does not exist", expected)
