"""Meta-analysis: several past studies as one file to borrow from, counting as far as they agree (`heterogeneity.py`).

Studies must be centred alike, for a number means the same only then: the later ones are fitted with `borrow` of a file
of the first one whose blocks have weight 0, which centres them there and lends nothing. Few studies say little of how
far studies differ: the scale of that is an argument, half of what the model's own prior allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import stats

from largesse import dims
from largesse.blocks import Blocks, normal_scale
from largesse.borrowed import Borrowed, Heterogeneity, Left, Origin, Spread
from largesse.comparability import differing, unasked
from largesse.errors import InputError, Problem
from largesse.fits import Fit
from largesse.heterogeneity import Predicted, Said, predict, said
from largesse.inputs import Inputs
from largesse.lending import REFUSED, Terms, lend, misfit, own_draws, precision
from largesse.models.contract import Model, coords
from largesse.priors import PriorSet
from largesse.store import fingerprint
from largesse.travelling import placed

Array = np.ndarray[Any, np.dtype[np.float64]]

HETEROGENEITY: Final = 0.5  # sds of the model's own prior: studies differ by less than what was thought possible of any
DEFINITE: Final = 1e-6  # least eigenvalue of correlations taken from ranks


class Past(NamedTuple):
    """One past study: its fit, and what that was made from."""

    fit: Fit
    inputs: Inputs


def pool(past: Sequence[Past], model: Model, terms: Terms, heterogeneity: float = HETEROGENEITY) -> Borrowed:
    """What several studies say of people and offices at large, as a file that another study may borrow.

    Parameters
    ----------
    past : at least two, none of which borrowed from another. The first sets the scales and the prior.
    heterogeneity : scale of how far studies differ, in sds of the model's own prior.

    Errors
    ------
    InputError
        when a fit does not pass its gates, when studies are not centred alike, asked other questions, had other priors
        or borrowed, or when they share no number that is normal on one scale.
    """
    if not heterogeneity > 0:
        raise InputError.one("terms", "key 'heterogeneity'", f"{heterogeneity:g}", "a positive number")
    files = [lend(each.fit, model, each.inputs, terms) for each in past]
    if problems := list(_incomparable(past, files, model)):
        raise InputError(problems)
    base, left = _shared(past, files, model)
    own = _own(past[0], base, model)
    every = [_said(each, file, base, own, model) for each, file in zip(past, files, strict=True)]
    sizes = tuple(len(list(run)) for _, run in groupby(base.coordinates, key=lambda c: c.block))
    found = predict(every, own.agreement, sizes, heterogeneity)
    return _written(files, base, own, found, left)


# What is comparable ----------------------------------------------------------------------------------------------


def _incomparable(past: Sequence[Past], files: Sequence[Borrowed], model: Model) -> Iterator[Problem]:
    """Why numbers of one study do not mean what they mean in the first, or would count twice."""
    if len(past) < 2:
        yield Problem("the studies", "", f"{len(past)}", "two or more: one lends by itself")
    first, lead = files[0].setting, past[0].inputs
    for (_, inputs), file in zip(past, files, strict=True):
        name, own = inputs.study.name, inputs.priors[model.name]
        if own.borrowed is not None and (own.borrowed.weight > 0).any():
            expected = "one that borrowed nothing, or with weight 0: its lender would count twice"
            yield Problem(name, f"key 'priors.{model.name}.borrow'", "a study that borrowed", expected)
        if _unlent(own).fingerprint != _unlent(lead.priors[model.name]).fingerprint:
            yield Problem(name, f"key 'priors.{model.name}'", "other priors", f"those of {lead.study.name}")
        yield from differing(first, file.setting, name)
        yield from unasked(first, file.setting.questions, name)


def _unlent(priors: PriorSet) -> PriorSet:
    """A study's priors without what it borrowed."""
    return replace(priors, borrowed=None)


