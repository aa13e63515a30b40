"""Alternatives: what the effects on reported loyalty would be, were one thing taken otherwise.

People may face something else than the fit's exposure (`maps`); coverage may do nothing to those who receive, or
districts of much and little coverage be alike otherwise (`terms`); a district or a province may not have been asked
(`places`). All of it is data of one compiled model: a term is away where the data that it multiplies are zero. Every
effect compares the two shares that the fit's own effects compare.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np
import xarray as xr

from largesse import dims, findings, maps
from largesse.cells import Cells
from largesse.fits import Fit
from largesse.inputs import Inputs, assemble
from largesse.models.contract import NODES, Model
from largesse.sensitivity import SAMPLER, told
from largesse.settings import MapName, Sampler
from largesse.store import write_json

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

Kind = Literal["maps", "terms", "places", "borrowed"]

OUTCOME: Final = "loyalty"
SHOWN: Final = ("direct", "spillover", "total", "overall")


class Alternative(NamedTuple):
    """One thing taken otherwise.

    Attributes
    ----------
    name : of the map, of the term that is away, or of the place that was not asked.
    label : in words.
    inputs : the study with it.
    away : names of parameters that multiply nothing then, and are held at 0.
    """

    name: str
    label: str
    inputs: Inputs
    away: tuple[str, ...] = ()


@dataclass(frozen=True)
class Under:
    """What the fit under one alternative says.

    Attributes
    ----------
    name, label : of the alternative.
    effects : contrast -> `mean`, `sd`, `lower`, `upper`, as shares of the outcome's range, and `extrapolation`: why it
        needs a share that nobody faced, or nothing.
    reliability : of what people face; see :func:`largesse.exposure.reliability`.
    alone : how many respondents have no other of their group, and face their district's rate instead.
    settled : whether the chains agree on the effects.
    """

    name: str
    label: str
    effects: Mapping[str, Mapping[str, Any]]
    reliability: float
    alone: int
    settled: bool


@dataclass(frozen=True)
class Alternatives:
    """The effects under each alternative of one kind.

    Attributes
    ----------
    rows : maps in the study's order; terms in the model's; places in the survey's.
    """

    rows: tuple[Under, ...]

    def save(self, path: Path) -> None:
        """Write JSON, atomically, readable by the owner alone."""
        write_json(path, asdict(self), private=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was stored."""
        table = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(Under(**row) for row in table["rows"]))


def reporting(inputs: Inputs) -> Model | None:
    """The model of reported loyalty whose effects are shown under alternatives, where the study has one."""
    return next((m for m in inputs.models if OUTCOME in m.predicts), None)


def alternatives(
    each: Sequence[Alternative],
    model: Model,
    sample: Callable[..., Fit],
    nodes: int = NODES[0],
    sampler: Sampler = SAMPLER,
) -> Alternatives:
    """Fit a model under each alternative.

    Parameters
    ----------
    each : what is taken otherwise; see `KINDS`.
    model : a model of reported loyalty.
    sample : what draws from a posterior, called like :func:`largesse.sampling.fit`.
    nodes : points of the quadrature over the disposition, as many as the fit itself needed.
    """
    found = []
    for number, other in enumerate(each):
        log.info("%s: %s, %d of %d", model.name, other.label, number + 1, len(each))
        cells, priors, seed = other.inputs.cells[model.name], other.inputs.priors[model.name], other.inputs.study.seed
        fit = sample(model, cells, priors, sampler, seed=seed, nodes=nodes, attempt=1)
        found.append(under(fit, model, other))
    return Alternatives(tuple(found))


def under(fit: Fit, model: Model, other: Alternative) -> Under:
    """What a fit says of everyone's reported loyalty, under one alternative."""
    return _row(findings.estimate(_without(fit, other.away), model, other.inputs), fit, model, other)


def own(drawn: xr.Dataset, fit: Fit, model: Model, inputs: Inputs) -> Under:
    """What the study's own fit says of it, of effects that were drawn (:func:`largesse.findings.estimate`)."""
    return _row(drawn, fit, model, as_is(inputs))


def _row(drawn: xr.Dataset, fit: Fit, model: Model, other: Alternative) -> Under:
    inputs = other.inputs
    compared = findings.Compared.of(inputs, inputs.cells[model.name])
    wanted = [f"{OUTCOME}.{contrast}" for contrast in SHOWN]
    found, settled = told(drawn, fit, inputs, wanted)
    contrasts = {name.partition(".")[2]: numbers for name, numbers in found.items()}
    effects = {c: {**numbers, "extrapolation": compared.extrapolation(c)} for c, numbers in contrasts.items()}
    exposure = inputs.design.exposure
    return Under(other.name, other.label, effects, float(exposure.coverage.reliability), exposure.alone, settled)


def _without(fit: Fit, away: tuple[str, ...]) -> Fit:
    """The fit with parameters that multiplied nothing at 0, where their draws are the prior's."""
    if not away:
        return fit
    tree = fit.tree.copy()
    drawn = tree["posterior"].to_dataset()
    tree["posterior"] = tree["posterior"].assign({name: 0.0 * drawn[name] for name in away})
    return Fit(tree)


def as_is(inputs: Inputs) -> Alternative:
    """What the study itself takes to be so: its own map of exposure, with every term and place."""
    asked = inputs.study.exposure
    return Alternative(asked.map, maps.label(asked.map, asked.group), inputs)


