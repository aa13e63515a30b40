"""The distributions that a prior may name: how to draw from each, its density and its distribution function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import stats

from largesse.parameters import Support

Array = np.ndarray[Any, np.dtype[np.float64]]
Arguments = Mapping[str, Any]


class Family(NamedTuple):
    """A distribution: its arguments, where it lives, how to draw from it, its log density, its distribution function.

    The distribution function is of each element by itself; of a simplex, of the cumulative shares but the last.
    """

    arguments: tuple[str, ...]
    support: Support
    rvs: Callable[[np.random.Generator, Arguments, tuple[int, ...]], Array]
    logpdf: Callable[[Array, Arguments], Array]
    cdf: Callable[[Array, Arguments], Array]


def _zero_sum(rng: np.random.Generator, a: Arguments, size: tuple[int, ...]) -> Array:
    deviates = rng.normal(0.0, 1.0, size)
    return np.asarray(a["sigma"] * (deviates - deviates.mean(axis=-1, keepdims=True)))


def _zero_sum_logpdf(x: Array, a: Arguments) -> Array:
    free = x.shape[-1] - 1  # a sum of zero leaves n - 1 dimensions
    return np.asarray(-0.5 * free * np.log(2 * np.pi * a["sigma"] ** 2) - 0.5 * (x**2).sum(-1) / a["sigma"] ** 2)


def _zero_sum_cdf(x: Array, a: Arguments) -> Array:
    return np.asarray(stats.norm.cdf(x / (a["sigma"] * np.sqrt(1 - 1 / x.shape[-1]))))


def _dirichlet_cdf(x: Array, a: Arguments) -> Array:
    """Of cumulative shares: Beta(c a, (n - c) a) after c of n answers."""
    n, c = x.shape[-1], np.arange(1, x.shape[-1])
    return np.asarray(
        stats.beta.cdf(np.cumsum(x, axis=-1)[..., :-1], c * a["concentration"], (n - c) * a["concentration"])
    )


FAMILIES: Final[Mapping[str, Family]] = {
    "Normal": Family(
        ("mu", "sigma"),
        "real",
        lambda rng, a, size: rng.normal(a["mu"], a["sigma"], size),
        lambda x, a: stats.norm.logpdf(x, a["mu"], a["sigma"]),
        lambda x, a: stats.norm.cdf(x, a["mu"], a["sigma"]),
    ),
    "StudentT": Family(
        ("nu", "mu", "sigma"),
        "real",
        lambda rng, a, size: a["mu"] + a["sigma"] * rng.standard_t(a["nu"], size),
        lambda x, a: stats.t.logpdf(x, a["nu"], a["mu"], a["sigma"]),
        lambda x, a: stats.t.cdf(x, a["nu"], a["mu"], a["sigma"]),
    ),
    "ZeroSumNormal": Family(("sigma",), "real", _zero_sum, _zero_sum_logpdf, _zero_sum_cdf),
    "HalfNormal": Family(
        ("sigma",),
        "positive",
        lambda rng, a, size: np.abs(rng.normal(0.0, a["sigma"], size)),
        lambda x, a: stats.halfnorm.logpdf(x, scale=a["sigma"]),
        lambda x, a: stats.halfnorm.cdf(x, scale=a["sigma"]),
    ),
    "Exponential": Family(
        ("lam",),
        "positive",
        lambda rng, a, size: rng.exponential(1.0 / a["lam"], size),
        lambda x, a: stats.expon.logpdf(x, scale=1.0 / a["lam"]),
        lambda x, a: stats.expon.cdf(x, scale=1.0 / a["lam"]),
    ),
    "Gamma": Family(
        ("alpha", "beta"),
        "positive",
        lambda rng, a, size: rng.gamma(a["alpha"], 1.0 / a["beta"], size),
        lambda x, a: stats.gamma.logpdf(x, a["alpha"], scale=1.0 / a["beta"]),
        lambda x, a: stats.gamma.cdf(x, a["alpha"], scale=1.0 / a["beta"]),
    ),
    "LogNormal": Family(
        ("mu", "sigma"),
        "positive",
        lambda rng, a, size: rng.lognormal(a["mu"], a["sigma"], size),
        lambda x, a: stats.lognorm.logpdf(x, a["sigma"], scale=np.exp(a["mu"])),
        lambda x, a: stats.lognorm.cdf(x, a["sigma"], scale=np.exp(a["mu"])),
    ),
    "Correlation": Family(
        ("concentration",),
        "correlation",
        lambda rng, a, size: 2.0 * rng.beta(a["concentration"], a["concentration"], size) - 1.0,
        lambda x, a: stats.beta.logpdf((x + 1) / 2, a["concentration"], a["concentration"]) - np.log(2.0),
        lambda x, a: stats.beta.cdf((x + 1) / 2, a["concentration"], a["concentration"]),
    ),
    "Dirichlet": Family(
        ("concentration",),
        "simplex",
        lambda rng, a, size: rng.dirichlet(np.full(size[-1], a["concentration"]), size[:-1]),
        lambda x, a: stats.dirichlet.logpdf(np.moveaxis(x, -1, 0), np.full(x.shape[-1], a["concentration"])),
        _dirichlet_cdf,
    ),
}