def _shared(past: Sequence[Past], files: Sequence[Borrowed], model: Model) -> tuple[Borrowed, list[Left]]:
    """The first file, of the numbers that all lend and that are normal on its scales; and what is left, with why."""
    everywhere = set.intersection(*({*file.names} for file in files))
    left = {n: "not lent by every study" for file in files for n in file.names if n not in everywhere}
    base = _restricted(files[0], everywhere)
    if base:
        left = reduce(lambda known, each: known | _unlike(each, base, model), past, left)
    kept = _restricted(files[0], everywhere - {*left})
    if kept is None:
        raise InputError.one("the studies", "", "no number that all lend on one scale", "at least one")
    reasons = {row.name: row.reason for file in files for row in file.left} | left
    return kept, [Left(name=name, reason=reason) for name, reason in reasons.items()]


def _unlike(each: Past, base: Borrowed, model: Model) -> dict[str, str]:
    """Numbers of one study that are not normal on the scales of the first, and how far they are from it."""
    off = {c.name: misfit(column) for c, column in zip(base.coordinates, _normal(each, base, model).T, strict=True)}
    told = "a quantile of its draws in {} is {:.2f} sds from the normal's"
    return {name: told.format(each.inputs.study.name, far) for name, far in off.items() if far > REFUSED}


def _restricted(file: Borrowed, names: set[str]) -> Borrowed | None:
    """A file of some of its numbers, without what averages would differ by; none of none."""
    at = [i for i, c in enumerate(file.coordinates) if c.name in names]
    coordinates = tuple(file.coordinates[i] for i in at)
    r = file.correlations[np.ix_(at, at)]
    blocks = {c.block: file.weights[c.block] for c in coordinates}
    triangle = _triangle(r)
    parts = {"coordinates": coordinates, "weights": blocks, "correlation": triangle, "spreads": ()}
    return file.model_copy(update=parts) if at else None


def _triangle(r: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row[:i])) for i, row in enumerate(r))


def _blocks(each: Past, base: Borrowed, model: Model) -> Blocks:
    """Where the numbers stand in one study."""
    cells = each.inputs.cells[model.name]
    groups = {dim: cells.sizes[dim] for dim in (dims.DISTRICT, dims.WAVE)}
    return placed(base, model.active(cells)[0], coords(cells, model.twin), groups)


def _normal(each: Past, base: Borrowed, model: Model) -> Array:
    """[draw, number] of one study, on the normal scales."""
    places = _blocks(each, base, model).places
    return np.stack([normal_scale(place, each.fit.theta)[0] for place in places], axis=1)


# What each study says --------------------------------------------------------------------------------------------


class Own(NamedTuple):
    """The model's own prior of the numbers: [number] `middle` and `sd`, [number, number] their `agreement`."""

    middle: Array
    sd: Array
    agreement: Array


def _own(first: Past, base: Borrowed, model: Model) -> Own:
    """By quantiles and ranks: on normal scales of a posterior, tails of a prior may have no variance."""
    cells, priors = first.inputs.cells[model.name], _unlent(first.inputs.priors[model.name])
    draws = own_draws(_blocks(first, base, model), model, priors, cells)
    low, middle, high = np.quantile(draws, stats.norm.cdf([-1.0, 0.0, 1.0]), axis=0)
    ranks = np.corrcoef(stats.rankdata(draws, axis=0).T)
    agreement = np.atleast_2d(2 * np.sin(np.pi / 6 * ranks))
    return Own(middle, (high - low) / 2, _definite(agreement))


def _definite(r: Array) -> Array:
    """The correlations, moved as little towards independence as makes them those of a normal."""
    least = float(np.linalg.eigvalsh(r)[0])
    share = max(0.0, (DEFINITE - least) / (1.0 - least))
    return np.asarray((1 - share) * r + share * np.eye(len(r)))


