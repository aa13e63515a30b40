"""A built PyMC model as a plain function of parameters, so that its twin can be held against it.

The Python linker runs the graph: no C or numba code is compiled, and a graph is ready in about a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.replace import graph_replace
from scipy.special import expit

from largesse.cells import Cells
from largesse.models.contract import Model
from largesse.parameters import Parameter
from largesse.priors import Prior, PriorSet

Array = np.ndarray[Any, Any]
PYTHON = Mode(linker="py", optimizer="fast_compile")


class Graph:
    """A model built on cells.

    Attributes
    ----------
    built : the PyMC model.
    kept : the parameters that the design informs.
    """

    def __init__(self, model: Model, cells: Cells, priors: PriorSet | None = None, nodes: int = 21) -> None:
        self.priors = priors or model.priors()
        self.built = model.build(cells, self.priors, nodes)
        self.kept, self.dropped = model.active(cells)
        self.answers = model.twin.answers(cells)
        self._function = _compiled(self.built, [p.name for p in self.kept])

    def __call__(self, theta: Mapping[str, Array]) -> dict[str, Array]:
        """What the graph makes of `theta` (parameter -> value).

        `answers`: [cell] log probability, times counts; free variable: its log density, in its own space (no Jacobian
        of PyMC's transforms); `value of NAME`: the parameter as PyMC realises it; potentials by name.
        """
        free = {p.free: self.free(p, theta) for p in self.kept}
        return self._function(**free)

    def free(self, parameter: Parameter, theta: Mapping[str, Array]) -> Array:
        """The value of the free variable behind a parameter."""
        value, prior = np.asarray(theta[parameter.name], dtype=float), self.priors[parameter.name]
        if parameter.together:
            mixed, (mean, left) = standardised(value, prior, theta), self.priors._given(parameter.together, theta)
            return (mixed - mean) / left
        if parameter.construct == "pooled":
            return standardised(value, prior, theta)
        if parameter.construct == "correlation":
            return (value + 1) / 2
        if parameter.construct == "cutpoints":
            return np.concatenate([sticks(c) for c in by_item(value, self.answers[parameter.dims[0]])])
        return value[1:] if parameter.construct == "discrimination" else value


def standardised(value: Array, prior: Prior, theta: Mapping[str, Array]) -> Array:
    """Pooled effects in units of their sd."""
    arguments = prior.resolved(theta)
    return (value - arguments.get("mu", 0.0)) / arguments["sigma"]


def by_item(cut: Array, answers: tuple[int, ...]) -> list[Array]:
    """One array of cutpoints per item."""
    return np.split(cut, np.cumsum(np.asarray(answers) - 1)[:-1])


def sticks(cut: Array) -> Array:
    """The share of each answer among itself and those above, at predictor 0."""
    above = np.concatenate([[1.0], expit(-cut)])
    return 1.0 - above[1:] / above[:-1]


def _compiled(built: pm.Model, names: list[str]) -> Any:
    """(free variables by name) -> name -> value, by the Python linker."""
    free = built.free_RVs
    natural = {rv.name: rv.type(rv.name) for rv in free}
    values = {}
    for rv in free:
        transform = built.rvs_to_transforms[rv]
        plain = natural[rv.name]
        values[built.rvs_to_values[rv]] = transform.forward(plain, *rv.owner.inputs) if transform else plain
    densities = built.logp(vars=[built["answers"], *free], jacobian=False, sum=False)
    outputs = dict(zip(["answers", *natural], densities, strict=True))
    outputs |= {f"value of {name}": built[name] for name in names}
    outputs |= {potential.name: potential for potential in built.potentials}
    resolved = built.replace_rvs_by_values([*outputs.values(), *values.values()])
    wanted, changed = resolved[: len(outputs)], resolved[len(outputs) :]
    substituted = graph_replace(wanted, dict(zip(values, changed, strict=True)), strict=False)
    run = pytensor.function(list(natural.values()), substituted, mode=PYTHON, on_unused_input="ignore")
    return lambda **given: dict(zip(outputs, run(*(given[name] for name in natural)), strict=True))
