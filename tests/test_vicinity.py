"""Vicinity: truths of a study's own fit, data that add up, ranks that are uniform where the fit is right."""

from __future__ import annotations

import pickle
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fake_fits import center, fake

from largesse import dims, findings, models, vicinity
from largesse.calibration import calibrate
from largesse.cells import Cells
from largesse.errors import InputError, StaleError
from largesse.fits import Fit
from largesse.inputs import gather
from largesse.judgement import judge
from largesse.results import Answer
from largesse.sampling import fit as sample
from largesse.seeds import generator
from largesse.simulators.graded import standard_normal_nodes
from largesse.study import Study
from largesse.synthetic import ITEM, World, simulate
from largesse.template import start, study_of
from largesse.vicinity import OWN, Vicinity, joined
from largesse.workflow import Workflow

Array = np.ndarray[Any, Any]

ASKED = {"items": {"trust": ITEM}, "vignettes": ("low", "high"), "direct": True, "control_items": 3}  # of every model
WORLD = World(name="near", seed=3, respondents=120, districts=3, refused=0.15, **ASKED)
SMALL = World(name="small", seed=2, respondents=60, districts=2, waves=("one",), **ASKED)
REPLICATES = 36


def written(folder: Path, world: World) -> Study:
    """A synthetic study of all models, without fits."""
    simulate(world).write(folder)
    start(folder, study_of(world, models.SHIPPED))
    return Study.read(folder)


def stored(study: Study, make: Callable[..., Fit], name: str) -> Path:
    """Where the fit that `make` makes of one model now lies."""
    inputs = gather(study)
    path = Workflow(inputs).fit_paths[name]
    make(inputs, models.get(name)).save(path)
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with a made-up fit of every model."""
    study = written(tmp_path_factory.mktemp("near") / "study", WORLD)
    for name in models.SHIPPED:
        stored(study, lambda inputs, model: fake(model, inputs.cells[model.name], center(inputs, model)), name)
    return study


@pytest.fixture
def study(kept: Study, tmp_path: Path) -> Study:
    """A copy of that study, which a test may change."""
    return Study.read(Path(shutil.copytree(kept.folder, tmp_path / "study")))


def doubled(study: Study, name: str) -> tuple[Cells, Cells, dict[str, Array]]:
    """The cells of a model, those with a replicate joined to them, and the truth of that replicate."""
    inputs, model = gather(study), models.get(name)
    theta = {p: np.asarray(v)[None] for p, v in center(inputs, model).items()}
    cells = inputs.cells[name]
    return cells, joined(model, theta, cells, generator(1, "answers")), theta


def people(cells: Cells, *told: str) -> Counter[bytes]:
    """How many people there are of each pattern of some of the cells' variables."""
    patterns = np.column_stack([cells[n].to_numpy() for n in told]).astype(float)
    counts: Counter[bytes] = Counter()
    for pattern, n in zip(patterns, cells["people"].to_numpy(), strict=True):
        counts[pattern.tobytes()] += int(n)
    return counts


PROFILE = ("in_district", "in_wave", "x")


@pytest.mark.parametrize("name", models.SHIPPED)
def test_the_same_people_answer_twice(kept: Study, name: str) -> None:
    """Joined cells hold every person of the data twice, with the same profile; and every cell of the data.

    The gift is part of the profile, unless it is what the model explains: it is then given anew.
    """
    cells, both, _ = doubled(kept, name)
    told = PROFILE if "gift" in models.get(name).outcomes else (*PROFILE, "gift", "coverage")
    once = people(cells, *told)
    assert people(both, *told) == Counter({pattern: 2 * n for pattern, n in once.items()})
    whole = (*PROFILE, "gift", "coverage", "answer")
    assert people(cells, *whole) <= people(both, *whole)
    assert people(cells, *whole) != people(both, *whole)
    np.testing.assert_array_equal(both["count"], both["people"])
    assert models.get(name).active(both) == models.get(name).active(cells)


@pytest.mark.parametrize("name", ["reported_loyalty", "market_participation"])
def test_who_did_not_answer_does_not_answer_again(kept: Study, name: str) -> None:
    """For each pattern of missing answers there are twice as many people, and the answers given are answers there are.

    An item and two vignettes with 15 % refusals: some people answer one alone, so the pattern is one of the questions,
    not of the person.
    """
    cells, both, _ = doubled(kept, name)
    silent = [c.assign(silent=c["answer"] < 0) for c in (cells, both)]
    once, twice = (people(c, "silent", "x", "gift") for c in silent)
    assert twice == Counter({pattern: 2 * n for pattern, n in once.items()})
    assert ((both["answer"] >= -1) & (both["answer"] < both["answers"])).all()
    if name == "anchored_loyalty":
        assert silent[0]["silent"].any()


@pytest.mark.parametrize("name", models.SHIPPED)
def test_log_likelihoods_of_joined_data_add(kept: Study, name: str) -> None:
    """The log-likelihood of joined data less that of the data is that of as many people again: nobody is lost.

    Checked on the data joined to themselves: merged into cells of the same patterns, their log-likelihood is twice that
    of the data, to rounding.
    """
    cells, _, theta = doubled(kept, name)
    model, nodes = models.get(name), standard_normal_nodes(21)
    itself = vicinity._counted(xr.concat([cells, cells], dims.CELL, data_vars="minimal", coords="minimal"))
    once, twice = (model.twin.loglik(theta, c, nodes) @ c["count"].to_numpy() for c in (cells, itself))
    assert itself.sizes[dims.CELL] == cells.sizes[dims.CELL]
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-12)


