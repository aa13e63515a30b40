"""Proposal: a survey that might be made, read off a pilot or a stated world, and its sizes.

A pilot gives its sizes, its questions and the shares of its covariates, each by itself; nothing else of a respondent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import ValidationError

from largesse import dims, models
from largesse.errors import InputError, Problem
from largesse.inputs import BORROW, Inputs, gather, lenders
from largesse.parameters import Parameter
from largesse.priors import PriorSet
from largesse.results import SMALLEST
from largesse.settings import Estimands
from largesse.study import Study, problems_of, read_toml
from largesse.synthetic import JOINT, MARKET_QUESTION, Synthetic, World, simulate

Settings = Mapping[str, int]

VARIED: Final = ("districts", "respondents", "items", "waves")  # respondents: per district
NARROW: Final = 0.5  # sd below which a covariate is counted in tenths or finer: the numbers of a world are whole


@dataclass(frozen=True)
class Proposal:
    """A survey that might be made, and what would be asked of it.

    Attributes
    ----------
    world : sizes, questions, covariates, root seed; truths that are stated, the others come from the priors.
    models : which are fitted, of those that the world is drawn from.
    estimands : interval, ROPE, coverages compared and shares of market bands, as the study would report.
    overrides : model -> the study's own entries of its priors.
    administrative : whether coverage will be known from a district file; else it is the sample's, with its noise.
    """

    world: World
    models: tuple[str, ...] = World().models
    estimands: Estimands = field(default_factory=Estimands)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    administrative: bool = True

    @cached_property
    def priors(self) -> dict[str, PriorSet]:
        """By model, those that are not fitted too: they draw gifts and answers."""
        return {
            n: models.get(n).priors().overridden(self.overrides.get(n, {}), "study.toml") for n in self.world.models
        }


def proposed(given: Path | str | Study, only: Sequence[str] = (), **asked: Any) -> Proposal:
    """The proposal of a study whose survey serves as a pilot, or of a `world.toml`.

    Parameters
    ----------
    given : a study, its `study.toml` or folder, or a `world.toml`.
    only : models to plan for; unless given all of the study's, or those that the world is drawn from.
    asked : keys of `[estimands]` in the place of the study's own, such as `interval` and `rope`.

    Errors
    ------
    InputError
        with all that is wrong with the file, a model that is not the study's, or an estimand that cannot be.
    """
    record = given if isinstance(given, Study) else _read(Path(given))
    known = (JOINT,) if JOINT in record.models else record.models  # its world draws from nothing else
    chosen = tuple(only) or known
    problems = [
        Problem("command line", "models", repr(name), f"one of {', '.join(sorted({*known} & {*models.SHIPPED}))}")
        for name in chosen
        if name not in known or name not in models.SHIPPED
    ]
    if problems:
        raise InputError(problems)
    if isinstance(record, World):
        return Proposal(record, chosen, _estimands(Estimands(), asked))
    if lent := lenders(record):
        found, expected = "borrowed priors", "none: a plan draws its truths from priors that nobody has learnt from"
        raise InputError.one("study.toml", f"key 'priors.{next(iter(lent))}.{BORROW}'", found, expected)
    inputs = gather(record)
    overrides = {
        name: {p: inputs.priors[name][p].model_dump(mode="json") for p in table}
        for name, table in record.priors.items()
    }
    known_coverage = inputs.design.coverage.source == "administrative"
    return Proposal(world_of(inputs), chosen, _estimands(record.estimands, asked), overrides, known_coverage)


def _read(path: Path) -> Study | World:
    path = path / "study.toml" if path.is_dir() else path
    return Study.read(path) if "survey" in read_toml(path) else World.read(path)


def _estimands(study: Estimands, asked: Mapping[str, Any]) -> Estimands:
    """The study's, without its profiles, and with what is asked in the place of its own."""
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        return Estimands.model_validate(study.model_dump() | {"at": ()} | given)
    except ValidationError as error:
        raise InputError(problems_of(error, "estimands")) from None


