"""The contest against other tools: one model on every side, draws translated rightly, disagreement refused."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from largesse import models
from largesse.cloning import counts_times

CHAINS, DRAWS, WAVES, DISTRICTS = 2, 3, 2, 4
LEVELS = {"songbun": ("wavering", "core", "hostile"), "age": ("under 30", "30 to 44", "45 to 59", "60 and over")}


@pytest.fixture
def module(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the folder by name, as its script does."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    return import_module


@pytest.fixture
def data(module: Any) -> Any:
    """A small survey of the contest's design."""
    contest = module("contest")
    return contest.Data.of(contest.Contest(200, DISTRICTS))


@pytest.fixture
def columns() -> dict[str, Any]:
    """Made-up draws under the names that brms 2.18 gives them, column -> [chain, draw]."""
    levels = ("songbuncore", "songbunhostile", "age30to44", "age45to59", "age60andover")
    names = [f"b_{term}" for term in ("gift", "passed", "received", "between", "wavesecond", *levels)]
    names += [f"r_district[{d},{kind}]" for kind in ("Intercept", "gift") for d in range(1, DISTRICTS + 1)]
    names += ["sd_district__Intercept", "sd_district__gift"]
    rng = np.random.default_rng(5)
    table = {name: rng.normal(size=(CHAINS, DRAWS)) for name in names}
    cuts = np.sort(rng.normal(size=(CHAINS, DRAWS, 3)), axis=2)
    return table | {f"b_Intercept[{k + 1}]": cuts[..., k] for k in range(3)}


@pytest.mark.parametrize("times", [1, 10])
def test_pymc_on_rows_has_the_density_of_the_model_on_cells_of_the_contest(module: Any, data: Any, times: int) -> None:
    """Also where cells hold more than one person, and where districts are so large that effects are partly centred."""
    loyalty, cells = module("loyalty"), counts_times(data.cells, times)
    assert cells["people"].max() > 1
    assert bool(models.get("reported_loyalty").centring(cells)) == (times > 1)
    assert loyalty.agree(cells, data.priors, loyalty.by_rows(cells, data.priors)) < loyalty.TOLERANCE


def test_a_formula_puts_everyone_where_the_model_here_does(module: Any, data: Any, columns: dict[str, Any]) -> None:
    """Cutpoints less the predictor are alike for each row: by the formula's terms, and by the translated parameters."""
    draws = module("translation").of_brms(columns, LEVELS, ("first", "second"))
    one = {n: x[0, 0] for n, x in draws.ours(data.centre).items()}
    cells = data.cells
    district, gift, e = (cells[n].to_numpy() for n in ("in_district", "gift", "coverage"))
    eta = one["district_effect"][district] + one["wave_effect"][cells["in_wave"].to_numpy()]
    eta = (
        eta
        + cells["x"].to_numpy() @ one["covariate_effect"]
        + (one["direct"] + one["direct_district"][district]) * gift
    )
    eta = eta + one["spillover"] * (1 - gift) * e + one["spillover_received"] * gift * e
    eta = eta + one["between"] * cells["coverage_between"].to_numpy()[district]
    here = np.repeat(one["cutpoint"] - eta[:, None], cells["people"].to_numpy(), axis=0)

    theirs = {name: x[0, 0] for name, x in columns.items()}
    there = [_place(theirs, row) for row in data.table().to_dict("records")]
    assert here == pytest.approx(np.array(there), abs=1e-12)


def _place(draw: dict[str, float], row: dict[str, Any]) -> list[float]:
    """Cutpoints less the predictor of one row, as brms adds its terms up."""
    eta = sum(draw[f"b_{term}"] * row[term] for term in ("gift", "passed", "received", "between"))
    eta += sum(draw.get(f"b_{name}{row[name].replace(' ', '')}", 0.0) for name in ("wave", *LEVELS))
    eta += draw[f"r_district[{row['district']},Intercept]"] + draw[f"r_district[{row['district']},gift]"] * row["gift"]
    return [draw[f"b_Intercept[{k}]"] - eta for k in (1, 2, 3)]


