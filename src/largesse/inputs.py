"""Inputs: all that a study's steps start from, and all that can be wrong with a study without sampling."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from largesse import dims, maps, models
from largesse.artefacts import MODELS, STUDY
from largesse.borrowed import Borrowed
from largesse.cells import Cells, Design, Frame, collapse, frame, part
from largesse.comparability import centred, differing, unasked
from largesse.errors import InputError, Problem
from largesse.models.contract import Model, coords
from largesse.priors import PriorSet
from largesse.reduction import contents
from largesse.resources import bibliography, models_folder
from largesse.settings import Exposure, MapName
from largesse.study import Study, read_toml
from largesse.survey import Survey, read_survey
from largesse.travelling import placed

Array = np.ndarray[Any, Any]

BORROW = "borrow"  # the key of `[priors.<model>]` that names a file
BIBLIOGRAPHY = "references.bib"
CERTIFICATE = ("specification.json", "summary.json", "ranks.csv", "truths.csv")  # in a model's folder `calibration`
CITED = re.compile(r"^@\w+\{([^,\s]+),", re.MULTILINE)  # the key of an entry
ALIKE = 1e-9  # shares that differ by less are the same, summed in another order


@dataclass(frozen=True)
class Inputs:
    """A study read and found to be whole.

    Attributes
    ----------
    study, survey, design : the record, the respondents, and how their columns become numbers.
    models : in the study's order.
    priors, cells, frames : by model: its priors under the study's overrides, its data, its population table.
    truth : of a synthetic study: model -> parameter -> value; else None.
    """

    study: Study
    survey: Survey
    design: Design
    models: tuple[Model, ...]
    priors: Mapping[str, PriorSet]
    cells: Mapping[str, Cells]
    frames: Mapping[str, Frame]
    truth: Mapping[str, Mapping[str, Array]] | None

    @property
    def files(self) -> dict[str, Path]:
        """Name -> path of every file that the study read, and of all that its models bring to its results."""
        named = self.study.survey
        read = {n: self.study.path(n) for n in (named.districts, named.neighbours, named.truth) if n}
        read |= contents(self.study.path(named.file), named.file)
        read |= {n: self.study.path(n) for n in lenders(self.study).values()}
        own = {n: self.study.path(n) for n in (STUDY, BIBLIOGRAPHY) if self.study.path(n).is_file()}
        return own | read | {name: path for m in self.models for name, path in _brought(m.name, m.resources).items()}


def _brought(model: str, folder: Path) -> dict[str, Path]:
    """Name -> path of what a model brings: card, priors and those they extend, the certificate where it has one."""
    proof = [f"calibration/{file}" for file in CERTIFICATE if (folder / "calibration" / file).is_file()]
    found = {f"{MODELS}/{model}/{file}": folder / file for file in ("card.md", "priors.toml", *proof)}
    for other in read_toml(folder / "priors.toml").get("extends", ()):
        taken = _brought(other["model"], models_folder() / other["model"])
        found |= {name: path for name, path in taken.items() if name.endswith("/priors.toml")}
    return found


def gather(study: Study) -> Inputs:
    """Read everything a study names.

    Errors
    ------
    InputError
        with every problem there is: of the survey, the models, their priors and the truth.
    """
    problems: list[Problem] = []
    survey = attempt(problems, read_survey, study)
    found = [attempt(problems, models.get, name, "study.toml") for name in study.models]
    known = tuple(m for m in found if m is not None)
    priors = {m.name: attempt(problems, priors_of, m, study) for m in known}
    problems += _misdirected(study, known)
    truth = attempt(problems, _truth, study)
    if problems or survey is None:
        raise InputError(problems)
    inputs = assemble(study, survey, known, {n: p for n, p in priors.items() if p}, truth.parameters if truth else None)
    if wrong := list(_unlike(inputs)):
        raise InputError(wrong)
    if truth:
        _hold(truth, inputs)
    return inputs


def assemble(
    study: Study,
    survey: Survey,
    known: tuple[Model, ...],
    priors: Mapping[str, PriorSet],
    truth: Mapping[str, Mapping[str, Array]] | None,
) -> Inputs:
    """Inputs of what has been read already: the design, each model's cells and its population table.

    Errors
    ------
    InputError
        when what is borrowed would not mean here what it meant there.
    """
    design = _centred(Design.of(survey, study.effects.modifiers, study.exposure), priors, study)
    cells = {m.name: cells_of(m, study, survey, design) for m in known}
    priors = {m.name: lent(priors[m.name], m, cells[m.name], _lender(m.name, study)) for m in known}
    everyone = frame(survey, design)
    frames = {m.name: _posed(everyone, m, cells[m.name], study) for m in known}
    return Inputs(study, survey, design, known, priors, cells, frames, truth)


def priors_of(model: Model, study: Study) -> PriorSet:
    """A model's priors with the study's own entries in the place of the shipped ones, and what it borrows."""
    mine = model.priors().overridden(entries(study, model.name), "study.toml")
    mine.check(model.parameters)
    if wrong := list(_uncited(mine, study)):
        raise InputError(wrong)
    if (name := lenders(study).get(model.name)) is None:
        return mine
    lender = Borrowed.read(study.path(name))
    lender.held_by(name, model.name)
    return replace(mine, lender=lender)


def entries(study: Study, model: str) -> dict[str, Any]:
    """A study's own priors of a model."""
    return {name: row for name, row in study.priors.get(model, {}).items() if name != BORROW}


