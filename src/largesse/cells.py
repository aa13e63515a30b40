"""Cells: counts of distinct (profile, answers) patterns, all that a likelihood ever reads.

Collapsing is exact: respondents of one cell have the same likelihood, so a cell counts it `count` times.
With several items most cells hold one respondent, so cells are private data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
import xarray as xr

from largesse import dims
from largesse.exposure import Coverage, coverage
from largesse.maps import MAPS, Exposure, Known
from largesse.settings import Exposure as Asked
from largesse.survey import Survey

Array = np.ndarray[Any, np.dtype[Any]]
Cells = xr.Dataset
Frame = xr.Dataset

ALL = "all"  # the one district or wave of a survey without that role
RATE = Asked()  # the receipt rate as it is known
QUESTIONS: Final = {dims.ITEM: "loyalty", dims.BEFORE: "loyalty_before", dims.VIGNETTE: "vignettes"}  # dimension: role
PEOPLE, GIVEN = "#people", "#given"  # columns while counting; no covariate is called so


@dataclass(frozen=True)
class Design:
    """How a survey's columns become numbers: the design matrix and what people face, fixed once for all models.

    Attributes
    ----------
    columns : [covariate] frame of column, level (empty if continuous), center, scale; index = the column's name.
    modifiers : names of the design columns that change the gift's effect.
    coverage : who receives; see :class:`~largesse.exposure.Coverage`.
    exposure : what each respondent faces; see :class:`~largesse.maps.Exposure`.
    population : [district], people the district stands for; the sample's weight where no file says.
    """

    table: pd.DataFrame
    columns: pd.DataFrame
    modifiers: tuple[str, ...]
    coverage: Coverage
    exposure: Exposure
    population: Array

    @classmethod
    def of(cls, survey: Survey, modifiers: tuple[str, ...] = (), asked: Asked = RATE) -> Design:
        """The design of a survey.

        Parameters
        ----------
        modifiers : covariates that change the effect of a gift.
        asked : the map of exposure, and its group.

        Errors
        ------
        InputError
            when the map needs neighbours whose rates are not known.
        """
        table = survey.table.copy(deep=False)
        for role in (dims.DISTRICT, dims.WAVE):
            if role not in table:
                table[role] = pd.Categorical.from_codes(np.zeros(len(table), dtype=np.int8), pd.Index([ALL]))
        columns = pd.concat([_columns_of(table, name) for name in _covariates(survey)] or [_NO_COLUMNS])
        chosen = tuple(columns.index[columns["column"].isin(modifiers)])
        known = Known(coverage(table, survey.districts), table, survey.districts, survey.neighbours, asked.group)
        exposure, population = MAPS[asked.map].of(known), _population(table, survey.districts)
        return cls(table, columns, chosen, known.coverage, exposure, population)

    def matrix(self, profiles: Mapping[str, Any]) -> Array:
        """[row, covariate]: centred and scaled design columns of `profiles` (column name -> values)."""
        n = len(next(iter(profiles.values())))
        x = np.empty((n, len(self.columns)))
        for j, values in self.coordinates(profiles).items():
            x[:, j] = values
        return x

    def coordinates(self, profiles: Mapping[str, Any]) -> dict[int, Array]:
        """Position of a design column -> its coordinate at `profiles`, for the covariates that they name."""
        found: dict[int, Array] = {}
        for j, row in enumerate(self.columns.to_dict("records")):
            if row["column"] in profiles:
                values = np.asarray(profiles[row["column"]])
                raw = values.astype(str) == row["level"] if row["level"] else values.astype(float)
                found[j] = np.asarray((raw - row["center"]) / row["scale"])
        return found


_NO_COLUMNS = pd.DataFrame({"column": [], "level": [], "center": [], "scale": []}, index=pd.Index([], dtype=str))


def _covariates(survey: Survey) -> list[str]:
    return [n for n, c in survey.codebook.items() if c.role in ("categorical", "continuous")]


def _columns_of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Design columns of one covariate: a centred indicator per level but the first, or one standardised column."""
    values = table[name]
    if not isinstance(values.dtype, pd.CategoricalDtype):
        scale = float(values.std(ddof=0)) or 1.0
        return pd.DataFrame({"column": name, "level": "", "center": values.mean(), "scale": scale}, index=[name])
    present = [str(level) for level in values.cat.categories if (values == level).any()][1:]
    centers = [float((values == level).mean()) for level in present]
    index = [f"{name}: {level}" for level in present]
    return pd.DataFrame({"column": name, "level": present, "center": centers, "scale": 1.0}, index=index)


