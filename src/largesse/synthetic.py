"""Synthetic surveys: a world drawn by the NumPy twins, with its truth beside it.

Nobody in such a file exists. It serves demonstration, calibration and planning, and says SYNTHETIC wherever it shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
import pandas as pd
import polars as pl
import xarray as xr
from pydantic import Field, ValidationError, model_validator

from largesse import dims, models
from largesse.cells import Design, profiles, sizes
from largesse.errors import InputError
from largesse.models.contract import NODES, Model, coords
from largesse.priors import PriorSet, cutpoints
from largesse.seeds import generator
from largesse.settings import DisagreementError, Effects, Record, Share
from largesse.simulators import joint
from largesse.simulators.graded import standard_normal_nodes
from largesse.store import atomic, fingerprint, write_json
from largesse.study import problems_of, read_toml
from largesse.survey import Column, Survey

Array = np.ndarray[Any, Any]
Truth = Mapping[str, Mapping[str, Array]]

ALLOCATION, LOYALTY, MARKET, JOINT = "gift_allocation", "reported_loyalty", "market_participation", "joint"
SUPPORT: Final = "sincere_support"
ANCHORED: Final = "anchored_loyalty"
DONT_KNOW, REFUSED = "don't know", "refused"
MARKET_QUESTION: Final = "market"
LIST, ARM, DIRECT, RANDOMISED = "list_count", "list_arm", "direct", "randomised"
YES_OR_NO: Final = ("no", "yes")
ITEM: Final = ("strongly disagree", "disagree", "agree", "strongly agree")
BANDS: Final = ("none", "under 25%", "25 to 50%", "50 to 75%", "over 75%", "almost all")


class World(Record):
    """Who lives in a synthetic world and what is true there; a truth that is not given is drawn from its prior.

    The defaults are the design of the calibration certificates: 8 districts, 400 respondents, two waves, two items.

    A world with a `favour`, or with items asked `before` the gifts, is one of the joint model: one disposition behind
    receipt and all answers. With items asked before, favour is one of the truths, and is not set here.

    It asks about support `direct`ly, by a list with so many `control_items`, by a randomised question whose `forced`
    answers are yes and no with these chances, or by several of them. With `apart`, who is shown the treated list is not
    asked directly; then those who say yes against their mind are a known share, `over`.

    With `vignettes`, from the least loyal to the most, people also judge described persons by the answers of its item.

    Models named in `drawn_by` stand in for the shipped ones of the same outcomes: so a model of somebody else's is
    calibrated on surveys that it drew itself.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "world"
    seed: Annotated[int, Field(ge=0)] = 0
    respondents: Annotated[int, Field(ge=10)] = 400
    districts: Annotated[int, Field(ge=1)] = 8
    waves: tuple[str, ...] = ("first", "second")
    categorical: Mapping[str, Mapping[str, Share]] = {"songbun": {"wavering": 0.55, "core": 0.25, "hostile": 0.2}}
    continuous: Mapping[str, tuple[float, float]] = {"household": (4.0, 1.0)}
    modifiers: tuple[str, ...] = ()
    items: Mapping[str, tuple[str, ...]] = {"pride": ITEM, "trust": ITEM}
    market: tuple[str, ...] = BANDS
    before: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    vignettes: tuple[str, ...] = ()
    direct: bool = False
    control_items: Annotated[int, Field(ge=1)] | None = None
    forced: tuple[Share, Share] | None = None
    apart: bool = False
    over: float = 0.0
    favour: float | None = None
    drawn_by: tuple[str, ...] = ()
    weights: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    dont_know: Share = 0.0
    refused: Share = 0.0
    truth: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_favour(self) -> Self:
        if both := sorted({*self.items, MARKET_QUESTION} & {*self.before}):
            raise DisagreementError(("before", f"{both[0]!r}, which is asked after too", "another name"))
        if self.before and self.favour is not None:
            raise DisagreementError(("favour", f"{self.favour:g}, beside items asked before", "truth.joint.favour"))
        if self.vignettes and (self.joint or len(self.items) != 1):
            found = "a joint world" if self.joint else f"{len(self.items)} items"
            raise DisagreementError(("vignettes", f"vignettes, in {found}", "one item, in a world that is not joint"))
        return self

    @model_validator(mode="after")
    def _stand_in(self) -> Self:
        if self.drawn_by and self.joint:
            raise DisagreementError(("drawn_by", "a joint world", "a world where receipt and answers are drawn apart"))
        if idle := sorted({*self.drawn_by} - {*self.models}):
            expected = f"one with the outcomes of {', '.join((ALLOCATION, *self.questions))}"
            raise DisagreementError(("drawn_by", repr(idle[0]), expected))
        return self

    @property
    def support(self) -> dict[str, tuple[str, ...]]:
        """The questions on support: column -> what can be answered."""
        sizes = range(self.control_items or 0, (self.control_items or 0) + 2)
        counts = tuple(f"{y} of {n}" for n in sizes for y in range(n + 1))
        asked = {LIST: self.control_items is not None, DIRECT: self.direct, RANDOMISED: self.forced is not None}
        return {name: counts if name == LIST else YES_OR_NO for name, there in asked.items() if there}

    @property
    def questions(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """By shipped model that explains answers apart from others: column -> what can be answered."""
        loyalty = {ANCHORED: self.judged} if self.vignettes else {LOYALTY: dict(self.items)}
        market = {MARKET_QUESTION: self.market} if self.market else {}
        return {n: asked for n, asked in {**loyalty, MARKET: market, SUPPORT: self.support}.items() if asked}

    @property
    def judged(self) -> dict[str, tuple[str, ...]]:
        """The item and the vignettes that are answered like it: column -> what can be answered."""
        (levels,) = self.items.values()
        return dict.fromkeys((*self.items, *self.vignettes), levels)

    @property
    def joint(self) -> bool:
        """Whether receipt and answers share a disposition."""
        return bool(self.before) or self.favour is not None

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that everything in it is drawn from."""
        if self.joint:
            return (JOINT,)
        return tuple(self.by(name) for name in (ALLOCATION, *self.questions))

    def by(self, name: str) -> str:
        """The model that stands in for a shipped one: one of `drawn_by` with its outcomes, else itself."""
        others = {n: {*models.get(n, "drawn_by").outcomes} for n in self.drawn_by}
        return next((n for n, outcomes in others.items() if outcomes & {*models.get(name).outcomes}), name)

    @classmethod
    def read(cls, path: Path | str) -> World:
        """Read `world.toml`.

        Errors
        ------
        InputError
            names the file and each key at fault.
        """
        try:
            return cls.model_validate(read_toml(Path(path)))
        except ValidationError as error:
            raise InputError(problems_of(error, str(path))) from None

    @property
    def district_names(self) -> list[str]:
        """Numbers, so that nobody takes one for a place."""
        return [f"district {d:02d}" for d in range(1, self.districts + 1)]


@dataclass(frozen=True)
class Synthetic:
    """A synthetic survey.

    Attributes
    ----------
    world : what it was drawn from.
    survey : one row per respondent, as a survey file holds it.
    districts : one row per district and wave: population, coverage, market access.
    truth : model -> parameter -> value, [dims of the parameter].
    coords : dimension -> names, in the order of the values.
    """

    world: World
    survey: pd.DataFrame
    districts: pd.DataFrame
    truth: Truth
    coords: Mapping[str, list[str]]

    def write(self, folder: Path) -> None:
        """Write `survey.csv`, `districts.csv` and `truth.json`, each whole or not at all."""
        for name, table in (("survey.csv", self.survey), ("districts.csv", self.districts)):
            with atomic(folder / name) as part:
                table.to_csv(part, index=False, lineterminator="\n")
        parameters = {m: {p: np.asarray(v).tolist() for p, v in theta.items()} for m, theta in self.truth.items()}
        made_by = fingerprint(self.world.model_dump(mode="json"))
        about = {"synthetic": True, "world": self.world.name, "made_by": made_by, "seed": self.world.seed}
        write_json(folder / "truth.json", {**about, "parameters": parameters, "coords": dict(self.coords)})


def simulate(world: World, priors: Mapping[str, PriorSet] | None = None) -> Synthetic:
    """Draw a survey: who is asked, who receives, what they say, and whether they trade.

    A truth that the world does not state is drawn from `priors` of its model, the shipped ones unless given.

    Gifts are drawn from the allocation model; a district's coverage is its expected receipt rate in the wave, to a
    tenth of a point, and stands in the district file as administrative coverage would. Answers follow. Receipt and
    answers share nothing but district, wave and covariates, except in a joint world: there all is drawn from the joint
    model, with one disposition for each person.

    Returns
    -------
    The survey ([respondent] rows), the districts ([district and wave] rows) and the truth of every parameter.

    Errors
    ------
    InputError
        when the world states a truth that its design has no parameter for.
    """
    people = _people(world, generator(world.seed, "people"))
    places = _places(world, generator(world.seed, "places"))
    draw = _together if world.joint else _apart
    truth, coords = draw(world, people, places, priors or {})
    _silence(world, people, generator(world.seed, "silence"))
    return Synthetic(world, people, places, truth, coords)


def _apart(
    world: World, people: pd.DataFrame, places: pd.DataFrame, priors: Mapping[str, PriorSet]
) -> tuple[Truth, dict[str, list[str]]]:
    """Receipt, loyalty and the market, each from its own model; fills in `people` and `places`."""
    truth: dict[str, dict[str, Array]] = {}
    people["gift"] = 0
    rows = _rows(world, people, places.assign(coverage=0.5), ())
    office = world.by(ALLOCATION)
    truth[office], given = _drawn(world, office, rows, priors)
    people["gift"] = given["gift"]
    chance = _expected_receipt(office, truth[office], rows)
    places["coverage"] = _rate_by_office(chance, rows).round(3)
    coords: dict[str, list[str]] = {}
    for shipped, questions in world.questions.items():
        rows = _rows(world, people, places, tuple(questions.items()))
        name, rows = world.by(shipped), _designed(world, rows) if shipped == SUPPORT else rows
        truth[name], said = _drawn(world, name, rows, priors)
        _write_down(people, questions, said)
        coords |= _coords(rows)
    if world.control_items is not None:
        _unfold(world, people)
    return truth, coords


def _designed(world: World, rows: xr.Dataset) -> xr.Dataset:
    """Rows with the designs of questions on support; of those put to different people, that nobody answered both."""
    rows = rows.assign(over=world.over)
    if world.forced:
        rows["yes"] = (dims.KIND, [world.forced[0], 1 - world.forced[1]])
    nobody = np.full((rows.sizes[dims.CELL], rows.sizes[dims.ITEM]), -1)
    return rows.assign(answer=((dims.CELL, dims.ITEM), nobody)) if world.apart else rows


def _unfold(world: World, people: pd.DataFrame) -> None:
    """Answers to a list as a survey file holds them, count and arm; with `apart` no direct answer of the treated."""
    count, length = (people[LIST].str.split(" of ").str[i].astype(int) for i in (0, 1))
    treated = (length > (world.control_items or 0)).to_numpy()
    people[LIST], people[ARM] = count, treated.astype(int)
    if world.apart and world.direct:
        people.loc[treated, DIRECT] = None


def _together(
    world: World, people: pd.DataFrame, places: pd.DataFrame, priors: Mapping[str, PriorSet]
) -> tuple[Truth, dict[str, list[str]]]:
    """Receipt and all answers from the joint model; fills in `people` and `places`."""
    model = models.get(JOINT)
    market = {MARKET_QUESTION: world.market} if world.market else {}
    questions = {**world.items, **market, **world.before, **world.support}
    people["gift"] = 0
    anywhere = np.linspace(0.1, 0.9, len(places))  # until receipts are known; which terms there are needs it to vary
    rows = _assumed(world, _rows(world, people, places.assign(coverage=anywhere), tuple(questions.items())))
    given = world.truth.get(JOINT, {})
    theta = complete(model, priors.get(JOINT) or model.priors(), rows, given, generator(world.seed, JOINT, "truth"))
    stacked, rng = {p: np.asarray(v)[None] for p, v in theta.items()}, generator(world.seed, JOINT, "answers")
    disposition = rng.normal(size=len(people))
    people["gift"] = joint.receive(stacked, rows, disposition, rng)
    chance = joint.receipt(stacked, rows, standard_normal_nodes(NODES[-1]))[0]
    places["coverage"] = _rate_by_office(chance, rows).round(3)
    rows = _assumed(world, _rows(world, people, places, tuple(questions.items())))
    _write_down(people, questions, joint.say(stacked, rows, disposition, rng))
    if world.control_items is not None:
        _unfold(world, people)
    return {JOINT: theta}, _coords(rows)


def _assumed(world: World, rows: xr.Dataset) -> xr.Dataset:
    """Rows with what the joint model reads as known; favour only where it is not a truth of its own."""
    known = {"favour": world.favour or 0.0, "estimated": bool(world.before)}
    rows = rows.assign({**known, "disposition_sd": Effects().disposition_sd})
    return _designed(world, rows) if world.support else rows


def _write_down(people: pd.DataFrame, questions: Mapping[str, tuple[str, ...]], said: Mapping[str, Array]) -> None:
    for question, levels in questions.items():
        people[question] = np.asarray(levels, dtype=object)[said[question]]


def _coords(rows: xr.Dataset) -> dict[str, list[str]]:
    named = (dims.DISTRICT, dims.WAVE, dims.COVARIATE, dims.MODIFIER)
    return {d: [str(v) for v in rows[d].to_numpy()] for d in named}


def _people(world: World, rng: np.random.Generator) -> pd.DataFrame:
    n, d, t = world.respondents, world.districts, len(world.waves)
    office = np.concatenate(
        [np.arange(d * t), rng.choice(d * t, p=rng.dirichlet(np.full(d * t, 20.0)), size=n - d * t)]
    )
    office.sort()  # every office is asked at least once
    table = pd.DataFrame(
        {"district": np.asarray(world.district_names)[office // t], "wave": np.asarray(world.waves)[office % t]}
    )
    for name, shares in world.categorical.items():
        p = np.array(list(shares.values()))
        table[name] = rng.choice(np.array(list(shares)), p=p / p.sum(), size=n)
    for name, (mean, sd) in world.continuous.items():
        table[name] = np.round(rng.normal(mean, sd, size=n))  # whole numbers: few distinct profiles
    if world.weights:
        table["weight"] = np.prod([table[c].map(w).to_numpy() for c, w in world.weights.items()], axis=0)
    return table


def _places(world: World, rng: np.random.Generator) -> pd.DataFrame:
    d, t = world.districts, len(world.waves)
    population = rng.integers(4_000, 16_000, size=d)
    access = np.round(rng.uniform(0.2, 1.0, size=d), 2)
    return pd.DataFrame(
        {
            "district": np.repeat(world.district_names, t),
            "wave": np.tile(world.waves, d),
            "population": np.repeat(population, t),
            "market_access": np.repeat(access, t),
        }
    )


def _rows(
    world: World, people: pd.DataFrame, places: pd.DataFrame, questions: tuple[tuple[str, Any], ...]
) -> xr.Dataset:
    """The rows of everyone, in the form a model's twin reads: profile, coverage, and the questions to be answered."""
    table = people[["gift"]].astype(np.int8)
    levels = {
        dims.DISTRICT: world.district_names,
        dims.WAVE: world.waves,
        **{n: tuple(s) for n, s in world.categorical.items()},
    }
    for name, names in levels.items():
        table[name] = pd.Categorical(people[name], categories=list(names))
    codebook = {n: Column(n, "categorical", n, tuple(s), 0, 0, 0) for n, s in world.categorical.items()}
    codebook |= {n: Column(n, "continuous", n, (), 0, 0, 0) for n in world.continuous}
    table = table.assign(**{n: people[n].astype(float) for n in world.continuous}, weight=1.0)
    known = places.set_index([dims.DISTRICT, dims.WAVE])
    survey = Survey(table, (), codebook, known, len(table), ())
    design = Design.of(survey, world.modifiers)
    coded = {n: table[n].cat.codes.to_numpy() for n in levels} | {
        n: table[n].to_numpy() for n in ("gift", *world.continuous)
    }
    rows = profiles(pl.DataFrame(coded), design, survey)
    rows["answers"] = (dims.ITEM, np.array([len(levels) for _, levels in questions], dtype=int))
    names = [name for name, _ in questions]
    roles = {**dict.fromkeys(world.items, "loyalty"), **dict.fromkeys(world.before, "loyalty_before")}
    roles |= {name: name for name in world.support} | dict.fromkeys(world.vignettes, "vignettes")
    role = np.array([roles.get(name, "market") for name in names], dtype=str)
    return rows.assign_coords({dims.ITEM: names, dims.ROLE: (dims.ITEM, role)})


def _drawn(
    world: World, name: str, rows: xr.Dataset, priors: Mapping[str, PriorSet]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """One model's truth, and the answers of everyone under it."""
    model = models.get(name)
    chosen = priors.get(name) or model.priors()
    theta = complete(model, chosen, rows, world.truth.get(name, {}), generator(world.seed, name, "truth"))
    stacked = {p: np.asarray(v)[None] for p, v in theta.items()}
    return theta, model.twin.answer(stacked, rows, generator(world.seed, name, "answers"))


def complete(
    model: Model, priors: PriorSet, rows: xr.Dataset, given: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Array]:
    """A full truth: what is `given`, and the rest drawn from the priors under it.

    A vector is given as a list in the order of its dimension, or as a table by name; cutpoints as a table of the shares
    of each item's answers at predictor 0.

    Errors
    ------
    InputError
        when a given parameter is not one the design has.
    """
    kept, dropped = model.active(rows)
    known = {p.name for p in kept}
    if strange := sorted(set(given) - known):
        found = "a term that this design drops" if strange[0] in {d.term for d in dropped} else "no such parameter"
        raise InputError.one("world", f"truth.{model.name}.{strange[0]}", found, ", ".join(sorted(known)))
    answers = model.twin.answers(rows)
    lengths = sizes(rows)
    theta: dict[str, Array] = {}
    for p in kept:
        if p.name not in given:
            theta = priors.draw([p], lengths, answers, rng, theta)
        elif p.construct == "cutpoints":
            theta[p.name] = np.concatenate([cutpoints(np.asarray(s) / np.sum(s)) for s in given[p.name]])
        else:
            value = given[p.name]
            if isinstance(value, Mapping):
                value = [value[n] for n in coords(rows, model.twin)[p.dims[0]]]
            theta[p.name] = np.asarray(value, dtype=float)
    return theta


def _expected_receipt(name: str, theta: Mapping[str, Array], rows: xr.Dataset) -> Array:
    """[row] probability of a gift under the model that receipts were drawn from."""
    nothing = np.zeros(rows.sizes[dims.CELL])
    twin = models.get(name).twin
    stacked = {p: np.asarray(v)[None] for p, v in theta.items()}
    return np.asarray(twin.predict(stacked, rows, nothing, nothing, (np.zeros(1), np.ones(1)))["receipt"][0])


def _rate_by_office(chance: Array, rows: xr.Dataset) -> Array:
    """[district and wave, waves fastest] mean probability."""
    d, t = rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()
    shape = (rows.sizes[dims.DISTRICT], rows.sizes[dims.WAVE])
    total, n = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (d, t), chance)
    np.add.at(n, (d, t), 1.0)
    return np.asarray((total / n).ravel())


def _silence(world: World, people: pd.DataFrame, rng: np.random.Generator) -> None:
    """Some answers become "don't know" or "refused", whatever they were."""
    asked = (*world.items, MARKET_QUESTION, DIRECT, RANDOMISED, *world.vignettes, *world.before)
    for question in (n for n in asked if n in people):
        u = rng.uniform(size=len(people))
        people.loc[u < world.dont_know, question] = DONT_KNOW
        people.loc[u > 1 - world.refused, question] = REFUSED
