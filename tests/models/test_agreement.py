"""Each model and its NumPy twin are two writings of one likelihood, in every design."""

from __future__ import annotations

from dataclasses import replace

import designs
import graphs
import numpy as np
import pymc as pm
import pytest
import toys

from largesse import models
from largesse.models.contract import NODES
from largesse.simulators.graded import standard_normal_nodes

DRAWS = {
    designs.FULL: 50,
    "vignettes": 50,
}  # elsewhere a few: what differs is which terms there are, not how they are computed
every_design = pytest.mark.parametrize(
    ("design", "model"), designs.DROPPED, ids=["-".join(key) for key in designs.DROPPED]
)
every_model = pytest.mark.parametrize("model", models.SHIPPED)


def prior_draws(graph: graphs.Graph, cells: designs.Cells, draws: int, seed: int = 5) -> list[toys.Theta]:
    """Draws of a graph's parameters by NumPy."""
    rng = np.random.default_rng(seed)
    return [graph.priors.draw(graph.kept, toys.sizes(cells), graph.answers, rng) for _ in range(draws)]


@every_design
def test_the_twins_agree_cell_by_cell(design: str, model: str) -> None:
    """At equal nodes PyMC's `answers` is count times NumPy's log-likelihood, cell by cell, at draws of the prior."""
    cells, graph = designs.cells(design, model), designs.graph(design, model)
    nodes = standard_normal_nodes(NODES[0])
    for theta in prior_draws(graph, cells, DRAWS.get(design, 5)):
        expected = cells["count"].to_numpy() * models.get(model).twin.loglik(toys.stacked(theta), cells, nodes)[0]
        made = graph(theta)["answers"]
        np.testing.assert_allclose(made, expected, rtol=1e-8, atol=1e-12)
        assert made.sum() == pytest.approx(expected.sum(), rel=1e-8)


@every_design
def test_pymc_realises_the_parameters_that_numpy_draws(design: str, model: str) -> None:
    """Standard deviates, sticks and free discriminations give back the parameters that they were computed from."""
    graph = designs.graph(design, model)
    for theta in prior_draws(graph, designs.cells(design, model), 5):
        made = graph(theta)
        for p in graph.kept:
            np.testing.assert_allclose(made[f"value of {p.name}"], theta[p.name], rtol=1e-9, atol=1e-9)


@every_design
def test_a_design_keeps_the_terms_it_informs_and_names_the_others(design: str, model: str) -> None:
    """The terms dropped are those a hand count says, each with a sentence; the rest are the free variables, no more."""
    graph = designs.graph(design, model)
    assert {d.term for d in graph.dropped} == designs.DROPPED[design, model]
    assert all(d.model == model and len(d.why.split()) > 4 for d in graph.dropped)
    assert [rv.name for rv in graph.built.free_RVs] == [p.free for p in graph.kept]
    kept = {p.name for p in models.get(model).parameters} - designs.DROPPED[design, model]
    assert {p.name for p in graph.kept} == kept


@every_model
def test_other_data_can_be_put_into_a_built_model(model: str) -> None:
    """With the arrays of other cells, more of them and with more nodes, a built model is the model of those cells."""
    other = toys.make(replace(designs.RECIPES[designs.full(model)], seed=2, respondents=300)).cells[model]
    made = models.get(model)
    graph = graphs.Graph(made, designs.cells(designs.full(model), model))
    (theta,) = prior_draws(graph, other, 1)
    for n in NODES[1:]:
        with graph.built:
            pm.set_data(made.arrays(other, n))
        expected = made.twin.loglik(toys.stacked(theta), other, standard_normal_nodes(n))[0]
        np.testing.assert_allclose(graph(theta)["answers"], other["count"] * expected, rtol=1e-8, atol=1e-12)


@every_model
def test_nothing_stored_has_the_shape_of_cells(model: str) -> None:
    """Draws know no cells: no coordinate, no free or deterministic variable has one; the likelihood is observed."""
    built = designs.graph(designs.full(model), model).built
    assert "cell" not in built.coords
    assert [rv.name for rv in built.observed_RVs] == ["answers"]
    assert built.potentials == []
    for name, dims in built.named_vars_to_dims.items():
        assert set(dims) <= set(built.coords), name
    n = designs.cells(designs.full(model), model).sizes["cell"]
    stored = (*built.free_RVs, *built.deterministics)
    assert not [v.name for v in stored if n in v.shape.eval({}, mode=graphs.PYTHON)]


@every_model
def test_the_shipped_priors_are_those_of_the_parameters(model: str) -> None:
    """The keys of priors.toml are the names of PARAMETERS, in number and spelling."""
    made = models.get(model)
    assert sorted(made.priors().entries) == sorted(p.name for p in made.parameters)
    assert made.priors().model == model


def test_with_one_wave_the_data_cannot_say_what_coverage_does() -> None:
    """With one wave `between` keeps its prior and everything told from it only by that prior is prior driven."""
    one, two = (designs.graph(d, "reported_loyalty").kept for d in ("one wave", designs.FULL))
    weak = {"spillover", "spillover_received", "between"}
    assert {p.name for p in one if p.status == "prior_driven"} == weak
    assert {p.name for p in two if p.status == "prior_driven"} == set()
    assert len({p.reason for p in one if p.name in weak}) == 1
