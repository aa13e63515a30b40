"""Study: the frozen join record of survey, columns, models, priors, gates and report, read from `study.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from largesse.errors import InputError, Problem

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Code = Annotated[str, Field(coerce_numbers_to_str=True)]  # 98 and "98" are the same answer
RESERVED = {"district", "province", "wave", "gift", "market", "weight", "respondent"}  # columns of the survey's table


class Record(BaseModel):
    """A frozen table of `study.toml`; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class SurveyFiles(Record):
    """`[survey]`: the files, relative to the folder of `study.toml`."""

    file: str
    districts: str | None = None
    truth: str | None = None
    encoding: str = "utf-8"


class Columns(Record):
    """`[columns]`: which column of the file plays which role."""

    gift: str
    loyalty: tuple[str, ...] = ()
    market: str | None = None
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
        named = [c for _, v in self for c in ((v,) if isinstance(v, str) else v or ())]
        twice = sorted({c for c in named if named.count(c) > 1})
        if twice:
            raise ValueError(f"column {twice[0]!r} with more than one role")
        taken = sorted(RESERVED & {*self.loyalty, *self.categorical, *self.continuous})
        if taken:
            raise ValueError(f"an item or covariate called {taken[0]!r}, which names a role: rename it in the file")
        return self


class Missing(Record):
    """`[missing]`: answers that are kept as data but are not a position on the scale."""

    dont_know: tuple[Code, ...] = ()
    refused: tuple[Code, ...] = ()

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        both = sorted({*self.dont_know} & {*self.refused})
        if both:
            raise ValueError(f"{both[0]!r} in both dont_know and refused")
        return self


class Gift(Record):
    """`[gift]`: how a count of gifts becomes received or not."""

    threshold: Annotated[int, Field(ge=1)] | None = None


class Effects(Record):
    """`[effects]`: which covariates change the effect of a gift, and of coverage."""

    modifiers: tuple[str, ...] = ()


class Weights(Record):
    """`[weights]`: `frame` averages estimands with the weights; `likelihood` also fits with them."""

    use: Literal["frame", "likelihood"] = "frame"


class At(Record):
    """`[[estimands.at]]`: a profile at which the direct effect is also wanted."""

    name: str
    label: str
    values: Mapping[str, float | str]


class Estimands(Record):
    """`[estimands]`: what is asked, on which scale, and what would be too small to matter."""

    interval: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.9
    rope: Share = 0.03
    coverage: tuple[Share, Share] | None = None
    market_shares: tuple[Share, ...] | None = None
    extrapolates: str | None = None
    at: tuple[At, ...] = ()


class Sampler(Record):
    """`[sampler]`: draws kept and warm-up draws per chain, and the number of chains."""

    draws: Annotated[int, Field(ge=100)] = 500
    tune: Annotated[int, Field(ge=100)] = 500
    chains: Annotated[int, Field(ge=2)] = 4


class Gates(Record):
    """`[gates]`: the limits a fit must keep to be reportable."""

    rhat: float = 1.01
    ess: int = 400
    divergences: int = 0
    ebfmi: float = 0.3
    reliability: Share = 0.9


class Page(Record):
    """`[report]`: what the page says about itself."""

    author: str = ""
    source: str = "report.qmd"


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
    weights: Weights = Weights()
    estimands: Estimands = Estimands()
    sampler: Sampler = Sampler()
    gates: Gates = Gates()
    priors: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    report: Page = Page()
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _modifiers_are_covariates(self) -> Self:
        covariates = {*self.columns.categorical, *self.columns.continuous}
        for name in self.effects.modifiers:
            if name not in covariates:
                raise ValueError(f"effects.modifiers with {name!r}, which is not one of the covariates in [columns]")
        return self

    @model_validator(mode="after")
    def _levels_are_of_columns(self) -> Self:
        for name, levels in self.levels.items():
            if name not in self.columns.used():
                raise ValueError(f"levels.{name}, but {name!r} has no role in [columns]")
            if len(set(levels)) < len(levels):
                raise ValueError(f"levels.{name}, which lists a level twice")
        return self

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
    except tomllib.TOMLDecodeError as error:
        raise InputError.one(path, "", f"a TOML error, {error}", "valid TOML") from None


def problems_of(error: ValidationError, where: str) -> list[Problem]:
    """Pydantic's complaints in this package's words, with the nearest known key for a typo."""
    return [_problem(detail, where, error.title) for detail in error.errors(include_url=False)]


def _problem(detail: Any, where: str, title: str) -> Problem:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(detail["loc"][:-1], title)
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
        hint = f"perhaps {near[0]!r}" if near else f"one of {', '.join(known)}" if known else "no such key"
        return Problem(where, f"key '{key}'", "a key that is not known", hint)
    if detail["type"] == "missing":
        return Problem(where, f"key '{key}'", "nothing", "a value: the key is required")
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":  # one of the rules above: the message says what was found
        return Problem(where, f"key '{key}'" if key else "", message, "keys that agree with one another")
    return Problem(where, f"key '{key}'", repr(detail["input"])[:80], message[:1].lower() + message[1:])


def _known_keys(loc: tuple[Any, ...], title: str) -> list[str]:
    record: Any = {"Study": Study}.get(title)
    for part in (p for p in loc if isinstance(p, str)):  # numbers are places in an array of tables
        field = getattr(record, "model_fields", {}).get(part)
        record = next(iter(get_args(field.annotation)), field.annotation) if field else None
    return sorted(set(getattr(record, "model_fields", {})) - {"folder"})