def test_districts_are_shown_by_who_was_really_asked(kept: Study) -> None:
    """A district too small to be shown stays so, although the joined data hold twice as many people of it."""
    inputs, name = gather(kept), "gift_allocation"
    cells, both, _ = doubled(kept, name)
    few = cells.assign(people=cells["people"].where(cells["in_district"] > 0, 0))
    alone = {name: few}
    with_joined = {name: both, OWN: few}
    shown = [findings.pooled(_with(inputs, c)).tolist() for c in (alone, with_joined)]
    assert shown[0] == shown[1]
    assert shown[0][0]


def _with(inputs: Any, cells: dict[str, Cells]) -> Any:
    return type(inputs)(**{**vars(inputs), "cells": cells})


def test_every_stored_draw_is_true_at_most_once(kept: Study) -> None:
    """Truths are the stored draws in a seeded order without replacement; when they are used up there are no more."""
    subject = Vicinity.of(kept, "gift_allocation", seed=4)
    near = vicinity._near(subject)
    drawn = [float(near.truth(4, n)["intercept"][0]) for n in range(near.draws)]
    assert sorted(drawn) == sorted(near.fit.theta["intercept"].tolist())
    assert drawn != near.fit.theta["intercept"].tolist()
    with pytest.raises(InputError, match="no more replicates"):
        subject.replicate(near.draws)


def test_a_subject_travels_and_is_bound_to_what_it_stands_on(kept: Study) -> None:
    """Pickled it is the same subject; another seed or model is another, and its description names no path."""
    subject = Vicinity.of(kept, "gift_allocation")
    assert pickle.loads(pickle.dumps(subject)) == subject  # noqa: S301  # made here
    assert subject == Vicinity.of(Study.read(kept.folder), "gift_allocation")
    others = {Vicinity.of(kept, "gift_allocation", seed=1), Vicinity.of(kept, "reported_loyalty")}
    assert len({subject.fingerprint, *(o.fingerprint for o in others)}) == 3
    assert str(kept.folder) not in str(subject.described())
    assert subject.described()["fit"]["draws"] == 200


def test_a_fit_that_was_replaced_is_noticed(study: Study) -> None:
    """Other draws under the same name are another subject, and records begun on the first are not gone on with."""
    subject = Vicinity.of(study, "gift_allocation")
    path = Workflow(gather(study)).fit_paths["gift_allocation"]
    fit = Fit.load(path)
    shifted(fit).save(path)
    with pytest.raises(StaleError, match="changed"):
        subject.replicate(0)
    assert Vicinity.of(study, "gift_allocation").fingerprint != subject.fingerprint


def test_what_has_no_posterior_to_start_from_is_refused(study: Study) -> None:
    """No model of that name, no fit, a fit of other data, a weighted likelihood: each is said."""
    with pytest.raises(InputError, match="no 'staggered_rollout'"):
        Vicinity.of(study, "staggered_rollout")
    survey = study.path(study.survey.file)
    survey.write_text("\n".join(survey.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="only fits of other data"):
        Vicinity.of(study, "gift_allocation")
    shutil.rmtree(study.private)
    with pytest.raises(InputError, match="found no fit"):
        Vicinity.of(study, "gift_allocation")


def test_weighted_fits_are_refused(tmp_path: Path) -> None:
    """A fit with weights in its likelihood simulates nothing, with or without a fit in store."""
    weights = {"songbun": {"wavering": 1.0, "core": 0.5, "hostile": 2.0}}
    study = written(tmp_path / "study", WORLD.model_copy(update={"weights": weights}))
    weighted = study.model_copy(update={"weights": study.weights.model_copy(update={"use": "likelihood"})})
    with pytest.raises(InputError, match="likelihood"):
        Vicinity.of(weighted, "gift_allocation")


def shifted(fit: Fit) -> Fit:
    """The fit with every draw of the intercept and of standing moved up by one posterior sd."""
    posterior = fit.tree["posterior"].to_dataset()
    moved = {n: posterior[n] + posterior[n].std(("chain", "draw")) for n in ("intercept", "standing")}
    tree = fit.tree.copy()
    tree["posterior"] = xr.DataTree(posterior.assign(moved))
    return Fit(tree)


@pytest.mark.slow
def test_places_are_uniform_near_a_right_fit_and_not_near_a_wrong_one(tmp_path: Path) -> None:
    """A fit that was sampled passes; the same draws one posterior sd too high fail, at the same seeds.

    Answers of 60 people pull the joined fit about half-way back, so such a shift comes out as 0.7 sd of the joined
    posterior: the mean place of 36 replicates then is off by four of its standard errors, for four quantities or more.
    """
    name = "gift_allocation"
    study = written(tmp_path / "study", SMALL)

    def right(inputs: Any, model: Any) -> Fit:
        return sample(model, inputs.cells[name], inputs.priors[name], study.sampler, seed=study.seed)

    path = stored(study, right, name)
    found = []
    for _ in range(2):
        subject = Vicinity.of(study, name)
        records = calibrate(subject, range(REPLICATES), tmp_path / subject.fingerprint, progress=False)
        found.append(judge(records))
        shifted(Fit.load(path)).save(path)
    assert [verdict for verdict, _ in found] == [Answer.PASSED, Answer.FAILED]
    assert {"receipt.level"} <= {j.quantity for j in found[1][1] if j.red}
