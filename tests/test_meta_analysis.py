"""Several past studies as one file: what must be alike, what counts once, and what the next study is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fake_fits
import numpy as np
import pytest
from typer.testing import CliRunner

from largesse import lending, models
from largesse.borrowed import Borrowed
from largesse.cli import app
from largesse.errors import InputError
from largesse.inputs import Inputs
from largesse.meta_analysis import Past, pool
from largesse.synthetic import World

MODEL = "reported_loyalty"
FIRST = World(name="first", seed=3, respondents=300, districts=6, truth={MODEL: {"direct": 0.4}})
SECOND = FIRST.model_copy(update={"name": "second", "seed": 4, "districts": 9})
TERMS = lending.Terms(by="A. Tester", date=date(2026, 11, 26), statement="what both taught", weight=0.0)
GATES = {"rhat": 1.1, "ess": 100}  # a few hundred independent draws


def studied(folder: Path, world: World, lent: Borrowed | None = None) -> Inputs:
    """A study of one model, centred where a file says if there is one, with a made-up fit."""
    if lent is None:
        return fake_fits.stored(folder, world, MODEL, gates=GATES)
    folder.mkdir(exist_ok=True)
    lent.write(folder / "first.toml")
    return fake_fits.stored(folder, world, MODEL, gates=GATES, priors={MODEL: {"borrow": "first.toml"}})


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The first study, which others are centred like."""
    return studied(tmp_path_factory.mktemp("first"), FIRST)


@pytest.fixture(scope="module")
def silent(first: Inputs) -> Borrowed:
    """A file of it that lends nothing: every block has weight 0."""
    return lending.lend(fake_fits.known(first, MODEL), models.get(MODEL), first, TERMS)


@pytest.fixture(scope="module")
def second(silent: Borrowed, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The second study."""
    return studied(tmp_path_factory.mktemp("second"), SECOND, silent)


@pytest.fixture(scope="module")
def pooled(first: Inputs, second: Inputs) -> Borrowed:
    """What both say of the next."""
    return pool(pair(first, second), models.get(MODEL), TERMS)


def pair(*studies: Inputs) -> list[Past]:
    """Studies with their fits."""
    return [Past(fake_fits.known(inputs, MODEL), inputs) for inputs in studies]


def test_a_file_of_two_studies_names_both_and_counts_their_people(
    pooled: Borrowed, first: Inputs, second: Inputs, tmp_path: Path
) -> None:
    """Each with its own provenance; and it is read back with the same fingerprint."""
    assert [origin.study for origin in pooled.studies] == ["first", "second"]
    answered = [inputs.cells[MODEL]["count"].sum().item() for inputs in (first, second)]
    assert pooled.origin.respondents == pytest.approx(sum(answered), abs=1)
    assert pooled.origin.districts == 15
    pooled.write(tmp_path / "both.toml")
    assert Borrowed.read(tmp_path / "both.toml").fingerprint == pooled.fingerprint


def test_nothing_but_what_both_lend_is_in_it(pooled: Borrowed, silent: Borrowed) -> None:
    """Every number of it is one of the first's; each block says how far studies differ, and the rest says why."""
    assert set(pooled.names) <= set(silent.names)
    assert "direct" in pooled.names
    assert set(pooled.heterogeneity) == set(pooled.weights)
    assert all(0 <= h.agreed <= 1 and h.tau > 0 for h in pooled.heterogeneity.values())
    assert not set(pooled.names) & {left.name for left in pooled.left}


def test_the_next_study_is_told_less_than_one_large_study_would_tell(pooled: Borrowed, silent: Borrowed) -> None:
    """An effect of the next is wider than that of either study, and centred between theirs."""
    at, alone = pooled.names.index("direct"), silent.names.index("direct")
    groups = {"district": 10_000, "wave": 10_000}  # so many that their average is that of all
    wide = np.sqrt(pooled.covariance(groups)[at, at])
    assert wide > np.sqrt(silent.covariance(groups)[alone, alone]) / np.sqrt(2)
    assert abs(pooled.coordinates[at].mean - 0.4) < 2 * wide


def test_studies_that_differ_by_nothing_tell_more_than_one(first: Inputs, second: Inputs, silent: Borrowed) -> None:
    """With hardly any room for differences, two studies narrow what one says."""
    tight = pool(pair(first, second), models.get(MODEL), TERMS, heterogeneity=0.01)
    groups = {"district": 10_000, "wave": 10_000}
    at, alone = tight.names.index("direct"), silent.names.index("direct")
    assert tight.covariance(groups)[at, at] < 0.8 * silent.covariance(groups)[alone, alone]
    assert tight.heterogeneity["direct"].agreed > 0.8


def test_more_room_for_differences_counts_for_fewer_respondents(first: Inputs, second: Inputs) -> None:
    """What a file is worth falls, block by block, as studies may differ by more."""
    model, loud = models.get(MODEL), TERMS.model_copy(update={"weight": 1.0})
    worths = []
    for scale in (0.05, 0.5):
        file = pool(pair(first, second), model, loud, heterogeneity=scale)
        rows = lending.worth(file, model, first.priors[MODEL], first.cells[MODEL])
        worths.append({row.block: row.respondents for row in rows})
    assert worths[0]["direct"] > worths[1]["direct"] > 0
    assert worths[0]["direct"] <= 600


def test_one_study_is_no_meta_analysis(first: Inputs) -> None:
    """It lends by itself, with no word on how studies differ."""
    with pytest.raises(InputError, match="two or more"):
        pool(pair(first), models.get(MODEL), TERMS)


def test_a_study_that_borrowed_from_another_would_count_it_twice(
    first: Inputs, silent: Borrowed, tmp_path: Path
) -> None:
    """Refused, unless what it borrowed has weight 0."""
    loud = studied(tmp_path / "loud", SECOND, silent.counting(weight=0.5))
    with pytest.raises(InputError, match=r"second.*a study that borrowed.*twice"):
        pool(pair(first, loud), models.get(MODEL), TERMS)


def test_studies_that_are_centred_apart_are_refused(first: Inputs, tmp_path: Path) -> None:
    """Effects at another coverage are other effects."""
    apart = studied(tmp_path / "apart", SECOND)
    with pytest.raises(InputError, match=r"second.*setting\.coverage_center"):
        pool(pair(first, apart), models.get(MODEL), TERMS)


def test_studies_that_asked_other_questions_are_refused(first: Inputs, silent: Borrowed, tmp_path: Path) -> None:
    """The first item sets the scale of effects."""
    del silent
    items = {"pride": FIRST.items["pride"], "hope": FIRST.items["trust"]}
    other = studied(tmp_path / "other", SECOND.model_copy(update={"items": items}))
    with pytest.raises(InputError, match=r"setting\.questions"):
        pool(pair(first, other), models.get(MODEL), TERMS)


def test_the_command_takes_several_studies(first: Inputs, second: Inputs, tmp_path: Path) -> None:
    """And tells of each part how far they differ, and how much of it counts."""
    folders = [str(inputs.study.folder) for inputs in (first, second)]
    words = ["--out", str(tmp_path / "both.toml"), "--by", "A. Tester"]
    done = CliRunner().invoke(app, ["priors", "from-fit", *folders, *words])
    assert done.exit_code == 0, done.output
    assert "prior sds" in done.stdout
    assert Borrowed.read(tmp_path / "both.toml").origin.study == "first; second"
