"""Faults of the PyMC side and of the sampler: people are as the model's card says, draws are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import fake_fits
import numpy as np
import pymc as pm
import xarray as xr

from largesse.fits import Fit
from largesse.models.contract import Model, coords
from largesse.models.predictor import Term

# --- data of the graph -----------------------------------------------------------------------------------------------


def physicists_nodes(_right: Any) -> Any:
    """Quadrature nodes of the weight exp(-x^2), not of the standard normal density: too narrow by the root of two."""

    def quadrature(nodes: int) -> dict[str, Any]:
        points, weights = np.polynomial.hermite.hermgauss(nodes)
        return {"node": points, "node_weight": weights / weights.sum()}

    return quadrature


def counts_ignored(right: Any) -> Any:
    """Each cell counts once, however many people are in it."""
    return lambda cells: {**(data := right(cells)), "count": np.ones_like(data["count"])}


# --- the graph -------------------------------------------------------------------------------------------------------


def zero_sum_dropped(right: Mapping[str, Any]) -> Mapping[str, Any]:
    """Effects of waves and districts are free to have any sum, which the intercept has already."""
    return {**right, "ZeroSumNormal": pm.Normal}


def pooled_by_variance(right: Mapping[str, Any]) -> Mapping[str, Any]:
    """Deviates of districts are multiplied by the square of their sd."""

    class Squared(dict[str, Any]):
        """Variables of which each scale is given as its square."""

        def __getitem__(self, name: str) -> Any:
            value = super().__getitem__(name)
            return value**2 if name.endswith("_sd") else value

    return {**right, "pooled": lambda p, prior, made, answers: right["pooled"](p, prior, Squared(made), answers)}


def spillover_by_the_gift(right: tuple[Term, ...]) -> tuple[Term, ...]:
    """The term of spillover is multiplied by the gift, not by its absence."""
    return tuple(
        term._replace(add=lambda v, d, _m: v * d["gift"] * d["coverage"])
        if term.parameter.name == "spillover"
        else term
        for term in right
    )


def cutpoints_run_on(_right: Any) -> Any:
    """The sticks of an item's answers are broken from what the item before it left."""
    return lambda sizes: np.tril(np.ones((sum(sizes) - len(sizes),) * 2))


# --- the sampler -----------------------------------------------------------------------------------------------------


def draws_shrunk(right: Any) -> Any:
    """Draws lie half as far from their mean as they should."""

    def sample(*given: Any, **how: Any) -> Fit:
        tree = right(*given, **how).tree
        posterior = tree["posterior"].to_dataset()
        center = posterior.mean(("chain", "draw"))
        out = xr.DataTree.from_dict(
            {"posterior": center + (posterior - center) / 2, "sample_stats": tree["sample_stats"].to_dataset()}
        )
        out.attrs = tree.attrs
        return Fit(out)

    return sample


def prior_for_posterior(_right: Any) -> Any:
    """The sampler returns the prior: every parameter looks right, only the log-likelihood cannot."""

    def sample(model: Model, cells: Any, priors: Any, sampler: Any, *, seed: int, **_how: Any) -> Fit:
        rng, kept, answers = np.random.default_rng(seed), model.active(cells)[0], model.twin.answers(cells)
        sizes, shape = {str(d): n for d, n in cells.sizes.items()}, (sampler.chains, sampler.draws)
        draws = [priors.draw(kept, sizes, answers, rng) for _ in range(int(np.prod(shape)))]
        names = coords(cells, model.twin)
        drawn = {
            p.name: (
                ("chain", "draw", *p.dims),
                np.array([d[p.name] for d in draws]).reshape(*shape, *draws[0][p.name].shape),
            )
            for p in kept
        }
        posterior = xr.Dataset(drawn, coords={d: names[d] for p in kept for d in p.dims})
        tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": fake_fits.quiet(shape, rng)})
        tree.attrs = {"model": model.name, "nodes": 21, "seed": seed, "fingerprint": "the prior", "attempt": 1}
        return Fit(tree)

    return sample


# --- nothing wrong ---------------------------------------------------------------------------------------------------


def constant_factor(right: Model) -> Model:
    """The likelihood of every answer is multiplied by seven."""
    return replace(right, likelihood=lambda v, data, cells: right.likelihood(v, data, cells) + np.log(7.0))
