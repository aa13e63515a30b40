"""Blocks: borrowed numbers by NumPy and by PyMC, with every weight, and what one block that does not hold leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import designs
import graphs
import lent
import numpy as np
import pytest
import toys

from largesse import models
from largesse.blocks import Blocks, Place, normal_scale
from largesse.models.mixture import mixed
from largesse.parameters import Parameter
from largesse.priors import Prior

FAR_OFF: Final = 5.0  # standard errors

LENT = ("reported_loyalty", "joint")  # of all scales, the market and receipt among them


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


def test_what_is_drawn_has_the_density_that_is_said() -> None:
    """Under draws of the mixture v / p averages 1, under draws of the own priors p / v does.

    By chance alone they differ from 1 by five standard errors once in a million runs.
    """
    model, cells = models.get("gift_allocation"), designs.cells(designs.FULL, "gift_allocation")
    lender = lent.blocks(model, cells, 0.5)
    kept, sizes, answers = model.active(cells)[0], toys.sizes(cells), model.twin.answers(cells)
    for priors, sign in ((replace(model.priors(), borrowed=lender), -1.0), (model.priors(), 1.0)):
        rng = np.random.default_rng(6)
        each = [priors.draw(kept, sizes, answers, rng) for _ in range(2000)]
        theta = {p.name: np.array([one[p.name] for one in each]) for p in kept}
        ratio = np.exp(sign * lender.held(theta, model.priors().entries)[0].sum(axis=1))
        assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(len(ratio))


def test_borrowed_for_certain_it_is_the_joint_normal() -> None:
    """With every weight 1, draws have the mean and the covariance of the file, each within five standard errors."""
    model, cells = models.get("reported_loyalty"), designs.cells(designs.FULL, "reported_loyalty")
    lender, n = lent.blocks(model, cells, 1.0), 1000
    priors, rng = replace(model.priors(), borrowed=lender), np.random.default_rng(7)
    kept, sizes, answers = model.active(cells)[0], toys.sizes(cells), model.twin.answers(cells)
    each = [priors.draw(kept, sizes, answers, rng) for _ in range(n)]
    theta = {p.name: np.array([one[p.name] for one in each]) for p in kept}
    z = np.stack([normal_scale(place, theta)[0] for place in lender.places], axis=1)
    sd = np.sqrt(np.diag(lender.covariance))
    assert (np.abs(z.mean(axis=0) - lender.mean) < FAR_OFF * sd / np.sqrt(n)).all()
    r, found = lender.covariance / np.outer(sd, sd), np.cov(z.T) / np.outer(sd, sd)
    assert (np.abs(found - r) < FAR_OFF * np.sqrt((1 + r**2) / n)).all()


# --- a past study that is wrong in one block -------------------------------------------------------------------

NORMALS = tuple(Parameter(f"b{i}", "b", "b", "effect", (), "logit", "real", "identified", "none") for i in range(4))
OWN = Prior.model_validate(
    {
        "distribution": "Normal",
        "arguments": {"mu": 0.0, "sigma": 0.7},
        "unit": "logit",
        "statement": "95% sure that it is below 1.4",
        "by": "a test",
        "date": "2026-11-26",
        "source": {"kind": "weak", "where": "a test"},
    }
)
ENTRIES = {p.name: OWN for p in NORMALS}
SURE: Final = 0.1  # sd of each number by the next study's own answers, and by the past study's


def four(weight: float, mean: np.ndarray[Any, Any]) -> Blocks:
    """Four numbers of a past study, a block each, half correlated."""
    covariance = SURE**2 * (0.5 * np.eye(4) + 0.5)
    names, places = tuple(p.name for p in NORMALS), tuple(Place(p.name, 0, "as it is") for p in NORMALS)
    return Blocks(names, (1, 1, 1, 1), np.full(4, weight), places, mean, covariance, "a test")


@pytest.mark.parametrize("wrong", range(4))
def test_a_block_that_is_wrong_is_not_borrowed_and_the_others_are(wrong: int) -> None:
    """Where borrowing in full would end 3 sds off, at even chances less than a fifth of that is left.

    The others hold with a chance beyond .8, whichever block is wrong, and their sds fall by nearly as much as in full.
    """
    rng, own = np.random.default_rng(8), np.array([0.3, -0.2, 0.1, 0.0])
    precision = np.eye(4) / SURE**2 + np.eye(4) / 0.7**2  # answers and own prior, without a past study
    alone = np.linalg.solve(precision, own / SURE**2)
    past = own.copy()
    full = np.linalg.inv(np.linalg.inv(four(1.0, past).covariance) + np.eye(4) / SURE**2)
    step = np.linalg.solve(four(1.0, past).covariance, np.eye(4)[wrong])
    past[wrong] += 3 * SURE / (full @ step)[wrong]
    borrowed = full @ (own / SURE**2 + np.linalg.solve(four(1.0, past).covariance, past))
    assert borrowed[wrong] - own[wrong] == pytest.approx(3 * SURE)
    x = rng.multivariate_normal(alone, np.linalg.inv(precision), 200_000)
    ratio, held = four(0.5, past).held({p.name: x[:, i] for i, p in enumerate(NORMALS)}, ENTRIES)
    w = np.exp(ratio.sum(axis=1))
    w /= w.sum()
    assert 1 / (w**2).sum() > 2000  # effective draws
    mean, chance = w @ x, w @ held
    assert abs(mean[wrong] - alone[wrong]) < 0.2 * abs(borrowed[wrong] - alone[wrong])
    sd = np.sqrt(w @ (x - mean) ** 2)
    for i in set(range(4)) - {wrong}:
        assert chance[i] > 0.8
        assert abs(mean[i] - own[i]) < 0.2 * SURE
        assert sd[i] < 0.85 * SURE
    assert chance[wrong] < 0.1
