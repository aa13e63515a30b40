"""Lending and borrowing: from a fit to a file to another study, and what can be wrong on the way."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import designs
import fake_fits
import numpy as np
import pytest
import tomli_w
from scipy import stats
from typer.testing import CliRunner

from largesse import alternatives, lending, models, transfer
from largesse.borrowed import Borrowed
from largesse.cli import app
from largesse.errors import InputError
from largesse.fits import Fit, fit_fingerprint
from largesse.inputs import Inputs, gather
from largesse.models.contract import coords
from largesse.study import Study
from largesse.synthetic import World
from largesse.template import study_of
from largesse.travelling import numbers
from largesse.workflow import Workflow

MODEL = "reported_loyalty"
PAST = World(name="past", seed=3, respondents=300, districts=6, modifiers=("songbun",))
NEXT = PAST.model_copy(update={"name": "next", "seed": 4, "districts": 9})
TERMS = lending.Terms(by="A. Tester", date=date(2026, 11, 26), statement="what the past taught")
GATES = {"rhat": 1.1, "ess": 100}  # a few hundred independent draws


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A study of one model, with a made-up fit stored where its own would be."""
    return fake_fits.stored(tmp_path_factory.mktemp("past"), PAST, MODEL, gates=GATES)


@pytest.fixture(scope="module")
def lent(past: Inputs) -> Borrowed:
    """What that study lends."""
    return lending.lend(fake_fits.known(past, MODEL), models.get(MODEL), past, TERMS)


def next_study(folder: Path, lent: Borrowed | None, **tables: Any) -> Inputs:
    """The next study, borrowing a file beside its survey."""
    if lent:
        folder.mkdir(exist_ok=True)
        lent.write(folder / "next.toml")
        tables = {"priors": {MODEL: {"borrow": "next.toml"}}} | tables
    return fake_fits.study(folder, NEXT, asked=(MODEL,), **tables)


# --- what is lent ----------------------------------------------------------------------------------------------


def test_what_travels_is_of_no_district_and_of_no_wave(past: Inputs, lent: Borrowed) -> None:
    """Every number of the other parameters is lent; of those that stay, the reason stands in the file."""
    kept = models.get(MODEL).active(past.cells[MODEL])[0]
    stay = {p.name for p in kept if {"district", "wave"} & {*p.dims}}
    assert {left.name for left in lent.left} == stay == {"district_effect", "direct_district", "wave_effect"}
    assert {c.parameter for c in lent.coordinates} == {p.name for p in kept} - stay
    assert len(lent.names) == len({*lent.names})


def test_a_file_says_where_it_comes_from(past: Inputs, lent: Borrowed) -> None:
    """Study, fit, sizes, who and when; centres of the design, and questions."""
    origin, cells = lent.origin, past.cells[MODEL]
    assert (origin.study, origin.by, origin.date) == ("past", "A. Tester", TERMS.date)
    assert (origin.districts, origin.waves, origin.respondents) == (6, 2, int(cells["people"].sum()))
    assert lent.setting.coverage_center == cells.attrs["coverage_center"]
    assert lent.setting.references == {"songbun": "wavering"}
    assert lent.setting.questions["cut"] == tuple(coords(cells, models.get(MODEL).twin)["cut"])


def test_moments_are_those_of_the_draws(past: Inputs, lent: Borrowed) -> None:
    """On the scale that is named: of an effect its own, of an sd of its log, changed until it is standard normal."""
    theta, (direct,) = fake_fits.known(past, MODEL).theta, (c for c in lent.coordinates if c.name == "direct")
    assert direct.mean == pytest.approx(theta["direct"].mean())
    assert direct.sd == pytest.approx(theta["direct"].std(ddof=1))
    (sd,) = (c for c in lent.coordinates if c.name == "district_sd")
    assert sd.scale == "log"
    assert abs(sd.mean) < 0.05
    assert sd.sd == pytest.approx(1, abs=0.05)


def test_skewed_sds_become_normal_and_other_skewed_numbers_stay(past: Inputs) -> None:
    """Half-normal draws of an sd are normal after a change of scale; exponential ones of an effect stay, told why."""
    made, rng = fake_fits.known(past, MODEL), np.random.default_rng(2)
    drawn, n = made.tree["posterior"].to_dataset(), (4, 500)
    changed = {"direct_sd": np.abs(rng.normal(0, 0.2, n)), "between": rng.exponential(1.0, n)}
    made.tree["posterior"] = drawn.assign({name: (("chain", "draw"), x) for name, x in changed.items()})
    lent = lending.lend(Fit(made.tree), models.get(MODEL), past, TERMS)
    (sd,) = (c for c in lent.coordinates if c.name == "direct_sd")
    assert sd.shape is not None
    z = sd.shape.forward(np.log(changed["direct_sd"].ravel()))[0]
    assert stats.kstest((z - z.mean()) / z.std(), "norm").statistic < 1.95 / np.sqrt(z.size)
    (left,) = (left for left in lent.left if left.name == "between")
    assert "sds from the normal's" in left.reason


