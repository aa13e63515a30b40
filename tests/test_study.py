"""study.toml: what is read, and how each mistake is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from largesse.errors import InputError
from largesse.settings import plain
from largesse.study import Study, read_toml

TABLE: dict[str, Any] = {
    "name": "hyesan",
    "title": "Holiday gifts",
    "seed": 1,
    "models": ["reported_loyalty"],
    "survey": {"file": "survey.csv"},
    "columns": {"gift": "g", "loyalty": ["trust"], "categorical": ["songbun"], "continuous": ["age"]},
}


PLACED: dict[str, Any] = {**TABLE["columns"], "district": "d"}


def study(**changes: Any) -> Study:
    """A small study with some tables exchanged."""
    return Study.from_table({**TABLE, **changes}, Path("study.toml"))


def at(**values: Any) -> dict[str, Any]:
    """A profile of `[[estimands.at]]`."""
    return {"name": "young", "label": "the young", "values": values}


def test_a_study_is_read_from_its_folder_or_its_file(tmp_path: Path) -> None:
    """The folder and the file in it give the same study, whose paths are relative to the folder."""
    text = (
        'name = "a"\ntitle = "A"\nseed = 1\nmodels = ["m"]\n'
        '[survey]\nfile = "s.csv"\n[columns]\ngift = "g"\n[missing]\ndont_know = [98]\n'
    )
    (tmp_path / "study.toml").write_text(text, encoding="utf-8-sig")
    read = Study.read(tmp_path)
    assert read == Study.read(tmp_path / "study.toml")
    assert read.path(read.survey.file) == tmp_path / "s.csv"
    assert read.missing.dont_know == ("98",)


def test_every_column_has_its_role() -> None:
    """`used` lists each column of the file once, with the key of [columns] that names it."""
    columns = {**TABLE["columns"], "loyalty_before": ["once", "then"]}
    assert study(columns=columns).columns.used() == {
        "g": "gift",
        "trust": "loyalty",
        "once": "loyalty_before",
        "then": "loyalty_before",
        "songbun": "categorical",
        "age": "continuous",
    }


def test_numbers_in_levels_are_codes() -> None:
    """Levels may be written as numbers; they are compared as text, in which 3.0 is 3."""
    assert study(levels={"trust": [1, 2.5, 3.0, "4.0"]}).levels["trust"] == ("1", "2.5", "3", "4")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), ("1.0", "1"), (" 1.50 ", "1.5"), (-0.0, "0"), ("01", "01"), (True, "true"), ("10", "10")],
)
def test_one_answer_has_one_text(value: object, text: str) -> None:
    """The same answer, written as number or text, has the same plain form."""
    assert plain(value) == text


def test_what_is_made_has_its_place() -> None:
    """Private files, results and the page have one place each, in the study's folder."""
    there = Study.from_table(TABLE, Path("reports/hyesan/study.toml"))
    assert there.private == Path("reports/hyesan/_private")
    assert there.results_path == Path("reports/hyesan/results.json")
    assert there.page_path == Path("reports/hyesan/report.html")
    assert there.report.source == "report.qmd"


def test_profiles_are_of_covariates() -> None:
    """A profile names levels of categories and numbers of continuous covariates."""
    (profile,) = study(estimands={"at": [at(songbun="core", age=20)]}).estimands.at
    assert dict(profile.values) == {"songbun": "core", "age": 20.0}


@pytest.mark.parametrize("name", ["utf8", "UTF-8", "U8"])
def test_one_encoding_has_one_name(name: str) -> None:
    """UTF-8 by any of its names is UTF-8, whose byte-order mark is not data."""
    assert study(survey={"file": "s.csv", "encoding": name}).survey.encoding == "utf-8"


def test_a_study_that_says_nothing_of_exposure_has_the_receipt_rate() -> None:
    """The map is the receipt rate, and none stands beside it, unless the study names others."""
    assert (study().exposure.map, study().exposure.also) == ("rate", ())
    exposure = {"map": "others", "also": ["rate", "own_group", "neighbours"], "group": "songbun"}
    named = study(columns=PLACED, exposure=exposure, survey={"file": "s.csv", "neighbours": "n.csv"}).exposure
    assert named.also == ("rate", "own_group", "neighbours")


