"""study.toml: what is read, and how each mistake is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from largesse.errors import InputError
from largesse.study import Study, read_toml

TABLE: dict[str, Any] = {
    "name": "hyesan",
    "title": "Holiday gifts",
    "seed": 1,
    "models": ["reported_loyalty"],
    "survey": {"file": "survey.csv"},
    "columns": {"gift": "g", "loyalty": ["trust"], "categorical": ["songbun"], "continuous": ["age"]},
}


def study(**changes: Any) -> Study:
    """A small study with some tables exchanged."""
    return Study.from_table({**TABLE, **changes}, Path("study.toml"))


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
    assert study().columns.used() == {
        "g": "gift",
        "trust": "loyalty",
        "songbun": "categorical",
        "age": "continuous",
    }


def test_numbers_in_levels_are_codes() -> None:
    """Levels may be written as numbers; they are compared as text."""
    assert study(levels={"trust": [1, 2.5, "3"]}).levels["trust"] == ("1", "2.5", "3")


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
        ({"columns": {"gift": "g", "loyalty": ["g"]}}, "key 'columns'", "'g' with more than one role"),
        ({"columns": {"gift": "g", "loyalty": ["weight"]}}, "key 'columns'", "names a role"),
        ({"effects": {"modifiers": ["height"]}}, "", "'height', which is not one of the covariates"),
        ({"levels": {"height": ["a", "b"]}}, "", "'height' has no role"),
        ({"levels": {"trust": ["a", "a"]}}, "", "levels.trust, which lists a level twice"),
        ({"missing": {"dont_know": [8], "refused": ["8"]}}, "key 'missing'", "'8' in both"),
        ({"gift": {"threshold": 0}}, "key 'gift.threshold'", "greater than or equal to 1"),
        ({"estimands": {"rope": 2}}, "key 'estimands.rope'", "less than or equal to 1"),
        (
            {"estimands": {"at": [{"name": "a", "label": "b", "values": {}, "lable": ""}]}},
            "key 'estimands.at.0.lable'",
            "perhaps 'label'",
        ),
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


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"a = [1", "end of document"), (b"a = '\xff'", "UTF-8")],
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