def test_a_location_lends_how_averages_differ(past: Inputs, lent: Borrowed) -> None:
    """By hand: of districts the mean square of their sd times the sharpness of the item, on first cuts alone."""
    theta = fake_fits.known(past, MODEL).theta
    (district,) = (s for s in lent.spreads if s.effect == "district_effect")
    assert set(district.locations) == {"cutpoint[pride: 1|2]", "cutpoint[trust: 1|2]"}
    np.testing.assert_allclose(district.covariance, np.full((2, 2), (theta["district_sd"] ** 2).mean()), rtol=1e-9)
    (wave,) = (s for s in lent.spreads if s.effect == "wave_effect")
    np.testing.assert_allclose(wave.covariance, np.full((2, 2), 0.25), rtol=1e-9)
    (gift,) = (s for s in lent.spreads if s.effect == "direct_district")
    assert (gift.locations, gift.groups) == (("direct",), 6)


@pytest.mark.parametrize("model", models.SHIPPED)
def test_every_location_of_a_shipped_model_is_known(model: str) -> None:
    """Each effect of districts or waves that sums to zero names the numbers that stand where its average is."""
    design = next(design for design, m in designs.DROPPED if m == model)
    made, cells = models.get(model), designs.cells(design, model)
    kept, rng = made.active(cells)[0], np.random.default_rng(5)
    drawn = made.priors().draw(kept, fake_fits.sizes(cells), made.twin.answers(cells), rng)
    theta = fake_fits.fake(made, cells, drawn).theta
    lent = list(numbers(kept, coords(cells, made.twin)))
    found = {s.effect: s for s in lending._spreads(kept, made.priors(), theta, cells, lent)}
    summing = {p.name for p in kept if len(p.dims) == 1 and made.priors()[p.name].distribution == "ZeroSumNormal"}
    assert set(found) == summing
    assert all(spread.locations for spread in found.values())


def test_a_fit_that_fails_its_gates_lends_nothing(past: Inputs) -> None:
    """The error says which gate."""
    strict = replace(
        past, study=past.study.model_copy(update={"gates": past.study.gates.model_copy(update={"ess": 9999})})
    )
    with pytest.raises(InputError, match="a fit that passes"):
        lending.lend(fake_fits.known(past, MODEL), models.get(MODEL), strict, TERMS)


def test_discounts_order_the_respondents_that_a_file_is_worth(past: Inputs, lent: Borrowed) -> None:
    """Less power or less weight, fewer respondents: of every block, and never more than the past study had."""
    inputs, model = past, models.get(MODEL)
    worth = [
        lending.worth(lent.counting(weight, power), model, inputs.priors[MODEL], inputs.cells[MODEL])
        for weight, power in ((1.0, 1.0), (1.0, 0.5), (1.0, 0.1), (0.5, 0.1))
    ]
    for more, less in pairwise(worth):
        assert all(a.respondents >= b.respondents for a, b in zip(more, less, strict=True))
        assert lending.whole(more, lent) > lending.whole(less, lent)
    assert all(0 <= row.respondents <= lent.origin.respondents * (1 + 1e-9) for row in worth[0])


# --- what is borrowed ------------------------------------------------------------------------------------------


def test_a_study_that_borrows_is_centred_where_the_lender_was(tmp_path: Path, lent: Borrowed) -> None:
    """Its covariates and coverage are; what people answered and face is the same."""
    own, borrowing = next_study(tmp_path / "own", None), next_study(tmp_path / "borrowing", lent)
    assert borrowing.design.exposure.coverage.center == lent.setting.coverage_center
    for name, column in lent.setting.columns.items():
        assert borrowing.design.columns.loc[name, "center"] == column.center
    a, b = own.cells[MODEL], borrowing.cells[MODEL]
    shift = own.design.exposure.coverage.center - borrowing.design.exposure.coverage.center
    np.testing.assert_allclose(b["coverage"], a["coverage"] + shift, atol=1e-12)
    np.testing.assert_allclose(b["coverage_between"], a["coverage_between"] + shift, atol=1e-12)
    np.testing.assert_array_equal(a["answer"], b["answer"])