def test_a_study_cannot_be_changed() -> None:
    """A study is frozen."""
    with pytest.raises(ValueError, match="frozen"):
        study().seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"surveys": {}}, "key 'surveys'", "perhaps 'survey'"),
        ({"zzz": {}}, "key 'zzz'", "one of columns, "),
        ({"folder": "/"}, "key 'folder'", "not known"),
        ({"columns": {"gift": "g", "wafe": "w"}}, "key 'columns.wafe'", "perhaps 'wave'"),
        ({"columns": {"loyalty": ["a"]}}, "key 'columns.gift'", "required"),
        ({"columns": {"gift": "g", "loyalty": ["g"]}}, "key 'columns.loyalty'", "'g', which is named before"),
        ({"columns": {"gift": "g", "loyalty": ["weight"]}}, "key 'columns.loyalty'", "names a role"),
        (
            {"columns": {"gift": "g", "loyalty": ["a"], "loyalty_before": ["a"]}},
            "key 'columns.loyalty_before'",
            "'a', which is named before",
        ),
        ({"columns": {"gift": "g", "loyalty_before": ["wave"]}}, "key 'columns.loyalty_before'", "names a role"),
        ({"columns": "gift"}, "key 'columns'", "found 'gift'"),
        ({"effects": {"favour": 5.5}}, "key 'effects.favour'", "less than or equal to 5"),
        ({"effects": {"disposition_sd": 0}}, "key 'effects.disposition_sd'", "greater than 0"),
        ({"effects": {"modifiers": ["aeg"]}}, "key 'effects.modifiers'", "'aeg', which is not one of the covariates"),
        (
            {"levels": {"thrust": ["a", "b"]}},
            "key 'levels.thrust'",
            "has no role in [columns]; expected perhaps 'trust'",
        ),
        ({"levels": {"trust": ["a", "a"]}}, "key 'levels.trust'", "a level that is listed twice"),
        ({"levels": {"trust": [1, 1.0]}}, "key 'levels.trust'", "a level that is listed twice"),
        ({"levels": {"age": [1, 2]}}, "key 'levels.age'", "levels of numbers (role continuous)"),
        ({"missing": {"dont_know": [8], "refused": ["8"]}}, "key 'missing.refused'", "'8', which is in dont_know too"),
        ({"missing": {"dont_know": "8"}}, "key 'missing.dont_know'", "found '8'"),
        (
            {"survey": {"file": "s.csv", "encoding": "klingon"}},
            "key 'survey.encoding'",
            "'klingon'; expected a text enc",
        ),
        ({"survey": {"file": "s.csv", "encoding": "rot13"}}, "key 'survey.encoding'", "that Python knows"),
        ({"survey": {"file": "s.csv", "encoding": "a\0"}}, "key 'survey.encoding'", "that Python knows"),
        ({"gift": {"threshold": 0}}, "key 'gift.threshold'", "greater than or equal to 1"),
        ({"estimands": {"rope": 2}}, "key 'estimands.rope'", "less than or equal to 1"),
        (
            {"estimands": {"at": [{"name": "a", "label": "b", "values": {}, "lable": ""}]}},
            "key 'estimands.at.0.lable'",
            "perhaps 'label'",
        ),
        ({"estimands": {"coverage": [0.2]}}, "key 'estimands.coverage'", "[0.2]; expected at least 2 values"),
        ({"estimands": {"coverage": [0.2, 0.2]}}, "key 'estimands.coverage'", "two different shares, low then high"),
        ({"estimands": {"coverage": [0.4, 0.2]}}, "key 'estimands.coverage'", "[0.4, 0.2]"),
        ({"estimands": {"coverage": [0.1, 1.2]}}, "key 'estimands.coverage.1'", "less than or equal to 1"),
        ({"estimands": {"market_shares": [0.1, 0.9]}}, "key 'estimands.market_shares'", "no market question"),
        (
            {"columns": {**TABLE["columns"], "market": "m"}, "estimands": {"market_shares": [0.6, 0.2]}},
            "key 'estimands.market_shares'",
            "shares that increase",
        ),
        ({"estimands": {"at": [at(songbum="core")]}}, "key 'estimands.at.0.values'", "expected perhaps 'songbun'"),
        ({"estimands": {"at": [at(), at(songbun=1)]}}, "key 'estimands.at'", "two profiles named 'young'"),
        ({"estimands": {"at": [at(songbun=1)]}}, "key 'estimands.at.0.values.songbun'", "a level, in quotation marks"),
        ({"estimands": {"at": [at(age="old")]}}, "key 'estimands.at.0.values.age'", "'old'; expected a number"),
        ({"estimands": {"at": [at(age=[1])]}}, "key 'estimands.at.0.values.age'", "a number, or a level"),
        ({"estimands": {"at": [at(age=True)]}}, "key 'estimands.at.0.values.age'", "a number, or a level"),
        ({"exposure": {"map": "rates"}}, "key 'exposure.map'", "'rates'; expected 'rate', 'others', 'own_group' or"),
        ({"exposure": {"also": ["nobody"]}}, "key 'exposure.also.0'", "found 'nobody'"),
        ({"exposure": {"maps": ["rate"]}}, "key 'exposure.maps'", "perhaps 'map'"),
        ({"columns": PLACED, "exposure": {"also": ["rate"]}}, "key 'exposure.also'", "'rate', which is named before"),
        ({"columns": PLACED, "exposure": {"also": ["others"] * 2}}, "key 'exposure.also'", "'others', which is named"),
        (
            {"exposure": {"also": ["others"]}},
            "key 'exposure'",
            "'others', but no districts; expected key 'columns.dist",
        ),
        ({"exposure": {"map": "others"}}, "key 'exposure'", "no districts"),
        (
            {"columns": PLACED, "exposure": {"also": ["own_group"]}},
            "key 'exposure.group'",
            "nothing; expected the covariate whose levels are groups",
        ),
        (
            {"columns": PLACED, "exposure": {"map": "own_group", "group": "songbum"}},
            "key 'exposure.group'",
            "'songbum', no categorical covariate; expected perhaps 'songbun'",
        ),
        (
            {"columns": PLACED, "exposure": {"map": "own_group", "group": "age"}},
            "key 'exposure.group'",
            "'age', no cat",
        ),
        ({"exposure": {"group": "songbun"}}, "key 'exposure.group'", "'songbun', which no map reads; expected 'own_"),
        ({"columns": PLACED, "exposure": {"map": "neighbours"}}, "key 'survey.neighbours'", "the file of adjacent"),
        (
            {"survey": {"file": "s.csv", "neighbours": "n.csv"}},
            "key 'survey.neighbours'",
            "'n.csv', which no map reads; expected 'neighbours' among the maps of [exposure]",
        ),
        ({"models": ["reported_loyalty"] * 2}, "key 'models'", "'reported_loyalty' more than once"),
        ({"priors": {"reported_loyalti": {}}}, "key 'priors.reported_loyalti'", "perhaps 'reported_loyalty'"),
        ({"name": "Two Words"}, "key 'name'", "pattern"),
        ({"models": []}, "key 'models'", "at least 1"),
    ],
)
def test_a_mistake_is_one_problem(changes: dict[str, Any], key: str, said: str) -> None:
    """Each mistake in study.toml is one problem that names the file and the key, and says what would be right."""
    with pytest.raises(InputError) as caught:
        study(**changes)
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == ("study.toml", key)
    assert said in str(problem)


