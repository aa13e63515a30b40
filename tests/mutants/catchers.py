"""The four catchers: each says the worst it saw, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import graphs
import numpy as np
from mutants import crowd
from mutants.mutant import Catcher, Trial

from largesse import models, uniformity
from largesse.calibration import Record
from largesse.judgement import in_prior, judge
from largesse.models.contract import NODES
from largesse.replicate import data
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

EQUAL: Final = 1e-8  # relative difference of two writings of one number, in double precision
FAR_OFF: Final = 5.0  # standard errors: among 40 comparisons one goes beyond by chance in 40,000 runs
DRAWS: Final = 4  # of the prior at which log-likelihoods are compared


class Found(NamedTuple):
    """The worst that a catcher saw: of which quantity, its measure, and whether the mutant is caught by it.

    The measure is the adjusted p of ranks and truths, the relative difference of log-likelihoods, and the standard
    errors between an estimand and simulated people. `size` says how far posteriors are off, in their own sd.
    """

    catcher: Catcher
    quantity: str
    measure: float
    caught: bool
    size: str = ""


def from_records(records: Sequence[Record], *, fitted: bool) -> Iterator[Found]:
    """By the ranks of truths among draws, and by the places of truths in their priors."""
    if fitted:
        least = judge(records)[1][0]
        size = f"bias {least.bias:+.1f}, spread {least.spread:.1f}"
        yield Found(Catcher.RANKS, least.quantity, least.adjusted, least.red, size)
    prior = in_prior(records)
    name = min(prior, key=prior.__getitem__)
    yield Found(Catcher.PRIOR, name, prior[name], prior[name] < uniformity.FAMILYWISE)


def from_code(trial: Trial) -> Iterator[Found]:
    """By the two writings of the model, and by people simulated one by one: on the data of replicate 0."""
    with trial.mutated():
        model, inputs = models.get(trial.spec.model), data(trial.spec, 0).inputs
        gaps = dict(differences(trial, inputs.cells[model.name]))
        name = max(gaps, key=gaps.__getitem__)
        yield Found(Catcher.EQUALITY, name, gaps[name], not gaps[name] < EQUAL)
        name, distance = crowd.farthest(model, inputs)
        yield Found(Catcher.ORACLE, name, distance, not distance < FAR_OFF)


def differences(trial: Trial, cells: Any) -> Iterator[tuple[str, float]]:
    """What PyMC and NumPy make of the same parameters, and how far apart it is.

    Log-likelihoods are compared by how they change from one draw of the prior to the next: a constant factor is no
    difference. So are the parameters that PyMC realises, and the densities of those that it samples as they are.
    """
    model, priors = models.get(trial.spec.model), trial.spec.priors
    graph, rng = graphs.Graph(model, cells, priors), np.random.default_rng(5)
    sizes = {str(d): n for d, n in cells.sizes.items()}
    thetas = [priors.draw(graph.kept, sizes, graph.answers, rng) for _ in range(DRAWS)]
    made = [graph(theta) for theta in thetas]
    yield (
        "log-likelihood",
        _apart(
            np.diff([m["answers"] for m in made], axis=0),
            np.diff(_loglik(model, thetas, cells) * cells["count"].to_numpy(), axis=0),
        ),
    )
    for p in graph.kept:
        yield p.name, _apart([m[f"value of {p.name}"] for m in made], [theta[p.name] for theta in thetas])
        if p.construct in ("effect", "zero_sum"):
            densities = [np.sum(priors[p.name].logpdf(theta[p.name], theta)) for theta in thetas]
            yield f"prior of {p.name}", _apart([np.sum(m[p.free]) for m in made], densities)


def _loglik(model: Any, thetas: Sequence[Mapping[str, Array]], cells: Any) -> Array:
    """[draw, cell] by NumPy."""
    stacked = {name: np.stack([np.asarray(theta[name]) for theta in thetas]) for name in thetas[0]}
    return np.asarray(model.twin.loglik(stacked, cells, standard_normal_nodes(NODES[0])))


def _apart(made: Any, expected: Any) -> float:
    """The largest difference, relative where numbers are larger than 1."""
    a, b = np.asarray(made, dtype=float), np.asarray(expected, dtype=float)
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))
