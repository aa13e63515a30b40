"""A replicate's fit: how often it is drawn, and what its record tells of that."""

from __future__ import annotations

from typing import Any

import fake_fits
import pytest

from largesse import models, replicate
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.synthetic import World

MODEL = models.get("gift_allocation")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A small study of who receives."""
    return fake_fits.study(tmp_path_factory.mktemp("rule") / "study", World(name="rule", seed=3, respondents=200))


class Slow:
    """Chains that agree from some attempt on; remembers how often it was asked."""

    def __init__(self, inputs: Inputs, from_: int) -> None:
        self.center, self.from_, self.asked = fake_fits.center(inputs, MODEL), from_, list[int]()

    def __call__(self, model: Any, cells: Any, _priors: Any, _sampler: Any, *, seed: int, attempt: int) -> Fit:
        """A fit as `sampling.fit` would return it."""
        self.asked.append(attempt)
        fit = fake_fits.fake(model, cells, self.center, (2, 300), seed)
        if attempt < self.from_:
            fit.tree["posterior"]["intercept"][1] += 5.0
        return fit


@pytest.mark.parametrize(("from_", "asked"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (9, [1, 2, 4])])
def test_a_fit_is_drawn_again_twice_as_long_until_its_gates_pass(
    inputs: Inputs, from_: int, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to four times the first length; what no attempt settles is a failure, with the gates that it failed."""
    sample = Slow(inputs, from_)
    monkeypatch.setattr(replicate, "sample", sample)
    fit, record = replicate.by_rule(MODEL, inputs, seed=1, number=0)
    assert sample.asked == asked
    assert record["attempt"] == asked[-1]
    assert (fit is None) == (from_ > 4) == bool(record["gates"])
