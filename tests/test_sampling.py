"""Sampling: the same draws from the same seed, one compile for many data sets, and nothing kept of an interruption."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import toys
import xarray as xr

from largesse import models, sampling
from largesse.cells import Cells
from largesse.errors import InputError
from largesse.fits import Fit, fit_fingerprint
from largesse.settings import Sampler

SHORT = Sampler(draws=150, tune=200, chains=2)
MODEL = models.get("gift_allocation")  # the quickest to compile


@pytest.fixture(scope="module")
def other(toy: toys.Toy) -> Cells:
    """Other data of the same structure: the toy's cells without the last twenty, everybody counted twice."""
    cells = toy.cells[MODEL.name].isel(cell=slice(0, -20))
    return cells.assign(count=2 * cells["count"], people=2 * cells["people"])


@pytest.fixture(scope="module")
def drawn(toy: toys.Toy) -> Fit:
    """A short run on the toy survey."""
    return sampling.fit(MODEL, toy.cells[MODEL.name], sampler=SHORT, seed=1)


def same(one: Fit, two: Fit) -> bool:
    """Whether two fits have the same draws, bit for bit."""
    return bool(one.tree["posterior"].to_dataset().equals(two.tree["posterior"].to_dataset()))


@pytest.mark.slow
def test_a_seed_gives_the_same_draws(toy: toys.Toy, drawn: Fit) -> None:
    """The same seed gives the same draws bit for bit; another seed gives others."""
    cells = toy.cells[MODEL.name]
    assert same(drawn, sampling.fit(MODEL, cells, sampler=SHORT, seed=1))
    assert not same(drawn, sampling.fit(MODEL, cells, sampler=SHORT, seed=2))


@pytest.mark.slow
def test_other_data_need_no_compiling(other: Cells, drawn: Fit) -> None:
    """Data swapped into a compiled model give the draws of a model compiled on them, whatever their number of cells."""
    before = set(sampling._compiled)
    swapped = sampling.fit(MODEL, other, sampler=SHORT, seed=1)
    assert set(sampling._compiled) == before
    sampling._compiled.clear()
    fresh = sampling.fit(MODEL, other, sampler=SHORT, seed=1)
    assert same(swapped, fresh)
    assert not same(swapped, drawn)


@pytest.mark.slow
def test_a_fit_comes_back_as_it_was_stored(drawn: Fit, tmp_path: Path) -> None:
    """Stored and read again, a fit has the same draws and attributes, and no cell, row or respondent in it."""
    path = tmp_path / "fit.nc"
    drawn.save(path)
    back = Fit.load(path)
    assert same(drawn, back)
    assert back.fingerprint == drawn.fingerprint
    assert set(back.tree.children) == {"posterior", "sample_stats"}
    assert not {"cell", "row", "respondent"} & {str(d) for group in back.tree.subtree for d in group.dims}
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_draws_have_named_dimensions(toy: toys.Toy, drawn: Fit) -> None:
    """Every parameter the design keeps is among the draws, with its dimensions named and their coordinates kept."""
    kept, _ = MODEL.active(toy.cells[MODEL.name])
    assert {str(n) for n in drawn.tree["posterior"].data_vars} == {p.name for p in kept}
    for p in kept:
        assert drawn.tree["posterior"][p.name].dims == ("chain", "draw", *p.dims)
    named = [str(d) for d in drawn.tree["posterior"]["district"].to_numpy()]
    assert named == [str(d) for d in toy.cells[MODEL.name]["district"].to_numpy()]


@pytest.mark.slow
def test_a_fit_shows_itself_in_a_notebook(drawn: Fit) -> None:
    """Its text is one line, its HTML a table with a row for each parameter."""
    assert "2 chains of 150 draws" in repr(drawn)
    assert drawn._repr_html_().count("<tr>") == 1 + len(drawn.tree["posterior"].data_vars)


@pytest.mark.slow
def test_posterior_means_are_nearer_the_truth_than_the_prior(toy: toys.Toy, drawn: Fit) -> None:
    """Over all standings the squared error of the posterior mean is below that of the prior mean, which is 0."""
    truth = toy.truth[MODEL.name]["standing"]
    error = drawn.theta["standing"].mean(axis=0) - truth
    assert (error**2).sum() < (truth**2).sum()


def test_an_interrupted_run_returns_nothing(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine hands back fewer draws than were asked for, it was interrupted: no fit comes of it."""
    short = xr.Dataset({"intercept": (("chain", "draw"), np.zeros((2, 10)))})
    tree = xr.DataTree.from_dict({"posterior": short, "sample_stats": short})
    _replace_engine(monkeypatch, lambda *_a, **_k: tree)
    with pytest.raises(KeyboardInterrupt):
        sampling.fit(MODEL, toy.cells[MODEL.name], sampler=SHORT, seed=1)


def test_an_engine_that_gives_up_is_an_error_of_ours(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the engine names the model."""

    def give_up(*_args: Any, **_how: Any) -> None:
        raise RuntimeError("all initialization points failed")

    _replace_engine(monkeypatch, give_up)
    with pytest.raises(sampling.SamplingError, match="gift_allocation: the sampler gave up"):
        sampling.fit(MODEL, toy.cells[MODEL.name], sampler=SHORT, seed=1)


def test_priors_are_held_against_the_model_before_anything_is_compiled(toy: toys.Toy) -> None:
    """A prior set of another model is refused at once."""
    with pytest.raises(InputError):
        sampling.fit(MODEL, toy.cells[MODEL.name], models.get("reported_loyalty").priors())


def test_whatever_changes_a_draw_changes_the_fingerprint(toy: toys.Toy, other: Cells) -> None:
    """Data, priors, settings, seed and model each give another fingerprint; the wording of a prior does not."""
    cells, priors = toy.cells[MODEL.name], MODEL.priors()
    reworded = priors.overridden({"intercept": _entry(priors, statement="otherwise put")}, "test")
    narrower = priors.overridden({"intercept": _entry(priors, arguments={"mu": 0.0, "sigma": 0.1})}, "test")
    base = fit_fingerprint(MODEL, cells, priors, SHORT, 1)
    assert fit_fingerprint(MODEL, cells, reworded, SHORT, 1) == base
    others = {
        fit_fingerprint(MODEL, other, priors, SHORT, 1),
        fit_fingerprint(MODEL, cells, narrower, SHORT, 1),
        fit_fingerprint(MODEL, cells, priors, Sampler(draws=151, tune=200, chains=2), 1),
        fit_fingerprint(MODEL, cells, priors, SHORT, 2),
    }
    assert len(others | {base}) == 5


def _entry(priors: Any, **changes: Any) -> dict[str, Any]:
    return {**priors["intercept"].model_dump(mode="json"), **changes}


def _replace_engine(monkeypatch: pytest.MonkeyPatch, sample: Any) -> None:
    class Ready:
        shared_var_keys = MappingProxyType({})

        def with_data(self, **_data: Any) -> Ready:
            return self

    monkeypatch.setattr(sampling, "compiled", lambda *_args: Ready())
    monkeypatch.setattr(sampling.nutpie, "sample", sample)
