"""Long files and folders of files: the same survey as when they are read whole, the same complaints, little memory."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tomli_w
import xarray as xr
from pyarrow import parquet

from largesse import batches, reduction
from largesse.calibration import workers
from largesse.cells import Design, collapse, frame
from largesse.errors import InputError, Problem
from largesse.inputs import gather
from largesse.store import file_digest
from largesse.study import Study
from largesse.survey import Survey, read_survey

ITEM = ("전혀", "조금", "매우")
COLUMNS: dict[str, Any] = {
    "gift": "got",
    "loyalty": ["pride", "trust"],
    "district": "ri",
    "wave": "round",
    "respondent": "who",
    "weight": "w",
    "categorical": ["songbun"],
    "continuous": ["age"],
}
KINDS = ("csv", "parquet")
every_kind = pytest.mark.parametrize("kind", KINDS)


def rows(n: int = 3_000, seed: int = 1) -> pd.DataFrame:
    """Respondents with all that a file can have: blanks, missing codes, codes in two spellings, notes of two lines."""
    rng = np.random.default_rng(seed)
    trust = rng.choice(np.array(["1", "2", "2.0", "3", "98", "99", None], dtype=object), n)
    return pd.DataFrame(
        {
            "who": [None if i % 50 == 7 else f"응답 {i}" for i in range(n)],
            "note": [("two\nlines, and a comma", 'said "no"', "", None)[i % 4] for i in range(n)],
            "ri": rng.choice(["혜산", "삼수", "ward 2", "ward 10"], n),
            "round": rng.choice(np.array([1, 2, None], dtype=object), n, p=[0.5, 0.49, 0.01]),
            "got": rng.choice(np.array([0, 1, None], dtype=object), n, p=[0.6, 0.39, 0.01]),
            "pride": rng.choice(np.array([*ITEM, "거절", None], dtype=object), n),
            "trust": trust,
            "songbun": rng.choice(np.array(["core", "wavering", "hostile", "98", None], dtype=object), n),
            "age": rng.choice(np.array([20.5, 31.25, 47, 98, None], dtype=object), n),
            "w": rng.choice([0.3, 1.7, 2.5], n),
        }
    )


def alike_together(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows, those with the same answers after one another, in the order in which each kind first occurs."""
    asked = table[[*COLUMNS["loyalty"], "got", "ri", "round", "w", "songbun", "age"]].astype(object).fillna("blank")
    asked["who"] = table["who"].isna()
    order = np.argsort(asked.groupby(list(asked), sort=False).ngroup().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def write(table: pd.DataFrame, path: Path, encoding: str = "utf-8") -> None:
    """Write a table in the kind that the file's ending says; numbers with blanks stay numbers in Parquet."""
    if path.suffix == ".csv":
        table.to_csv(path, index=False, encoding=encoding)
    else:
        table.infer_objects().to_parquet(path, row_group_size=500)


def study(folder: Path, file: str, **changes: Any) -> Study:
    """A study of the table above."""
    table = {
        "name": "hyesan",
        "title": "Holiday gifts",
        "seed": 1,
        "models": ["reported_loyalty"],
        "survey": {"file": file, **changes.pop("files", {})},
        "columns": COLUMNS,
        "levels": {"pride": ITEM},
        "missing": {"dont_know": ["98"], "refused": ["99", "거절"]},
        **changes,
    }
    return Study.from_table(table, folder / "study.toml")


@pytest.fixture
def in_batches(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, every file counts as large, and is read some hundred rows at a time."""

    def begin() -> None:
        monkeypatch.setattr(reduction, "BYTES", 0)
        monkeypatch.setattr(reduction, "ROWS", 0)
        monkeypatch.setattr(reduction, "FEW", 200)
        monkeypatch.setattr(reduction, "PENDING", 5)
        monkeypatch.setattr(batches, "BATCH_BYTES", 1 << 13)
        monkeypatch.setattr(batches, "BATCH_ROWS", 128)

    return begin


def problems(make: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems that `make` is refused for."""
    with pytest.raises(InputError) as caught:
        make()
    return caught.value.problems


def sorted_(survey: Survey) -> pd.DataFrame:
    """The survey's table with its rows in one order, whatever they had."""
    return survey.table.sort_values(list(survey.table), ignore_index=True)


def same(one: Survey, other: Survey) -> None:
    """Both are the same survey, but for the order of rows."""
    pd.testing.assert_frame_equal(sorted_(one), sorted_(other), check_exact=True)
    assert (one.codebook, one.dropped, one.rows) == (other.codebook, other.dropped, other.rows)
    assert (one.items, list(one.table)) == (other.items, list(other.table))


def numbers(survey: Survey) -> list[xr.Dataset]:
    """All that models read: cells, weighted and not, and the frame."""
    design = Design.of(survey, ("songbun",))
    cells = [collapse(survey, design, ("pride", "trust"), weighted=weighted) for weighted in (False, True)]
    return [*cells, frame(survey, design)]


# --- the same survey -------------------------------------------------------------------------------------------


@every_kind
def test_a_file_read_in_batches_is_the_same_survey(tmp_path: Path, kind: str, in_batches: Callable[[], None]) -> None:
    """Rows, levels, their order, and all counts of dropped and missing answers are those of the file read whole."""
    write(rows(), tmp_path / f"a.{kind}")
    whole = read_survey(study(tmp_path, f"a.{kind}"))
    in_batches()
    same(whole, read_survey(study(tmp_path, f"a.{kind}")))


@every_kind
def test_cells_of_a_file_read_in_batches_are_the_same_to_the_bit(
    tmp_path: Path, kind: str, in_batches: Callable[[], None]
) -> None:
    """With rows in one order, the table is the same row by row, and so is every digit of cells and frame."""
    write(alike_together(rows()), tmp_path / f"a.{kind}")
    whole = read_survey(study(tmp_path, f"a.{kind}"))
    in_batches()
    found = read_survey(study(tmp_path, f"a.{kind}"))
    pd.testing.assert_frame_equal(found.table, whole.table, check_exact=True)
    for one, other in zip(numbers(found), numbers(whole), strict=True):
        xr.testing.assert_identical(one, other)


@every_kind
def test_the_order_of_rows_alters_no_cell(tmp_path: Path, kind: str, in_batches: Callable[[], None]) -> None:
    """Unweighted cells of categories are counts: the same to the bit, whatever order a file has its rows in."""
    columns = {k: v for k, v in COLUMNS.items() if k not in ("weight", "continuous")}
    write(rows(), tmp_path / f"a.{kind}")
    whole = read_survey(study(tmp_path, f"a.{kind}", columns=columns))
    in_batches()
    found = read_survey(study(tmp_path, f"a.{kind}", columns=columns))
    for one, other in zip(numbers(found), numbers(whole), strict=True):
        xr.testing.assert_identical(one, other)


def test_another_encoding_is_read_in_batches(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """Korean in its older encoding, letters of which fall on either side of a batch's end."""
    write(rows(), tmp_path / "a.csv", encoding="cp949")
    whole = read_survey(study(tmp_path, "a.csv", files={"encoding": "cp949"}))
    in_batches()
    same(whole, read_survey(study(tmp_path, "a.csv", files={"encoding": "cp949"})))
    assert set(whole.codebook["district"].levels) == {"ward 2", "ward 10", "삼수", "혜산"}


def test_rows_that_all_differ_are_kept(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """A weight of many values groups nothing and loses nothing; more columns than one number can tell apart neither."""
    rng = np.random.default_rng(3)
    many = rows(1_000).assign(w=rng.uniform(0.5, 2, 1_000), **{f"x{j}": rng.normal(size=1_000) for j in range(8)})
    columns = COLUMNS | {"continuous": ["age", *(f"x{j}" for j in range(8))]}
    write(many, tmp_path / "a.parquet")
    whole = read_survey(study(tmp_path, "a.parquet", columns=columns))
    in_batches()
    found = read_survey(study(tmp_path, "a.parquet", columns=columns))
    pd.testing.assert_frame_equal(found.table, whole.table, check_exact=True)


def test_an_order_that_the_file_keeps_is_the_order_of_levels(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """Ordered categories of a Parquet file order an item, one that nobody gave included."""
    table = rows()
    table["pride"] = pd.Categorical(table["pride"].where(table["pride"] != "거절"), [*ITEM, "nobody"], ordered=True)
    write(table, tmp_path / "a.parquet")
    whole = read_survey(study(tmp_path, "a.parquet", levels={}))
    in_batches()
    same(whole, read_survey(study(tmp_path, "a.parquet", levels={})))
    assert whole.codebook["pride"].levels == ITEM


def test_respondents_take_a_byte_for_each_category(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """What comes of a long file is small: codes of one byte, and numbers where there are any."""
    write(rows(), tmp_path / "a.csv")
    in_batches()
    table = read_survey(study(tmp_path, "a.csv")).table
    assert {c.cat.codes.dtype for _, c in table.select_dtypes("category").items()} == {np.dtype("int8")}
    assert table["gift"].dtype == np.int8


# --- ids and identifiers ---------------------------------------------------------------------------------------


@every_kind
def test_repeated_ids_are_counted_in_batches(tmp_path: Path, kind: str, in_batches: Callable[[], None]) -> None:
    """Respondents asked twice are found far apart, in one wave and over two, in the words of a file read whole."""
    table = rows().assign(round=lambda t: t["round"].fillna(1))
    table.loc[2_000:2_009, ["who", "round"]] = table.loc[0:9, ["who", "round"]].to_numpy()
    table.loc[2_500:2_502, "who"] = table.loc[20:22, "who"].to_numpy()
    table.loc[2_500:2_502, "round"] = 3 - table.loc[20:22, "round"].to_numpy()
    write(table, tmp_path / f"a.{kind}")
    whole = problems(lambda: read_survey(study(tmp_path, f"a.{kind}")))
    in_batches()
    assert problems(lambda: read_survey(study(tmp_path, f"a.{kind}"))) == whole
    assert [p.found for p in whole] == [
        "9 respondents with more than one row in a wave",  # one of the ten has no id
        "3 respondents in more than one wave",
    ]


@pytest.mark.parametrize("first", [1.0, "1", " 1 ", "1.0", True], ids=repr)
def test_ids_are_the_same_in_any_spelling(tmp_path: Path, first: object, in_batches: Callable[[], None]) -> None:
    """Two spellings of one id are one respondent, in a file read in batches as in one read whole."""
    other = {True: "TRUE"}.get(first, "1") if isinstance(first, bool) else 1.0 if isinstance(first, float) else "1"
    table = rows(200).assign(who=[*(f"r{i}" for i in range(200))], round=1)
    if isinstance(first, float):
        table["who"] = np.arange(200) + 10.0
    table.loc[3, "who"], table.loc[150, "who"] = str(first) if isinstance(first, bool) else first, other
    write(table, tmp_path / "a.parquet")
    whole = problems(lambda: read_survey(study(tmp_path, "a.parquet")))
    in_batches()
    assert problems(lambda: read_survey(study(tmp_path, "a.parquet"))) == whole
    assert [p.found for p in whole] == ["1 respondents with more than one row in a wave"]


@every_kind
@pytest.mark.parametrize("role", ["note", "songbun"])
def test_what_could_name_a_person_is_found_late_in_a_file(
    tmp_path: Path, kind: str, role: str, in_batches: Callable[[], None]
) -> None:
    """Phone numbers in the last sixth of the rows are found, in a column with a role and in one without."""
    table = rows(6_000)
    table.loc[5_000:, role] = [f"010-{i:04d}-1234" for i in range(1_000)]
    write(table, tmp_path / f"a.{kind}")
    in_batches()
    (found,) = problems(lambda: read_survey(study(tmp_path, f"a.{kind}")))
    assert (found.key, found.found) == (f"column '{role}'", "a column that looks like a phone number")


def test_a_column_blank_but_at_the_end_is_looked_at(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """Answers are spread over those that are not blank: forty addresses among 6,000 blanks are all there is."""
    table = rows(6_000).assign(note=None)
    table.loc[5_960:, "note"] = [f"person{i}@example.org" for i in range(40)]
    write(table, tmp_path / "a.csv")
    in_batches()
    (found,) = problems(lambda: read_survey(study(tmp_path, "a.csv")))
    assert found.found == "a column that looks like an e-mail address"


def test_answers_looked_at_are_spread_evenly() -> None:
    """Of 100,000 numbers in their order about a thousand are kept, no two of which lie far from the next."""
    asked = reduction.Asked((), None, None, 0)
    pieces = np.array_split(np.arange(100_000), 37)
    found = reduction.merged(reduction.of_batch(pa.record_batch({"n": pa.array(p)}), asked) for p in pieces)
    kept = np.array(found.spread["n"].values.to_pylist())
    assert 1_000 <= len(kept) <= 2_000
    assert kept[0] < 200
    assert np.diff(kept).max() <= 2 * found.spread["n"].stride
    assert kept[-1] > 99_800


# --- what is wrong with a file ---------------------------------------------------------------------------------


FILL = b"0,1\n" * 5_000
BROKEN = [
    (b"1\n", "1 fields at line 5002; expected 2"),
    (b"0,1,2\n", "3 fields at line 5002; expected 2"),
    (b"0,\xe9\n", "bytes that are not utf-8 at line 5002; expected text in the encoding of key 'survey.encoding'"),
    (b'0,"1\n', "a quotation mark at line 5002 that is never closed"),
]


@pytest.mark.parametrize(("line", "said"), BROKEN, ids=["too few", "too many", "encoding", "quote"])
@pytest.mark.parametrize("after", [FILL, b""], ids=["in the middle", "at the end"])
def test_a_damaged_file_names_the_line(
    tmp_path: Path, line: bytes, said: str, after: bytes, in_batches: Callable[[], None]
) -> None:
    """A fault far down in a file is named with file and line, whether the rest of the file follows or not."""
    (tmp_path / "a.csv").write_bytes(b"got,n\n" + FILL + line + after)
    in_batches()
    (found,) = problems(lambda: read_survey(study(tmp_path, "a.csv", columns={"gift": "got"}, levels={})))
    assert found.where == "a.csv"
    assert said in str(found)


def test_bytes_of_no_encoding_name_their_place(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """The offset is that in the file, not that in a batch."""
    before = b"got,n\n" + FILL * 60  # more than a megabyte, so that it is decoded in pieces
    (tmp_path / "a.csv").write_bytes(before + b"0,\xff\n" + FILL)
    in_batches()
    files = {"encoding": "cp949"}
    (found,) = problems(lambda: read_survey(study(tmp_path, "a.csv", columns={"gift": "got"}, levels={}, files=files)))
    assert found.found == f"bytes that are not cp949 at offset {len(before) + 2}"


def test_a_damaged_parquet_file_names_the_row(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """Rows up to the damage are counted; nothing is made of them."""
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"got": np.arange(4_000) % 2}), path, row_group_size=1_000, compression="gzip")
    content = bytearray(path.read_bytes())
    place = parquet.read_metadata(path).row_group(3).column(0).data_page_offset
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    in_batches()
    (found,) = problems(lambda: read_survey(study(tmp_path, "a.parquet", columns={"gift": "got"}, levels={})))
    assert str(found).startswith("a.parquet: found a file that is truncated or not Parquet after row 2,944;")


@every_kind
def test_what_is_missing_is_named_as_in_a_small_file(tmp_path: Path, kind: str, in_batches: Callable[[], None]) -> None:
    """Columns that are not there, weights that are none, strange answers: the same problems, with the same counts."""
    table = rows().rename(columns={"songbun": "song bun"}).astype({"w": object})
    table.loc[5:11, "w"] = None
    table.loc[20:23, "got"] = 7
    write(table, tmp_path / f"a.{kind}")
    whole = problems(lambda: read_survey(study(tmp_path, f"a.{kind}")))
    in_batches()
    assert problems(lambda: read_survey(study(tmp_path, f"a.{kind}"))) == whole
    assert "7 missing weights" in {p.found for p in whole}


def test_lists_are_no_answers(tmp_path: Path, in_batches: Callable[[], None]) -> None:
    """A column of lists is refused in the words of a file read whole."""
    table = pa.table({"got": [0, 1] * 300, "n": [[1], [1, 2]] * 300, "m": [[3]] * 600})
    parquet.write_table(table, tmp_path / "a.parquet")
    roles = {"columns": {"gift": "got", "categorical": ["n"]}, "levels": {}}
    whole = problems(lambda: read_survey(study(tmp_path, "a.parquet", **roles)))
    in_batches()
    assert problems(lambda: read_survey(study(tmp_path, "a.parquet", **roles))) == whole


# --- folders ---------------------------------------------------------------------------------------------------


def folder(path: Path, kind: str, table: pd.DataFrame, parts: int = 4) -> Path:
    """A folder of files, with what other programs leave beside them."""
    path.mkdir()
    for i, rows_ in enumerate(np.array_split(np.arange(len(table)), parts)):
        write(table.iloc[rows_], path / f"part-{i}.{kind}")
    (path / "_SUCCESS").touch()
    (path / f".part-0.{kind}.crc").touch()
    return path


@every_kind
def test_a_folder_is_the_same_survey_as_its_files_in_one(tmp_path: Path, kind: str) -> None:
    """Files of one folder are one survey, whatever the first of them lacks."""
    table = rows()
    table.loc[:749, "age"] = None  # nobody of the first file has an age: in Parquet another kind of column
    write(table, tmp_path / f"a.{kind}")
    folder(tmp_path / "parts", kind, table)
    same(read_survey(study(tmp_path, f"a.{kind}")), read_survey(study(tmp_path, "parts")))


@every_kind
def test_a_file_of_a_folder_may_be_empty(tmp_path: Path, kind: str) -> None:
    """A header without rows, first or last, adds nobody and takes no order of answers away."""
    table = rows().assign(pride=lambda t: pd.Categorical(t["pride"], ITEM, ordered=True))
    write(table, tmp_path / f"a.{kind}")
    path = folder(tmp_path / "parts", kind, table)
    write(table.iloc[:0], path / f"a.{kind}")
    write(table.iloc[:0], path / f"z.{kind}")
    same(read_survey(study(tmp_path, f"a.{kind}")), read_survey(study(tmp_path, "parts")))


@pytest.mark.slow
@every_kind
def test_processes_read_the_files_of_a_folder(tmp_path: Path, kind: str) -> None:
    """Two processes give the same survey as one, row by row, and the same complaints."""
    folder(tmp_path / "parts", kind, rows())
    alone = read_survey(study(tmp_path, "parts"))
    with workers(2) as pool:
        _held(tmp_path, kind, alone, pool)


@pytest.mark.slow
def test_a_cluster_reads_the_files_of_a_folder(tmp_path: Path) -> None:
    """Two workers of a Dask cluster give the same survey as this process, row by row, and the same complaints."""
    from distributed import LocalCluster

    folder(tmp_path / "parts", "parquet", rows())
    alone = read_survey(study(tmp_path, "parts"))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        workers(0, cluster.scheduler_address) as executor,
    ):
        _held(tmp_path, "parquet", alone, executor)


def _held(path: Path, kind: str, alone: Survey, executor: Executor | None) -> None:
    found = read_survey(study(path, "parts"), executor)
    pd.testing.assert_frame_equal(found.table, alone.table, check_exact=True)
    assert (found.codebook, found.dropped, found.rows) == (alone.codebook, alone.dropped, alone.rows)
    twice = pd.concat([rows().iloc[:5], rows(800, seed=2).iloc[5:]])  # four people with an id of the first file
    write(twice.assign(who=[*rows()["who"][:5], *(f"new {i}" for i in range(795))]), path / "parts" / f"part-9.{kind}")
    (problem,) = problems(lambda: read_survey(study(path, "parts", columns=COLUMNS | {"wave": None}), executor))
    assert problem.found == "5 respondents with more than one row in a wave"
    (path / "parts" / f"part-2.{kind}").write_bytes(b"PAR1" if kind == "parquet" else b"who,who\n1,2\n")
    found_ = problems(lambda: read_survey(study(path, "parts"), executor))
    assert {p.where for p in found_} == {f"parts/part-2.{kind}"}


@every_kind
def test_columns_that_differ_between_files_are_named(tmp_path: Path, kind: str) -> None:
    """The file, the column that it lacks and the one that it has beside."""
    path = folder(tmp_path / "parts", kind, rows())
    write(rows().rename(columns={"got": "received"}), path / f"part-3.{kind}")
    found = problems(lambda: read_survey(study(tmp_path, "parts")))
    first, columns = f"parts/part-0.{kind}", f"the columns of parts/part-0.{kind}"
    assert [str(p) for p in found] == [
        f"parts/part-3.{kind}, column 'got': found no such column; expected {columns}",
        f"parts/part-3.{kind}, column 'received': found a column that {first} does not have; expected {columns}",
    ]


def test_kinds_that_differ_between_files_are_named(tmp_path: Path) -> None:
    """Numbers here and words there, or answers in another order, are not one column."""
    path = folder(tmp_path / "parts", "parquet", rows())
    other = rows().assign(w="one", pride=pd.Categorical(rows()["pride"], ["매우", "조금", "전혀"], ordered=True))
    write(other, path / "part-3.parquet")
    write(rows().assign(pride=pd.Categorical(rows()["pride"], ITEM, ordered=True)), path / "part-0.parquet")
    found = {p.key: p for p in problems(lambda: read_survey(study(tmp_path, "parts"))) if p.where.endswith("3.parquet")}
    assert found["column 'w'"].expected == "double, as in parts/part-0.parquet"
    assert found["column 'pride'"].found == "other answers, or another order of them"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "parts: found an empty folder; expected files ending in .csv or in .parquet"),
        (["a.csv", "b.parquet"], "parts: found files ending in .csv and in .parquet; expected files of one kind"),
        (["a.csv", "b.sav"], "parts/b.sav: found a file of another kind"),
        (["a.csv", "w=1/"], "parts/w=1: found a folder; expected files"),
    ],
)
def test_a_folder_that_is_no_survey_is_one_problem(tmp_path: Path, files: list[str], said: str) -> None:
    """Nothing in a folder is passed over in silence."""
    (tmp_path / "parts").mkdir()
    for name in files:
        path = tmp_path / "parts" / name
        path.mkdir() if name.endswith("/") else path.touch()
    (found,) = problems(lambda: read_survey(study(tmp_path, "parts")))
    assert str(found).startswith(said)


def test_every_file_of_a_folder_stands_behind_the_results(tmp_path: Path) -> None:
    """Results name each by its place in the folder, so that one that changed, came or went is seen."""
    folder(tmp_path / "parts", "csv", rows())
    (tmp_path / "study.toml").touch()

    def digests() -> dict[str, str]:
        files = gather(study(tmp_path, "parts")).files
        return {name: file_digest(path) for name, path in files.items() if name.startswith("parts")}

    before, last = digests(), tmp_path / "parts" / "part-3.csv"
    assert {*before} == {f"parts/{path.name}" for path in last.parent.glob("part-*")}  # and not what a writer left
    last.write_bytes(last.read_bytes() + b"\n")
    assert {name for name, digest in digests().items() if digest != before[name]} == {"parts/part-3.csv"}
    last.rename(last.with_name("part-4.csv"))
    assert {*digests()} ^ {*before} == {"parts/part-3.csv", "parts/part-4.csv"}


# --- long files ------------------------------------------------------------------------------------------------


READING = """
import sys, tracemalloc
import pyarrow
from pathlib import Path
from largesse.survey import read_survey
from largesse.study import Study

there = Study.read(Path(sys.argv[1]))
tracemalloc.start()
survey = read_survey(there)
print(len(survey.table), pyarrow.default_memory_pool().max_memory(), tracemalloc.get_traced_memory()[1])
"""  # in a process of its own: what Arrow held at most is never forgotten


def test_memory_does_not_follow_rows(tmp_path: Path) -> None:
    """A million respondents with a long note each are read in less memory than their notes alone would take.

    100 characters a row are 100 MB, which Arrow holds when a file is read whole. In batches it holds 65,536 rows, 7 MB,
    a few times over while they are decoded and taken apart. The table of a million takes 4 bytes of codes and 8 of
    weight a row, 12 MB, and as much again while it is made; what Python and NumPy hold besides follows a batch.
    """
    n, rng = 1_000_000, np.random.default_rng(5)
    levels = {"ri": [f"ward {d}" for d in range(40)], "round": ["1", "2"], "got": ["0", "1"], "pride": [*ITEM]}
    columns = {name: pa.array(of).take(rng.integers(0, len(of), n)) for name, of in levels.items()}
    notes = pa.array([f"{i:0100d}" for i in range(1_000)]).take(np.arange(n) % 1_000)
    parquet.write_table(pa.table(columns | {"note": notes}), tmp_path / "a.parquet", row_group_size=100_000)
    roles = {"gift": "got", "loyalty": ["pride"], "district": "ri", "wave": "round"}
    record = study(tmp_path, "a.parquet", columns=roles).model_dump(mode="json", exclude_none=True)
    (tmp_path / "study.toml").write_text(tomli_w.dumps(record), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", READING, str(tmp_path)], capture_output=True, text=True, check=True)
    people, arrow, others = map(int, done.stdout.split())
    assert people == n
    assert arrow < 50e6
    assert others < 60e6


def test_a_long_read_says_how_far_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, in_batches: Callable[[], None]
) -> None:
    """After some time a line tells the share that was read; a quiet log, and a file read at once, tell nothing."""
    write(rows(), tmp_path / "a.parquet")
    in_batches()
    with caplog.at_level(logging.INFO, "largesse"):
        read_survey(study(tmp_path, "a.parquet"))
        assert not caplog.messages
        monkeypatch.setattr(batches, "FIRST", 0.0)
        monkeypatch.setattr(batches, "EVERY", 0.0)
        read_survey(study(tmp_path, "a.parquet"))
    assert caplog.messages
    assert all("a.parquet: " in m and "% read, about" in m for m in caplog.messages)