def _population(table: pd.DataFrame, districts: pd.DataFrame | None) -> Array:
    names = table[dims.DISTRICT].cat.categories
    weight = table.groupby(dims.DISTRICT, observed=False)["weight"].sum()
    if districts is not None and "population" in districts:
        stored = districts["population"].groupby(level=0).mean().reindex(names.astype(str))
        if stored.notna().all():
            weight = stored
    return weight.to_numpy(dtype=float)


def collapse(
    survey: Survey, design: Design, outcomes: tuple[str, ...], *, weighted: bool = False, everyone: bool = False
) -> Cells:
    """Collapse a survey to cells for the outcomes of one model.

    Parameters
    ----------
    outcomes : ordered columns whose answers the likelihood reads; respondents who answered none are left out.
        Empty for the allocation model, whose outcome is the gift itself.
    weighted : count each respondent by the weight of :func:`kish_weights`; a cell then holds people of one weight,
        so that leaving one of them out stays exact.
    everyone : keep respondents who answered none, for a model that explains their gifts too.

    Returns
    -------
    xarray.Dataset over `cell` with `people` (how many respondents, int), `count` (what the likelihood counts: people
    times the weight of each; equal to `people` unless `weighted`), `in_district`, `in_wave`, `gift`, `coverage`
    (centred, own gift left out), `x` [cell, covariate], `answer` [cell, item] (0 = lowest, -1 = no answer); over
    `district` the centred `coverage_between`; over `item` the number of `answers`.
    """
    table = design.table
    if outcomes and not everyone:
        table = table[table[list(outcomes)].notna().any(axis=1)]
    codes = _codes(table, [dims.DISTRICT, dims.WAVE, "gift", *_covariates(survey), *outcomes])
    if weighted:
        codes = codes.with_columns(pl.Series("weight", kish_weights(table)))
    patterns = codes.group_by(codes.columns).agg(pl.len().alias(PEOPLE)).sort(codes.columns)
    cells = profiles(patterns, design, survey)
    people = patterns[PEOPLE].to_numpy().astype(int)
    cells["people"] = (dims.CELL, people)
    cells["count"] = (dims.CELL, people * (patterns["weight"].to_numpy() if weighted else 1.0))
    answers = [patterns[o].to_numpy() for o in outcomes]
    cells["answer"] = ((dims.CELL, dims.ITEM), np.array(answers, dtype=int).reshape(len(outcomes), patterns.height).T)
    cells["answers"] = (dims.ITEM, np.array([len(design.table[o].cat.categories) for o in outcomes], dtype=int))
    roles = [survey.codebook[o].role for o in outcomes]
    return cells.assign_coords({dims.ITEM: list(outcomes), dims.ROLE: (dims.ITEM, np.array(roles, dtype=str))})


def part(cells: Cells, role: str) -> Cells:
    """The same cells or rows with the questions of one role alone, as a model that reads only those would have them."""
    return cells.isel({dims.ITEM: np.flatnonzero(cells[dims.ROLE].to_numpy() == role)})


def sizes(cells: Cells) -> dict[str, int]:
    """The length of each dimension that parameters can have; `item` counts the questions on loyalty."""
    roles = cells[dims.ROLE].to_numpy()
    asked = {dim: int((roles == role).sum()) for dim, role in QUESTIONS.items()}
    return {str(d): n for d, n in cells.sizes.items()} | asked


