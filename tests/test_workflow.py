"""The steps of a study, on a fake sampler: what is reused, what is made anew, what an interruption leaves."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import xarray as xr
from fake_fits import fake

from largesse.artefacts import standing
from largesse.audit import prior_draws
from largesse.errors import InputError
from largesse.fits import Fit, fit_fingerprint
from largesse.inputs import gather
from largesse.models.contract import NODES
from largesse.results import Results
from largesse.study import Study
from largesse.synthetic import World, simulate
from largesse.template import start, study_of
from largesse.workflow import Workflow, check

MODELS = ("gift_allocation", "reported_loyalty", "market_participation")
CHAINS, DRAWS = 4, 200
GATES = {"rhat": 1.05}  # independent draws pass 1.01 only when there are more of them than these tests need


class FakeSampler:
    """Draws around one prior draw in the place of a posterior; remembers what it was asked for."""

    def __init__(self, spoil: Callable[[xr.Dataset, int], xr.Dataset] = lambda stats, _attempt: stats) -> None:
        self.asked: list[tuple[str, int, int]] = []
        self.spoil = spoil

    @property
    def models(self) -> list[str]:
        """The models asked for, in order, once each: a wide disposition may call for more nodes."""
        return list(dict.fromkeys(name for name, *_ in self.asked))

    def __call__(
        self, model: Any, cells: Any, priors: Any, sampler: Any, *, seed: int, nodes: int, attempt: int
    ) -> Fit:
        """A fit as `sampling.fit` would return it."""
        self.asked.append((model.name, nodes, attempt))
        center = {name: draws[0] for name, draws in prior_draws(model, priors, cells, 1, seed).items()}
        fit = fake(model, cells, center, (CHAINS, DRAWS), seed)
        tree = xr.DataTree.from_dict(
            {
                "posterior": fit.tree["posterior"].to_dataset(),
                "sample_stats": self.spoil(fit.tree["sample_stats"].to_dataset(), attempt),
            }
        )
        made_by = fit_fingerprint(model, cells, priors, sampler, seed)
        tree.attrs = fit.tree.attrs | {"nodes": nodes, "fingerprint": made_by, "attempt": attempt}
        return Fit(tree)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic study whose results were made on the fake sampler."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    world = World(name="small", seed=5, respondents=120, districts=4)
    simulate(world).write(folder)
    start(folder, study_of(world, MODELS))
    edit(folder, gates=GATES)
    steps = Workflow(check(Study.read(folder)), FakeSampler())
    steps.results()
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "study"))


def again(folder: Path, sampler: FakeSampler | None = None) -> tuple[Workflow, FakeSampler]:
    """The workflow of a study as it now is."""
    sampler = sampler or FakeSampler()
    return Workflow(gather(Study.read(folder)), sampler), sampler


def edit(folder: Path, **changes: Any) -> None:
    """Change tables of study.toml."""
    path = folder / "study.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    path.write_text(tomli_w.dumps({**table, **changes}), encoding="utf-8")


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


PRIOR = {
    "distribution": "Normal",
    "arguments": {"mu": 0.0, "sigma": 0.2},
    "unit": "logit",
    "statement": "95% sure that the effect is below 0.4 logits",
    "by": "A. Tester",
    "date": "2026-11-24",
    "source": {"kind": "weak", "where": "a test"},
}


def test_an_unchanged_study_is_reused_whole(study: Path) -> None:
    """Run again on the same inputs, nothing is drawn, asked or written."""
    before = files(study)
    steps, sampler = again(study)
    steps.results()
    assert sampler.asked == []
    assert steps.reused == ["results.json"]
    assert files(study) == before


def test_a_changed_prior_refits_only_its_model(study: Path) -> None:
    """Another prior of one model draws that model again and reuses the fits of the others."""
    edit(study, priors={"market_participation": {"any_direct": PRIOR}})
    steps, sampler = again(study)
    steps.results()
    assert sampler.asked == [("market_participation", NODES[0], 1)]
    assert [name.split("-")[1] for name in steps.reused if name.startswith("fit-")] == list(MODELS[:2])


def test_rewording_a_prior_refits_nothing(study: Path) -> None:
    """A prior's statement is no part of the posterior: results are written anew from the stored fits."""
    shipped = tomllib.loads((Path(gather(Study.read(study)).models[1].resources) / "priors.toml").read_text())["direct"]
    edit(
        study, priors={"reported_loyalty": {"direct": {**shipped, "date": "2026-11-25", "statement": "in other words"}}}
    )
    steps, sampler = again(study)
    results = steps.results()
    assert sampler.asked == []
    assert "results.json" not in steps.reused
    rows = {row["key"]: row for row in results.models["reported_loyalty"]["parameters"]}
    assert rows["direct"]["prior"]["statement"] == "in other words"