def world_of(inputs: Inputs) -> World:
    """The world that a pilot describes: sizes, questions with their answers, the share of every covariate level.

    Covariates are independent of one another in it. A level that fewer than 5 respondents have counts as 5, so that no
    smaller count can be read off. Answers that are missing for whatever reason are spread evenly over the questions. A
    question that the study does not ask stands as in the default world, and nobody looks at the answers; the joint
    model, which looks at every question, is planned without the market where there is no such question.
    """
    survey, study, table = inputs.survey, inputs.study, inputs.design.table
    book = survey.codebook
    default, together = World(), JOINT in study.models
    before, market = survey.before if together else (), book.get(MARKET_QUESTION)
    asked = [book[name] for name in (*survey.items, MARKET_QUESTION, *before) if name in book]
    return World(
        name=study.name,
        seed=study.seed,
        respondents=len(table),
        districts=len(table[dims.DISTRICT].cat.categories),
        waves=_waves(len(table[dims.WAVE].cat.categories)),
        categorical={n: _shares(table[n]) for n, c in book.items() if c.role == "categorical"},
        continuous={n: _spread(table[n]) for n, c in book.items() if c.role == "continuous"},
        modifiers=study.effects.modifiers,
        before={name: book[name].levels for name in before},
        favour=study.effects.favour if together and not before else None,
        items={name: book[name].levels for name in survey.items} or default.items,
        market=market.levels if market else () if together else default.market,
        dont_know=_silent([c.dont_know + c.missing for c in asked], survey.rows),
        refused=_silent([c.refused for c in asked], survey.rows),
    )


def _shares(values: pd.Series) -> dict[str, float]:
    """Level -> share; what is added to rare levels comes off the commonest, or the sum would tell how much it was."""
    levels = values.cat.categories.astype(str)
    counts = np.maximum(np.bincount(values.cat.codes, minlength=len(levels)), SMALLEST)
    counts[counts.argmax()] = max(1, counts.max() - (counts.sum() - len(values)))
    return {level: round(float(count) / len(values), 4) for level, count in zip(levels, counts, strict=True)}


def _spread(values: pd.Series) -> tuple[float, float]:
    """Mean and sd, in whatever power of ten a world's whole numbers are fine enough for: models standardise anyway."""
    mean, sd = float(values.mean()), float(values.std(ddof=0))
    unit = 10.0 ** np.ceil(np.log10(NARROW / sd)) if 0 < sd < NARROW else 1.0
    return round(mean * unit, 2), round(sd * unit, 2)


def _silent(counts: list[int], rows: int) -> float:
    return round(float(np.mean(counts or [0])) / rows, 3)


def _waves(number: int) -> tuple[str, ...]:
    """Numbers, which sort as they are ordered."""
    return tuple(f"wave {t}" for t in range(1, number + 1))


# --- sizes ---------------------------------------------------------------------------------------------------


