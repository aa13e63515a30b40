"""Lending: from a fit to a file that another study may borrow from, and how many respondents that is worth.

What is lent is a joint normal on unconstrained scales, held against the draws number by number: a number whose draws no
scale makes normal is left out, with the reason. Locations (intercepts, first cuts, the average effect of a gift) are of
the average district and wave that was asked; what another average would differ by is lent beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Final

import numpy as np
from pydantic import Field, ValidationError
from scipy import optimize, stats

from largesse import dims
from largesse.blocks import Blocks, coordinate, normal_scale
from largesse.borrowed import Borrowed, Coordinate, Left, Origin, Shape, Spread, Words
from largesse.cells import Cells, sizes
from largesse.comparability import setting_of
from largesse.diagnostics import diagnose
from largesse.errors import InputError
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model, coords
from largesse.parameters import Parameter
from largesse.priors import PriorSet
from largesse.provenance import engines
from largesse.results import Answer
from largesse.seeds import generator
from largesse.settings import Record, Share
from largesse.study import problems_of
from largesse.travelling import Number, numbers, placed, stays

Array = np.ndarray[Any, np.dtype[np.float64]]
Theta = Mapping[str, Array]

WEIGHT: Final = 0.5  # chance that a block holds in the next study, before it is seen
AT: Final = np.array([0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975])  # where draws and normal are compared
NORMAL, REFUSED = (
    0.1,
    0.25,
)  # sds between quantiles: a skewed scale is changed beyond the first, left out beyond the second
PLAIN: Final = 0.001  # what a change of scale must gain in log likelihood per draw: tails are not seen
DRAWS: Final = 2000  # of the model's own priors, for what they say without any past study


class Terms(Record):
    """On which terms a fit is lent: by whom and when, in what words, each block's weight, and the power."""

    by: Words
    date: date
    statement: Words
    weight: Share = WEIGHT
    power: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0

    @classmethod
    def asked(cls, **terms: Any) -> Terms:
        """Terms as somebody asks for them.

        Errors
        ------
        InputError
            names each of them that is wrong.
        """
        try:
            return cls.model_validate(terms)
        except ValidationError as error:
            raise InputError(problems_of(error, "terms")) from None


def lend(fit: Fit, model: Model, inputs: Inputs, terms: Terms) -> Borrowed:
    """What a fit says of people and offices at large, for other studies to borrow.

    Errors
    ------
    InputError
        when the fit does not pass its gates, or no number of it is normal on any scale.
    """
    cells = inputs.cells[model.name]
    kept, names = model.active(cells)[0], coords(cells, model.twin)
    failed = [v.sentence for v in diagnose(fit.tree, inputs.study.gates) if v.answer is Answer.FAILED]
    if failed:
        raise InputError.one(inputs.study.name, f"the fit of {model.name}", "; ".join(failed), "a fit that passes")
    lent, left = _lent(list(numbers(kept, names)), fit.theta)
    left += [Left(name=p.name, reason=stays(p)) for p in kept if stays(p)]
    if not lent:
        raise InputError.one(inputs.study.name, f"the fit of {model.name}", "nothing that is normal", "some number")
    z = np.stack([normal_scale(n.place, fit.theta)[0] for n in lent], axis=1)
    asked = {dim for p in kept for dim in p.dims}
    return Borrowed(
        model=model.name,
        power=terms.power,
        weights={n.block: terms.weight for n in lent},
        origin=_origin(fit, model, inputs, terms),
        setting=setting_of(inputs.design, {dim: along for dim, along in names.items() if dim in asked}),
        coordinates=tuple(_coordinate(n, values) for n, values in zip(lent, z.T, strict=True)),
        correlation=tuple(tuple(map(float, row[:i])) for i, row in enumerate(np.atleast_2d(np.corrcoef(z.T)))),
        spreads=tuple(_spreads(kept, inputs.priors[model.name], fit.theta, cells, lent)),
        left=tuple(left),
    )


def _origin(fit: Fit, model: Model, inputs: Inputs, terms: Terms) -> Origin:
    cells = inputs.cells[model.name]
    return Origin(
        study=inputs.study.name,
        title=inputs.study.title,
        fit=fit.fingerprint,
        priors=inputs.priors[model.name].fingerprint,
        respondents=round(float(cells["count"].sum())),
        districts=cells.sizes[dims.DISTRICT],
        waves=cells.sizes[dims.WAVE],
        draws=len(next(iter(fit.theta.values()))),
        statement=terms.statement,
        by=terms.by,
        date=terms.date,
        engines=engines(),
    )