def test_a_prior_of_a_dropped_term_refits_nothing(study: Path) -> None:
    """The design has no modifiers, so a prior of `direct_by` changes no draw."""
    edit(study, priors={"reported_loyalty": {"direct_by": {**PRIOR, "dims": ["modifier"]}}})
    _, sampler = again(study)
    again(study, sampler)[0].results()
    assert sampler.asked == []


def test_another_rope_estimates_anew_from_the_same_fits(study: Path) -> None:
    """What is too small to matter changes the estimates and no fit, short ones neither."""
    old = Results.read(study / "results.json").estimate("loyalty.direct")
    edit(study, estimands={"rope": 0.2})
    steps, sampler = again(study)
    new = steps.results().estimate("loyalty.direct")
    assert sampler.asked == []
    assert new.mean == old.mean
    assert new.p_negligible > old.p_negligible


def test_a_further_map_of_exposure_is_fitted_once_beside_the_stored_fits(study: Path) -> None:
    """Named in `also`, a map costs one short fit of the model of loyalty, stored and reused; no other is drawn anew."""
    edit(study, exposure={"also": ["others"]})
    steps, sampler = again(study)
    told = steps.results().figures["alternatives"]
    assert sampler.asked == [("reported_loyalty", NODES[0], 1)]
    assert [row["name"] for row in (told["own"], *told["maps"])] == ["rate", "others"]
    assert {f"_private/{path.name}" for path in steps.alternatives_paths.values()} <= {
        *Results.read(study / "results.json").artefacts
    }
    edit(study, report={"author": "A. Tester"})
    steps, sampler = again(study)
    assert steps.results().figures["alternatives"] == told
    assert sampler.asked == []
    assert [name.partition("-")[0] for name in steps.reused if name.startswith(("maps-", "terms-"))] == [
        "maps",
        "terms",
    ]


def test_districts_are_left_out_one_by_one_where_the_study_wants_to_know(study: Path) -> None:
    """A short fit for each place, nothing else drawn anew."""
    edit(study, estimands={"leave_out": "district"})
    steps, sampler = again(study)
    told = steps.results().figures["alternatives"]
    assert sampler.asked == [("reported_loyalty", NODES[0], 1)] * len(told["places"])
    assert len(told["places"]) > 1
    assert all(row["label"] == f"without {row['name']}" for row in told["places"])


def test_a_further_map_of_exposure_leaves_the_curve_over_favour(study: Path) -> None:
    """No fit of the curve reads the maps beside the study's own, so naming one draws no point of it anew."""
    edit(study, models=["joint"])
    before = again(study)[0].tipping_path
    edit(study, exposure={"also": ["others"]})
    assert before is not None
    assert again(study)[0].tipping_path == before


def test_another_map_of_the_fit_draws_what_reads_it_anew(study: Path) -> None:
    """The fit's own map is data of the models of answers; who receives does not depend on it."""
    edit(study, exposure={"map": "others"})
    steps, sampler = again(study)
    told = steps.results().figures["alternatives"]
    assert {name for name, *_ in sampler.asked} >= {"reported_loyalty", "market_participation"}
    assert told["own"]["name"] == "others"
    assert "maps" not in steps.alternatives_paths