def test_what_is_borrowed_is_part_of_what_made_a_fit(tmp_path: Path, lent: Borrowed) -> None:
    """Another weight or power is another fit, and no other model to compile; without borrowing nothing is added."""
    inputs = next_study(tmp_path, lent)
    priors, cells, model = inputs.priors[MODEL], inputs.cells[MODEL], models.get(MODEL)
    assert priors.borrowed
    assert len(priors.borrowed.places) == len(lent.coordinates)

    def made_by(changed: Any) -> str:
        return fit_fingerprint(model, cells, changed, inputs.study.sampler, 1)

    weighed = replace(priors, borrowed=priors.borrowed.weighing(0.9))
    assert len({made_by(each) for each in (priors, weighed, replace(priors, borrowed=None))}) == 3
    assert weighed.fingerprint == priors.fingerprint
    assert set(priors.data) == {"borrowed_mean", "borrowed_covariance", "borrowed_weight"}
    assert model.priors().data == {}
    assert "next.toml" in inputs.files


def test_a_covariate_that_is_not_asked_again_stays_behind(tmp_path: Path, lent: Borrowed) -> None:
    """What is left is the same joint normal without it."""
    own = next_study(tmp_path, lent)
    columns = tomllib.loads(study_of(NEXT, (MODEL,)))["columns"] | {"continuous": []}
    tables = {"priors": {MODEL: {"borrow": "next.toml"}}, "columns": columns, "survey": {"file": "survey.csv"}}
    tables["survey"] |= {"districts": "districts.csv"}
    record = tomllib.loads(study_of(NEXT, (MODEL,))) | tables
    inputs = gather(Study.from_table(record, tmp_path / "study.toml"))
    borrowed = inputs.priors[MODEL].borrowed
    assert borrowed
    assert len(borrowed.places) == len(lent.coordinates) - 1
    whole, place = own.priors[MODEL].borrowed, lent.names.index("covariate_effect[household]")
    assert whole
    rest = np.delete(np.arange(len(lent.names)), place)
    np.testing.assert_array_equal(borrowed.covariance, whole.covariance[np.ix_(rest, rest)])


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "another model's file": (lambda t: t.update(model="joint"), "key 'model'", "'reported_loyalty'"),
    "other questions": (
        lambda t: t["setting"]["questions"].update(cut=("joy: 1|2",)),
        "key 'setting.questions.cut'",
        "pride: 1|2",
    ),
    "another reference": (
        lambda t: t["setting"]["references"].update(songbun="core"),
        "key 'levels.songbun'",
        "'core' first",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_mean_the_same_is_refused(name: str, tmp_path: Path, lent: Borrowed) -> None:
    """The error names the file, the key and what the study asks."""
    change, key, expected = REFUSED[name]
    table = lent.model_dump(mode="json", exclude_none=True)
    change(table)
    with pytest.raises(InputError) as refused:
        next_study(tmp_path, Borrowed.model_validate(table))
    assert any(p.key == key and expected in p.expected for p in refused.value.problems), str(refused.value)


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ({"borrow": 3}, "key 'priors.reported_loyalty.borrow'", "the name of a file"),
        ({"borrow": "nowhere.toml"}, "", "a TOML file"),
        ({"extends": MODEL}, "key 'priors.reported_loyalty.extends'", "no such key"),
        ({"borow": "next.toml"}, "prior 'priors.reported_loyalty.borow'", ""),
    ],
)
def test_a_key_that_is_wrong_is_named(entry: dict[str, Any], key: str, expected: str, tmp_path: Path) -> None:
    """A file that is not there, a key that is not known."""
    with pytest.raises(InputError) as refused:
        next_study(tmp_path, None, priors={MODEL: entry})
    assert any(p.key == key and expected in p.expected for p in refused.value.problems), str(refused.value)


def test_a_source_that_is_in_no_bibliography_is_refused(tmp_path: Path) -> None:
    """A study's own prior cites the shipped bibliography or the one beside it, and nothing else."""
    entry = models.get(MODEL).priors()["direct"].model_dump(mode="json")
    tables = {"priors": {MODEL: {"direct": entry}}}
    next_study(tmp_path, None, **tables)  # as shipped, published
    entry["source"]["key"] = "nobody1999"
    with pytest.raises(InputError, match=r"'priors.reported_loyalty.direct', key 'source.key': found 'nobody1999'"):
        next_study(tmp_path, None, **tables)
    (tmp_path / "references.bib").write_text("@article{nobody1999,\n}\n", encoding="utf-8")
    next_study(tmp_path, None, **tables)


# --- the command -----------------------------------------------------------------------------------------------


