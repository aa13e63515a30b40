"""How long a gradient takes, as a ratio: to the same likelihood written by hand, in turns on one machine."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from largesse import models
from largesse.replicate import as_read
from largesse.synthetic import simulate

CASES = ("reported_loyalty, 1 item, 5,000 people", "joint, 4 items and the market, 2,000 people")
SLOWER = 3.0  # stored ratios are below 2; beside other work rounds differ by a fifth; what is lost is lost in multiples


@pytest.fixture
def gradient(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark, imported as its script does."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    return import_module("gradient")


def problem(gradient: Any, case: str) -> tuple[Any, ...]:
    """A case with its truth: truth, model, inputs, and the likelihood by hand."""
    name, world = gradient.CASES[case]
    model = models.get(name)
    inputs = as_read(simulate(world), model, model.priors())
    cells = inputs.cells[name]
    theta = {p.name: np.asarray(inputs.truth[name][p.name]) for p in model.active(cells)[0]}
    return theta, model, inputs, *gradient.written(theta, model, cells)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_likelihood_by_hand_is_the_twins(gradient: Any, case: str) -> None:
    """To ten digits, and its derivatives are those of its value; a single wrong boundary is refused."""
    theta, model, inputs, by_hand, at = problem(gradient, case)
    cells = inputs.cells[model.name]
    gradient.agree(theta, model, cells, by_hand, at)
    above = by_hand.above.copy()
    above[-1, 0] = by_hand.below[-1, 0] + 1 + (above[-1, 0] == by_hand.below[-1, 0] + 1)
    with pytest.raises(ValueError, match="by its twin"):
        gradient.agree(theta, model, cells, by_hand._replace(above=above), at)


@pytest.mark.slow
def test_a_gradient_takes_no_more_than_a_few_times_that_by_hand(gradient: Any) -> None:
    """Single-item reported loyalty for 5,000 people; priors and transforms are on the model's side alone."""
    _, model, inputs, by_hand, at = problem(gradient, CASES[0])
    slopes, ours = gradient.Slopes(*(np.zeros_like(a) for a in at)), gradient.gradient(model, inputs)
    assert ours() == 0
    gradient.by_hand(by_hand, *at, slopes)
    ratios = [gradient.timed(ours) / gradient.timed(lambda: gradient.by_hand(by_hand, *at, slopes)) for _ in range(15)]
    assert median(ratios) < SLOWER