def frame(survey: Survey, design: Design) -> Frame:
    """The population table: one row per district, wave and covariate profile, with the share of people in it.

    Weighted by survey weights within a district and wave and by population between districts; waves count alike.
    `weight` sums to 1; `received` is the row's observed share of receivers. Profiles of weight 0 are left out.
    """
    table = design.table
    keys = [dims.DISTRICT, dims.WAVE, *_covariates(survey)]
    codes = _codes(table, keys).with_columns(
        pl.Series("weight", table["weight"].to_numpy(dtype=float)),
        pl.Series(GIVEN, (table["gift"] * table["weight"]).to_numpy(dtype=float)),
    )
    rows = codes.group_by(keys).agg(pl.col("weight").sum(), pl.col(GIVEN).sum()).sort(keys)
    rows = rows.filter(pl.col("weight") > 0)
    rows = rows.with_columns(gift=pl.lit(0))
    out = profiles(rows, design, survey).rename({dims.CELL: dims.ROW}).drop_vars("gift")
    d, t = out["in_district"].to_numpy(), out["in_wave"].to_numpy()
    weight = rows["weight"].to_numpy()
    in_office = np.zeros(design.coverage.rate.shape)
    np.add.at(in_office, (d, t), weight)
    waves = (in_office > 0).sum(axis=1)
    share = weight / in_office[d, t] * design.population[d] / waves[d]
    out["weight"] = (dims.ROW, share / share.sum())
    out["received"] = (dims.ROW, rows[GIVEN].to_numpy() / weight)
    c = design.exposure.coverage
    out["coverage"] = (dims.ROW, c.rate[d, t] - c.center)
    return out


def profiles(patterns: pl.DataFrame, design: Design, survey: Survey) -> xr.Dataset:
    """The profile variables of collapsed rows: district, wave, gift, coverage and design matrix."""
    codes = {name: patterns[name].to_numpy() for name in _covariates(survey)}
    raw = {name: _decoded(values, design.table[name]) for name, values in codes.items()}
    d, t, g = (patterns[c].to_numpy().astype(int) for c in (dims.DISTRICT, dims.WAVE, "gift"))
    x = design.matrix(raw) if raw else np.empty((len(d), 0))
    c, faced = design.exposure.coverage, design.exposure.faced({**codes, dims.DISTRICT: d, dims.WAVE: t, "gift": g})
    out = xr.Dataset(
        {
            "in_district": (dims.CELL, d),
            "in_wave": (dims.CELL, t),
            "gift": (dims.CELL, g),
            "coverage": (dims.CELL, faced - c.center),
            "x": ((dims.CELL, dims.COVARIATE), x),
            "coverage_between": (dims.DISTRICT, c.between()),
            "coverage_rate": ((dims.DISTRICT, dims.WAVE), c.rate),
            "modifier_index": (dims.MODIFIER, [design.columns.index.get_loc(m) for m in design.modifiers]),
        },
        coords={
            dims.DISTRICT: design.table[dims.DISTRICT].cat.categories.astype(str).to_list(),
            dims.WAVE: design.table[dims.WAVE].cat.categories.astype(str).to_list(),
            dims.COVARIATE: design.columns.index.astype(str).to_list(),
            dims.MODIFIER: list(design.modifiers),
        },
        attrs={"coverage_center": c.center, "coverage_source": c.source, "reliability": c.reliability},
    )
    out["modifier_index"] = out["modifier_index"].astype(int)
    return out


def _codes(table: pd.DataFrame, names: list[str]) -> pl.DataFrame:
    """Categories as their codes (-1 = no answer), numbers as they are."""
    return pl.DataFrame({n: _coded(table[n]) for n in names})


def _coded(values: pd.Series) -> Array:
    return np.asarray(values.cat.codes if isinstance(values.dtype, pd.CategoricalDtype) else values)


def _decoded(codes: Array, values: pd.Series) -> Array:
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return codes
    return np.asarray(np.asarray(values.cat.categories.astype(str))[codes])


