"""Blocks: how borrowed numbers count in another study, each block robustly, by NumPy.

Each block of a borrowed normal holds in the next study with a chance of its own, its weight w; where it does not, the
model's own prior v does (a robust mixture; Schmidli et al. 2014). Block by block, in order, given the blocks before,

    p(x_b) = w_b N(x_b; m_b, P_b) + (1 - w_b) v(x_b)

m_b and P_b are what the past study says of the block given the earlier blocks that hold here. Which do is not known;
with r = w N / p, the chance that a block holds given its value, the past study's mean and covariance of the blocks to
come are those of the mixture of having and of not having compared it:

    m <- m + r (m' - m),    P <- P + r (P' - P) + r (1 - r) (m' - m)(m' - m)'

where m', P' condition on x_b. With every weight 1 it is the joint normal; a block that does not hold (r = 0) says
nothing of the others. PyTensor's side is :mod:`largesse.models.blocks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import stats
from scipy.special import expit, log_expit

from largesse.borrowed import Scale, Shape
from largesse.families import Family
from largesse.store import fingerprint

Array = np.ndarray[Any, np.dtype[Any]]
Theta = Mapping[str, Array]


class Entry(Protocol):
    """What is read of a prior: its family and its arguments."""

    @property
    def family(self) -> Family:
        """Draws, density and distribution function."""

    def resolved(self, theta: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, the names of parameters replaced by their values."""


class Place(NamedTuple):
    """Where a borrowed coordinate stands in the next study.

    Attributes
    ----------
    parameter, at : the element of a parameter; 0 of a scalar.
    scale, shape : on which it is normal; see :class:`~largesse.borrowed.Coordinate`.
    last : of a cutpoint, the index of the last one of its item.
    """

    parameter: str
    at: int
    scale: Scale
    shape: Shape | None = None
    last: int = 0


class Belief(NamedTuple):
    """What the past study says of the coordinates that have not been looked at: `mean` [draw, rest], `covariance`."""

    mean: Array
    covariance: Array


@dataclass(frozen=True, eq=False)
class Blocks:
    """A borrowed normal as it counts in one study.

    Attributes
    ----------
    names, sizes, weight : of the blocks: name, number of coordinates, chance of holding.
    places : of the coordinates, in order.
    mean, covariance : [coordinate], [coordinate, coordinate] on the normal scales, for this study.
    origin : fingerprint of the file.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    weight: Array
    places: tuple[Place, ...]
    mean: Array
    covariance: Array
    origin: str

    @property
    def structure(self) -> str:
        """Fingerprint of what a compiled model holds fast: all but :meth:`arrays`."""
        return fingerprint(self.sizes, [[*p[:3], p.shape and p.shape.model_dump(), p.last] for p in self.places])

    @property
    def fingerprint(self) -> str:
        """Of what counts in a posterior."""
        return fingerprint(self.structure, self.arrays())

    def arrays(self) -> dict[str, Array]:
        """What is data of a compiled model."""
        return {
            "borrowed_mean": self.mean,
            "borrowed_covariance": self.covariance,
            "borrowed_weight": self.weight,
        }

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Parameters of which something is borrowed."""
        return frozenset(p.parameter for p in self.places)

    def weighing(self, weight: float) -> Blocks:
        """The same blocks, each with this weight."""
        return Blocks(self.names, self.sizes, np.full(len(self.names), weight), self.places, self.mean,
                      self.covariance, self.origin)  # fmt: skip

    def __iter__(self) -> Iterator[tuple[float, tuple[Place, ...]]]:
        """The weight of each block, and its places."""
        start = 0
        for size, weight in zip(self.sizes, self.weight, strict=True):
            yield float(weight), self.places[start : start + size]
            start += size

    def believed(self, draws: int) -> Belief:
        """What the past study says before anything was looked at."""
        n = len(self.mean)
        return Belief(np.tile(self.mean, (draws, 1)), np.broadcast_to(self.covariance, (draws, n, n)))

    def held(self, theta: Theta, entries: Mapping[str, Entry]) -> tuple[Array, Array]:
        """How each draw of the next study goes with each block.

        Parameters
        ----------
        theta : parameter -> [draw, ...].
        entries : the model's own priors.

        Returns
        -------
        [draw, block] log of p(x_b) / v(x_b), and the chance that the block holds.
        """
        draws = len(theta[self.places[0].parameter])
        belief, found = self.believed(draws), []
        for weight, places in self:
            told, belief = looked_at(belief, weight, places, theta, entries)
            found.append(told)
        ratio, held = zip(*found, strict=True)
        return np.stack(ratio, axis=1), np.stack(held, axis=1)

    def drawing(self, rng: np.random.Generator, entries: Mapping[str, Entry]) -> Drawing:
        """Draws one truth, parameter by parameter."""
        return Drawing(self, rng, entries)


class Drawing:
    """One truth under borrowed priors, drawn parameter by parameter in the model's order."""

    def __init__(self, blocks: Blocks, rng: np.random.Generator, entries: Mapping[str, Entry]) -> None:
        self._rng, self._entries = rng, entries
        self._rest, self._belief = list(blocks), blocks.believed(1)

    def of(self, name: str, own: Array, theta: Theta) -> Array:
        """A parameter's value, given those before it; `own` is a draw from the model's own prior."""
        value = np.array(own, dtype=float)[None]  # one draw
        before = {n: np.asarray(v)[None] for n, v in theta.items()}
        while any(places[0].parameter == name for _, places in self._rest):
            weight, places = self._rest.pop(0)
            k = len(places)
            if places[0].parameter not in {name, *before}:  # not drawn here
                self._belief = Belief(self._belief.mean[:, k:], self._belief.covariance[:, k:, k:])
                continue
            if places[0].parameter == name and self._rng.uniform() < weight:
                z = self._rng.multivariate_normal(self._belief.mean[0, :k], self._belief.covariance[0, :k, :k])
                for place, each in zip(places, z, strict=True):
                    value = put(value, place, np.array([each]))
            _, self._belief = looked_at(self._belief, weight, places, {**before, name: value}, self._entries)
        return np.asarray(value[0])


