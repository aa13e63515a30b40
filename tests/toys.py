"""Toy surveys: a few hundred made-up respondents whose answers the NumPy twins drew. Nobody in them exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
import xarray as xr

from largesse import dims, models
from largesse.cells import Cells, Design, part, profiles, sizes
from largesse.inputs import cells_of
from largesse.simulators import graded
from largesse.simulators.predictor import fixed, predictor
from largesse.study import Study
from largesse.survey import ROLES, Survey, validate

Array = np.ndarray[Any, Any]
Theta = dict[str, Array]

REFUSED = "refused"
COVARIATES = ("categorical", "continuous")


MARGINAL: Final = ("gift_allocation", "reported_loyalty", "market_participation")  # each draws its own answers
SUPPORT: Final = "sincere_support"  # likewise, by random numbers of its own
ANCHORED: Final = "anchored_loyalty"  # likewise, in place of the answers of reported loyalty
CONTROL_ITEMS: Final = 3
YES: Final = (0.1, 0.8)  # chances of a yes to the randomised question
TRUTH: Mapping[str, float] = {  # of moderate size and mixed sign; what is not here is drawn from the shipped priors
    "direct": 0.6,
    "spillover": -1.5,
    "spillover_received": -0.5,
    "between": 0.5,
    "disposition_sd": 1.2,
    "any_direct": 0.4,
    "much_direct": -0.3,
}


@dataclass(frozen=True)
class Recipe:
    """What a toy survey looks like; the defaults inform every term of every model.

    Attributes
    ----------
    items : number of answers of each loyalty item; market : of the market question (the lowest is staying out);
        before : of each item asked before the gift.
    support : the questions on support; the list has three control items.
    vignettes : how many described persons are judged like the one item; three items have none.
    favour : what the joint model assumes where nothing was asked before.
    refused : share of answers refused, each on its own.
    truth : parameter -> value, in place of a draw from the shipped prior.
    """

    seed: int = 20171012
    respondents: int = 240
    districts: int = 6
    waves: int = 2
    items: tuple[int, ...] = (5, 4, 3)
    market: int = 6
    before: tuple[int, ...] = (4,)
    support: tuple[str, ...] = ("list_count", "direct", "randomised")
    vignettes: int = 0
    favour: float = 0.5
    covariates: bool = True
    modifiers: bool = True
    weights: bool = False
    refused: float = 0.05
    truth: Mapping[str, Any] = field(default_factory=lambda: TRUTH)


@dataclass(frozen=True)
class Toy:
    """A toy survey and what the package makes of it.

    Attributes
    ----------
    study : its frozen record; survey : the validated table; design : how columns become numbers.
    cells : model name -> the cells of its outcomes.
    truth : model name -> parameter -> the value the answers were drawn under. Of the joint model only where several
        items are asked, before and after: gifts are given without favour, and answers before follow the disposition
        behind the answers after, so the truths of the three models and of those answers are one of the joint model.
    """

    recipe: Recipe
    study: Study
    survey: Survey
    design: Design
    cells: dict[str, Cells]
    truth: dict[str, Theta]

    def outcomes(self, model: str) -> tuple[str, ...]:
        """The columns that a model reads."""
        return outcomes(self.recipe, model)

    def rows(self, model: str) -> xr.Dataset:
        """One row per respondent in place of one per cell: what cells must be equivalent to."""
        explained = models.get(model)
        made = rows(self.survey, self.design, self.outcomes(model), everyone="gift" in explained.outcomes)
        known = (*explained.assumes, *(["yes"] if "yes" in self.cells[model] else []))
        return made.assign({name: self.cells[model][name] for name in known})


def make(recipe: Recipe | None = None) -> Toy:
    """Draw a toy survey: gifts by the allocation model, then answers that depend on them.

    Each model's answers need the columns drawn before; placeholders stand in until then.
    """
    recipe = recipe or Recipe()
    rng = np.random.default_rng(recipe.seed)
    study, table, truth = _study(recipe), _people(recipe, rng), {}
    for name in MARGINAL:
        survey, design = _read(table, study)
        truth[name], drawn = _drawn(recipe, name, rows(survey, design, outcomes(recipe, name)), rng)
        table = table.assign(**{column: _text(values, column) for column, values in drawn.items()})
    if recipe.support:
        survey, design = _read(table, study)
        asked = rows(survey, design, outcomes(recipe, SUPPORT)).assign(over=0.0, yes=("kind", list(YES)))
        truth[SUPPORT], drawn = _drawn(recipe, SUPPORT, asked, np.random.default_rng([recipe.seed, 2]))
        table = table.assign(**_unfolded(drawn))
    if recipe.vignettes:
        survey, design = _read(table, study)
        asked = rows(survey, design, outcomes(recipe, ANCHORED))
        truth[ANCHORED], drawn = _drawn(recipe, ANCHORED, asked, np.random.default_rng([recipe.seed, 4]))
        table = table.assign(**{column: _text(values, column) for column, values in drawn.items()})
    if recipe.before and len(recipe.items) > 1:
        survey, design = _read(table, study)
        asked = rows(survey, design, outcomes(recipe, "joint")).assign(over=0.0, yes=("kind", list(YES)))
        truth["joint"], drawn = _together(recipe, asked, truth)
        table = table.assign(**{column: _text(values, column) for column, values in drawn.items()})
    refusing = np.random.default_rng([recipe.seed, 3])
    for column in (c for c in ("direct", "randomised") if c in recipe.support):
        table.loc[refusing.uniform(size=len(table)) < recipe.refused, column] = REFUSED
    for column in (*_items(recipe), "market", *_before(recipe), *_vignettes(recipe)):
        table.loc[rng.uniform(size=len(table)) < recipe.refused, column] = REFUSED
    survey, design = _read(table, study)
    cells = {name: cells_of(models.get(name), study, survey, design) for name in study.models}
    return Toy(recipe, study, survey, design, cells, truth)


def outcomes(recipe: Recipe, model: str) -> tuple[str, ...]:
    """The columns that a model reads of a toy survey."""
    asked: dict[str, tuple[str, ...]] = {
        "gift": (),
        "loyalty": _items(recipe),
        "market": ("market",),
        "loyalty_before": _before(recipe),
        "vignettes": _vignettes(recipe),
    }
    asked |= {role: (role,) if role in recipe.support else () for role in ("list_count", "direct", "randomised")}
    made = models.get(model)
    read = {*made.outcomes, *made.optional}
    return tuple(column for role in ROLES if role in read for column in asked[role])


def rows(survey: Survey, design: Design, asked: tuple[str, ...], *, everyone: bool = False) -> xr.Dataset:
    """[cell] one row per respondent who answered any of what was asked, or per respondent, each counting 1."""
    table = design.table
    table = table[table[list(asked)].notna().any(axis=1)] if asked and not everyone else table
    names = [dims.DISTRICT, dims.WAVE, "gift", *(n for n, c in survey.codebook.items() if c.role in COVARIATES)]
    out = profiles(pl.DataFrame({n: _code(table[n]) for n in names}), design, survey)
    out["count"] = (dims.CELL, np.ones(len(table)))
    out["answer"] = (
        (dims.CELL, dims.ITEM),
        np.array([_code(table[a]) for a in asked]).reshape(len(asked), len(table)).T,
    )
    out["answers"] = (dims.ITEM, np.array([len(table[a].cat.categories) for a in asked], dtype=int))
    roles = np.array([survey.codebook[a].role for a in asked], dtype=str)
    return out.assign_coords({dims.ITEM: list(asked), dims.ROLE: (dims.ITEM, roles)})


def _before(recipe: Recipe) -> tuple[str, ...]:
    return tuple(f"before{k}" for k in range(1, len(recipe.before) + 1))


def _vignettes(recipe: Recipe) -> tuple[str, ...]:
    return tuple(f"vignette{k}" for k in range(1, recipe.vignettes + 1))


def _items(recipe: Recipe) -> tuple[str, ...]:
    return tuple(f"item{k}" for k in range(1, len(recipe.items) + 1))


def _study(recipe: Recipe) -> Study:
    columns: dict[str, Any] = {"gift": "gift", "loyalty": _items(recipe), "market": "market"}
    columns |= {"loyalty_before": _before(recipe)} if recipe.before else {}
    columns |= {"vignettes": _vignettes(recipe)} if recipe.vignettes else {}
    columns |= {role: role for role in recipe.support} | (
        {"list_arm": "list_arm"} if "list_count" in recipe.support else {}
    )
    columns |= {"district": "district"} if recipe.districts > 1 else {}
    columns |= {"wave": "round"} if recipe.waves > 1 else {}
    columns |= {"weight": "weight"} if recipe.weights else {}
    columns |= {"categorical": ["songbun"], "continuous": ["household"]} if recipe.covariates else {}
    counts, asked = _counts(recipe), {SUPPORT: recipe.support, ANCHORED: recipe.vignettes}
    table = {
        "name": "toy",
        "title": "A made-up survey",
        "synthetic": True,
        "seed": recipe.seed,
        "models": [name for name in models.SHIPPED if asked.get(name, True)],
        "survey": {"file": "toy.csv"},
        "columns": columns,
        "instruments": _instruments(recipe),
        "levels": {column: [f"{c}" for c in range(n)] for column, n in counts.items()},
        "missing": {"refused": [REFUSED]},
        "effects": {
            "modifiers": ["songbun"] if recipe.modifiers and recipe.covariates else [],
            "favour": recipe.favour,
        },
    }
    return Study.from_table(table, Path("toy/study.toml"))


def _counts(recipe: Recipe) -> dict[str, int]:
    """Question -> number of its answers."""
    items, before = zip(_items(recipe), recipe.items, strict=True), zip(_before(recipe), recipe.before, strict=True)
    judged = dict.fromkeys(_vignettes(recipe), recipe.items[0] if recipe.items else 0)
    return {**dict(items), "market": recipe.market, **dict(before), **judged}


def _people(recipe: Recipe, rng: np.random.Generator) -> pd.DataFrame:
    """Who is asked, with a placeholder for each answer."""
    n = recipe.respondents
    table = pd.DataFrame(
        {
            "district": np.char.add("district ", (np.arange(n) % recipe.districts + 1).astype(str)),
            "round": np.char.add("round ", rng.integers(1, recipe.waves + 1, n).astype(str)),
            "songbun": rng.choice(["wavering", "core", "hostile"], p=[0.55, 0.25, 0.2], size=n),
            "household": rng.integers(1, 8, n).astype(float),
            "weight": rng.choice([0.5, 1.0, 2.5], size=n),
            "gift": np.arange(n) % 2,
        }
    )
    counts = _counts(recipe)
    halves = {"list_arm": np.arange(n) // 2 % 2, "direct": np.arange(n) % 2, "randomised": np.arange(n) % 2}
    table = table.assign(list_count=np.arange(n) % (CONTROL_ITEMS + 1), **halves)
    return table.assign(**{column: (np.arange(n) % k).astype(str) for column, k in counts.items()})


def _instruments(recipe: Recipe) -> dict[str, Any]:
    listed = {"control_items": CONTROL_ITEMS} if "list_count" in recipe.support else {}
    return listed | ({"forced": {"yes": YES[0], "no": 1 - YES[1]}} if "randomised" in recipe.support else {})


def _unfolded(drawn: Mapping[str, Array]) -> dict[str, Any]:
    """Answers to questions on support as a file holds them: of a list, count and arm."""
    found: dict[str, Any] = {column: _text(values, column) for column, values in drawn.items()}
    if "list_count" in drawn:
        code = drawn["list_count"]
        treated = code > CONTROL_ITEMS
        found |= {"list_count": code - treated * (CONTROL_ITEMS + 1), "list_arm": treated.astype(int)}
    return found


def _read(table: pd.DataFrame, study: Study) -> tuple[Survey, Design]:
    survey = validate(table, study, "toy")
    return survey, Design.of(survey, study.effects.modifiers)


def _drawn(recipe: Recipe, name: str, asked: xr.Dataset, rng: np.random.Generator) -> tuple[Theta, dict[str, Array]]:
    """A model's truth, and everyone's answers under it."""
    model = models.get(name)
    kept, _ = model.active(asked)
    theta = model.priors().draw(kept, sizes(asked), model.twin.answers(asked), rng)
    theta |= {p: np.asarray(v, dtype=float) for p, v in recipe.truth.items() if p in theta}
    return theta, model.twin.answer(stacked(theta), asked, rng)


def _together(recipe: Recipe, asked: xr.Dataset, truth: Mapping[str, Theta]) -> tuple[Theta, dict[str, Array]]:
    """The joint model's truth, and answers from before: of a disposition drawn given everyone's answers after.

    Its random numbers are its own: a toy's other answers are the same with or without items asked before.
    """
    rng, model = np.random.default_rng([recipe.seed, 1]), models.get("joint")
    kept, _ = model.active(asked)
    given = {f"receipt_{n}": v for n, v in _centred(truth["gift_allocation"]).items()}
    given |= {f"loyalty_{n}": v for n, v in truth["reported_loyalty"].items()} | truth["market_participation"]
    given |= truth.get(SUPPORT, {})
    given |= {p.name: np.zeros(()) for p in kept if p.construct == "correlation" or p.name.endswith("_disposition")}
    given |= {"favour": np.zeros(()), "favour_district": np.zeros(asked.sizes[dims.DISTRICT])}
    free = [p for p in kept if p.name not in given]
    theta = model.priors().draw(free, sizes(asked), model.twin.answers(asked), rng, given)
    theta = {p.name: theta[p.name] for p in kept}
    draws, before = stacked(theta), part(asked, "loyalty_before")
    eta = predictor(draws, asked, asked["gift"].to_numpy(), asked["coverage"].to_numpy(), "before_")[0]
    latent = eta + theta["loyalty_disposition_sd"] * _disposition(draws, asked, rng)
    cut, sharp = theta["before_cutpoint"], theta["before_discrimination"]
    drawn = graded.draw_answers(latent, cut, before["answers"].to_numpy(), sharp, 0.0, rng)
    return theta, {column: drawn[:, k] for k, column in enumerate(_before(recipe))}


def _centred(theta: Theta) -> Theta:
    """The same log-odds of a gift, with changes between waves that sum to zero in each district."""
    if "district_wave" not in theta:
        return theta
    lasting = theta["district_wave"].mean(axis=1)
    return theta | {
        "district_wave": theta["district_wave"] - lasting[:, None],
        "district_effect": theta["district_effect"] + lasting - lasting.mean(),
        "intercept": theta["intercept"] + lasting.mean(),
    }


def _disposition(theta: Theta, asked: xr.Dataset, rng: np.random.Generator) -> Array:
    """[respondent] drawn given all answers on loyalty, on a grid of hundredths: without favour gifts tell nothing."""
    after, grid = part(asked, "loyalty"), np.linspace(-6.0, 6.0, 1201)
    eta = predictor(theta, asked, asked["gift"].to_numpy(), asked["coverage"].to_numpy(), "loyalty_")
    latent = eta[:, :, None] + theta["loyalty_disposition_sd"][:, None, None] * grid
    answers = after["answers"].to_numpy()
    edges = graded.edges(theta["loyalty_cutpoint"], answers)
    sharp = fixed(theta, "loyalty_discrimination", 1.0, len(answers))
    each = graded.log_given(latent, after["answer"].to_numpy(), edges, sharp)[0] - grid**2 / 2
    below = np.cumsum(np.exp(each - each.max(axis=1, keepdims=True)), axis=1)
    return grid[(below < rng.uniform(size=len(below))[:, None] * below[:, -1:]).sum(axis=1)]


def stacked(theta: Theta) -> Theta:
    """One draw in the shape of many: [1, ...]."""
    return {name: np.asarray(value)[None] for name, value in theta.items()}


def _text(values: Array, column: str) -> Any:
    return values if column == "gift" else np.asarray(values).astype(int).astype(str)


def _code(values: pd.Series) -> Array:
    return np.asarray(values.cat.codes if isinstance(values.dtype, pd.CategoricalDtype) else values)
