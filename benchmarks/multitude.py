"""A synthetic survey of any number of rows: how many of each kind there are is drawn, then each of them is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv, parquet

from largesse import dims, models
from largesse.cells import Design, profiles
from largesse.models.contract import NODES
from largesse.seeds import generator
from largesse.simulators.graded import standard_normal_nodes
from largesse.study import Study
from largesse.survey import validate
from largesse.synthetic import ALLOCATION, ITEM, LOYALTY, Synthetic, World, simulate
from largesse.template import start, study_of

Array = np.ndarray[Any, Any]
KINDS: Final = ("csv", "parquet")
PIECE: Final = 1_000_000  # rows written at once
WORLD: Final = World(
    name="multitude",
    seed=20171012,
    respondents=20_000,  # of whom the truth and the coverage of districts are drawn
    districts=40,
    categorical={
        "songbun": {"wavering": 0.55, "core": 0.25, "hostile": 0.2},
        "age": {"30 to 44": 0.3, "18 to 29": 0.25, "45 to 59": 0.25, "60 and older": 0.2},
    },
    continuous={},
    items={"pride": ITEM},
    market=(),
)


def levels() -> dict[str, tuple[str, ...]]:
    """Column of the survey -> its levels."""
    covariates = {name: tuple(shares) for name, shares in WORLD.categorical.items()}
    places = {dims.DISTRICT: tuple(WORLD.district_names), dims.WAVE: WORLD.waves}
    return {**places, **covariates, "gift": ("0", "1"), **WORLD.items}


def shares(drawn: Synthetic) -> Array:
    """[district, wave, each covariate, gift, answer] the share of people of each kind, by the twins of the models."""
    study = Study.from_table({**_record(), "models": [ALLOCATION, LOYALTY]}, Path("study.toml"))
    survey = validate(drawn.survey, study, "survey.csv", drawn.districts)
    design = Design.of(survey)
    names = [*levels()][:-1]  # all but the item
    shape = [len(of) for of in levels().values()]
    codes = dict(zip(names, np.indices(shape[:-1]).reshape(len(names), -1), strict=True))
    for name in WORLD.categorical:  # from the world's order of levels to the survey's
        known = [*survey.codebook[name].levels]
        codes[name] = np.array([known.index(level) for level in levels()[name]])[codes[name]]
    rows = profiles(pl.DataFrame(codes), design, survey)
    rows = rows.assign_coords({dims.ITEM: [*WORLD.items], dims.ROLE: (dims.ITEM, ["loyalty"])})
    rows = rows.assign(answers=(dims.ITEM, [len(ITEM)]))
    nodes, n = standard_normal_nodes(NODES[0]), rows.sizes[dims.CELL]
    office, loyalty = ({p: np.asarray(v)[None] for p, v in drawn.truth[m].items()} for m in (ALLOCATION, LOYALTY))
    receipt = models.get(ALLOCATION).twin.predict(office, rows, np.zeros(n), np.zeros(n), nodes)["receipt"][0]
    gift = np.where(codes["gift"] == 1, receipt, 1 - receipt)
    said = [
        np.exp(models.get(LOYALTY).twin.loglik(loyalty, _answering(rows, answer), nodes)[0])
        for answer in range(len(ITEM))
    ]
    people = generator(WORLD.seed, "offices").dirichlet(np.full(shape[0] * shape[1], 20.0))
    for of in WORLD.categorical.values():
        people = np.multiply.outer(people, np.array([*of.values()]) / sum(of.values()))
    found = (np.repeat(people.ravel(), 2) * gift)[:, None] * np.stack(said, axis=1)
    return np.asarray(found.reshape(shape) / found.sum())


def _answering(rows: Any, answer: int) -> Any:
    return rows.assign(answer=((dims.CELL, dims.ITEM), np.full((rows.sizes[dims.CELL], 1), answer)))


def lay_out(folder: Path, rows: int) -> dict[str, Path]:
    """A study for each kind of file, with a survey of so many rows in no order; kind -> its folder."""
    drawn = simulate(WORLD)
    share, rng = shares(drawn), generator(WORLD.seed, "rows", rows)
    kinds = np.repeat(np.arange(share.size, dtype=np.int32), rng.multinomial(rows, share.ravel()))
    rng.shuffle(kinds)
    studies = {kind: folder / f"{kind}_{rows}" for kind in KINDS}
    for kind, path in studies.items():
        path.mkdir()
        drawn.write(path)
        (path / "survey.csv").unlink()
        said = study_of(WORLD.model_copy(update={"respondents": rows}), (LOYALTY,))
        start(path, said.replace('"survey.csv"', f'"survey.{kind}"'))
        _write(path / f"survey.{kind}", kinds, share.shape)
    return studies


def _write(path: Path, kinds: Array, shape: tuple[int, ...]) -> None:
    schema = pa.schema([(name, pa.string()) for name in levels()])
    make = parquet.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    with make(path, schema) as writer:
        for piece in _pieces(kinds, shape):
            writer.write_table(pa.table(piece, schema))


def _pieces(kinds: Array, shape: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for at in range(0, len(kinds), PIECE):
        codes = np.unravel_index(kinds[at : at + PIECE], shape)
        yield {name: pa.array(of).take(pa.array(c)) for c, (name, of) in zip(codes, levels().items(), strict=True)}


def _record() -> dict[str, Any]:

    return tomllib.loads(study_of(WORLD, (LOYALTY,)))