def parse_vary(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """What varies, of texts such as `districts=12,24`: name -> sizes in the order given.

    Errors
    ------
    InputError
        with every text that is not of that form.
    """
    vary: dict[str, tuple[int, ...]] = {}
    problems = []
    for text in texts:
        name, _, values = text.partition("=")
        parts = [part.strip() for part in values.split(",")]
        sizes = tuple(int(part) for part in parts if part.isdecimal() and int(part))
        if name not in VARIED:
            problems.append(
                Problem("command line", "--vary", repr(text), f"one of {', '.join(VARIED)}, then = and sizes")
            )
        elif name in vary:
            problems.append(Problem("command line", "--vary", f"{name} more than once", "each name once"))
        elif len(sizes) < len(parts) or len(set(sizes)) < len(sizes):
            expected = f"different whole numbers from 1 on, for example {name}=1,2,4"
            problems.append(Problem("command line", "--vary", repr(text), expected))
        else:
            vary[name] = sizes
    if problems:
        raise InputError(problems)
    return vary


def sizes(world: World, vary: Mapping[str, Sequence[int]]) -> list[tuple[dict[str, int], World]]:
    """Every combination of what varies, with its world; respondents are per district, items the first of the world's.

    A stated truth is fitted to each size: of items the first are taken, a term that a size does not have is left out.

    Errors
    ------
    InputError
        with every size that cannot be simulated, and why; or a name that is not one of :data:`VARIED`.
    """
    if strange := sorted({*vary} - {*VARIED}):
        raise InputError.one("plan", "vary", repr(strange[0]), f"one of {', '.join(VARIED)}")
    found: list[tuple[dict[str, int], World]] = []
    problems: list[Problem] = []
    for values in product(*vary.values()):
        settings = dict(zip(vary, values, strict=True))
        try:
            found.append((settings, resized(world, settings)))
        except InputError as error:
            problems += [p for p in error.problems if p not in problems]
    if problems:
        raise InputError(problems)
    return found


def resized(world: World, settings: Settings) -> World:
    """A world of other sizes, its waves numbered; what is not in `settings` stays, respondents per district too."""
    districts = settings.get("districts", world.districts)
    people = round(settings.get("respondents", world.respondents / world.districts) * districts)
    waves = _waves(settings.get("waves", len(world.waves)))  # a reader sorts names: a truth by wave must do so too
    items = settings.get("items", len(world.items))
    fewest = max(10, districts * len(waves))
    wrong = {
        f"{items} items": items > len(world.items) and f"at most {len(world.items)}, which the world has",
        f"{people} respondents": people < fewest and f"at least {fewest}: one in each district and wave, 10 in all",
    }
    if problems := [Problem("plan", named(settings), found, expected) for found, expected in wrong.items() if expected]:
        raise InputError(problems)
    bare = world.model_copy(
        update={
            "districts": districts,
            "respondents": people,
            "waves": waves,
            "items": dict(list(world.items.items())[:items]),
            "truth": {},
        }
    )
    return bare.model_copy(update={"truth": _truths(world.truth, simulate(bare))}) if world.truth else bare


def named(settings: Mapping[str, Any]) -> str:
    """A size in words."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "the size as it is"


def _truths(stated: Mapping[str, Mapping[str, Any]], drawn: Synthetic) -> dict[str, dict[str, Any]]:
    """Stated truths at a size, of which `drawn` is any survey."""
    problems: list[Problem] = []
    fitted: dict[str, dict[str, Any]] = {}
    for name, table in stated.items():
        known = {p.name: p for p in models.get(name, "world").parameters}
        fitted[name] = {}
        for parameter, value in table.items():
            if parameter not in known:
                expected = f"one of {', '.join(known)}"
                problems.append(Problem("world", f"truth.{name}.{parameter}", "no such parameter", expected))
            elif parameter in drawn.truth.get(name, {}):
                fitted[name][parameter] = _at_size(value, known[parameter], drawn)
                problems += _misfit(fitted[name][parameter], known[parameter], name, drawn)
    if problems:
        raise InputError(problems)
    return fitted


def _at_size(value: Any, p: Parameter, drawn: Synthetic) -> Any:
    """Of a value for each loyalty item, the first."""
    by_item = p.dims in ((dims.ITEM,), (dims.CUT,)) and not isinstance(value, Mapping)
    return list(value)[: len(drawn.world.items)] if by_item else value


def _misfit(value: Any, p: Parameter, model: str, drawn: Synthetic) -> Iterator[Problem]:
    """A vector that is not as long as a size needs it, or lacks a name of it."""
    if p.construct == "cutpoints":
        return
    shape = np.shape(drawn.truth[model][p.name])
    asked = {dims.ITEM: list(drawn.world.items), dims.BEFORE: list(drawn.world.before)}
    names = {**asked, **drawn.coords}[p.dims[0]] if p.dims else []
    fits = {*names} <= {*value} if isinstance(value, Mapping) else np.shape(value) == shape
    if not fits:
        expected = f"a value for each {p.dims[0]} of every size, or none" if p.dims else "one number"
        yield Problem("world", f"truth.{model}.{p.name}", f"a value that does not fit {shape} values", expected)
