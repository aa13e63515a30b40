"""Blocks: borrowed numbers by NumPy and by PyMC, with every weight, and what one block that does not hold leaves."""

from __future__ import annotations

from dataclasses import replace

import designs
import graphs
import lent
import numpy as np
import pytest
import toys

from largesse import models
from largesse.models.mixture import mixed

LENT = ("gift_allocation", "reported_loyalty", "market_participation", "joint")


def draws(graph: graphs.Graph, model: str, n: int, seed: int = 3) -> list[toys.Theta]:
    """Truths under the priors of a graph."""
    rng, sizes = np.random.default_rng(seed), toys.sizes(designs.cells(designs.FULL, model))
    return [graph.priors.draw(graph.kept, sizes, graph.answers, rng) for _ in range(n)]


@pytest.mark.parametrize("model", LENT)
def test_pymc_and_numpy_count_what_is_borrowed_alike(model: str) -> None:
    """At truths drawn from the mixture and from the own priors, the potential is NumPy's; weights are data of it."""
    m, cells = models.get(model), designs.cells(designs.FULL, model)
    lender = lent.blocks(m, cells)
    graph = graphs.Graph(m, cells, replace(m.priors(), borrowed=lender))
    thetas = [*draws(graph, model, 2), *draws(designs.graph(designs.FULL, model), model, 2)]
    for weight in (0.0, 0.4, 1.0):
        weighed = lender.weighing(weight)
        graph.built.set_data("borrowed_weight", weighed.weight)
        for theta in thetas:
            ratio, held = weighed.held({n: np.asarray(v)[None] for n, v in theta.items()}, m.priors().entries)
            assert graph(theta)["borrowed"] == pytest.approx(ratio.sum(), rel=1e-8, abs=1e-8)
            assert ((held >= 0) & (held <= 1)).all()


def test_the_derivatives_of_the_mixture_are_its_slopes() -> None:
    """By central differences, with some blocks held, some not, and some in between."""
    rng = np.random.default_rng(5)
    sizes, weight = np.array([1, 3, 2, 1]), np.array([0.5, 0.7, 1.0, 0.2])
    n = int(sizes.sum())
    factor = rng.normal(size=(n, n + 3))
    covariance, mean = factor @ factor.T / n, rng.normal(size=n)
    for far in (0.3, 1.0, 2.5):
        z, rest = mean + far * rng.normal(size=n), rng.normal(size=n)
        _, by_z, by_rest = mixed(z, rest, mean, covariance, weight, sizes)
        for i, step in enumerate(1e-5 * np.eye(n)):
            for found, moved in ((by_z, (step, 0 * step)), (by_rest, (0 * step, step))):
                up, down = (
                    float(mixed(z + s * moved[0], rest + s * moved[1], mean, covariance, weight, sizes)[0])
                    for s in (1, -1)
                )
                assert found[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-7)
