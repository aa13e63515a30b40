"""What a record says of its respondents, read off the record alone as an attacker would, and small surveys to attack.

Nothing here knows what was kept back or why: only what results hold, how answers hang together, and how they round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import xarray as xr

from largesse import instruments, plain, vignettes
from largesse.disclosure import Cell, Statement
from largesse.headcount import KEPT, Headcount
from largesse.inputs import Inputs
from largesse.record import _survey
from largesse.survey import SCALES
from largesse.synthetic import World

GROUPS = {"everyone": ("0", "1"), "without a gift": ("0",), "with a gift": ("1",)}
DUST = 1e-9

WORLDS: Mapping[str, Mapping[str, Any]] = {
    "answers": {"items": {"pride": ("no", "rather", "yes"), "trust": ("none", "some", "all")}},
    "support": {"items": {}, "market": (), "direct": True, "control_items": 2},
    "randomised": {"items": {"pride": ("no", "rather", "yes")}, "market": (), "forced": (0.15, 0.15)},
    "vignettes": {"items": {"trust": ("none", "some", "all")}, "vignettes": ("low", "high"), "market": ()},
}


def survey(folder: Path, kind: str, seed: int) -> Inputs:
    """A small survey in which some answers are rare, some people silent, and some rows without what is needed."""
    rng = np.random.default_rng([20261126, seed])
    world = World(name="small", seed=seed, respondents=int(rng.integers(24, 90)), districts=2, waves=("only",),
                  categorical={}, continuous={}, dont_know=0.04, refused=0.02, **WORLDS[kind])  # fmt: skip

    def change(table: pd.DataFrame) -> pd.DataFrame:
        asked = [c for c in table if c not in {"district", "wave", "gift", "weight", "list_arm", "list_count"}]
        for column in asked:
            usual = table[column].dropna().mode()[0]
            table[column] = table[column].where(rng.random(len(table)) > rng.uniform(0, 0.8), usual)
            table[column] = table[column].where(rng.random(len(table)) > rng.uniform(0, 0.1))
        table["gift"] = table["gift"].where(rng.random(len(table)) > rng.uniform(0, 0.1)).astype("Int64")
        return table

    return fake_fits.study(folder, world, change, survey={"file": "survey.csv"})


def record(inputs: Inputs) -> dict[str, Any]:
    """All that results say of how many respondents there are, by the functions that write them.

    Beside it what a questionnaire tells everybody: which questions there are, with how many answers, and which of them
    a model reads.
    """
    heads = Headcount.of(inputs)
    support = next((m.name for m in inputs.models if m.name == "sincere_support"), None)
    judged = vignettes.MODEL in inputs.cells
    return {
        "survey": _survey(inputs, heads),
        "dropped": [vars(d) for d in heads.dropped(inputs.survey.dropped)],
        "models": {
            m.name: heads.count(("model", m.name), int(inputs.cells[m.name]["people"].sum())) for m in inputs.models
        },
        "asked": {m.name: [str(n) for n in inputs.cells[m.name]["item"].to_numpy()] for m in inputs.models},
        "plain": heads.regressions(plain.regressions(inputs)),
        "predictive": list(heads.panels(panels(inputs))),
        "support": instruments.told(inputs, support, xr.Dataset(), heads.support) if support else None,
        "vignettes": vignettes.told(inputs, xr.Dataset(), heads.order) if judged else None,
        "items": list(inputs.survey.items),
        "levels": {n: len(c.levels) for n, c in inputs.survey.codebook.items() if c.role in SCALES},
        "columns": {n: c.name for n, c in inputs.survey.codebook.items() if c.role in SCALES},
    }


def panels(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Shares as audits store them, counted from the table; those drawn are as those observed."""
    table = inputs.survey.table
    for model in inputs.models:
        for item in map(str, inputs.cells[model.name]["item"].to_numpy()):
            for gift in (0, 1):
                codes = table.loc[table["gift"] == gift, item].cat.codes.to_numpy()
                n = np.bincount(codes[codes >= 0], minlength=len(table[item].cat.categories))
                if n.sum():
                    shares = [round(float(v), 4) for v in n / n.sum()]
                    drawn = dict.fromkeys(("observed", "mean", "lower", "upper"), shares)
                    yield {"model": model.name, "item": item, "arm": str(gift), "respondents": int(n.sum()), **drawn}


# The attacker's side ----------------------------------------------------------------------------------------------


def cells(record: Mapping[str, Any]) -> list[Cell]:
    """Every kind of people that a record speaks of: who gave an answer with a gift or without, who was dropped why."""
    found = [("said", n, g, str(j)) for n, k in record["levels"].items() for g in ("0", "1") for j in range(k)]
    found += [_row(d) for d in record["dropped"]]
    found += [("nothing of", *asked) for asked, _ in _rests(record)]
    pairs = {(row["lower"], row["higher"]) for row in (record["vignettes"] or {"pairs": ()})["pairs"]}
    return found + [("put", *pair, g, how) for pair in pairs for g in ("0", "1") for how in ("right", "tied", "wrong")]


def statements(record: Mapping[str, Any]) -> list[Statement]:
    """Everything that a record says, and that everybody knows of how it hangs together."""
    return [s for part in (_entered, _numbers, _answers, _support, _orders) for s in part(record)]


