"""The linear predictor shared by the outcome models: one row per term, its unknown beside its place in the sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from largesse.cells import Cells
from largesse.parameters import Parameter

Variables = Mapping[str, Any]
Data = Mapping[str, Any]

UNCHOSEN = "offices must not favour people by what moves their answers beyond district, wave and covariates"
MOVING = "coverage must be unrelated to what else changes a district's outcome from wave to wave"


class Term(NamedTuple):
    """One unknown and what it adds to the predictor: `add(value, data, modifiers)`; None for a scale of another."""

    parameter: Parameter
    add: Callable[[Any, Data, Any], Any] | None = None


TERMS: Final[tuple[Term, ...]] = (
    Term(
        Parameter("district_sd", r"\sigma_\alpha", "how much districts differ", "effect", (), "logit", "positive",
                  "identified", "from the spread of districts", ("districts",)),
    ),
    Term(
        Parameter("district_effect", r"\alpha_d", "a district against the average district", "pooled", ("district",),
                  "logit", "real", "identified", "from each district's answers", ("districts",)),
        lambda v, d, _m: v[d["in_district"]],
    ),
    Term(
        Parameter("wave_effect", r"\omega_t", "a wave against the average wave", "zero_sum", ("wave",), "logit", "real",
                  "identified", "from each wave's answers", ("waves",)),
        lambda v, d, _m: v[d["in_wave"]],
    ),
    Term(
        Parameter("covariate_effect", r"\beta", "a covariate, against its reference level or per sd", "effect",
                  ("covariate",), "logit", "real", "identified", "from respondents who differ in it", ("covariates",)),
        lambda v, d, _m: (d["x"] * v).sum(axis=1),
    ),
    Term(
        Parameter("direct", r"\tau", "own gift, at average coverage and for the average profile", "effect", (),
                  "logit", "real", "conditional", UNCHOSEN),
        lambda v, d, _m: v * d["gift"],
    ),
    Term(
        Parameter("direct_sd", r"\sigma_\tau", "how much the effect of a gift differs between districts", "effect", (),
                  "logit", "positive", "conditional", UNCHOSEN, ("districts",)),
    ),
    Term(
        Parameter("direct_district", r"\tau_d", "own gift, a district against the average district", "pooled",
                  ("district",), "logit", "real", "conditional", UNCHOSEN, ("districts",)),
        lambda v, d, _m: v[d["in_district"]] * d["gift"],
    ),
    Term(
        Parameter("direct_by", r"\tau_m", "how a modifier changes the effect of a gift", "effect", ("modifier",),
                  "logit", "real", "conditional", UNCHOSEN, ("modifiers",)),
        lambda v, d, m: (m * v).sum(axis=1) * d["gift"],
    ),
    Term(
        Parameter("spillover", r"\psi", "coverage, on those passed over", "effect", (),
                  "logit per 100 points of coverage", "real", "conditional", MOVING, ("districts", "coverage"),
                  ("changing coverage",)),
        lambda v, d, _m: v * (1 - d["gift"]) * d["coverage"],
    ),
    Term(
        Parameter("spillover_by", r"\psi_m", "how a modifier changes the effect of coverage on those passed over",
                  "effect", ("modifier",), "logit per 100 points of coverage", "real", "conditional", MOVING,
                  ("districts", "coverage", "modifiers")),
        lambda v, d, m: (m * v).sum(axis=1) * (1 - d["gift"]) * d["coverage"],
    ),
    Term(
        Parameter("spillover_received", r"\psi_1", "coverage, on those who receive", "effect", (),
                  "logit per 100 points of coverage", "real", "conditional", MOVING, ("districts", "coverage"),
                  ("changing coverage",)),
        lambda v, d, _m: v * d["gift"] * d["coverage"],
    ),
    Term(
        Parameter("between", r"\delta", "how districts with more coverage differ for other reasons", "effect", (),
                  "logit per 100 points of coverage", "real", "conditional", MOVING, ("districts", "coverage"),
                  ("changing coverage",)),
        lambda v, d, _m: v * d["coverage_between"][d["in_district"]],
    ),
)  # fmt: skip

PARAMETERS: Final = tuple(term.parameter for term in TERMS)


def prefixed(prefix: str, needs: tuple[str, ...] = ()) -> tuple[Parameter, ...]:
    """The unknowns of one equation among several; `needs` is what the equation itself needs of a design."""
    return tuple(p.prefixed(prefix, needs) for p in PARAMETERS)


def predictor(variables: Variables, data: Data, cells: Cells, prefix: str = "") -> Any:
    """[cell] sum of the terms that the design informs; 0 where it informs none."""
    modifiers = data["x"][:, np.asarray(cells["modifier_index"])] if cells.sizes["modifier"] else None
    added = [
        term.add(variables[prefix + term.parameter.name], data, modifiers)
        for term in TERMS
        if term.add and prefix + term.parameter.name in variables
    ]
    return sum(added[1:], added[0]) if added else 0.0 * data["coverage"]
