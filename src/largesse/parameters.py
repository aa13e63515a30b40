"""Parameter: one unknown of a model, with its symbol, unit, support and what the data can say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from largesse.results import DroppedTerm, Status

Construct = Literal[
    "effect", "zero_sum", "pooled", "partly_centred", "correlated", "correlation", "cutpoints", "discrimination"
]
Support = Literal["real", "positive", "correlation", "simplex"]

SUFFIX: Final[Mapping[Construct, str]] = {
    "effect": "",  # sampled as it is
    "zero_sum": "",  # sampled as it is, summing to zero over its last dimension
    "pooled": "_z",  # sampled as standard deviates, times its own sd
    "partly_centred": "_z",  # likewise, times a power of it; never declared, see `Model.realised`
    "correlated": "_z",  # as deviates, too, mixed with the deviates of the effects it goes together with
    "correlation": "_beta",  # sampled on (0, 1), stretched to (-1, 1)
    "cutpoints": "_stick",  # sampled as the sticks of a Dirichlet over answers
    "discrimination": "_free",  # sampled for every item but the first, which is 1
}


@dataclass(frozen=True)
class Together:
    """The pooled effects, declared before, that one more goes together with.

    Attributes
    ----------
    effects : names of those before it, in order; each is pooled by an sd of its own.
    partials : names of the partial correlations, the lower triangle row by row: row i holds those of effect i + 1 with
        each one before it, given all that stand before that one. The last row is of the effect itself. Partial
        correlations are free of one another, and any in (-1, 1) make a correlation matrix (Joe 2006).
    """

    effects: tuple[str, ...]
    partials: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Parameter:
    """One unknown.

    Attributes
    ----------
    name : its key in `priors.toml` and its name among the draws.
    symbol : LaTeX, as in the model's equations.
    meaning : one line a reader of the report understands.
    construct : how it is realised (see `SUFFIX` for the free random variable behind it).
    dims : named dimensions of its draws; empty for a scalar.
    unit : `logit`, `logit per 100 points of coverage`, ...
    support : of its prior.
    status, reason : what identifies it, or why nothing does.
    needs : features a design must have (see `cells.lacks`); without one the term is dropped and named.
    leans_on : features without which the term stays, but is prior driven: its prior keeps others honest.
    together : of a correlated effect, what it goes together with.
    """

    name: str
    symbol: str
    meaning: str
    construct: Construct
    dims: tuple[str, ...]
    unit: str
    support: Support
    status: Status
    reason: str
    needs: tuple[str, ...] = ()
    leans_on: tuple[str, ...] = ()
    together: Together | None = None

    @property
    def free(self) -> str:
        """The name of the free random variable of the PyMC model that realises it."""
        return self.name + SUFFIX[self.construct]

    def prefixed(self, prefix: str, needs: tuple[str, ...] = ()) -> Parameter:
        """The same unknown of another equation: `any_direct` for `direct`; `needs` are added to its own."""
        return replace(self, name=prefix + self.name, needs=self.needs + needs)

    def under(self, lacks: Mapping[str, str]) -> Parameter:
        """The same unknown as a design without these features identifies it."""
        for feature in self.leans_on:
            if feature in lacks:
                return replace(self, status="prior_driven", reason=lacks[feature])
        return self


def active(
    model: str, parameters: tuple[Parameter, ...], lacks: Mapping[str, str]
) -> tuple[tuple[Parameter, ...], tuple[DroppedTerm, ...]]:
    """Split `parameters` into those a design informs (with what identifies them there) and those it cannot, with why.

    `lacks` maps a feature that the design does not have to the sentence that says so.
    """
    why = {p.name: lacks[need] for p in parameters for need in reversed(p.needs) if need in lacks}
    kept = tuple(p.under(lacks) for p in parameters if p.name not in why)
    return kept, tuple(DroppedTerm(model, name, reason) for name, reason in why.items())