def _coordinate(number: Number, z: Array) -> Coordinate:
    place = number.place
    return Coordinate(
        parameter=place.parameter,
        element=number.element,
        scale=place.scale,
        block=number.block,
        mean=float(z.mean()),
        sd=float(z.std(ddof=1)),
        shape=place.shape,
    )


# Whether draws are normal ----------------------------------------------------------------------------------------


def _lent(every: list[Number], theta: Theta) -> tuple[list[Number], list[Left]]:
    """The numbers whose draws are normal on some scale, with that scale, and those that are left with the reason."""
    lent: list[Number] = []
    left: list[Left] = []
    for number in every:
        x = coordinate(number.place, theta)
        chosen = number.place if x.std() > 0 else None
        if chosen and chosen.scale in ("log", "log gap"):  # a log that looks normal may yet have other tails
            chosen = chosen._replace(shape=shaped(x))
        off = misfit(normal_scale(chosen, theta)[0]) if chosen else np.inf
        if chosen and off <= REFUSED:
            lent.append(number._replace(place=chosen))
        else:
            reason = f"a quantile of its draws is {off:.2f} sds from the normal's" if chosen else "it does not move"
            left.append(Left(name=number.name, reason=reason))
    return lent, left


def misfit(x: Array) -> float:
    """The largest distance, in sds, between a quantile of draws and that of the normal with their mean and sd."""
    found = (np.quantile(x, AT) - x.mean()) / x.std()
    return float(np.abs(found - stats.norm.ppf(AT)).max())


def shaped(x: Array) -> Shape:
    """The change of scale under which draws of a log are most likely standard normal."""
    few = np.quantile(x, (np.arange(400) + 0.5) / 400)

    def cost(values: Array) -> float:
        z, slope = _shape(values, few).forward(few)
        return float((0.5 * z**2 - slope).mean() + PLAIN * (values @ values))

    found = optimize.minimize(cost, np.zeros(5), method="Nelder-Mead", options={"maxiter": 4000, "adaptive": True})
    return _shape(found.x, few)


def _shape(values: Array, few: Array) -> Shape:
    """Of unbounded numbers, which are 0 at the plain guess: logs of bend, width and tail; centre, skew."""
    bend, wide, tail = np.exp(np.clip(values[[0, 2, 4]], -3.0, 3.0))
    bend = bend * np.exp(np.median(few))
    large = np.exp(few) / bend
    y = large + np.log(-np.expm1(-large))
    center, width = np.median(y) + values[1] * y.std(), wide * y.std()
    return Shape(bend=float(bend), center=float(center), width=float(width), skew=float(values[3]), tail=float(tail))


# What another average would differ by ----------------------------------------------------------------------------


def _spreads(
    kept: tuple[Parameter, ...], priors: PriorSet, theta: Theta, cells: Cells, lent: list[Number]
) -> Iterator[Spread]:
    """For each effect of districts or waves that sums to zero: the variance of one of them, along its locations."""
    for p in kept:
        if len(p.dims) != 1 or not stays(p) or priors[p.name].distribution != "ZeroSumNormal":
            continue
        sigma = np.asarray(priors[p.name].resolved(theta)["sigma"])
        moved = dict(_loadings(p, kept, theta))
        at = [n for n in lent if n.place.parameter in moved and n.place.scale in ("as it is", "first cut")]
        if not at:
            continue
        along = np.stack([_of_item(moved[n.place.parameter], n, cells) * np.ones_like(theta[p.name][:, 0]) for n in at])
        covariance = (along * sigma**2) @ along.T / along.shape[1]  # [location, location]
        yield Spread(
            effect=p.name,
            along="district" if p.dims[0] == dims.DISTRICT else "wave",
            groups=cells.sizes[p.dims[0]],
            locations=tuple(n.name for n in at),
            covariance=tuple(tuple(map(float, row)) for row in covariance),
        )


def _loadings(p: Parameter, kept: tuple[Parameter, ...], theta: Theta) -> Iterator[tuple[str, Array]]:
    """Location -> [draw] or [draw, item] how far it moves when the average effect, which is 0, does.

    Errors
    ------
    InputError
        of a third-party model whose effects of districts or waves stand nowhere that is known.
    """
    known, one = {q.name for q in kept}, np.ones(1)
    prefix = p.name.removesuffix("district_effect").removesuffix("wave_effect")
    sharp = theta.get(f"{prefix}discrimination", one)
    standing = {f"{prefix}intercept": one, f"{prefix}cutpoint": -sharp, f"{prefix}vignette_place": -one}
    if prefix == "willing_":
        standing = {"under_intercept": -one, "over_intercept": one}
    if prefix == "style_":  # of the answers on oneself and on vignettes alike
        standing = {"cutpoint": -one}
    if prefix == p.name:  # an effect that differs between districts: `direct_district` of `direct`
        standing = {p.name.removesuffix("_district"): one}
    found = {name: moved for name, moved in standing.items() if name in known}
    if not found:
        expected = "the intercept, cutpoint or average effect that it is held against, named as in shipped models"
        raise InputError.one("model", f"parameter '{p.name}'", f"none of {', '.join(standing)}", expected)
    yield from found.items()