def test_rows_hold_the_answers_of_the_cells(data: Any) -> None:
    """As many rows as people, and of every answer as many as the cells count."""
    table = data.table()
    assert len(table) == 200
    counted = np.bincount(data.cells["answer"].to_numpy()[:, 0], weights=data.cells["people"].to_numpy())
    assert table["answer"].value_counts().sort_index().to_numpy().tolist() == counted.tolist()
    assert table["songbun"].isin(LEVELS["songbun"]).all()


def test_bambi_and_brms_are_translated_alike(module: Any, data: Any, columns: dict[str, Any]) -> None:
    """The same numbers under the names of either tool are the same parameters here."""
    translation = module("translation")

    def stacked(*names: str) -> Any:
        return np.stack([columns[n] for n in names], axis=2)

    groups = {f"{t}|district": [f"r_district[{d},{k}]" for d in range(1, DISTRICTS + 1)] for t, k in
              (("1", "Intercept"), ("gift", "gift"))}  # fmt: skip
    bambi = {term: columns[f"b_{term}"] for term in ("gift", "passed", "received", "between")}
    bambi |= {"wave": stacked("b_wavesecond"), "songbun": stacked("b_songbuncore", "b_songbunhostile")}
    bambi |= {"age": stacked("b_age30to44", "b_age45to59", "b_age60andover")}
    bambi |= {"threshold": stacked(*(f"b_Intercept[{k}]" for k in (1, 2, 3)))}
    bambi |= {
        "1|district_sigma": columns["sd_district__Intercept"],
        "gift|district_sigma": columns["sd_district__gift"],
    }
    bambi |= {name: stacked(*every) for name, every in groups.items()}
    first = translation.of_bambi(bambi, ("songbun", "age")).ours(data.centre)
    second = translation.of_brms(columns, LEVELS, ("first", "second")).ours(data.centre)
    assert first.keys() == second.keys()
    assert all((first[n] == second[n]).all() for n in first)


def test_bambi_takes_the_references_of_the_model_here(module: Any, data: Any) -> None:
    """It sorts the levels of what is not ordered, and would take "core" for the reference of songbun."""
    table = module("entrants")._typed(data)
    assert {n: tuple(table[n].cat.categories) for n in LEVELS} == LEVELS
    assert all(table[n].cat.ordered for n in (*LEVELS, "wave", "answer"))


def test_sticks_and_deviates_of_pymc_become_parameters(module: Any) -> None:
    """Two items of three answers each, equally likely at predictor 0: cutpoints are logits of 1/3 and 2/3."""
    one = np.ones((1, 1))
    posterior = {
        "district_sd": 2 * one,
        "direct_sd": 3 * one,
        "district_effect_z": np.array([[[-1.0, 1.0]]]),
        "direct_district_z": np.array([[[0.5, -0.5]]]),
        "cutpoint_stick": np.array([[[1 / 3, 1 / 2, 1 / 3, 1 / 2]]]),
        "u": np.zeros((1, 1, 7)),
    }
    made = module("translation").of_rows(posterior, (3, 3))
    assert made["district_effect"].tolist() == [[[-2.0, 2.0]]]
    assert made["direct_district"].tolist() == [[[1.5, -1.5]]]
    assert made["cutpoint"][0, 0] == pytest.approx([-np.log(2), np.log(2)] * 2)
    assert "u" not in made


def test_cutpoints_of_a_formula_have_the_prior_that_shares_give_them(module: Any, data: Any) -> None:
    """Mean and sd of each, against draws of Dirichlet shares."""
    cut = data.normals()["cutpoint"]
    below = np.cumsum(np.random.default_rng(1).dirichlet([2.0] * 4, size=200_000), axis=1)[:, :3]
    drawn = np.log(below / (1 - below))
    assert cut["mean"] == pytest.approx(drawn.mean(axis=0), abs=0.01)
    assert cut["sd"] == pytest.approx(drawn.std(axis=0), abs=0.01)


