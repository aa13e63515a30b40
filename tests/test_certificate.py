"""Certificates: confirmed once where red, written whole, stale when anything behind them changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from subjects import Conjugate

from largesse import calibration, replicate
from largesse.calibration import folder_of
from largesse.certificate import certify, every, prove, read_places, specified, worth, write_places
from largesse.errors import InputError
from largesse.judgement import summarised
from largesse.replicate import LOGLIK, Specification, data
from largesse.synthetic import World

SPEC = Specification("gift_allocation", World(respondents=60, districts=3), seed=1)


def summary_of(spec: Specification) -> dict[str, Any]:
    """A summary of replicates of the conjugate model under another name."""
    return {"seed": spec.seed, "binding": spec.binding, **summarised([Conjugate().replicate(n) for n in range(100)])}


def test_a_red_quantity_is_confirmed_once_at_a_new_seed(tmp_path: Path) -> None:
    """What is red twice fails; both runs are recorded, the second with another seed and twice the replicates."""
    found = prove(Conjugate(crowded=2.0), 100, tmp_path)  # type: ignore[arg-type]  # any subject with a binding
    assert (found["verdict"], found["red"]) == ("failed", ["theta"])
    assert (found["seed"], found["confirmation"]["seed"]) == (1, 2)
    assert (found["replicates"], found["confirmation"]["replicates"]) == (100, 200)


def test_what_is_red_once_by_chance_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantity that is red at one seed and not at the next, with twice the replicates, passes."""
    exact = Conjugate.replicate

    def unlucky(self: Conjugate, number: int) -> dict[str, Any]:
        return exact(replace(self, crowded=2.0) if self.seed == 1 else self, number)

    monkeypatch.setattr(Conjugate, "replicate", unlucky)
    found = prove(Conjugate(), 100, tmp_path)  # type: ignore[arg-type]  # as above
    assert (found["verdict"], found["red"]) == ("passed", [])
    assert found["confirmation"]["verdict"] == "passed"


def test_a_certificate_is_stale_when_anything_behind_it_changed(tmp_path: Path) -> None:
    """A stored certificate tells its verdict as long as model, priors, design and engines are the same."""
    assert worth(tmp_path / "none")["state"] == "none"
    certify(SPEC, summary_of(SPEC), [], tmp_path / "c")
    assert worth(tmp_path / "c")["state"] == "passed"
    table = json.loads((tmp_path / "c" / "specification.json").read_text(encoding="utf-8"))
    table["overrides"] = {"intercept": _narrower()}
    (tmp_path / "c" / "specification.json").write_text(json.dumps(table), encoding="utf-8")
    assert worth(tmp_path / "c")["state"] == "stale"


def _narrower() -> dict[str, Any]:
    prior = SPEC.priors["intercept"].model_dump(mode="json")
    return {**prior, "arguments": {"mu": 0.0, "sigma": 0.1}}


def test_a_certificate_keeps_the_order_of_levels_and_items(tmp_path: Path) -> None:
    """What it is of comes back in its order, in which data are drawn: fingerprints and equality do not see it."""
    world = World(categorical={"songbun": {"wavering": 0.5, "core": 0.3, "hostile": 0.2}}, respondents=60)
    spec = Specification("gift_allocation", world)
    certify(spec, summary_of(spec), [], tmp_path)
    back = specified(tmp_path)
    assert back.described() == spec.described()
    assert json.dumps(back.described()) == json.dumps(spec.described())


