"""Implied: what a prior set says on scales that people know, held against limits that the set declares.

A prior on logits is judged by the shares and effects that it makes likely. Truths are drawn from the set, by NumPy, and
put through the functions that make a study's estimates, in a world that the limits name; no data are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from largesse import findings
from largesse.audit import prior_draws
from largesse.errors import InputError
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet, Words
from largesse.replicate import as_read
from largesse.settings import DisagreementError, Record
from largesse.study import problems_of, read_toml
from largesse.synthetic import World, simulate

Array = np.ndarray[Any, Any]
Ends = tuple[float, float]

DRAWS: Final = 1000  # an end of a 95 % interval is then known to a twentieth of its width
CONTENT: Final = 0.95
FILE: Final = "limits.toml"


class Limit(Record):
    """What the 95 % interval of one quantity must be.

    Attributes
    ----------
    quantity : a key of estimates, such as `loyalty.direct`; shares of people, or of the outcome's range.
    covers : what it must hold: a set that rules this out has learnt too much.
    within : what must hold it: a set that goes beyond thinks absurd things likely.
    reason : why, in words; key : an entry of references.bib, where a published figure is the reason.
    """

    quantity: Words
    covers: Ends
    within: Ends
    reason: Words
    key: str = ""

    @model_validator(mode="after")
    def _nested(self) -> Self:
        low, high = self.covers
        if not self.within[0] <= low < high <= self.within[1]:
            raise DisagreementError(("within", f"{list(self.within)}", f"an interval that holds {list(self.covers)}"))
        return self


class Limits(Record):
    """The file of limits: the world that quantities are worked out in, and a limit for each."""

    world: World = World()
    limits: Annotated[tuple[Limit, ...], Field(min_length=1)]

    @classmethod
    def of(cls, model: Model) -> Limits:
        """The limits of a model's shipped priors.

        Errors
        ------
        InputError
            names the file and each key at fault.
        """
        path = model.resources / FILE
        try:
            return cls.model_validate(read_toml(path))
        except ValidationError as error:
            raise InputError(problems_of(error, str(path))) from None


@dataclass(frozen=True)
class Implied:
    """What a prior set implies of one quantity.

    Attributes
    ----------
    limit : that it is held against; `median`, `lower`, `upper` : of its draws, the interval of content 95 %.
    """

    limit: Limit
    median: float
    lower: float
    upper: float

    @property
    def wrong(self) -> str:
        """What is wrong with it, in words; empty where nothing is."""
        (low, high), (least, most) = self.limit.covers, self.limit.within
        if self.lower > low or self.upper < high:
            return f"rules out some of {low:g} to {high:g}"
        return f"goes beyond {least:g} to {most:g}" if self.lower < least or self.upper > most else ""


def implied(model: Model, priors: PriorSet, limits: Limits, seed: int = 1) -> list[Implied]:
    """What a prior set implies of each quantity that has a limit.

    Errors
    ------
    InputError
        when a limit is of a quantity that the model does not estimate in this world.
    """
    drawn = quantities(model, priors, limits.world, seed)
    if strange := [limit.quantity for limit in limits.limits if limit.quantity not in drawn]:
        where = str(Path(model.name) / FILE)
        raise InputError.one(where, f"quantity {strange[0]!r}", "nothing of that key", ", ".join(sorted(drawn)))
    return [_of(limit, drawn[limit.quantity]) for limit in limits.limits]


def _of(limit: Limit, draws: Array) -> Implied:
    lower, median, upper = np.quantile(draws, [(1 - CONTENT) / 2, 0.5, (1 + CONTENT) / 2])
    return Implied(limit, float(median), float(lower), float(upper))


def quantities(model: Model, priors: PriorSet, world: World, seed: int) -> Mapping[str, Array]:
    """Key -> [draw] of what is estimated for everyone, under truths drawn from the priors."""
    inputs = as_read(simulate(world), model, priors)
    theta = prior_draws(model, priors, inputs.cells[model.name], DRAWS, seed)
    names = [str(name) for name in inputs.cells[model.name]["district"].to_numpy()]
    every = findings.quantities(theta, NODES[0], model, inputs)
    return {key: draws for key, draws in every.items() if not key.endswith(tuple(f".{name}" for name in names))}