def test_all_mistakes_are_named_together() -> None:
    """Several mistakes are one error with a problem each."""
    with pytest.raises(InputError) as caught:
        study(models=[], estimands={"rope": 2}, surveys={})
    assert {p.key for p in caught.value.problems} == {"key 'models'", "key 'estimands.rope'", "key 'surveys'"}


def test_all_disagreements_are_named_together() -> None:
    """Tables that contradict one another are one error with a problem for each contradiction."""
    with pytest.raises(InputError) as caught:
        study(models=["a", "a"], levels={"age": [1, 2], "x": [1, 2]}, effects={"modifiers": ["height"]})
    found = [p.key for p in caught.value.problems]
    assert found == ["key 'models'", "key 'levels.age'", "key 'levels.x'", "key 'effects.modifiers'"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"a = [1", "end of document"),
        (b"a = 1\nb c = 2\n", "at line 2"),
        (b"a = '\xff'", "UTF-8"),
        (b"a = " + b"9" * 5_000, "TOML error"),
        (b"a = " + b"[" * 100_000, "TOML error"),
    ],
)
def test_a_file_that_is_not_toml_is_an_input_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    """A missing file, broken TOML and wrong bytes are answered with the file's name."""
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_toml(path)
    assert caught.value.problems[0].where == str(path)


def test_a_folder_in_the_place_of_the_file_is_an_input_error(tmp_path: Path) -> None:
    """Something that cannot be opened as a file is an input error, not a traceback."""
    (tmp_path / "study.toml").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Study.read(tmp_path)
