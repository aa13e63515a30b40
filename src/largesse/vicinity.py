"""Vicinity: whether a model is calibrated near the data in hand.

Posterior simulation-based calibration (Sailynoja, Schmitt, Burkner & Vehtari 2025, arXiv 2502.03279). A certificate
speaks of truths from the priors. Here truths come from a study's own stored fit, theta* ~ p(theta | y); the same people
answer once more, y' ~ p(y | theta*); and theta* is ranked among draws of the fit to both, p(theta | y, y'). Answers are
independent given theta, so p(y' | theta*) = p(y' | theta*, y), and

    p(theta* | y) p(y' | theta*, y) = p(theta*, y' | y) = p(theta* | y, y') p(y' | y).

Given y and y', then, theta* is one draw of p(theta | y, y'), and so are the draws that it is ranked among: its place is
uniform, whatever y is, when the twin, the likelihood and both fits are right.

What this does not show. That the model is true of y: it is assumed, so see the predictive checks. That a quantity is
identified. That the prior is the declared one: a prior that is wrong in both fits stays hidden, and is for the
certificate to find. A fault of the stored fit counts in part, since the joined fit sees y too: a shift by one posterior
sd comes out as about 0.7 sd of the joined posterior, where data outweigh the prior. No more can be said than the stored
draws hold: their mean is off by sd / sqrt(effective draws), and more replicates than effective draws would find that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from largesse import dims, models
from largesse.cells import Cells
from largesse.errors import InputError, StaleError
from largesse.fits import Fit
from largesse.inputs import Inputs, gather
from largesse.models.contract import Model
from largesse.predictive import people
from largesse.provenance import engines, processor
from largesse.replicate import GATES, SAMPLER, code, fitted
from largesse.seals import hold
from largesse.seeds import generator
from largesse.store import fingerprint
from largesse.study import Study
from largesse.workflow import Workflow

Array = np.ndarray[Any, Any]
Theta = dict[str, Array]

OWN: Final = "the study's own"  # beside the joined cells: which districts are shown follows from whom was really asked
COUNTS: Final = ("people", "count")


@dataclass(frozen=True)
class Vicinity:
    """What is calibrated: one model of a study near its stored fit. Made by :meth:`of`; travels as a path.

    Attributes
    ----------
    folder : of the study. Every process reads the survey and the stored fit there, so all must see it.
    model : the model's name.
    seed : root of all random numbers; replicate n has branches of its own.
    fingerprint : of everything that could change a record, as it was when this was made.
    """

    folder: Path
    model: str
    seed: int
    fingerprint: str

    @classmethod
    def of(cls, study: Study, model: str, seed: int = 0) -> Vicinity:
        """The vicinity of a study's stored fit of one model.

        Errors
        ------
        InputError
            when the study does not name the model, has no fit of it as it is now, or fits with weights.
        """
        return cls(study.folder.resolve(), model, seed, _binding(_read(study, model), seed))

    def described(self) -> dict[str, Any]:
        """As plain values, without paths: whose fit, of which model."""
        near = _near(self)
        fit = {"fingerprint": near.fit.fingerprint, "nodes": near.fit.nodes, "draws": near.draws}
        return {"study": near.inputs.study.name, "model": self.model, "seed": self.seed, "fit": fit}

    def replicate(self, number: int) -> dict[str, Any]:
        """Replicate `number` as a plain record (:func:`largesse.replicate.replicate`), without places in priors.

        Errors
        ------
        InputError
            when the stored fit has no draw left for that number.
        StaleError
            when the study or its fit are no longer what they were.
        """
        near = _near(self)
        theta = near.truth(self.seed, number)
        data = joined(near.model, theta, near.cells, generator(self.seed, "answers", number))
        inputs = replace(near.inputs, cells={**near.inputs.cells, self.model: data, OWN: near.cells})
        truth = {name: value[0] for name, value in theta.items()}
        return {"number": number, "redrawn": 0, "prior": {}} | fitted(near.settled, inputs, truth, self.seed, number)


@dataclass(frozen=True)
class Near:
    """A study as read, and its stored fit of one model."""

    inputs: Inputs
    model: Model
    fit: Fit

    @property
    def draws(self) -> int:
        """How many the stored fit has."""
        return len(next(iter(self.fit.theta.values())))

    @property
    def cells(self) -> Cells:
        """The data of the model."""
        return self.inputs.cells[self.model.name]

    @property
    def settled(self) -> Model:
        """The model with as many quadrature nodes as its stored fit has settled on."""
        return replace(self.model, arrays=lambda cells, _nodes: self.model.arrays(cells, self.fit.nodes))

    def truth(self, seed: int, number: int) -> Theta:
        """Parameter -> [1, ...] the stored draw that is true in a replicate; each draw is used once."""
        if number >= self.draws:
            expected = "no more replicates than the stored fit has draws"
            raise InputError.one("calibration", f"replicate {number}", f"{self.draws} draws", expected)
        s = generator(seed, "truth").permutation(self.draws)[number]
        return {name: values[s : s + 1] for name, values in self.fit.theta.items()}


def joined(model: Model, theta: Theta, cells: Cells, rng: np.random.Generator) -> Cells:
    """The data, and with them what the same people answer once more: counts add.

    Parameters
    ----------
    theta : parameter -> [1, ...], under which they answer.
    cells : the data, unweighted. District, wave, covariates and the coverage faced stay; so does the gift, unless it is
        what the model explains. Who did not answer an item does not answer it again.

    Returns
    -------
    Cells of twice as many people.
    """
    rows = people(cells)
    said = model.twin.answer(theta, rows, rng)
    again = rows.assign(gift=(dims.CELL, said["gift"])) if "gift" in said else rows
    if rows.sizes[dims.ITEM]:
        answer = np.stack([said[str(item)] for item in rows[dims.ITEM].to_numpy()], axis=1)
        again = again.assign(answer=rows["answer"].where(rows["answer"] < 0, answer))
    once = again.assign({n: xr.ones_like(rows[n]) for n in COUNTS})
    how = {"coords": "minimal", "compat": "override", "join": "override", "combine_attrs": "override"}
    return _counted(xr.concat([cells, once], dims.CELL, data_vars="minimal", **how))  # type: ignore[call-overload]


def _counted(cells: Cells) -> Cells:
    """One cell for each distinct profile and pattern of answers: the same likelihood, in fewer terms."""
    told = [n for n, v in cells.data_vars.items() if dims.CELL in v.dims and n not in COUNTS]
    patterns = np.column_stack([cells[n].to_numpy() for n in told])
    _, first, which = np.unique(patterns, axis=0, return_index=True, return_inverse=True)
    sums = {n: np.bincount(which.ravel(), cells[n].to_numpy()).astype(cells[n].dtype) for n in COUNTS}
    return cells.isel({dims.CELL: first}).assign({n: (dims.CELL, total) for n, total in sums.items()})


@cache
def _near(subject: Vicinity) -> Near:
    """What a subject stands on, read once in a process and held against its fingerprint."""
    near = _read(Study.read(subject.folder), subject.model)
    if _binding(near, subject.seed) != subject.fingerprint:
        raise StaleError(f"{subject.folder}: the study or its fit of {subject.model} changed since calibration began")
    return near


def _read(study: Study, name: str) -> Near:
    """A study and its stored fit of one model, or why there is nothing to be calibrated."""
    if name not in study.models:
        raise InputError.one("study.toml", "key 'models'", f"no {name!r}", f"one of {', '.join(study.models)}")
    inputs = gather(study)
    cells = inputs.cells[name]
    if not np.array_equal(cells["count"], cells["people"]):
        expected = "'frame': a weighted likelihood is no model of data, so nothing can be simulated from it"
        raise InputError.one("study.toml", "key 'weights.use'", "'likelihood'", expected)
    path = Workflow(inputs).fit_paths[name]
    if not path.is_file():
        others = any(study.private.glob(f"fit-{name}-*.nc"))
        found = "only fits of other data, priors or settings" if others else "no fit"
        raise InputError.one(study.private, name, found, "a fit of the study as it is: `largesse run` makes one")
    return Near(inputs, models.get(name), Fit.load(hold(path)))


def _binding(near: Near, seed: int) -> str:
    """Of the stored draws, the data and frame they are of, twin, code, sampler, engines and the kind of processor."""
    read = {**near.inputs.cells, "frame": near.inputs.frames[near.model.name]}
    made_with = code([near.model.name], "vicinity.py")
    return fingerprint(
        *(near.fit.fingerprint, near.fit.nodes, near.fit.theta, near.model.fingerprint, made_with),
        {name: _numbers(table) for name, table in read.items()},
        near.inputs.study.estimands.model_dump(mode="json"),
        *(seed, SAMPLER.model_dump(), GATES.model_dump(), engines(), processor()),
    )


def _numbers(table: xr.Dataset) -> dict[str, Array]:
    return {str(n): np.asarray(v) for n, v in table.variables.items() if v.dtype.kind in "if"}
