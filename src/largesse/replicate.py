"""One replicate of a calibration: a truth from the priors, data simulated under it, a fit, and where the truth lies."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple, cast

import numpy as np

from largesse import findings, models
from largesse.diagnostics import diagnose
from largesse.errors import InputError
from largesse.fits import Fit
from largesse.inputs import Inputs, assemble
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet
from largesse.provenance import engines, lineage, processor, source
from largesse.ranks import THINNED, place, thinned
from largesse.results import Answer
from largesse.sampling import SamplingError
from largesse.sampling import fit as sample
from largesse.seeds import generator, integer
from largesse.settings import Gates, Sampler
from largesse.simulators.graded import standard_normal_nodes
from largesse.store import fingerprint
from largesse.study import Study
from largesse.survey import validate
from largesse.synthetic import Synthetic, World, simulate
from largesse.template import study_of

Array = np.ndarray[Any, Any]

SAMPLER: Final = Sampler(draws=500, tune=500, chains=2)
GATES: Final = Gates(rhat=1.05, ess=THINNED, divergences=10, ebfmi=0.1)  # as many effective draws as are kept
ATTEMPTS: Final = (1, 2, 4)  # times as long: posteriors that mix slowly are no random few, none should be left out
REDRAWS: Final = 50  # data sets refused before a design is called unusable
LOGLIK: Final = "log-likelihood"
CODE: Final = (
    *("replicate.py", "ranks.py", "sampling.py", "synthetic.py", "findings.py", "programmes.py", "targeting.py"),
    *("estimands.py", "belief.py", "policies.py", "cells.py", "exposure.py", "maps.py", "priors.py", "families.py"),
    *("parameters.py", "centring.py"),
)


def code(drawn_from: Iterable[str], *further: str) -> str:
    """What the code does that a record comes from: `CODE`, the twins of the models behind the data, and `further`."""
    twins = {file for name in drawn_from for file in lineage(cast("ModuleType", models.get(name).twin).__name__)}
    return source(*CODE, *sorted(twins), *further)


@dataclass(frozen=True)
class Specification:
    """What a calibration is of: everything that could change a rank.

    Attributes
    ----------
    model : its name.
    world : the design that every replicate draws anew: sizes, questions, covariates. It states no truth and no
        weights: a truth that is fixed is not drawn from the prior, and a weighted likelihood generates no data.
    seed : root of all random numbers; replicate n has a branch of its own.
    overrides : a study's own priors of the model, as in `[priors.<model>]`.
    """

    model: str
    world: World = field(default_factory=World)
    seed: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """Of :attr:`binding` and the kind of processor: records under two of them do not mix."""
        return fingerprint(self.binding, processor())

    @cached_property
    def binding(self) -> str:
        """Of model, twin, priors, design, seed, sampler, code and engines: what a certificate holds for."""
        model = models.get(self.model)
        priors = {n: [p.distribution, dict(p.arguments)] for n, p in self.priors.entries.items()}
        shipped = {n: models.get(n).priors().fingerprint for n in self.world.models}
        return fingerprint(
            *(self.model, model.fingerprint, code(self.world.models), priors, shipped),
            *(
                json.dumps(self.world.model_dump(mode="json")),  # in order: levels are drawn in it
                self.seed,
                SAMPLER.model_dump(),
                GATES.model_dump(),
                NODES[0],
            ),
            engines(),
        )

    def __post_init__(self) -> None:
        for key in ("truth", "weights"):
            if getattr(self.world, key):
                raise InputError.one("world", f"key '{key}'", "a table", "nothing in a design that is calibrated")
        if self.model not in self.world.models:
            found = f"a world that is drawn from {', '.join(self.world.models)}"
            keys = "keys 'favour', 'before' and 'drawn_by'"
            raise InputError.one("world", keys, found, f"one that is drawn from {self.model}")

    def described(self) -> dict[str, Any]:
        """As plain values, from which it can be made again."""
        world = self.world.model_dump(mode="json")
        return {"model": self.model, "seed": self.seed, "world": world, "overrides": dict(self.overrides)}

    def replicate(self, number: int) -> dict[str, Any]:
        """See :func:`replicate`."""
        return replicate(self, number)

    @cached_property
    def priors(self) -> PriorSet:
        """The priors that truths are drawn from and fits are made under."""
        return models.get(self.model).priors().overridden(self.overrides, "calibration")


def replicate(spec: Specification, number: int) -> dict[str, Any]:
    """Replicate `number` of a calibration as a plain record; the same numbers whoever computes it, and when.

    Returns
    -------
    `number`, `status` (done or failed), `attempt`, `redrawn` (data sets refused before this one, by a rule on the data
    alone), `diverging`, `gates` that the last attempt failed; `prior`: by scalar parameter, where the first truth drawn
    lies in its prior; and by quantity its `place`, `truth`, and the posterior's `mean` and `sd`. A failed record keeps
    the truths of scalar parameters, so that failures can be looked at.
    """
    drawn = data(spec, number)
    record = {"number": number, "redrawn": drawn.redrawn, "prior": drawn.prior}
    truth = (drawn.inputs.truth or {})[spec.model]
    return record | fitted(models.get(spec.model), drawn.inputs, truth, spec.seed, number)


def fitted(model: Model, inputs: Inputs, truth: Mapping[str, Array], seed: int, number: int) -> dict[str, Any]:
    """Fit a replicate's data and rank its truth: the rest of the record."""
    fit, record = by_rule(model, inputs, seed, number)
    if fit is None:
        return record | {"status": "failed", "truth": {n: float(v) for n, v in truth.items() if np.ndim(v) == 0}}
    return record | {"status": "done"} | ranked(fit, model, inputs, truth, generator(seed, "jitter", number))