def _uncited(priors: PriorSet, study: Study) -> Iterator[Problem]:
    """The study's own priors whose source is in no bibliography, neither the one beside it nor the shipped one."""
    files = [path for path in (study.path(BIBLIOGRAPHY), bibliography()) if path.is_file()]
    known = {key for path in files for key in CITED.findall(path.read_text(encoding="utf-8"))}
    for name in entries(study, priors.model):
        key = priors[name].source.key
        if key and key not in known:
            place = f"prior 'priors.{priors.model}.{name}', key 'source.key'"
            yield Problem("study.toml", place, repr(key), f"an entry of {BIBLIOGRAPHY}")


def lenders(study: Study) -> dict[str, str]:
    """Model -> the file that a study borrows from.

    Errors
    ------
    InputError
        when the key holds no name of a file.
    """
    named = {model: table[BORROW] for model, table in study.priors.items() if BORROW in table}
    wrong = [
        Problem("study.toml", f"key 'priors.{model}.{BORROW}'", repr(name), "the name of a file, relative to the study")
        for model, name in named.items()
        if not isinstance(name, str) or not name
    ]
    if wrong:
        raise InputError(wrong)
    return named


def _lender(model: str, study: Study) -> str:
    return lenders(study).get(model, f"what {model} borrows")


def _centred(design: Design, priors: Mapping[str, PriorSet], study: Study) -> Design:
    """The design, centred where the studies that it borrows from were."""
    settings = {_lender(n, study): p.lender.setting for n, p in priors.items() if p.lender}
    if not settings:
        return design
    (first, setting), *others = settings.items()
    if wrong := [problem for name, other in others for problem in differing(setting, other, name)]:
        raise InputError(wrong)
    for name, each in (*others, (first, setting)):
        design = centred(design, each, name)
    return design


def lent(priors: PriorSet, model: Model, cells: Cells, where: str) -> PriorSet:
    """The priors, with what they borrow put in its place in a design.

    Errors
    ------
    InputError
        when the design does not ask the questions that the lender asked, or has no place for anything borrowed.
    """
    if priors.lender is None:
        return priors
    kept, names = model.active(cells)[0], coords(cells, model.twin)
    asked = {dim for p in kept for dim in p.dims}
    told = {dim: along for dim, along in names.items() if dim in asked}
    if wrong := list(unasked(priors.lender.setting, told, where)):
        raise InputError(wrong)
    groups = {dim: cells.sizes[dim] for dim in (dims.DISTRICT, dims.WAVE)}
    return replace(priors, borrowed=placed(priors.lender, kept, names, groups))


def asked(model: Model, survey: Survey) -> tuple[str, ...]:
    """The columns whose answers a model's likelihood reads; none for the allocation of gifts."""
    roles = (*model.outcomes, *model.optional)
    return tuple(n for n, column in survey.codebook.items() if column.role in roles and column.role != "gift")


def cells_of(model: Model, study: Study, survey: Survey, design: Design) -> Cells:
    """A model's cells, with what it takes as known and whether favour is estimated instead."""
    weighted, everyone = study.weights.use == "likelihood", "gift" in model.outcomes
    cells = collapse(survey, design, asked(model, survey), weighted=weighted, everyone=everyone)
    known = {**study.effects.model_dump(), "estimated": bool(study.columns.loyalty_before)}
    cells = cells.assign({name: float(known[name]) for name in model.assumes})
    chances = study.instruments.yes if "randomised" in model.optional else None
    return cells if chances is None else cells.assign(yes=(dims.KIND, list(chances)))