def _said(each: Past, file: Borrowed, base: Borrowed, own: Own, model: Model) -> Said:
    """What one study's answers say of its numbers at large: their posterior with the prior taken out."""
    z = (_normal(each, base, model) - own.middle) / own.sd
    covariance = np.atleast_2d(np.cov(z.T))
    for spread in file.spreads:
        at = {n: base.names.index(n) for n in spread.locations if n in base.names}
        of = [i for i, n in enumerate(spread.locations) if n in at]
        rows = list(at.values())
        of_one = np.array(spread.covariance)[np.ix_(of, of)] / np.outer(own.sd[rows], own.sd[rows])
        covariance[np.ix_(rows, rows)] += of_one / (spread.groups or np.inf)
    return said(z.mean(axis=0), covariance, own.agreement)


# What is written -------------------------------------------------------------------------------------------------


def _written(files: Sequence[Borrowed], base: Borrowed, own: Own, found: Predicted, left: list[Left]) -> Borrowed:
    """The file: the normal of what is predicted, how far studies differ, and each study with its provenance."""
    scale = np.sqrt(np.diag(found.covariance))
    mean, sd = own.middle + own.sd * found.mean, own.sd * scale
    unlike = [Left(name=c.name, reason=f"studies leave its interval askew, by {far:.2f} sds")
              for c, far in zip(base.coordinates, found.skew, strict=True) if far > REFUSED]  # fmt: skip
    moved = tuple(c.model_copy(update={"mean": float(m), "sd": float(s)})
                  for c, m, s in zip(base.coordinates, mean, sd, strict=True))  # fmt: skip
    whole = base.model_copy(update={"coordinates": moved,
                                    "correlation": _triangle(found.covariance / np.outer(scale, scale))})  # fmt: skip
    file = _restricted(whole, {*whole.names} - {left.name for left in unlike})
    if file is None:
        raise InputError.one("the studies", "", "numbers that differ too much between them", "some that do not")
    names = list(dict.fromkeys(c.block for c in base.coordinates))
    differ = {name: Heterogeneity(tau=float(tau), agreed=_agreed(base, name, found, own))
              for name, tau in zip(names, found.tau, strict=True) if name in file.weights}  # fmt: skip
    parts = {
        "origin": _origin([each.origin for each in files]),
        "studies": tuple(each.origin for each in files),
        "heterogeneity": differ,
        "spreads": tuple(_averaged(files, file)),
        "left": (*left, *unlike),
    }
    return Borrowed.model_validate(file.model_dump() | parts)


def _agreed(base: Borrowed, block: str, found: Predicted, own: Own) -> float:
    """The share of the studies' information on a block that counts, for that they differ."""
    at = np.ix_(*[[i for i, c in enumerate(base.coordinates) if c.block == block]] * 2)
    before, alike, after = (precision(each[at]) for each in (own.agreement, found.common, found.covariance))
    return float(np.clip((after - before) / max(alike - before, 1e-12), 0.0, 1.0))


def _averaged(files: Sequence[Borrowed], file: Borrowed) -> Iterator[Spread]:
    """What averages of districts and waves differ by, the mean over studies; what theirs differ by is in the file."""
    for spread in files[0].spreads:
        alike = [s for each in files for s in each.spreads if s.effect == spread.effect]
        names = [n for n in spread.locations if n in file.names and all(n in s.locations for s in alike)]
        if not names:
            continue
        rows = [[s.locations.index(n) for n in names] for s in alike]
        covariance = np.mean([np.array(s.covariance)[np.ix_(r, r)] for s, r in zip(alike, rows, strict=True)], axis=0)
        yield Spread(
            effect=spread.effect,
            along=spread.along,
            groups=None,
            locations=tuple(names),
            covariance=tuple(tuple(map(float, row)) for row in covariance),
        )


def _origin(origins: Sequence[Origin]) -> Origin:
    """Where it all comes from: the first study's words, everybody's numbers."""
    total = {key: sum(getattr(o, key) for o in origins) for key in ("respondents", "districts", "waves")}
    joined = {key: "; ".join(getattr(o, key) for o in origins) for key in ("study", "title")}
    fits = {"fit": fingerprint([o.fit for o in origins]), "draws": min(o.draws for o in origins)}
    return origins[0].model_copy(update=total | joined | fits)