def kish_weights(table: pd.DataFrame) -> Array:
    """[respondent]: weights rescaled to sum, within each district, to the district's effective size.

    Rescaled by district and not overall: weights that only differ between districts cost no precision in a model with
    district effects, and the frame restores the districts' sizes. A district of weight 0 counts for nothing.
    """
    weight = table["weight"].to_numpy(dtype=float)
    by_district = table.assign(square=weight**2).groupby(dims.DISTRICT, observed=True)
    total, square = (by_district[c].transform("sum").to_numpy(dtype=float) for c in ("weight", "square"))
    return np.asarray(weight * np.divide(total, square, out=np.zeros_like(total), where=square > 0))


def effective_size(weight: Array) -> float:
    """Kish's effective number of respondents, (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def lacks(cells: Cells) -> dict[str, str]:
    """Features this design does not have, each with the sentence that says why a term needing it is left out."""
    rate = cells["coverage_rate"].to_numpy()
    within = np.nanmax(rate, axis=1) - np.nanmin(rate, axis=1)
    roles = cells[dims.ROLE].to_numpy()
    market, items = part(cells, "market")["answers"].to_numpy(), sizes(cells)[dims.ITEM]
    judged = part(cells, "vignettes")["answers"].to_numpy()
    absent = {
        "districts": (cells.sizes[dims.DISTRICT] > 1, "there are no districts to compare, or only one"),
        "waves": (cells.sizes[dims.WAVE] > 1, "there is only one wave"),
        "covariates": (cells.sizes[dims.COVARIATE] > 0, "the study names no covariates"),
        "modifiers": (cells.sizes[dims.MODIFIER] > 0, "the study names no modifiers of the gift's effect"),
        "coverage": (float(np.nanmax(rate) - np.nanmin(rate)) > 1e-9, "coverage is the same everywhere"),
        "changing coverage": (
            float(within.max()) > 1e-9,
            "coverage never changes within a district, so nothing tells its effect from lasting differences",
        ),
        "amounts": (
            int(market.max(initial=0)) > 2,
            "the question has two answers: it asks whether, not how much",
        ),
        "market": (len(market) > 0, "the study has no market question"),
        "loyalty before": (
            "loyalty_before" in roles,
            "nothing says how loyal people were before: favour is set, not estimated",
        ),
        "support": (
            bool({"list_count", "direct", "randomised"} & {*roles}),
            "the study asks nothing about support",
        ),
        "list experiment": ("list_count" in roles, "the study has no list experiment"),
        "direct question": ("direct" in roles, "the study asks nobody directly about support"),
        "indirect question": (
            bool({"list_count", "randomised"} & {*roles}),
            "nobody was asked indirectly, so nothing tells what people say from what they believe",
        ),
        "asked together": (
            _asked_together(cells),
            "nobody was asked both directly and indirectly: how many say yes against their mind is assumed",
        ),
        "two items": (items >= 2, "one item alone cannot separate the disposition from the noise of its answers"),
        "vignettes": (
            len(judged) > 1 or int(judged.max(initial=0)) > 2,
            "a single vignette with two answers cannot tell how people differ in the use of answers from their noise",
        ),
        "three items": (items >= 3, "with fewer than three items all are taken to discriminate alike"),
    }
    return {feature: why for feature, (present, why) in absent.items() if not present}


def _asked_together(cells: Cells) -> bool:
    """Whether somebody was asked directly and by a treated list or a randomised question; so if nobody answered yet.

    A control list tells nothing of the statement: those who saw it and were asked directly were not asked together.
    """
    direct, lists, randomised = (part(cells, role) for role in ("direct", "list_count", "randomised"))
    if not direct.sizes[dims.ITEM] or not lists.sizes[dims.ITEM] + randomised.sizes[dims.ITEM]:
        return False
    if "answer" not in cells:
        return True
    treated = lists["answer"].to_numpy() >= lists["answers"].to_numpy() // 2
    told = treated.any(axis=1) | (randomised["answer"].to_numpy() >= 0).any(axis=1)
    return bool((told & (direct["answer"].to_numpy()[:, 0] >= 0)).any())
