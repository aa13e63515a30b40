"""Borrowed priors in PyTensor: the robust mixture of :mod:`largesse.blocks` as one factor beside the model's priors.

Each parameter keeps its own prior v; what is borrowed enters as the sum over blocks of log(w N / v + 1 - w). Mean,
covariance and weights are data: a model compiled once serves every share of borrowing, none and all of it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from largesse.blocks import Place
from largesse.models.mixture import mixture
from largesse.parameters import Parameter
from largesse.priors import Prior, PriorSet

NAME: Final = "borrowed"
Variables = Mapping[str, Any]


def lend(parameters: Iterable[Parameter], priors: PriorSet, made: Variables) -> None:
    """Let what is borrowed count; call inside the `pm.Model` whose variables are `made`."""
    blocks = priors.borrowed
    if blocks is None:
        return
    data = {name: pm.Data(name, values) for name, values in blocks.arrays().items()}
    known = {p.name: p for p in parameters}
    z, rest = [], []
    for name, run in groupby(blocks.places, key=lambda place: place.parameter):
        places = list(run)
        x, own = _coordinates(known[name], priors[name], made, places)
        normal, slope = _normal_scale(x, places)
        z.append(normal)
        rest.append(slope - own)
    normals, others = (pt.concatenate(each) for each in (z, rest))  # type: ignore[no-untyped-call]
    made_of: Any = mixture(normals, others, *data.values(), np.array(blocks.sizes))
    total = made_of[0]
    pm.Potential(NAME, total)


def _coordinates(p: Parameter, prior: Prior, made: Variables, places: list[Place]) -> tuple[Any, Any]:
    """[coordinate] unconstrained values, and the log density of the model's own prior there."""
    if p.construct == "cutpoints":
        return _cuts(p, prior, made, places)
    value = pt.atleast_1d(made[p.name])[np.array([place.at for place in places])]
    arguments = prior.resolved(made)
    if p.construct == "correlation":
        a = arguments["concentration"]
        share = (value + 1) / 2
        own = pm.logp(pm.Beta.dist(alpha=a, beta=a), share) - np.log(2.0)
        return pt.arctanh(value), own + pt.log1p(-(value**2))
    own = pm.logp(getattr(pm, prior.distribution).dist(**arguments), value)
    return (pt.log(value), own + pt.log(value)) if p.support == "positive" else (value, own)


def _cuts(p: Parameter, prior: Prior, made: Variables, places: list[Place]) -> tuple[Any, Any]:
    """Of cutpoints: first cuts, and log gaps to the one before."""
    a = prior.resolved({})["concentration"]
    index, first = (np.array(each) for each in zip(*((q.at, q.scale == "first cut") for q in places), strict=True))
    rest = np.array([q.last - q.at + 1 for q in places])
    cut, before = made[p.name][index], made[p.name][np.where(first, index, index - 1)]
    gap = pt.switch(first, 1.0, cut - before)
    stick = pt.switch(first, cut, gap + pt.log(-pt.expm1(-gap)) - pt.softplus(-before))
    log_share, log_above = -pt.softplus(-stick), -pt.softplus(stick)
    own = pm.logp(pm.Beta.dist(alpha=a, beta=a * rest), pt.sigmoid(stick)) + log_share + log_above
    own = own + pt.switch(first, 0.0, pt.log(gap) - pt.log(-pt.expm1(-gap)))
    return pt.switch(first, cut, pt.log(gap)), own


def _normal_scale(x: Any, places: list[Place]) -> tuple[Any, Any]:
    """[coordinate] values on their normal scale, and the log of the derivative."""
    if all(place.shape is None for place in places):
        return x, 0.0 * x
    each = [_shaped(x[i], place) for i, place in enumerate(places)]
    return pt.stack([z for z, _ in each]), pt.stack([slope for _, slope in each])


def _shaped(x: Any, place: Place) -> tuple[Any, Any]:
    if place.shape is None:
        return x, 0.0 * x
    s = place.shape
    large = pt.exp(x) / s.bend
    small = pt.log(-pt.expm1(-large))
    u = (large + small - s.center) / s.width
    inner = s.tail * pt.arcsinh(u) - s.skew
    slope = np.log(s.tail / s.width) - 0.5 * pt.log1p(u**2) + pt.log(pt.cosh(inner))
    return pt.sinh(inner), slope + pt.log(large) - small
