"""Study: the frozen join record of survey, columns, models, priors, gates and report, read from `study.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import Field, ValidationError, model_validator

from largesse.errors import InputError, Problem
from largesse.settings import (
    SHOWN,
    Code,
    DisagreementError,
    Effects,
    Encoding,
    Estimands,
    Exposure,
    Gates,
    Gift,
    Instruments,
    Missing,
    Page,
    Record,
    Sampler,
    Weights,
)

RESERVED = {  # columns of the survey's table
    *("district", "province", "wave", "gift", "market", "weight", "respondent"),
    *("list_count", "list_arm", "placebo_count", "placebo_arm", "direct", "randomised"),
}
LISTS = (("list_count", "list_arm", "control_items"), ("placebo_count", "placebo_arm", "placebo_items"))
NUMERIC = {"continuous", "weight"}  # roles whose answers are numbers and have no levels
WANTED = {"own_group": "the covariate whose levels are groups", "neighbours": "the file of adjacent districts"}


class SurveyFiles(Record):
    """`[survey]`: the files, relative to the folder of `study.toml`.

    Attributes
    ----------
    file : of respondents; or a folder of CSV or Parquet files with the same columns.
    districts, neighbours : what is known of districts from elsewhere, and which are adjacent.
    truth : what a synthetic survey was drawn from.
    encoding : of CSV files.
    """

    file: str
    districts: str | None = None
    neighbours: str | None = None
    truth: str | None = None
    encoding: Encoding = "utf-8"


class Columns(Record):
    """`[columns]`: which column of the file plays which role."""

    gift: str
    loyalty: tuple[str, ...] = ()
    vignettes: tuple[str, ...] = ()
    loyalty_before: tuple[str, ...] = ()
    market: str | None = None
    list_count: str | None = None
    list_arm: str | None = None
    placebo_count: str | None = None
    placebo_arm: str | None = None
    direct: str | None = None
    randomised: str | None = None
    district: str | None = None
    province: str | None = None
    wave: str | None = None
    respondent: str | None = None
    weight: str | None = None
    categorical: tuple[str, ...] = ()
    continuous: tuple[str, ...] = ()

    def used(self) -> dict[str, str]:
        """Every column of the file that has a role, with the role's name."""
        roles: dict[str, str] = {}
        for role, value in self:
            for column in (value,) if isinstance(value, str) else value or ():
                roles[column] = role
        return roles

    @model_validator(mode="after")
    def _one_role_each(self) -> Self:
        named = [(role, c) for role, v in self for c in ((v,) if isinstance(v, str) else v or ())]
        columns = [column for _, column in named]
        wrong = [
            (role, f"column {c!r}, which is named before", "one role for each column")
            for i, (role, c) in enumerate(named)
            if c in columns[:i]
        ]
        wrong += [
            (role, f"a column called {c!r}, which names a role", "another name for it in the file")
            for role, c in named
            if c in RESERVED and role in ("loyalty", "vignettes", "loyalty_before", "categorical", "continuous")
        ]
        if wrong:
            raise DisagreementError(*wrong)
        return self