def looked_at(
    belief: Belief, weight: float, places: tuple[Place, ...], theta: Theta, entries: Mapping[str, Entry]
) -> tuple[tuple[Array, Array], Belief]:
    """([draw] log p(x_b) / v(x_b), chance that the block holds), and what is believed of the blocks to come."""
    k, found = len(places), [normal_scale(p, theta) for p in places]
    z, slope = (np.stack(each, axis=1) for each in zip(*found, strict=True))
    own = sum(own_log_density(p, entries[p.parameter], theta) for p in places)
    mean, covariance = belief
    here, off = covariance[:, :k, :k], z - mean[:, :k]
    solved = np.linalg.solve(here, off[..., None])[..., 0]
    log_normal = -0.5 * ((off * solved).sum(axis=1) + np.linalg.slogdet(2 * np.pi * here)[1])
    with np.errstate(divide="ignore"):
        borrowed = np.log(weight) + log_normal + slope.sum(axis=1) - own
        ratio = np.logaddexp(borrowed, np.log1p(-weight))
    held = np.exp(borrowed - ratio)
    gain = np.swapaxes(np.linalg.solve(here, covariance[:, :k, k:]), 1, 2)  # [draw, rest, k]
    jump = (gain @ off[..., None])[..., 0]
    r, s = held[:, None, None], (held * (1 - held))[:, None, None]
    narrower = -gain @ covariance[:, :k, k:]
    after = covariance[:, k:, k:] + r * narrower + s * jump[:, :, None] * jump[:, None, :]
    return (ratio, held), Belief(mean[:, k:] + held[:, None] * jump, after)


def coordinate(place: Place, theta: Theta) -> Array:
    """[draw] the value on its unconstrained scale."""
    x = _element(theta[place.parameter], place.at)
    if place.scale == "log":
        return np.log(x)
    if place.scale == "atanh":
        return np.arctanh(x)
    if place.scale == "log gap":
        return np.log(x - _element(theta[place.parameter], place.at - 1))
    return x


def normal_scale(place: Place, theta: Theta) -> tuple[Array, Array]:
    """[draw] the value on its normal scale, and the log of its derivative by the unconstrained one."""
    x = coordinate(place, theta)
    return (x, np.zeros_like(x)) if place.shape is None else place.shape.forward(x)


def own_log_density(place: Place, entry: Entry, theta: Theta) -> Array:
    """[draw] log density of the model's own prior on the unconstrained scale; of a cut given those before it."""
    x = _element(theta[place.parameter], place.at)
    arguments = entry.resolved(theta)
    if place.scale in ("first cut", "log gap"):
        rest = place.last - place.at + 1
        stick = _stick(place, theta)
        density = stats.beta.logpdf(expit(stick), arguments["concentration"], arguments["concentration"] * rest)
        density = density + log_expit(stick) + log_expit(-stick)
        if place.scale == "log gap":  # d stick / d log gap = gap e^gap / (e^gap - 1)
            gap = x - _element(theta[place.parameter], place.at - 1)
            density = density + np.log(gap) - np.log(-np.expm1(-gap))
        return np.asarray(density)
    density = entry.family.logpdf(x, arguments)
    if place.scale == "log":
        return np.asarray(density + np.log(x))
    return np.asarray(density + np.log1p(-(x**2)) if place.scale == "atanh" else density)


def put(values: Array, place: Place, z: Array) -> Array:
    """[draw, ...] the parameter with one element at `z` on its normal scale; later cuts of its item keep their shares.

    What they keep is the share of each answer among itself and those above, which the model's own prior draws.
    """
    x = z if place.shape is None else place.shape.backward(z)
    out = values.copy()
    if place.scale in ("first cut", "log gap"):
        later = range(place.at + 1, place.last + 1)
        sticks = {i: _stick(place._replace(at=i, scale="log gap"), {place.parameter: values}) for i in later}
        out[..., place.at] = x if place.scale == "first cut" else out[..., place.at - 1] + np.exp(x)
        for i, stick in sticks.items():
            out[..., i] = out[..., i - 1] + np.logaddexp(0.0, stick - log_expit(out[..., i - 1]))
        return out
    value = {"log": np.exp, "atanh": np.tanh}.get(place.scale, np.asarray)(x)
    if out.ndim == 1:
        return np.asarray(value)
    out[..., place.at] = value
    return out


def _stick(place: Place, theta: Theta) -> Array:
    """[draw] logit of the share of an answer among itself and those above, at predictor 0."""
    cut = _element(theta[place.parameter], place.at)
    if place.scale == "first cut":
        return cut
    before = _element(theta[place.parameter], place.at - 1)
    gap = cut - before
    return np.asarray(gap + np.log(-np.expm1(-gap)) + log_expit(before))


def _element(values: Array, index: int) -> Array:
    """[draw] one element of a parameter."""
    values = np.asarray(values, dtype=float)
    return values if values.ndim == 1 else np.asarray(values[..., index])