def by_rule(model: Model, inputs: Inputs, seed: int, number: int) -> tuple[Fit | None, dict[str, Any]]:
    """The fit of replicate `number` whose gates pass, or none; and what became of its last attempt."""
    record: dict[str, Any] = {}
    for attempt in ATTEMPTS:
        try:
            fit = sample(model, inputs.cells[model.name], inputs.priors[model.name], SAMPLER,
                         seed=integer(seed, "fit", number), attempt=attempt)  # fmt: skip
        except SamplingError:
            continue
        failed = [v.gate for v in diagnose(fit.tree, GATES) if v.answer is not Answer.PASSED]
        record = {"attempt": attempt, "diverging": int(fit.tree["sample_stats"]["diverging"].sum()), "gates": failed}
        if not failed:
            return fit, record
    return None, record


class Drawn(NamedTuple):
    """The data of a replicate; how many were refused before them; where the first truth lies in its prior."""

    inputs: Inputs
    redrawn: int
    prior: dict[str, float]


def data(spec: Specification, number: int) -> Drawn:
    """The data of a replicate.

    A data set is refused by what the reader refuses (an item with a single answer, say): a rule on the data alone,
    which leaves ranks uniform (Modrak et al. 2023), but not the truths that are left. So it is the first truth, kept or
    refused, that is held against its prior.

    Errors
    ------
    InputError
        when a design gives nothing but data that are refused.
    """
    model = models.get(spec.model)
    for redrawn in range(REDRAWS):
        world = spec.world.model_copy(update={"seed": integer(spec.seed, "data", number, redrawn)})
        synthetic = simulate(world, {model.name: spec.priors})
        if not redrawn:
            first = synthetic.truth[model.name]
        try:
            inputs = as_read(synthetic, model, spec.priors)
        except InputError:
            continue
        return Drawn(inputs, redrawn, _in_prior(first, model, spec.priors, inputs))
    raise InputError.one("calibration", f"replicate {number}", f"{REDRAWS} unusable data sets", "a larger design")


def _in_prior(truth: Mapping[str, Array], model: Model, priors: PriorSet, inputs: Inputs) -> dict[str, float]:
    """Scalar -> where it lies in its prior, in [0, 1]."""
    cells = inputs.cells[model.name]
    places = priors.transform(model.active(cells)[0], truth, model.twin.answers(cells))
    pairs = [pair for name, values in places.items() for pair in zip(*_scalars(name, values), strict=True)]
    return {name: round(float(value), 6) for name, value in pairs if np.isfinite(value)}


def _scalars(name: str, values: Array) -> tuple[list[str], Array]:
    """The names of a parameter's scalars, and their values in one row."""
    flat = np.ravel(values)
    return ([name] if np.ndim(values) == 0 else [f"{name}[{j}]" for j in range(len(flat))]), flat


def as_read(synthetic: Synthetic, model: Model, priors: PriorSet) -> Inputs:
    """A synthetic survey as a user's file would be read."""
    record = tomllib.loads(study_of(synthetic.world, (model.name,)))
    del record["survey"]["truth"]
    study = Study.from_table(record, Path("calibration"))
    survey = validate(synthetic.survey, study, "calibration", synthetic.districts)
    return assemble(study, survey, (model,), {model.name: priors}, synthetic.truth)


def ranked(
    fit: Fit, model: Model, inputs: Inputs, truth: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Place, truth, mean and sd by quantity: scalars of parameters, estimands, and the joint log-likelihood."""
    kept = {name: thinned(values) for name, values in fit.theta.items()}
    names, draws = quantities(kept, fit.nodes, model, inputs)
    _, true = quantities({name: np.asarray(truth[name])[None] for name in kept}, fit.nodes, model, inputs)
    moving = np.ptp(draws, axis=0) > 0  # the first discrimination is 1 in truth and in every draw
    found = {
        "place": place(true[0], draws, rng),
        "truth": true[0],
        "mean": draws.mean(axis=0),
        "sd": draws.std(axis=0, ddof=1),
    }
    return {
        what: {n: round(float(v), 6) for n, v, m in zip(names, values, moving, strict=True) if m}
        for what, values in found.items()
    }


def quantities(theta: Mapping[str, Array], nodes: int, model: Model, inputs: Inputs) -> tuple[list[str], Array]:
    """Names and [draw, quantity] values: the same functions of parameters and data for a truth and for draws."""
    names: list[str] = []
    columns: list[Array] = []
    for name, values in theta.items():
        names += _scalars(name, values[0])[0]
        columns.append(values.reshape(len(values), -1))
    for key, values in findings.quantities(theta, nodes, model, inputs).items():
        names.append(key)
        columns.append(values[:, None])
    cells = inputs.cells[model.name]
    joint = model.twin.loglik(theta, cells, standard_normal_nodes(nodes)) @ cells["count"].to_numpy()
    return [*names, LOGLIK], np.concatenate([*columns, joint[:, None]], axis=1)
