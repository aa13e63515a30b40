"""Audits: every gate asked of one fit, the same answers each time, and stored whole."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import designs
import fake_fits
import numpy as np
import pytest
import toys
import xarray as xr

from largesse import models
from largesse.audit import Audit, audit, prior_draws, quadrature
from largesse.fits import Fit
from largesse.results import Answer, Verdict
from largesse.settings import Gates

FAR_OFF = 5.0  # standard errors


def fake(toy: toys.Toy, name: str, shape: tuple[int, int] = (4, 25), **center: float) -> Fit:
    """A fake fit around the toy's truth; `center` moves some parameters elsewhere."""
    truth = toy.truth[name] | {n: np.array(v) for n, v in center.items()}
    return fake_fits.fake(models.get(name), toy.cells[name], truth, shape)


def audited(toy: toys.Toy, name: str, fit: Fit, gates: Gates | None = None) -> Audit:
    """The audit of a fit to the toy's cells, under the shipped priors."""
    model = models.get(name)
    return audit(fit, model, toy.cells[name], model.priors(), gates or Gates(ess=1))


def answers(verdicts: tuple[Verdict, ...]) -> dict[str, Answer]:
    """Gate -> answer."""
    return {v.gate: v.answer for v in verdicts}


@pytest.fixture(scope="module", params=models.SHIPPED)
def whole(request: pytest.FixtureRequest) -> tuple[str, Audit]:
    """The audit of a fake fit of each model."""
    toy = designs.toy(designs.full(request.param))
    return request.param, audited(toy, request.param, fake(toy, request.param))


def test_every_gate_is_asked_once(whole: tuple[str, Audit]) -> None:
    """Twelve gates, whatever the model: one that does not apply says so and is not left out."""
    name, made = whole
    assert [v.gate for v in made.verdicts] == [
        "R-hat", "bulk ESS", "tail ESS", "divergences", "tree depth", "E-BFMI", "quadrature",
        "posterior predictive", "prior predictive", "leave-one-out", "coverage", "weights",
    ]  # fmt: skip
    assert {v.model for v in made.verdicts} == {name}


def test_what_does_not_apply_is_never_passed(whole: tuple[str, Audit]) -> None:
    """Loyalty alone has a disposition to integrate; receipt does not depend on coverage; the joint model has all."""
    name, made = whole
    expected = {
        "gift_allocation": {"quadrature", "coverage"},
        "reported_loyalty": set(),
        "market_participation": {"quadrature"},
        "anchored_loyalty": set(),
        "sincere_support": {"quadrature"},
        "joint": set(),
    }
    found = answers(made.verdicts)
    assert {g for g, a in found.items() if a is Answer.NOT_APPLICABLE} == expected[name]
    assert all(found[gate] is not Answer.PASSED for gate in expected[name])


def test_a_fit_around_the_truth_looks_like_the_data(whole: tuple[str, Audit]) -> None:
    """The toy's answers were drawn under its truth: draws around it, and the shipped priors, find nothing strange."""
    found = answers(whole[1].verdicts)
    for gate in ("posterior predictive", "prior predictive", "weights"):
        assert found[gate] is Answer.PASSED


def test_a_fit_far_from_the_truth_does_not_look_like_the_data(toy: toys.Toy) -> None:
    """Draws in which a gift moves loyalty by four logits too many do not reproduce what receivers said."""
    made = audited(toy, "reported_loyalty", fake(toy, "reported_loyalty", direct=4.6))
    assert answers(made.verdicts)["posterior predictive"] is Answer.FAILED
    near = audited(toy, "reported_loyalty", fake(toy, "reported_loyalty"))
    assert made.loo["elpd"] < near.loo["elpd"] - 2 * near.loo["se"]


def test_coverage_of_a_sample_is_flagged_by_its_reliability(toy: toys.Toy) -> None:
    """The toy has no district file: its coverage is its own receipt rate, noisier than the limit allows."""
    name = "market_participation"
    fit = fake(toy, name)
    assert float(toy.cells[name].attrs["reliability"]) < Gates().reliability
    strict, loose = (
        answers(audited(toy, name, fit, Gates(reliability=limit)).verdicts)["coverage"]
        for limit in (Gates().reliability, 0.0)
    )
    assert (strict, loose) == (Answer.FLAGGED, Answer.PASSED)


def test_a_weighted_likelihood_is_flagged(toy: toys.Toy) -> None:
    """Cells whose people count for other than one are of a weighted fit."""
    cells = toy.cells["gift_allocation"]
    heavier = cells.assign(count=cells["people"] * 1.5)
    weighted = replace(toy, cells={"gift_allocation": heavier})
    assert (
        answers(audited(weighted, "gift_allocation", fake(toy, "gift_allocation")).verdicts)["weights"]
        is Answer.FLAGGED
    )