class Study(Record):
    """One study, read with :meth:`read`; every path is relative to `folder`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    question: str = ""
    synthetic: bool = False
    seed: Annotated[int, Field(ge=0)]
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    survey: SurveyFiles
    columns: Columns
    levels: Mapping[str, tuple[Code, ...]] = Field(default_factory=dict)
    missing: Missing = Missing()
    gift: Gift = Gift()
    effects: Effects = Effects()
    exposure: Exposure = Exposure()
    instruments: Instruments = Instruments()
    weights: Weights = Weights()
    estimands: Estimands = Estimands()
    sampler: Sampler = Sampler()
    gates: Gates = Gates()
    priors: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    report: Page = Page()
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _tables_agree(self) -> Self:
        wrong = [*self._wrong_models(), *self._wrong_levels(), *self._wrong_covariates(), *self._wrong_market()]
        wrong = [*wrong, *self._wrong_vignettes(), *self._wrong_exposure(), *self._wrong_instruments()]
        if wrong:
            raise DisagreementError(*wrong)
        return self

    def _wrong_models(self) -> Iterator[tuple[str, str, str]]:
        if twice := [name for i, name in enumerate(self.models) if name in self.models[:i]]:
            yield "models", f"{twice[0]!r} more than once", "each model once"
        for name in self.priors:
            if name not in self.models:
                yield f"priors.{name}", "priors of a model that the study does not name", _nearest(name, self.models)

    def _wrong_levels(self) -> Iterator[tuple[str, str, str]]:
        roles = self.columns.used()
        for name, levels in self.levels.items():
            if name not in roles:
                yield f"levels.{name}", "levels of a column that has no role in [columns]", _nearest(name, roles)
            elif roles[name] in NUMERIC:
                yield f"levels.{name}", f"levels of numbers (role {roles[name]})", "levels of answers alone"
            elif len(set(levels)) < len(levels):
                yield f"levels.{name}", "a level that is listed twice", "each level once"

    def _wrong_covariates(self) -> Iterator[tuple[str, str, str]]:
        covariates = (*self.columns.categorical, *self.columns.continuous)
        named = [("effects.modifiers", name) for name in self.effects.modifiers]
        named += [(f"estimands.at.{i}.values", name) for i, at in enumerate(self.estimands.at) for name in at.values]
        if (need := self.estimands.need) is not None and need not in self.columns.continuous:
            yield "estimands.need", f"{need!r}", "a continuous covariate in [columns]"
        if (place := self.estimands.leave_out) and not getattr(self.columns, place):
            yield "estimands.leave_out", f"{place!r}, but no such column", f"key 'columns.{place}' too"
        for key, name in named:
            if name not in covariates:
                yield key, f"{name!r}, which is not one of the covariates in [columns]", _nearest(name, covariates)
        for i, at in enumerate(self.estimands.at):
            for name, value in at.values.items():
                level = isinstance(value, str)
                if name in covariates and level != (name in self.columns.categorical):
                    expected = "a number" if level else "a level, in quotation marks"
                    yield f"estimands.at.{i}.values.{name}", repr(value), expected

    def _wrong_market(self) -> Iterator[tuple[str, str, str]]:
        if self.estimands.market_shares and not self.columns.market:
            yield "estimands.market_shares", "shares of bands, but no market question", "key 'columns.market' too"

    def _wrong_vignettes(self) -> Iterator[tuple[str, str, str]]:
        asked, listed = self.columns, self.levels
        if asked.vignettes and len(asked.loyalty) != 1:
            found = f"{len(asked.loyalty)} items on loyalty, beside vignettes"
            yield "columns.loyalty", found, "the one item that the vignettes are answered like"
            return
        for name in (n for n in asked.vignettes if n in listed):
            if listed[name] != listed.get(asked.loyalty[0]):
                yield f"levels.{name}", "other levels than those of the item", f"those of {asked.loyalty[0]!r}, or none"

    def _wrong_exposure(self) -> Iterator[tuple[str, str, str]]:
        asked, groups = self.exposure, self.columns.categorical
        maps = (asked.map, *asked.also)
        if twice := [name for i, name in enumerate(maps) if name in maps[:i]]:
            yield "exposure.also", f"{twice[0]!r}, which is named before", "each map once"
        if maps != ("rate",) and not self.columns.district:
            yield "exposure", f"{maps[-1]!r}, but no districts", "key 'columns.district' too"
        given = {
            "own_group": ("exposure.group", asked.group),
            "neighbours": ("survey.neighbours", self.survey.neighbours),
        }
        for name, (key, value) in given.items():
            if name in maps and not value:
                yield key, "nothing", WANTED[name]
            if value and name not in maps:
                yield key, f"{value!r}, which no map reads", f"{name!r} among the maps of [exposure]"
        if asked.group and asked.group not in groups:
            yield "exposure.group", f"{asked.group!r}, no categorical covariate", _nearest(asked.group, groups)

    def _wrong_instruments(self) -> Iterator[tuple[str, str, str]]:
        columns, asked = self.columns, self.instruments
        for count, arm, items in LISTS:
            listed = {f"columns.{count}": getattr(columns, count), f"columns.{arm}": getattr(columns, arm)}
            listed |= {f"instruments.{items}": getattr(asked, items)}
            given = [key for key, value in listed.items() if value]
            for key in (key for key in listed if given and key not in given):
                yield (
                    key,
                    f"nothing, beside {given[0]!r}",
                    "count, arm and number of items of a list",
                )
        if asked.placebo_share and not columns.placebo_count:
            yield (
                "instruments.placebo_share",
                f"{asked.placebo_share:g}, but no placebo list",
                "its columns too",
            )
        if columns.randomised and asked.yes is None:
            yield "instruments.forced", "nothing, beside 'columns.randomised'", "forced = { yes, no }, or warner"
        if asked.yes and not columns.randomised:
            yield "columns.randomised", "nothing, beside its design in [instruments]", "the column of the answers"

    @classmethod
    def read(cls, path: Path | str) -> Study:
        """Read `study.toml` (or the folder that holds it).

        Errors
        ------
        InputError
            names the file and, for each problem, the key, what was found and what was expected.
        """
        path = Path(path)
        path = path / "study.toml" if path.is_dir() else path
        return cls.from_table(read_toml(path), path)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], path: Path) -> Study:
        """A study from a parsed TOML table; `path` names the file in error messages."""
        if "folder" in table:
            raise InputError.one(path, "key 'folder'", "a key that is not known", "no such key: it is the file's place")
        try:
            return cls.model_validate({**table, "folder": path.parent})
        except ValidationError as error:
            raise InputError(problems_of(error, str(path))) from None

    def path(self, name: str) -> Path:
        """A file named in the study, relative to its folder."""
        return self.folder / name

    @property
    def private(self) -> Path:
        """The folder of what may identify a respondent: the survey, the cells and the fits."""
        return self.folder / "_private"

    @property
    def results_path(self) -> Path:
        """The one file that a page may take numbers from."""
        return self.folder / "results.json"

    @property
    def earlier_path(self) -> Path:
        """Where the results are kept that the present ones replaced; they too may be shared."""
        return self.private / "earlier.json"

    @property
    def page_path(self) -> Path:
        """The finished page."""
        return self.folder / "report.html"


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; a missing file or a typo is an `InputError` naming the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError.one(path, "", "no such file", "a TOML file") from None
    except OSError as error:
        raise InputError.one(path, "", f"a file that cannot be read ({type(error).__name__})", "a TOML file") from None
    except UnicodeDecodeError as error:
        raise InputError.one(path, "", f"bytes that are not UTF-8 at offset {error.start}", "UTF-8 text") from None
    except (ValueError, RecursionError) as error:  # a typo; or a number or a nesting beyond what Python takes
        raise InputError.one(path, "", f"a TOML error, {error}", "valid TOML") from None


def problems_of(error: ValidationError, where: str) -> list[Problem]:
    """Pydantic's complaints in this package's words, with the nearest known key for a typo."""
    return [p for detail in error.errors(include_url=False) for p in _problems(detail, where, error.title)]


def _problems(detail: Any, where: str, title: str) -> list[Problem]:
    loc, kind, found = detail["loc"], detail["type"], repr(detail["input"])[:SHOWN]
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, DisagreementError):
        return [Problem(where, _key(*loc, inner), found, expected) for inner, found, expected in error.wrong]
    if kind == "value_error":  # a rule that says in one sentence what was found
        found, expected = str(error), "keys that agree with one another"
    elif kind == "extra_forbidden":
        found, expected = "a key that is not known", _nearest(str(loc[-1]), _known_keys(loc[:-1], title))
    elif kind == "missing" and isinstance(loc[-1], int):
        loc, expected = loc[:-1], f"at least {loc[-1] + 1} values"
    elif kind == "missing":
        found, expected = "nothing", "a value: the key is required"
    else:
        message = detail["msg"].removeprefix("Input should be ")
        expected = message[:1].lower() + message[1:]
    return [Problem(where, _key(*loc), found, expected)]


def _key(*parts: str | int) -> str:
    """The dotted key in the words of a message; empty for the whole table."""
    dotted = ".".join(str(part) for part in parts if part != "")
    return f"key '{dotted}'" if dotted else ""


def _nearest(name: str, known: Collection[str]) -> str:
    """The known name that was probably meant, else all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"perhaps {near[0]!r}" if near else f"one of {', '.join(known)}" if known else "no such key"


def _known_keys(loc: tuple[Any, ...], title: str) -> list[str]:
    record: Any = {"Study": Study}.get(title)
    for part in (p for p in loc if isinstance(p, str)):  # numbers are places in an array of tables
        field = getattr(record, "model_fields", {}).get(part)
        record = next(iter(get_args(field.annotation)), field.annotation) if field else None
    return sorted(set(getattr(record, "model_fields", {})) - {"folder"})