def attempt[**P, T](problems: list[Problem], make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What `make` makes, or None with its problems put on the list."""
    try:
        return make(*args, **kwargs)
    except InputError as error:
        problems.extend(error.problems)
        return None


def _misdirected(study: Study, known: tuple[Model, ...]) -> list[Problem]:
    """Models without the columns they need."""
    return [
        Problem("study.toml", f"key 'columns.{role}'", "nothing", f"the column that {m.name} explains")
        for m in known
        for role in m.outcomes
        if not getattr(study.columns, role)
    ] + [
        Problem("study.toml", f"keys 'columns.{"', 'columns.".join(m.optional)}'", "nothing", f"what {m.name} explains")
        for m in known
        if not m.outcomes and not any(getattr(study.columns, role) for role in m.optional)
    ]


def _unlike(inputs: Inputs) -> Iterator[Problem]:
    """Maps of exposure that would show nothing: that tell no districts apart, or what another map has shown already.

    So all maps of a study inform the same terms, and one compiled model serves them.
    """
    study, shown = inputs.study, dict[str, Array]()
    if study.exposure == Exposure():
        return
    if study.exposure.also and not any("loyalty" in m.predicts for m in inputs.models):
        yield Problem(
            "study.toml", "key 'exposure.also'", "no model of reported loyalty", "one whose effects are shown"
        )
    for name in (study.exposure.map, *study.exposure.also):
        found = _design(name, inputs).exposure
        faced, rate = maps.respondents(found, inputs.design.table), found.coverage.rate
        same = [other for other, known in shown.items() if np.array_equal(known, faced)]
        key = f"key 'exposure.{'also' if name in study.exposure.also or name == 'rate' else 'map'}'"
        if len(rate) < 2 or np.nanmax(rate) - np.nanmin(rate) <= ALIKE:
            yield Problem("study.toml", key, f"{name!r}, under which districts are all alike", "districts that differ")
            return
        if same:
            expected = f"a map under which people face something else than under {same[0]!r}"
            yield Problem("study.toml", key, f"{name!r}, the same here as {same[0]!r}", expected)
        shown[name] = faced


def _design(name: MapName, inputs: Inputs) -> Design:
    """The design of a study under another map of exposure."""
    study = inputs.study
    exposure = study.exposure.model_copy(update={"map": name})
    return Design.of(inputs.survey, study.effects.modifiers, exposure)


class Truth(NamedTuple):
    """What a synthetic survey was drawn from, and the names along the dimensions of its parameters."""

    parameters: dict[str, dict[str, Array]]
    coords: dict[str, list[str]]


def _truth(study: Study) -> Truth | None:
    if study.survey.truth is None:
        return None
    path = study.path(study.survey.truth)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        parameters = {
            m: {p: np.asarray(v, dtype=float) for p, v in theta.items()} for m, theta in table["parameters"].items()
        }
        return Truth(parameters, {d: [str(n) for n in names] for d, names in table["coords"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError.one(path, "", "no readable truth", "a truth.json of `largesse simulate`") from None


def _hold(truth: Truth, inputs: Inputs) -> None:
    """Refuse a truth whose districts, waves or covariates are not those of the survey, in its order."""
    cells = next(iter(inputs.cells.values()))
    wrong = [
        Problem(str(inputs.study.survey.truth), f"coords '{dim}'", "other names than the survey's, or another order",
                "the truth that this survey was drawn from")
        for dim, names in truth.coords.items()
        if dim in cells.coords and names != [str(v) for v in cells[dim].to_numpy()]
    ]  # fmt: skip
    if wrong:
        raise InputError(wrong)


def _posed(everyone: Frame, model: Model, cells: Cells, study: Study) -> Frame:
    """The frame with a model's questions put to everyone: items, numbers of answers, what bands stand for."""
    posed = everyone.assign(answers=(dims.ITEM, cells["answers"].to_numpy()))
    posed = posed.assign_coords({n: (dims.ITEM, cells[n].to_numpy()) for n in (dims.ITEM, dims.ROLE)})
    market = part(cells, "market")["answers"].to_numpy()
    if len(market):
        posed["band_share"] = ("band", band_shares(study, int(market[0]) - 1))
    return posed.assign({name: cells[name] for name in (*model.assumes, *(["yes"] if "yes" in cells else []))})


def band_shares(study: Study, bands: int) -> Array:
    """[band] the share of income that each band above the lowest stands for; midpoints unless the study says."""
    if study.estimands.market_shares is not None:
        return np.asarray(study.estimands.market_shares, dtype=float)
    return (np.arange(bands) + 0.5) / bands
