"""Repeated sampling: how a weighted fit does over many samples of one population whose truth is known.

Weights in a likelihood make a pseudo-posterior. It is no model of data, nothing can be simulated from it, and ranks of
truths say nothing. What can be asked is what surveys are judged by: of one fixed population samples are drawn, in which
some groups are asked more often than others at known rates, with weights that undo it; how far are posterior means from
the population's value, and how often do intervals hold it? Each sample is fitted twice, with the weights in the
likelihood and without; the weighted frame, over which both average, is the same.

The population's value is the contrast of potential outcomes over its frame, everyone in it: the twin's expectation
under the truth of the whole model, the columns that weights rest on included. A finite population has luck of its own,
of about sd / sqrt(its size), which looks like bias; at fifty times the sample it is a seventh of a standard error.

What is to be expected:

- The columns are covariates of the fitted model (`adjusted`). Both fits are consistent, and weights cost precision.
- They are not. The fitted model takes different people for alike. Without weights it learns the sample's mixture of
  them, and the frame cannot undo what it does not see; with weights it learns the population's. Means of outcomes are
  then right (the score equations of a logit say so, but for shrinkage); contrasts come from a curve that is not quite
  the true one (a logit averaged over groups is no logit), and where the gift too depends on the columns, receivers and
  others are not comparable: no weight mends that.

Kish's effective size is made for averages over everyone. Of single profiles of an adjusted model it is wrong: those
whose weight is large count for more people than were asked, and their intervals are too narrow. Nor does a posterior
promise coverage of one fixed truth: far out in its prior it is shrunk, with weights and without. So the unweighted fit
of the same sample is the yardstick, not the nominal content alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from largesse import findings, models
from largesse.calibration import Record
from largesse.errors import InputError
from largesse.fits import Fit
from largesse.inputs import Inputs, assemble
from largesse.judgement import CONTENTS
from largesse.models.contract import NODES
from largesse.provenance import engines, processor
from largesse.replicate import GATES, REDRAWS, SAMPLER, as_read, by_rule, code
from largesse.seeds import generator
from largesse.settings import Weights
from largesse.store import fingerprint
from largesse.synthetic import Synthetic, World, simulate

Array = np.ndarray[Any, Any]
Rates = Mapping[str, Mapping[str, float]]

WAYS: Final[Mapping[str, Weights]] = {"weighted": Weights(use="likelihood"), "unweighted": Weights(use="frame")}
WIDEST: Final = f"{max(CONTENTS):g}"  # of the intervals whose widths are compared


@dataclass(frozen=True)
class RepeatedSampling:
    """What is repeated: samples of one population, some groups of it asked more often than others.

    Attributes
    ----------
    model : its name.
    world : the population, as a survey of everyone, and what is true there; it states no weights.
    rates : categorical column -> level -> how often its people are asked, relative to other levels. Rates of several
        columns multiply; a weight is one over the product.
    respondents : expected number of a sample; everyone is asked or not independently of others.
    adjusted : whether the columns of `rates` are covariates of the model that is fitted.
    seed : root of all random numbers but the population's, which are the world's.
    """

    model: str
    world: World
    rates: Rates
    respondents: int = 400
    adjusted: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.world.weights:
            raise InputError.one("world", "key 'weights'", "a table", "nothing: weights follow from the rates")
        for column, rates in self.rates.items():
            levels = set(self.world.categorical.get(column, ()))
            if not levels or set(rates) != levels or min(rates.values()) <= 0:
                expected = f"a rate above 0 for each of {sorted(levels) or list(self.world.categorical)}"
                raise InputError.one("rates", column, str(dict(rates)), expected)

    @cached_property
    def fingerprint(self) -> str:
        """Of population, design, model, twin, priors, sampler, code, engines and the kind of processor."""
        priors = {n: models.get(n).priors().fingerprint for n in {self.model, *self.world.models}}
        made_with = code(priors, "repeated_sampling.py")
        return fingerprint(
            *(self.described(), models.get(self.model).fingerprint, made_with, priors),
            *(SAMPLER.model_dump(), GATES.model_dump(), NODES, CONTENTS, engines(), processor()),
        )

    def described(self) -> dict[str, Any]:
        """As plain values, from which it can be made again."""
        rates = {column: dict(of) for column, of in self.rates.items()}
        design = {"rates": rates, "respondents": self.respondents, "adjusted": self.adjusted, "seed": self.seed}
        return {"model": self.model, "world": self.world.model_dump(mode="json"), **design}

    def replicate(self, number: int) -> dict[str, Any]:
        """One sample, fitted both ways.

        Returns
        -------
        `number`, `status` (done, or failed when either fit has), `redrawn` (samples refused before this one, by a rule
        on the data alone) and `target`, the population's value by estimand; and under `weighted` and `unweighted` what
        became of the fit, and by estimand the posterior `mean` and, by content, the `interval` (equal tails).
        """
        target = population(self.world.model_dump_json(), self.model).target
        inputs, redrawn = self.sample(number)
        record = {"number": number, "redrawn": redrawn, "status": "done", "target": dict(target)}
        for way, weights in WAYS.items():
            study = inputs.study.model_copy(update={"weights": weights})
            asked = assemble(study, inputs.survey, inputs.models, inputs.priors, None)
            fit, about = by_rule(asked.models[0], asked, self.seed, number)
            record[way] = about if fit is None else about | _reported(fit, asked, target)
            record["status"] = "failed" if fit is None else record["status"]
        return record

    def sample(self, number: int) -> tuple[Inputs, int]:
        """The sample of a replicate, read with its weights; and how many were refused before it.

        A sample is refused when the reader refuses it, or when nobody of some district or wave is in it: the frame
        would then be of another population.

        Errors
        ------
        InputError
            when the population is too small for so many respondents, or hardly any sample can be read.
        """
        people = population(self.world.model_dump_json(), self.model).synthetic
        rate = _products(people.survey, self.rates)
        chance = self.respondents * rate / rate.sum()
        if chance.max() > 1:
            raise InputError.one("world", "respondents", f"{len(rate)}", "a larger population for such samples")
        model, everywhere = models.get(self.model), (self.world.districts, len(self.world.waves))
        for redrawn in range(REDRAWS):
            in_it = generator(self.seed, "sample", number, redrawn).uniform(size=len(rate)) < chance
            survey = people.survey.assign(weight=1 / rate)[in_it].reset_index(drop=True)
            drawn = Synthetic(self.surveyed, survey, people.districts, people.truth, people.coords)
            try:
                inputs = as_read(drawn, model, model.priors())
            except InputError:
                continue
            if inputs.design.coverage.rate.shape == everywhere:
                return inputs, redrawn
        raise InputError.one("repeated sampling", f"replicate {number}", f"{REDRAWS} unusable samples", "larger ones")

    @property
    def surveyed(self) -> World:
        """The world as its survey sees it: with weights, and without the columns that are not adjusted for."""
        weights = {column: {level: 1 / rate for level, rate in of.items()} for column, of in self.rates.items()}
        unseen = set() if self.adjusted else set(self.rates)
        categorical = {column: of for column, of in self.world.categorical.items() if column not in unseen}
        modifiers = tuple(m for m in self.world.modifiers if m not in unseen)
        seen = {"categorical": categorical, "modifiers": modifiers, "respondents": self.respondents}
        return self.world.model_copy(update={"weights": weights, **seen})


class Population(NamedTuple):
    """Everyone, and by estimand its value for them."""

    synthetic: Synthetic
    target: Mapping[str, float]


@cache
def population(world: str, name: str) -> Population:
    """The population of a world (as JSON), drawn once in a process, and its values of what one model reports."""
    synthetic, model = simulate(World.model_validate_json(world)), models.get(name)
    inputs = as_read(synthetic, model, model.priors())
    truth = {p: np.asarray(value)[None] for p, value in synthetic.truth[name].items()}
    values = findings.quantities(truth, NODES[-1], model, inputs)
    return Population(synthetic, {key: round(float(value[0]), 6) for key, value in values.items()})


def _products(people: pd.DataFrame, rates: Rates) -> Array:
    """[person] the product of the rates of the groups that a person is in."""
    each = [people[column].map(dict(of)).to_numpy(dtype=float) for column, of in rates.items()]
    return np.asarray(np.prod(each, axis=0)) if each else np.ones(len(people))


def _reported(fit: Fit, inputs: Inputs, target: Mapping[str, float]) -> dict[str, Any]:
    """Means and intervals of what is reported of both sample and population: a small district may be pooled in one."""
    found = findings.quantities(fit.theta, fit.nodes, inputs.models[0], inputs)
    draws = {key: values for key, values in found.items() if key in target}
    tails = {f"{content:g}": ((1 - content) / 2, (1 + content) / 2) for content in CONTENTS}
    interval = {
        content: {key: np.quantile(values, tail).round(6).tolist() for key, values in draws.items()}
        for content, tail in tails.items()
    }
    return {"mean": {key: round(float(values.mean()), 6) for key, values in draws.items()}, "interval": interval}


# --- many of them ----------------------------------------------------------------------------------------------


def summarised(records: Iterable[Record]) -> dict[str, Any]:
    """What many samples say of weighted fits, and of unweighted ones beside them.

    Returns
    -------
    `replicates`, `failed`, `redrawn`, and by estimand that two samples or more report: their number, the population's
    value (`target`), by way of fitting its `bias`, root mean squared error and the share of intervals that held the
    target (`covered`, by content), and `width`: of weighted intervals over that of unweighted ones of the same sample,
    a geometric mean. Each with its Monte Carlo error (`..._se`); that of `covered` is the error of an interval that
    keeps its promise.
    """
    every = list(records)
    done = [r for r in every if r["status"] == "done"]
    found = {key: [r for r in done if key in r["weighted"]["mean"]] for key in (done[0]["target"] if done else ())}
    return {
        "replicates": len(every),
        "failed": len(every) - len(done),
        "redrawn": sum(r["redrawn"] for r in every),
        "estimands": {key: _summary(key, reporting) for key, reporting in found.items() if len(reporting) > 1},
    }


def _summary(key: str, records: list[Record]) -> dict[str, Any]:
    n, target = len(records), records[0]["target"][key]
    logs = np.log([np.ptp(r["weighted"]["interval"][WIDEST][key]) / np.ptp(r["unweighted"]["interval"][WIDEST][key])
                   for r in records])  # fmt: skip
    width = float(np.exp(logs.mean()))
    about = {"replicates": n, "target": target, "width": width, "width_se": width * _error(logs)}
    promised = {f"{c:g}": float(np.sqrt(c * (1 - c) / n)) for c in CONTENTS}
    return about | {way: _kept(key, [r[way] for r in records], target) | {"covered_se": promised} for way in WAYS}


def _kept(key: str, fits: list[Mapping[str, Any]], target: float) -> dict[str, Any]:
    """How far off one way of fitting is, and how often its intervals hold the target."""
    off = np.array([f["mean"][key] for f in fits]) - target
    held = {f"{c:g}": [low <= target <= high for low, high in (f["interval"][f"{c:g}"][key] for f in fits)]
            for c in CONTENTS}  # fmt: skip
    covered = {content: float(np.mean(inside)) for content, inside in held.items()}
    return {"bias": float(off.mean()), "bias_se": _error(off), "rmse": float(np.sqrt((off**2).mean())),
            "covered": covered}  # fmt: skip


def _error(values: Array) -> float:
    """The standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def lines(summary: Mapping[str, Any]) -> list[str]:
    """A summary for a terminal: one line of counts, then two for each estimand."""
    counts = f"{summary['replicates']} samples, {summary['failed']} failed, {summary['redrawn']} refused"
    told = [f"{counts}; bias with its error, and the share of {_named(CONTENTS)} % intervals that hold the target"]
    for key, found in summary["estimands"].items():
        told.append(f"  {key}: {found['target']:.3f}; weighted intervals {found['width']:.2f} times as wide")
        for way in WAYS:
            kept = found[way]
            shares = _named(kept["covered"].values())
            told.append(f"    {way:<10} {kept['bias']:+.3f} ({kept['bias_se']:.3f}); {shares}")
    return told


def _named(shares: Iterable[float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares)
