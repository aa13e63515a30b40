"""Synthetic worlds: what is drawn, what is true, and that a file says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from largesse import models
from largesse.errors import InputError
from largesse.inputs import gather
from largesse.study import Study
from largesse.synthetic import ALLOCATION, LOYALTY, MARKET, Synthetic, World, simulate
from largesse.template import start, study_of

LARGE = World(seed=3, respondents=20_000, districts=10, dont_know=0.05, refused=0.02)


@pytest.fixture(scope="module")
def large() -> Synthetic:
    """A large world whose truth is drawn from the priors."""
    return simulate(LARGE)


def test_the_shipped_survey_is_what_its_world_draws(repo: Path, tmp_path: Path) -> None:
    """Every file of data/synthetic/hyesan is, byte for byte, what `world.toml` gives."""
    folder = repo / "data" / "synthetic" / "hyesan"
    simulate(World.read(folder / "world.toml")).write(tmp_path)
    for name in ("survey.csv", "districts.csv", "truth.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_seed_decides_everything() -> None:
    """The same world gives the same survey; another seed gives another."""
    world = World(respondents=100)
    assert simulate(world).survey.equals(simulate(world).survey)
    assert not simulate(world).survey.equals(simulate(world.model_copy(update={"seed": 1})).survey)


def test_coverage_in_the_file_is_the_expected_receipt_rate(large: Synthetic) -> None:
    """The share receiving in each district and wave is, within sampling error, the coverage of the district file."""
    counted = large.survey.groupby(["district", "wave"])["gift"].agg(["mean", "size"])
    known = large.districts.set_index(["district", "wave"])["coverage"].reindex(counted.index)
    z = (counted["mean"] - known) / np.sqrt(known * (1 - known) / counted["size"])
    # 20 offices: a |z| of 4.5 happens once in seven thousand sets of this size; receipts vary less than binomially
    # around the mean of unequal chances, so the bound is conservative.
    assert np.abs(z).max() < 4.5


def test_silence_is_as_frequent_as_the_world_says(large: Synthetic) -> None:
    """Among every question's answers, "don't know" and "refused" make up their declared shares."""
    for question in (*LARGE.items, "market"):
        said = large.survey[question].value_counts(normalize=True)
        assert abs(said["don't know"] - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 20_000)
        assert abs(said["refused"] - 0.02) < 5 * np.sqrt(0.02 * 0.98 / 20_000)


def test_the_truth_covers_every_parameter_of_the_design(large: Synthetic, tmp_path: Path) -> None:
    """`truth.json` holds a value of the right shape for every parameter a model keeps in this design, and no other."""
    large.write(tmp_path)
    start(tmp_path, study_of(LARGE, (ALLOCATION, LOYALTY, MARKET)))
    inputs = gather(Study.read(tmp_path))
    assert inputs.truth is not None
    for model in inputs.models:
        cells = inputs.cells[model.name]
        kept, _ = model.active(cells)
        assert inputs.truth[model.name].keys() == {p.name for p in kept}
        answers = model.twin.answers(cells)
        for p in kept:
            shape = tuple(sum(n - 1 for n in answers[d]) if d in answers else cells.sizes[d] for d in p.dims)
            assert inputs.truth[model.name][p.name].shape == shape, p.name


def test_given_truths_are_kept() -> None:
    """What the world states is the truth of the survey; cutpoints are given as shares of answers at predictor 0."""
    world = World(respondents=60, truth={LOYALTY: {"direct": 0.4, "cutpoint": [[0.25] * 4, [0.25] * 4]}})
    truth = simulate(world).truth[LOYALTY]
    assert truth["direct"] == 0.4
    np.testing.assert_allclose(truth["cutpoint"], np.tile(np.log([1 / 3, 1.0, 3.0]), 2))


def test_a_truth_of_no_parameter_is_refused() -> None:
    """A misspelled truth, and the truth of a term that the design drops, are errors that name the key."""
    for name, said in (("dirict", "no such parameter"), ("direct_by", "a term that this design drops")):
        with pytest.raises(InputError, match=said) as caught:
            simulate(World(respondents=60, truth={LOYALTY: {name: 0.1}}))
        assert caught.value.problems[0].key == f"truth.{LOYALTY}.{name}"


def test_a_typo_in_a_world_is_named(tmp_path: Path) -> None:
    """An unknown key of world.toml is an input error naming file and key."""
    path = tmp_path / "world.toml"
    path.write_text("respondants = 3\n", encoding="utf-8")
    with pytest.raises(InputError, match="respondants"):
        World.read(path)


def test_everything_synthetic_says_so(tmp_path: Path) -> None:
    """The truth file and the study record of a synthetic survey are marked synthetic, and districts are numbers."""
    world = World(respondents=60)
    simulate(world).write(tmp_path)
    start(tmp_path, study_of(world, (LOYALTY,)))
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["synthetic"] is True
    assert Study.read(tmp_path).synthetic
    assert all(name.startswith("district ") for name in world.district_names)


def test_every_shipped_model_can_be_drawn_from() -> None:
    """The three shipped models are the ones a synthetic world draws."""
    assert set(models.SHIPPED) == {ALLOCATION, LOYALTY, MARKET}