@pytest.mark.parametrize("off", [{"mean": 0.6, "sd": 1.0}, {"mean": 0.0, "sd": 1.4}])
def test_another_posterior_is_refused(module: Any, off: dict[str, float]) -> None:
    """A mean six tenths of an sd away, or an sd four tenths too large, stops the command and is named."""
    agreement = module("agreement")
    ours = {n: {"mean": 0.0, "sd": 1.0, "ess": 1000.0} for n in ("direct", "covariate_effect[0]", "cutpoint[0]")}
    same = {n: row | {"mean": 0.2} for n, row in ours.items()}
    assert agreement.compared(ours, same)["mean"]["differs"] == 0.2
    with pytest.raises(agreement.DisagreementError, match=r"covariate_effect\[0\] is 0.000"):
        agreement.compared(ours, ours | {"covariate_effect[0]": {**off, "ess": 1000.0}}, agreement.SHOWN)
    moved = ours | {"cutpoint[0]": {**off, "ess": 1000.0}}
    assert agreement.compared(ours, moved, agreement.SHOWN)["numbers"] == 2
    with pytest.raises(agreement.DisagreementError, match="no draws of direct"):
        agreement.compared(ours, {n: row for n, row in ours.items() if n != "direct"})


def test_chains_of_stan_are_laid_on_the_cores(module: Any) -> None:
    """Four chains on two cores take what the busier core takes; the next chain starts where one ended first."""
    assert module("brms").laid([5.0, 1.0, 2.0, 4.0], 2) == 7.0


def test_a_side_that_takes_too_long_is_stopped(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all even one that has not begun: its process is gone when the error arrives."""
    worker = module("worker")
    monkeypatch.setitem(worker.PLACES, "slow", ("time", "struct_time"))
    monkeypatch.setitem(worker.TITLES, "slow", "a slow side")
    with worker.Worker("slow", limit=0.0) as side, pytest.raises(worker.TooLongError, match="a slow side"):
        side.ask("sample", 1)
    assert not side.alive


def test_table_and_picture_are_those_of_the_stored_numbers(module: Any) -> None:
    """A table edited by hand, or numbers measured anew without it, would differ."""
    standings = module("standings")
    assert module("section").shown(standings.SCRIPT) == standings.table()
    assert standings.picture(standings.stored()).svg() == standings.PICTURE.read_bytes()


def test_the_table_tells_medians_ratios_and_who_is_left_out(module: Any) -> None:
    """On made-up numbers: ten effective draws per second against two and a half is four times as many."""
    peers, standings = module("peers"), module("standings")
    sampled = module("entrants").Sampled
    contest = module("contest").Contest(400, 8)

    def fit(ess: float) -> Any:
        told = {"a": {"mean": 0.0, "sd": 1.0, "ess": ess}, "b": {"mean": 0.0, "sd": 1.0, "ess": 900.0}}
        return sampled(4.0, 10.0, told, told, {"gradients": 7.0, "depth": 3.0, "diverging": 0.0})

    ready = {"preparation": 1.0}
    sides = {
        key: peers.side(ready, [fit(ess), fit(2 * ess), fit(3 * ess)], 2e-4, contest)
        for key, ess in (("here", 50.0), ("pymc", 12.5))
    }
    assert sides["here"]["speed"] == {"median": 10.0, "lowest": 5.0, "highest": 15.0}
    assert sides["here"]["first"] == 15.0
    assert (
        sides["here"]["gradients_per_effective"]["median"] == 280.0
    )  # 7 gradients for each of 4,000 draws, 100 effective
    part = {"title": "400 rows", "sides": sides, "left_out": {"brms": "R is not installed here"}}
    rows = list(standings._rows(part))
    assert "| PyMC on rows | 2.5 (1.25 to 3.75) | **4** |" in rows[1]
    assert rows[2].startswith("| 400 rows | brms | R is not installed here |")