def _row(row: Mapping[str, Any]) -> Cell:
    return ("dropped", row["role"], row["column"], row["reason"])


def _answered(record: Mapping[str, Any], name: str, gifts: tuple[str, ...] = ("0", "1")) -> list[Cell]:
    return [("said", name, g, str(j)) for g in gifts for j in range(record["levels"][name])]


def _silent(record: Mapping[str, Any], name: str) -> list[Cell]:
    column = record["columns"][name]
    return [_row(d) for d in record["dropped"] if d["role"] in SCALES and d["column"] == column]


def _sum(cells: list[Cell], low: float, high: float, less: list[Cell] = []) -> Statement:  # noqa: B006
    return Statement(dict.fromkeys(cells, 1.0) | dict.fromkeys(less, -1.0), low, high)


def _entered(record: Mapping[str, Any]) -> Iterator[Statement]:
    """How many entered, how many rows there were, and what was dropped; a reason that is listed had somebody."""
    told = record["survey"]
    rows = [_row(d) for d in record["dropped"] if d["role"] not in SCALES]
    if told["kept"] is not None:
        yield _sum([KEPT], told["kept"], told["kept"])
    if told["rows"] is not None:
        yield _sum([KEPT, *rows], told["rows"], told["rows"])
    for d in record["dropped"]:
        yield _sum([_row(d)], *((1, np.inf) if d["count"] is None else (d["count"], d["count"])))
    for name in record["levels"]:
        yield _sum([*_answered(record, name), *_silent(record, name)], 0, 0, [KEPT])


def _numbers(record: Mapping[str, Any]) -> Iterator[Statement]:
    """How many models and regressions rest on: those who answered any of some questions; all, where it is none."""
    for asked, told in _rests(record):
        nobody = ("nothing of", *asked)
        for question in asked:
            yield _sum(_silent(record, question), 0, np.inf, [nobody])
        if len(asked) < 2:
            yield _sum([nobody], 0, 0, _silent(record, asked[0]) if asked else [])
        if told is not None:
            yield _sum([KEPT], told, told, [nobody])


def _rests(record: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], int | None]]:
    for name, told in record["models"].items():
        yield tuple(record["asked"][name]), told
    for name, row in record["plain"].items():
        yield ("market",) if name.startswith("market") else tuple(record["items"]), row["respondents"]


def _share(people: list[Cell], among: list[Cell], share: float, step: float) -> Iterator[Statement]:
    """A share of unknown numbers, rounded; of somebody."""
    yield Statement(dict.fromkeys(among, 1.0), 1.0, np.inf)
    for sign in (1, -1):  # sign (people - share among) lies no higher than half a step of those among
        weights = dict.fromkeys(among, -sign * share - step / 2 - DUST)
        yield Statement(weights | {c: weights.get(c, 0.0) + sign for c in people}, -np.inf, 0.0)


def _answers(record: Mapping[str, Any]) -> Iterator[Statement]:
    for row in record["predictive"]:
        among = _answered(record, row["item"], (str(row["gift"]),))
        for j, share in enumerate(row["observed"]):
            if share is not None:
                yield from _share([among[j]], among, share, row["step"])


def _support(record: Mapping[str, Any]) -> Iterator[Statement]:
    """Shares of a yes, sizes by standard errors, and the counts of a list by its types."""
    told = record["support"] or {"groups": ()}
    for row in told["groups"]:
        for role, said in ((role, said) for role, said in row.items() if role in ("direct", "randomised")):
            among = _answered(record, role, GROUPS[row["group"]])
            yes = said["mean"] if role == "direct" else 0.15 + said["mean"] * (1 - 0.15 - 0.15)
            yield from _share([c for c in among if c[-1] == "1"], among, yes, said["step"] + 1e-3 * (role != "direct"))
            if said["se"]:
                se = said["se"] * (1 if role == "direct" else 0.7)
                least, most = (yes * (1 - yes) / (se + sign * 6e-5) ** 2 for sign in (1, -1))
                yield _sum(among, np.floor(least), np.ceil(most))
    if "types" in told:
        control = len(told["types"]["share"][0])
        short = [c for c in _answered(record, "list_count") if int(c[-1]) < control]
        for y, parts in enumerate(zip(*told["types"]["share"], strict=True)):
            yield from _share([c for c in short if int(c[-1]) == y], short, sum(parts), 2 * told["step"])
        for name, at in (("floor", 0), ("ceiling", control - 1)):
            yield from _share([c for c in short if int(c[-1]) == at], short, told["ends"][name], told["step"])
        long = [c for c in _answered(record, "list_count") if int(c[-1]) >= control]
        for name, at in (("none", control), ("all", 2 * control)):
            yield from _share([c for c in long if int(c[-1]) == at], long, told["ends"][name], told["step"])


def _orders(record: Mapping[str, Any]) -> Iterator[Statement]:
    for row in (record["vignettes"] or {"pairs": ()})["pairs"]:
        pair, gifts = (row["lower"], row["higher"]), GROUPS[row["group"]]
        among = [("put", *pair, g, how) for g in gifts for how in ("right", "tied", "wrong")]
        for how in ("right", "tied", "wrong"):
            yield from _share([c for c in among if c[-1] == how], among, row[how], row["step"])
