"""Toy surveys of designs that lack something, and the graphs of the models built on them, each made once."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Final

import graphs
import toys

from largesse import models
from largesse.cells import Cells

FULL: Final = "full"
SMALL: Final = 120  # respondents where few draws are compared
RECIPES: Final = {
    FULL: toys.Recipe(),
    "one district": toys.Recipe(districts=1, respondents=SMALL),
    "one wave": toys.Recipe(waves=1, respondents=SMALL),
    "vignettes": toys.Recipe(items=(5,), vignettes=3, before=()),
    "one vignette": toys.Recipe(items=(5,), vignettes=1, respondents=SMALL),
    "vignettes and nothing else": toys.Recipe(
        districts=1, waves=1, items=(2,), vignettes=2, covariates=False, market=2, respondents=SMALL
    ),
    "one item": toys.Recipe(items=(5,), respondents=SMALL),
    "two items": toys.Recipe(items=(5, 3), respondents=SMALL),
    "no covariates": toys.Recipe(covariates=False, respondents=SMALL),
    "no modifiers": toys.Recipe(modifiers=False, respondents=SMALL),
    "nothing asked before": toys.Recipe(before=(), respondents=SMALL),
    "nothing asked on support": toys.Recipe(support=(), respondents=SMALL),
    "a direct question alone": toys.Recipe(support=("direct",), respondents=SMALL),
    "a list alone": toys.Recipe(support=("list_count",), respondents=SMALL),
    "a list and a direct question": toys.Recipe(support=("list_count", "direct"), respondents=SMALL),
    "a randomised question alone": toys.Recipe(support=("randomised",), respondents=SMALL),
    "two market answers": toys.Recipe(market=2, respondents=SMALL),
    "nothing": toys.Recipe(districts=1, waves=1, items=(3,), covariates=False, market=2, respondents=SMALL),
}
FULLEST: Final = {"anchored_loyalty": "vignettes"}  # vignettes belong to one item; other models want several
DISTRICT: Final = {"district_sd", "district_effect", "direct_sd", "direct_district"}
COVERAGE: Final = {"spillover", "spillover_by", "spillover_received", "between"}
ANY: Final = {p.name for p in models.get("market_participation").parameters if p.name.startswith("any_")}
MUCH: Final = {p.name for p in models.get("market_participation").parameters if p.name.startswith("much_")}


WILLING: Final = {p.name for p in models.get("sincere_support").parameters if p.name.startswith("willing_")}
CONTROL: Final = {p.name for p in models.get("sincere_support").parameters if p.name.startswith("control_")}


def _market(*terms: str) -> set[str]:
    return {f"{part}_{term}" for part in ("any", "much") for term in terms}


def _support(*terms: str) -> set[str]:
    return {f"{part}_{term}" for part in ("sincere", "willing") for term in terms}


def _anchored(*terms: str) -> set[str]:
    return {f"{part}{term}" for part in ("", "style_") for term in terms}


def _joint(receipt: set[str], loyalty: set[str], market: set[str], *others: str) -> set[str]:
    """Terms of the joint model: of its equations by the names of their own models, and those that only it has."""
    return {f"receipt_{n}" for n in receipt} | {f"loyalty_{n}" for n in loyalty} | market | {*others}


PAIRS: Final = {f"correlation_{a}_{b}" for a, b in combinations(("receipt", "loyalty", "any", "much"), 2)}
WITH_MUCH: Final = {"much_disposition", *(name for name in PAIRS if name.endswith("much"))}
BY_DISTRICT: Final = {"before_district_sd", "before_district_effect", "favour_sd", "favour_district", *PAIRS}
ON_SUPPORT: Final = {
    *(p.name for p in models.get("sincere_support").parameters),
    "sincere_disposition",
    "willing_disposition",
}
BEFORE: Final = {p.name for p in models.get("joint").parameters if p.name.startswith(("before_", "favour"))}
EVERYTHING: Final = {"wave_effect", "covariate_effect", "direct_by", *DISTRICT, *COVERAGE}
OFFICES: Final = {"district_sd", "district_effect", "district_wave_sd", "district_wave"}
DROPPED: Final = {  # by hand: (design, model) -> the terms that this design cannot inform
    (FULL, "gift_allocation"): set(),
    (FULL, "reported_loyalty"): set(),
    (FULL, "market_participation"): set(),
    ("one district", "gift_allocation"): OFFICES,
    ("one district", "reported_loyalty"): DISTRICT | COVERAGE,
    ("one district", "market_participation"): _market(*DISTRICT, *COVERAGE),
    ("one wave", "gift_allocation"): {"wave_effect", "district_wave_sd", "district_wave"},
    ("one wave", "reported_loyalty"): {"wave_effect"},
    ("one item", "reported_loyalty"): {"disposition_sd", "discrimination"},
    ("two items", "reported_loyalty"): {"discrimination"},
    ("no covariates", "gift_allocation"): {"standing"},
    ("no covariates", "reported_loyalty"): {"covariate_effect", "direct_by", "spillover_by"},
    ("no modifiers", "reported_loyalty"): {"direct_by", "spillover_by"},
    ("two market answers", "market_participation"): MUCH,
    (FULL, "sincere_support"): set(),
    ("one district", "sincere_support"): _support(*DISTRICT, *COVERAGE),
    ("one wave", "sincere_support"): _support("wave_effect"),
    ("no covariates", "sincere_support"): {
        *_support("covariate_effect", "direct_by", "spillover_by"),
        "control_covariate_effect",
    },
    ("a direct question alone", "sincere_support"): {"over_intercept", *CONTROL},
    ("a list alone", "sincere_support"): {*WILLING, "under_intercept", "over_intercept"},
    ("a list and a direct question", "sincere_support"): set(),
    ("a randomised question alone", "sincere_support"): {*WILLING, "under_intercept", "over_intercept", *CONTROL},
    ("vignettes", "anchored_loyalty"): set(),
    ("one vignette", "anchored_loyalty"): set(),
    ("vignettes and nothing else", "anchored_loyalty"): _anchored(*EVERYTHING),
    (FULL, "joint"): set(),
    ("one district", "joint"): _joint(
        OFFICES, DISTRICT | COVERAGE, _market(*DISTRICT, *COVERAGE), *BY_DISTRICT, *_support(*DISTRICT, *COVERAGE)
    ),
    ("one wave", "joint"): _joint(
        {"wave_effect", "district_wave_sd", "district_wave"},
        {"wave_effect"},
        _market("wave_effect"),
        *_support("wave_effect"),
        "before_wave_effect",
    ),
    ("one item", "joint"): {"loyalty_disposition_sd", "loyalty_discrimination"},
    ("two market answers", "joint"): MUCH | WITH_MUCH,
    ("nothing asked before", "joint"): BEFORE,
    ("nothing asked on support", "joint"): ON_SUPPORT,
    ("a direct question alone", "joint"): {"over_intercept", *CONTROL},
    ("a list alone", "joint"): {*WILLING, "under_intercept", "over_intercept", "willing_disposition"},
    ("nothing", "joint"): _joint(
        {"wave_effect", "standing", *OFFICES},
        {"disposition_sd", "discrimination", *EVERYTHING},
        MUCH | (ANY - {"any_direct", "any_cutpoint"}),
        *BY_DISTRICT,
        *WITH_MUCH,
        *_support(*EVERYTHING),
        "control_covariate_effect",
        "before_wave_effect",
        "before_covariate_effect",
    ),
    ("nothing", "gift_allocation"): {"wave_effect", "standing", *OFFICES},
    ("nothing", "reported_loyalty"): {"disposition_sd", "discrimination", *EVERYTHING},
    ("nothing", "market_participation"): MUCH | (ANY - {"any_direct", "any_cutpoint"}),
}


def full(model: str) -> str:
    """The design that informs every term of a model."""
    return FULLEST.get(model, FULL)


@cache
def toy(design: str) -> toys.Toy:
    """The toy survey of a design."""
    return toys.make(RECIPES[design])


def cells(design: str, model: str) -> Cells:
    """Its cells for a model."""
    return toy(design).cells[model]


@cache
def graph(design: str, model: str) -> graphs.Graph:
    """The model built on them."""
    return graphs.Graph(models.get(model), cells(design, model))