# Maps of exposure -------------------------------------------------------------------------------------------------


def other_maps(model: Model, inputs: Inputs) -> Iterator[Alternative]:
    """Each further map of exposure that the study names."""
    for name in inputs.study.exposure.also:
        yield Alternative(name, maps.label(name, inputs.study.exposure.group), facing(name, model, inputs))


def facing(name: MapName, model: Model, inputs: Inputs) -> Inputs:
    """The study with another map of exposure, its effects at the shares that they are at under the study's own map."""
    compared, study = findings.Compared.of(inputs, inputs.cells[model.name]), inputs.study
    exposure = study.exposure.model_copy(update={"map": name})
    estimands = study.estimands.model_copy(update={"coverage": (compared.low, compared.high)})
    asked = study.model_copy(update={"exposure": exposure, "estimands": estimands})
    return assemble(asked, inputs.survey, inputs.models, inputs.priors, None)


# Terms ------------------------------------------------------------------------------------------------------------


class Term(NamedTuple):
    """A term of the predictor that a study may do without: in words, and the cells in which it multiplies nothing."""

    label: str
    away: Callable[[Cells], Cells]


TERMS: Final[Mapping[str, Term]] = {
    "spillover_received": Term(
        "no effect of coverage on those who receive",
        lambda cells: cells.assign(coverage=cells["coverage"] * (1 - cells["gift"])),
    ),
    "between": Term(
        "districts of much and of little coverage alike otherwise",
        lambda cells: cells.assign(coverage_between=0.0 * cells["coverage_between"]),
    ),
}


def other_terms(model: Model, inputs: Inputs) -> Iterator[Alternative]:
    """The study without each term that its design informs, in every equation of the model at once."""
    cells = inputs.cells[model.name]
    informed = {p.name for p in model.active(cells)[0]}
    prefixes = [model.prefixes.get(outcome, "") for outcome in model.predicts]
    for name, term in TERMS.items():
        away = tuple(dict.fromkeys(prefix + name for prefix in prefixes if prefix + name in informed))
        if away:
            here = replace(inputs, cells={**inputs.cells, model.name: term.away(cells)})
            yield Alternative(name, term.label, here, away)


# Places -----------------------------------------------------------------------------------------------------------


def other_places(model: Model, inputs: Inputs) -> Iterator[Alternative]:
    """The study had each place not been asked, where it wants to know: districts, those pooled as one, or provinces."""
    by = inputs.study.estimands.leave_out
    if by is None:
        return
    for name, districts in (_districts(inputs) if by == "district" else _provinces(inputs)).items():
        yield Alternative(name, f"without {name}", unasked(districts, model, inputs))


def unasked(districts: Array, model: Model, inputs: Inputs) -> Inputs:
    """The study without the answers of some districts ([district], true of those), and without their people."""
    cells, frame = inputs.cells[model.name], inputs.frames[model.name]
    count = np.where(districts[cells["in_district"].to_numpy()], 0.0, cells["count"])
    rest = frame.isel({dims.ROW: ~districts[frame["in_district"].to_numpy()]})
    return replace(
        inputs,
        cells={**inputs.cells, model.name: cells.assign(count=(dims.CELL, count))},
        frames={**inputs.frames, model.name: rest.assign(weight=rest["weight"] / rest["weight"].sum())},
    )


def _districts(inputs: Inputs) -> dict[str, Array]:
    """Name -> [district] which it is; those that are not shown by themselves are one place."""
    pool, names = findings.pooled(inputs), inputs.design.table[dims.DISTRICT].cat.categories.astype(str)
    shown = {name: np.arange(len(names)) == d for d, name in enumerate(names) if not pool[d]}
    return shown | ({findings.POOLED: pool} if pool.any() else {})


def _provinces(inputs: Inputs) -> dict[str, Array]:
    """Name -> [district] which lie in it, of the provinces that hold a district that is shown by itself."""
    table, pool = inputs.design.table, findings.pooled(inputs)
    names = table[dims.DISTRICT].cat.categories
    lies_in = table.groupby(dims.DISTRICT, observed=False)["province"].first().reindex(names).astype(str).to_numpy()
    return {str(p): lies_in == p for p in dict.fromkeys(lies_in) if (~pool[lies_in == p]).any()}


# What is borrowed --------------------------------------------------------------------------------------------------

SHARES: Final = (0.0, 0.5, 1.0)  # chances that a block holds: nothing is borrowed, even chances, and all of it is


def other_shares(model: Model, inputs: Inputs) -> Iterator[Alternative]:
    """The study with nothing borrowed, with even chances that each block holds, and with all of it held to hold."""
    priors = inputs.priors[model.name]
    if (borrowed := priors.borrowed) is None:
        return
    for share in SHARES:
        mine = {**inputs.priors, model.name: replace(priors, borrowed=borrowed.weighing(share))}
        yield Alternative(f"{share:g}", f"{share:.0%} borrowed", replace(inputs, priors=mine))


KINDS: Final[Mapping[Kind, Callable[[Model, Inputs], Iterator[Alternative]]]] = {
    "maps": other_maps,
    "terms": other_terms,
    "places": other_places,
    "borrowed": other_shares,
}