def test_another_seed_refits_everything(study: Path) -> None:
    """The seed is part of what makes a draw."""
    edit(study, seed=6)
    steps, sampler = again(study)
    steps.fits()
    assert sampler.models == list(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_an_interrupted_fit_leaves_everything_as_it_was(study: Path, model: str) -> None:
    """Interrupted while a model is drawn, the study keeps its older artefacts; the next run goes on from there."""
    before = files(study)
    edit(study, seed=6)
    before["study.toml"] = (study / "study.toml").read_bytes()
    del before["_private/seals.json"]  # gains a line for each artefact that was finished

    class Interrupted(FakeSampler):
        def __call__(self, asked: Any, *rest: Any, **how: Any) -> Fit:
            if asked.name == model:
                raise KeyboardInterrupt
            return super().__call__(asked, *rest, **how)

    with pytest.raises(KeyboardInterrupt):
        again(study, Interrupted())[0].results()
    left = files(study)
    assert {name: left[name] for name in before} == before
    assert not [name for name in left if name.endswith(".part")]
    steps, sampler = again(study)
    steps.fits()
    assert sampler.models == list(MODELS[MODELS.index(model) :])


@pytest.mark.parametrize("moment", ["audit", "record"])
def test_an_interruption_after_the_fits_loses_none_of_them(
    study: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted while checking or estimating, the fits that were drawn are kept and the old results stay.

    The two short fits, each without one term, come after the checks.
    """
    old = (study / "results.json").read_bytes()
    edit(study, seed=6)

    def interrupt(*_args: Any, **_how: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"largesse.workflow.{moment}", interrupt)
        with pytest.raises(KeyboardInterrupt):
            again(study)[0].results()
    assert (study / "results.json").read_bytes() == old
    steps, sampler = again(study)
    steps.results()
    assert sampler.asked == [("reported_loyalty", NODES[0], 1)] * (2 if moment == "audit" else 0)


def test_a_fit_whose_gates_fail_is_drawn_once_more(study: Path) -> None:
    """Divergences on the first attempt call for a second one, which is kept and recorded."""

    def diverge(stats: xr.Dataset, attempt: int) -> xr.Dataset:
        return stats.assign(diverging=stats["diverging"] + (attempt == 1))

    edit(study, seed=6, models=["gift_allocation"])
    steps, sampler = again(study, FakeSampler(diverge))
    (fit,) = steps.fits().values()
    assert sampler.asked == [("gift_allocation", NODES[0], 1), ("gift_allocation", NODES[0], 2)]
    assert fit.tree.attrs["attempt"] == 2


def test_a_fit_that_fails_twice_stands_as_failed(study: Path) -> None:
    """Divergences on both attempts are not tried away: the verdict fails and the study is not reportable."""
    edit(study, seed=6, models=["gift_allocation"])
    steps, sampler = again(study, FakeSampler(lambda stats, _attempt: stats.assign(diverging=stats["diverging"] + 1)))
    results = steps.results()
    assert len(sampler.asked) == 2
    assert not results.reportable
    assert "divergences" in {v.gate for v in results.failed}


def test_a_fit_of_which_one_byte_changed_is_drawn_again_and_the_log_says_so(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is estimated from a damaged fit, even where it could still be read; its model alone is drawn again."""
    path = next((study / "_private").glob("fit-gift_allocation-*.nc"))
    content, told = path.read_bytes(), Results.read(study / "results.json").estimates
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    steps, sampler = again(study)
    assert steps.results().estimates == told
    assert sampler.models == ["gift_allocation"]
    assert f"{path.name}: damaged since it was written, made anew" in caplog.text
    assert standing(Results.read(study / "results.json").artefacts, study).stale == ()


def test_a_fit_that_was_never_sealed_and_is_none_is_an_input_error_and_stays(study: Path) -> None:
    """A file in a fit's place that these steps did not write is named; it is not drawn over, nor deleted."""
    for name in ("results.json", "_private/seals.json"):
        (study / name).unlink()
    path = next((study / "_private").glob("fit-gift_allocation-*.nc"))
    path.write_bytes(b"not a fit")
    with pytest.raises(InputError, match="expected a fit"):
        again(study)[0].results()
    assert path.read_bytes() == b"not a fit"


def test_results_altered_by_hand_are_made_anew_from_the_same_fits(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An altered number is not reused: the log names the file, nothing is drawn, and the number is back."""
    path = study / "results.json"
    before = Results.read(path)
    path.write_text(path.read_text(encoding="utf-8").replace('"kept": 120', '"kept": 119'), encoding="utf-8")
    steps, sampler = again(study)
    assert steps.results().estimates == before.estimates
    assert Results.read(path).survey == before.survey
    assert sampler.asked == []
    assert "key 'seal'" in caplog.text


def test_new_results_keep_those_that_they_replace(study: Path) -> None:
    """The last results but one lie in the private folder, whole, so that a run can be compared with the last."""
    before = Results.read(study / "results.json")
    edit(study, estimands={"rope": 0.2})
    steps, _ = again(study)
    steps.results()
    assert Results.read(steps.study.earlier_path) == before


def test_everything_wrong_with_a_study_is_said_at_once(study: Path) -> None:
    """Survey, priors, models and page: one error names each, and nothing is written."""
    edit(study, models=["reported_loyalty", "gift_alocation"], priors={"reported_loyalty": {"dirict": PRIOR}})
    survey = study / "survey.csv"
    survey.write_text(survey.read_text(encoding="utf-8").replace("gift", "given", 1), encoding="utf-8")
    (study / "report.qmd").write_text("no front matter", encoding="utf-8")
    before = files(study)
    with pytest.raises(InputError) as caught:
        check(Study.read(study))
    text = str(caught.value)
    for said in ("column 'gift'", "'gift_alocation'", "perhaps 'direct'", "no front matter"):
        assert said in text
    assert files(study) == before


def test_a_truth_of_another_survey_is_refused(study: Path) -> None:
    """A truth whose districts stand in another order would be held against the wrong parameters: it is named."""
    path = study / "truth.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    table["coords"]["district"].reverse()
    path.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(InputError, match="coords 'district'"):
        gather(Study.read(study))


def test_no_respondent_is_in_what_is_stored(study: Path) -> None:
    """A fit has draws and sampler statistics only, and every private file is its owner's alone."""
    for path in (study / "_private").glob("fit-*.nc"):
        assert set(Fit.load(path).tree.children) == {"posterior", "sample_stats"}
        assert path.stat().st_mode & 0o077 == 0
    assert (study / "_private").stat().st_mode & 0o077 == 0


def test_results_name_what_they_were_made_from(study: Path) -> None:
    """Every input and artefact behind the results is listed with its digest; altering one makes the results stale."""
    results = Results.read(study / "results.json")
    named = set(results.artefacts)
    assert {"study.toml", "survey.csv", "districts.csv", "truth.json", "models/reported_loyalty/priors.toml"} <= named
    assert {"models/reported_loyalty/card.md", "models/reported_loyalty/calibration/ranks.csv"} <= named
    assert sum(name.startswith("_private/fit-") for name in named) == len(MODELS)
    with (study / "districts.csv").open("a", encoding="utf-8") as handle:
        handle.write("district 99,first,1,0.5,0.5\n")
    steps, _ = again(study)
    assert results.made["inputs"] != steps.results_fingerprint()


def test_draws_that_do_not_fit_the_data_are_not_reportable(study: Path) -> None:
    """Draws that look converged but put nearly everybody among the receivers fail the predictive gate."""

    class Generous(FakeSampler):
        def __call__(self, *args: Any, **how: Any) -> Fit:
            fit = super().__call__(*args, **how)
            fit.tree["posterior"]["intercept"] += 5
            return fit

    edit(study, seed=6, models=["gift_allocation"])
    results = again(study, Generous())[0].results()
    assert {v.gate for v in results.failed} == {"posterior predictive"}
    assert not results.reportable