def test_a_changed_model_makes_every_certificate_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another source of the model, of its twin or of what ranks are made with, and the certificate counts no more."""
    certify(SPEC, summary_of(SPEC), [], tmp_path)
    monkeypatch.setattr(replicate, "source", lambda *files: "another")
    assert worth(tmp_path)["state"] == "stale"


def test_places_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Ranks go to a file with one row per replicate, failed ones too, and come back by quantity."""
    records = [Conjugate(fails=10).replicate(n) for n in range(30)]
    write_places(records[::-1], "place", tmp_path / "ranks.csv")
    back = read_places(tmp_path / "ranks.csv")
    expected = [r["place"]["theta"] for r in records if r["status"] == "done"]
    np.testing.assert_array_equal(back["theta"], expected)
    rows = (tmp_path / "ranks.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 31
    assert rows[0] == "replicate,status,attempt,redrawn,diverging,theta"


def test_every_shipped_certificate_is_current(repo: Path) -> None:
    """A certificate in models/ stands for the models, priors and engines as they are, and has passed."""
    found = {str(path): about for folder in (repo / "models").glob("*/calibration") for path, about in every(folder)}
    assert {path: about["state"] for path, about in found.items()} == dict.fromkeys(found, "passed")
    assert len(found) >= 4


@pytest.mark.parametrize(
    ("folder", "replicates"),
    [
        ("gift_allocation/calibration", 500),
        ("reported_loyalty/calibration", 1000),
        ("reported_loyalty/calibration/hyesan", 100),
        ("market_participation/calibration", 500),
        ("joint/calibration", 300),
        ("joint/calibration/favour_00", 300),
        ("joint/calibration/favour_10", 300),
        ("joint/calibration/support", 100),
        ("sincere_support/calibration", 500),
        ("sincere_support/calibration/list", 500),
        ("sincere_support/calibration/randomised", 500),
        ("anchored_loyalty/calibration", 500),
    ],
)
def test_shipped_certificates_rest_on_enough_replicates(repo: Path, folder: str, replicates: int) -> None:
    """The verdict follows from the ranks beside it: as many as promised, at most 2 % failed, every quantity judged."""
    about = worth(repo / "models" / folder)
    assert about["replicates"] >= replicates
    assert about["failed"] <= 0.02 * about["replicates"]
    summary = json.loads((repo / "models" / folder / "summary.json").read_text(encoding="utf-8"))
    places = read_places(repo / "models" / folder / "ranks.csv")
    assert set(places) == {j["quantity"] for j in summary["quantities"]}
    assert LOGLIK in places
    for j in summary["quantities"]:
        inside = (places[j["quantity"]] > 0.25) & (places[j["quantity"]] < 0.75)
        assert j["covered"]["0.5"] == pytest.approx(inside.mean())


def test_data_sets_that_cannot_be_read_are_drawn_again() -> None:
    """A tiny design now and then gives an item a single answer: such a data set is refused by a rule on the data."""
    spec = Specification("gift_allocation", World(respondents=12, districts=2, waves=("one",)), seed=4)
    drawn = [data(spec, n) for n in range(12)]
    assert sum(d.redrawn for d in drawn) > 0
    assert [data(spec, n).redrawn for n in range(12)] == [d.redrawn for d in drawn]
    assert all(0 < u < 1 for d in drawn for u in d.prior.values())


def test_a_design_states_no_truth_and_no_weights() -> None:
    """A fixed truth is not drawn from its prior, and a weighted likelihood generates no data: both are refused."""
    for world in (World(truth={"gift_allocation": {"intercept": 0.0}}), World(weights={"songbun": {"core": 2.0}})):
        with pytest.raises(InputError, match="nothing in a design that is calibrated"):
            Specification("gift_allocation", world)


def test_a_model_is_calibrated_in_a_world_that_is_drawn_from_it() -> None:
    """The joint model has no truth in a world that draws receipt and answers apart, nor the others in a joint one."""
    for model, world in (("joint", World()), ("reported_loyalty", World(favour=0.5))):
        with pytest.raises(InputError, match=f"one that is drawn from {model}"):
            Specification(model, world)
    assert Specification("joint", World(favour=0.5)).world.models == ("joint",)


@pytest.mark.slow
def test_a_replicate_is_the_same_from_fresh_code_and_from_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that compiles into an empty cache and two that read it make the same records, byte for byte.

    With `fastmath` they did not: code just compiled and code read back from disk differed in the last digits.
    """
    monkeypatch.setenv("PYTENSOR_FLAGS", f"base_compiledir={tmp_path / 'compiled'}")
    with calibration.workers(2) as pool:
        assert pool
        fresh = pool.submit(SPEC.replicate, 0).result()
    with calibration.workers(2) as pool:
        cached = calibration.calibrate(SPEC, range(3), tmp_path / "records", pool, progress=False)
    assert (tmp_path / "compiled").is_dir()
    assert fresh == cached[0]
    assert {"intercept", "standing[0]", "receipt.level", "receipt.gini", LOGLIK} <= set(fresh["place"])
    assert set(fresh["place"]) == set(fresh["sd"])
    assert folder_of(SPEC).startswith("gift_allocation-")