def _of_item(moved: Array, number: Number, cells: Cells) -> Array:
    """[draw] the loading of one location; of a cut, that of its item."""
    if moved.ndim == 1:
        return moved
    item = number.element.rpartition(": ")[0]
    dim = dims.BEFORE if number.place.parameter.startswith("before_") else dims.ITEM
    role = "loyalty_before" if dim == dims.BEFORE else "loyalty"
    items = [str(n) for n, r in zip(cells[dims.ITEM].to_numpy(), cells[dims.ROLE].to_numpy(), strict=True) if r == role]
    return np.asarray(moved[:, items.index(item)])


def held(fit: Fit, priors: PriorSet) -> dict[str, float]:
    """Block -> the chance that it holds in the study of a fit, of which its weight was what was thought before."""
    if priors.borrowed is None:
        return {}
    _ratio, chance = priors.borrowed.held(fit.thinned(DRAWS), priors.entries)
    return {name: float(h) for name, h in zip(priors.borrowed.names, chance.mean(axis=0), strict=True)}


# What it is worth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worth:
    """How many of the past study's respondents one block is worth.

    Attributes
    ----------
    block, weight : its name, and its chance of holding.
    respondents : w N (p_b - p_v) / (p_N - p_v), between 0 and w N.
    learnt : 1 - p_v / p_N: how much of what is lent the past study's answers said, and not the model's own prior.

    p is a precision, |covariance|^(-1/k) of a block of k numbers: p_b as it is borrowed, widened and discounted; p_N of
    the posterior of the N respondents; p_v of the model's own prior.
    """

    block: str
    weight: float
    respondents: float
    learnt: float


def worth(borrowed: Borrowed, model: Model, priors: PriorSet, cells: Cells) -> list[Worth]:
    """What each block is worth in a study with these cells, in the file's order."""
    groups = {dim: cells.sizes[dim] for dim in (dims.DISTRICT, dims.WAVE)}
    kept, names = model.active(cells)[0], coords(cells, model.twin)
    here = placed(borrowed, kept, names, groups)
    learnt = placed(borrowed.model_copy(update={"power": 1.0, "spreads": ()}), kept, names, groups)
    own = own_draws(here, model, replace(priors, borrowed=None), cells)
    rows, start = [], 0
    for block, size, weight in zip(here.names, here.sizes, here.weight, strict=True):
        at = slice(start, start + size)
        p_b, p_n = (precision(each.covariance[at, at]) for each in (here, learnt))
        p_v = min(precision(np.atleast_2d(np.cov(own[:, at].T))), p_n * (1 - 1e-9))
        share = np.clip((p_b - p_v) / (p_n - p_v), 0.0, 1.0)
        agreed = borrowed.heterogeneity[block].agreed if block in borrowed.heterogeneity else 1.0
        respondents = float(weight * agreed * borrowed.origin.respondents * share)
        rows.append(Worth(block, float(weight), respondents, float(1 - p_v / p_n)))
        start += size
    return rows


def whole(rows: list[Worth], borrowed: Borrowed) -> float:
    """What all blocks are worth: the mean over numbers."""
    size = Counter(c.block for c in borrowed.coordinates)
    return float(np.average([row.respondents for row in rows], weights=[size[row.block] for row in rows]))


def own_draws(here: Blocks, model: Model, priors: PriorSet, cells: Cells) -> Array:
    """[draw, number] the model's own prior on the normal scales."""
    kept = [p for p in model.active(cells)[0] if not stays(p)]
    rng, lengths, answers = generator(0, "own prior"), sizes(cells), model.twin.answers(cells)
    each = [priors.draw(kept, lengths, answers, rng) for _ in range(DRAWS)]
    theta = {p.name: np.array([one[p.name] for one in each]) for p in kept}
    with np.errstate(over="ignore"):
        return np.stack([normal_scale(place, theta)[0] for place in here.places], axis=1)


def precision(covariance: Array) -> float:
    """Of one number on average, [number, number]."""
    return float(np.exp(-np.linalg.slogdet(covariance)[1] / len(covariance)))