def test_the_same_fit_has_the_same_audit(toy: toys.Toy) -> None:
    """Every random number comes from the fit's seed: asking again gives the same answers, another seed others."""
    fit = fake(toy, "gift_allocation")
    assert audited(toy, "gift_allocation", fit) == audited(toy, "gift_allocation", fit)
    tree = fit.tree.copy()
    tree.attrs = {**fit.tree.attrs, "seed": 2}
    assert audited(toy, "gift_allocation", Fit(tree)).predictive != audited(toy, "gift_allocation", fit).predictive


@pytest.mark.parametrize("chains", [3, 7])
def test_any_number_of_chains_can_be_audited(toy: toys.Toy, chains: int) -> None:
    """Leaving one out takes as many draws from each chain, also where chains do not divide what is taken."""
    made = audited(toy, "gift_allocation", fake(toy, "gift_allocation", (chains, 400)))
    assert np.isfinite([made.loo["elpd"], made.loo["se"]]).all()


def test_too_few_nodes_fail_the_quadrature(toy: toys.Toy) -> None:
    """A fit says how many nodes it was drawn with: three cannot carry a disposition of sd 2."""
    name = "reported_loyalty"
    fit = fake(toy, name, disposition_sd=2.0)
    coarse = fit.tree.copy()
    coarse.attrs = {**fit.tree.attrs, "nodes": 3}
    fine = fit.tree.copy()
    fine.attrs = {**fit.tree.attrs, "nodes": 61}
    found = [quadrature(Fit(tree), models.get(name), toy.cells[name]).answer for tree in (coarse, fine)]
    assert found == [Answer.FAILED, Answer.PASSED]


def test_one_item_has_no_disposition_to_integrate() -> None:
    """With one item the disposition is dropped, so the quadrature does not apply."""
    toy = designs.toy("one item")
    assert quadrature(
        fake(toy, "reported_loyalty"), models.get("reported_loyalty"), toy.cells["reported_loyalty"]
    ).answer is (Answer.NOT_APPLICABLE)


def test_predictive_entries_are_shares_within_their_band(whole: tuple[str, Audit]) -> None:
    """One entry per item and arm, for each answer the observed share and the mean and 95 % band of the replicated."""
    name, made = whole
    toy = designs.toy(designs.full(name))
    counts = {"gift": 2} | dict(zip(toy.outcomes(name), toy.cells[name]["answers"].to_numpy(), strict=True))
    told = {"gift"} if "gift" in models.get(name).outcomes else set()
    assert {entry["item"] for entry in made.predictive} == told | set(toy.outcomes(name))
    for entry in made.predictive:
        shares = {key: np.array(entry[key]) for key in ("observed", "mean", "lower", "upper")}
        assert {len(values) for values in shares.values()} == {counts[entry["item"]]}
        assert (shares["lower"] <= shares["mean"]).all()
        assert (shares["mean"] <= shares["upper"]).all()
        assert entry["model"] == name
        for key in ("observed", "mean"):  # told with four digits
            assert shares[key].sum() == pytest.approx(1.0, abs=5e-5 * len(shares[key]))


def test_an_audit_comes_back_as_it_was_stored(whole: tuple[str, Audit], tmp_path: Path) -> None:
    """Stored for its owner alone, and read again with the answers as answers."""
    path = tmp_path / "_private" / "audit.json"
    whole[1].save(path)
    assert Audit.read(path) == whole[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- draws from the priors -------------------------------------------------------------------------------------------


def test_prior_draws_are_of_the_priors(toy: toys.Toy) -> None:
    """Scalars with a normal prior come back with its mean and sd; every parameter that is kept comes, no other."""
    model, cells = models.get("reported_loyalty"), toy.cells["reported_loyalty"]
    priors, n = model.priors(), 2000
    drawn = prior_draws(model, priors, cells, n, 1)
    kept, _ = model.active(cells)
    assert set(drawn) == {p.name for p in kept}
    normal = [p.name for p in kept if not p.dims and priors[p.name].distribution == "Normal"]
    assert "direct" in normal
    for name in normal:
        mu, sigma = (float(priors[name].arguments[a]) for a in ("mu", "sigma"))
        assert abs(drawn[name].mean() - mu) < FAR_OFF * sigma / np.sqrt(n)
        assert abs(drawn[name].std() / sigma - 1) < FAR_OFF / np.sqrt(2 * n)


def test_prior_draws_drop_what_the_design_drops() -> None:
    """One wave, one district: no prior of a term that is not there is drawn."""
    toy = designs.toy("nothing")
    cells: xr.Dataset = toy.cells["reported_loyalty"]
    drawn = prior_draws(models.get("reported_loyalty"), models.get("reported_loyalty").priors(), cells, 5, 1)
    assert set(drawn) == {"direct", "cutpoint"}