def test_the_command_writes_what_the_next_study_borrows(past: Inputs, tmp_path: Path) -> None:
    """`priors from-fit` on a study or on its fit; `priors --study` then tells what is borrowed, from whom, how."""
    run, study = CliRunner(), past.study.folder
    done = run.invoke(app, ["priors", "from-fit", str(study), "--out", str(tmp_path / "next.toml"), "--by", "A. Tester",
                            "--weight", "0.8", "--power", "0.5", "--json"])  # fmt: skip
    assert done.exit_code == 0, done.output
    answer, lent = json.loads(done.stdout), Borrowed.read(tmp_path / "next.toml")
    assert answer["fingerprint"] == lent.fingerprint
    assert 0 < answer["respondents"] < 0.8 * 0.5 * lent.origin.respondents * 1.0001
    assert (set(lent.weights.values()), lent.power) == ({0.8}, 0.5)
    fit = Workflow(past).fit_paths[MODEL]
    again = run.invoke(
        app, ["priors", "from-fit", str(fit), "--out", str(tmp_path / "again.toml"), "--by", "A. Tester"]
    )
    assert again.exit_code == 0, again.output
    next_study(tmp_path / "next", lent)
    record = tomllib.loads(study_of(NEXT, (MODEL,))) | {"priors": {MODEL: {"borrow": "next.toml"}}}
    (tmp_path / "next" / "study.toml").write_text(tomli_w.dumps(record), encoding="utf-8")
    told = run.invoke(app, ["priors", MODEL, "--study", str(tmp_path / "next")])
    assert told.exit_code == 0, told.output
    assert f"borrowed from past: {lent.origin.statement}" in told.stdout
    assert lent.origin.fit in told.stdout


@pytest.mark.parametrize(
    ("terms", "key"),
    [({"power": 0.0}, "power"), ({"power": 1.5}, "power"), ({"weight": -0.1}, "weight"), ({"by": ""}, "by")],
)
def test_terms_that_cannot_be_are_named(terms: dict[str, Any], key: str) -> None:
    """A power of nothing, a chance below none, nobody."""
    with pytest.raises(InputError, match=f"key '{key}'"):
        lending.Terms.asked(**(TERMS.model_dump() | terms))


def test_a_file_that_is_there_is_not_written_over(past: Inputs, tmp_path: Path) -> None:
    """Exit code 2, and the file is as it was."""
    path = tmp_path / "next.toml"
    path.write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(app, ["priors", "from-fit", str(past.study.folder), "--out", str(path), "--by", "me"])
    assert done.exit_code == 2
    assert path.read_text(encoding="utf-8") == "mine"


# --- what a page tells of it -----------------------------------------------------------------------------------


def test_a_page_tells_what_is_borrowed_its_worth_and_whether_it_holds(tmp_path: Path, lent: Borrowed) -> None:
    """A block that these data contradict by ten of its sds does not hold; one that they agree with keeps its chance."""
    inputs, model = next_study(tmp_path, lent), models.get(MODEL)
    direct = next(c for c in lent.coordinates if c.name == "direct")
    spillover = next(c for c in lent.coordinates if c.name == "spillover")
    center = fake_fits.center(inputs, model)
    center |= {"direct": np.array(direct.mean + 10 * direct.sd), "spillover": np.array(spillover.mean)}
    made = fake_fits.fake(model, inputs.cells[MODEL], center, (2, 200), spread=0.01)
    told = transfer.told(inputs, {MODEL: made})[MODEL]
    assert (told["origin"]["study"], told["power"]) == ("past", 1.0)
    blocks = {block["name"]: block for block in told["blocks"]}
    assert blocks["direct"]["holds"] < 0.05
    assert blocks["spillover"]["holds"] > 0.5
    assert 0 < blocks["direct"]["respondents"] < lent.origin.respondents
    assert transfer.told(next_study(tmp_path / "alone", None), {}) == {}


def test_effects_are_asked_with_nothing_with_half_and_with_all_of_it(tmp_path: Path, lent: Borrowed) -> None:
    """Three alternatives that differ in the weights alone, which are data: one compiled model serves them."""
    inputs, model = next_study(tmp_path, lent), models.get(MODEL)
    others = list(alternatives.other_shares(model, inputs))
    assert [other.label for other in others] == ["0% borrowed", "50% borrowed", "100% borrowed"]
    priors = [other.inputs.priors[MODEL] for other in others]
    assert [{*p.data["borrowed_weight"].tolist()} for p in priors] == [{0.0}, {0.5}, {1.0}]
    assert len({p.fingerprint for p in priors}) == 1
    paths = [fit_fingerprint(model, inputs.cells[MODEL], p, inputs.study.sampler, 1) for p in priors]
    assert len({*paths}) == 3
    assert list(alternatives.other_shares(model, next_study(tmp_path / "alone", None))) == []
