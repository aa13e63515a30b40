"""Borrowed: what one study learnt, as a file that another may take its priors from, with all of its provenance.

A joint normal on unconstrained scales, correlations kept, of what describes people and offices at large: nothing of one
district or wave. How it counts in another study is said block by block (:mod:`largesse.blocks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import tomli_w
from pydantic import Field, ValidationError, model_validator

from largesse.errors import InputError
from largesse.settings import DisagreementError, Record, Share
from largesse.store import atomic, fingerprint
from largesse.study import problems_of, read_toml

Array = np.ndarray[Any, np.dtype[np.float64]]
Words = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0.0)]

MOST: Final = 3  # effects of one block: more would hide a conflict of one among the agreement of the rest
DEFINITE: Final = 1e-10  # least eigenvalue of a correlation matrix

Scale = Literal["as it is", "log", "atanh", "first cut", "log gap"]


class Shape(Record):
    """A change of scale that makes the log of a positive number normal where it is skewed.

    Small numbers stay on the log scale and large ones are on their own: y = log(exp(e^x / bend) - 1). Then sinh-arcsinh
    (Jones & Pewsey 2009): z = sinh(tail * arsinh((y - center) / width) - skew).
    """

    bend: Positive
    center: float
    width: Positive
    skew: float
    tail: Positive

    def forward(self, x: Array) -> tuple[Array, Array]:
        """The coordinate on the normal scale, and the log of its derivative."""
        large = np.exp(x) / self.bend
        small = np.log(-np.expm1(-large))
        u = (large + small - self.center) / self.width
        inner = self.tail * np.arcsinh(u) - self.skew
        slope = np.log(self.tail / self.width) - 0.5 * np.log1p(u**2) + np.log(np.cosh(inner))
        return np.sinh(inner), slope + np.log(large) - small

    def backward(self, z: Array) -> Array:
        """The coordinate of a value on the normal scale."""
        y = self.center + self.width * np.sinh((np.arcsinh(z) + self.skew) / self.tail)
        return np.asarray(np.log(self.bend * np.logaddexp(0.0, y)))


class Coordinate(Record):
    """One number that travels.

    Attributes
    ----------
    parameter, element : of the model; the element by name where it has several (a covariate, an item, a cut).
    scale : on which it is normal: `as it is`; `log`; `atanh`; of cutpoints the `first cut` of an item as it is, and
        the `log gap` from the cut before it to each later one.
    block : those of one block are borrowed, or not, together.
    mean, sd : of the past study's posterior, on that scale; after `shape` where there is one.
    shape : of a log, or log gap, that is skewed.
    """

    parameter: Words
    element: str = ""
    scale: Scale
    block: Words
    mean: float
    sd: Positive
    shape: Shape | None = None

    @property
    def name(self) -> str:
        """`direct`, or `covariate_effect[songbun: core]`."""
        return f"{self.parameter}[{self.element}]" if self.element else self.parameter


class Column(Record):
    """One column of the past study's design: level (empty if continuous), where it was centred, and its unit."""

    column: Words
    level: str = ""
    center: float
    scale: Positive


class Setting(Record):
    """What the numbers mean: where coverage and covariates were centred, and which questions were asked.

    Attributes
    ----------
    coverage_center : share receiving at which coverage was centred.
    columns : name -> column of the design.
    references : categorical covariate -> the level that others are held against.
    questions : dimension of questions and of cuts -> names along it, in order.
    """

    coverage_center: float
    columns: Mapping[str, Column] = Field(default_factory=dict)
    references: Mapping[str, str] = Field(default_factory=dict)
    questions: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Origin(Record):
    """Where it comes from: the study, the fit, who made it, and of how many respondents, districts and waves."""

    study: Words
    title: Words
    fit: Words
    priors: Words
    respondents: Annotated[int, Field(ge=1)]
    districts: Annotated[int, Field(ge=1)]
    waves: Annotated[int, Field(ge=1)]
    draws: Annotated[int, Field(ge=1)]
    statement: Words
    by: Words
    date: date
    engines: Mapping[str, str]


class Spread(Record):
    """What an average over other districts or waves would differ by: a location is that of the average one asked.

    Attributes
    ----------
    effect : the effect of districts or waves that sums to zero there.
    along : what it is an effect of.
    groups : how many the past study had; none where its own average is taken care of in the coordinates.
    locations : names of the coordinates that stand where the average is.
    covariance : of one district or wave, along these; an average of n has 1/n of it.
    """

    effect: Words
    along: Literal["district", "wave"]
    groups: Annotated[int, Field(ge=1)] | None = None
    locations: tuple[Words, ...]
    covariance: tuple[tuple[float, ...], ...]


class Heterogeneity(Record):
    """How far several studies differ in one block.

    Attributes
    ----------
    tau : median of the sd between studies, in sds of the model's own prior.
    agreed : the share of what the studies learnt, all together, that counts for the next one.
    """

    tau: Positive
    agreed: Share


class Left(Record):
    """A parameter of the past study that does not travel, and why."""

    name: Words
    reason: Words


class Borrowed(Record):
    """A file of borrowed priors.

    Attributes
    ----------
    model : whose parameters these are.
    power : the past study counts as this share of itself; its covariance is divided by it.
    weights : block -> prior chance that what was learnt there holds in the next study; else the model's own prior does.
    correlation : the lower triangle, row by row without the diagonal.
    studies, heterogeneity : of a file of several studies, each of them, and block -> how far they differ; `origin` is
        then of all together.
    """

    model: Words
    power: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    weights: Mapping[str, Share]
    origin: Origin
    setting: Setting
    coordinates: Annotated[tuple[Coordinate, ...], Field(min_length=1)]
    correlation: tuple[tuple[float, ...], ...]
    spreads: tuple[Spread, ...] = ()
    left: tuple[Left, ...] = ()
    studies: tuple[Origin, ...] = ()
    heterogeneity: Mapping[str, Heterogeneity] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        wrong = [*self._wrong_blocks(), *self._wrong_correlation(), *self._wrong_spreads()]
        if wrong:
            raise DisagreementError(*wrong)
        return self

    def _wrong_blocks(self) -> Iterator[tuple[str, str, str]]:
        names = self.names
        if twice := [n for i, n in enumerate(names) if n in names[:i]]:
            yield "coordinates", f"{twice[0]!r} more than once", "each coordinate once"
        runs = [(block, list(run)) for block, run in groupby(self.coordinates, key=lambda c: c.block)]
        blocks = [block for block, _ in runs]
        if apart := [b for i, b in enumerate(blocks) if b in blocks[:i]]:
            yield "coordinates", f"block {apart[0]!r} in several places", "coordinates of one block side by side"
        for block, run in runs:
            if len(run) > MOST or len({c.parameter for c in run}) > 1:
                found = f"block {block!r} of {len(run)}: {', '.join(c.name for c in run)}"
                yield "coordinates", found, f"at most {MOST} of one parameter"
        if set(self.weights) != set(blocks):
            yield "weights", ", ".join(self.weights) or "nothing", f"a weight for each of {', '.join(blocks)}"

    def _wrong_correlation(self) -> Iterator[tuple[str, str, str]]:
        n = len(self.coordinates)
        if [len(row) for row in self.correlation] != list(range(n)):
            yield "correlation", f"{len(self.correlation)} rows", f"the lower triangle of {n} coordinates, row by row"
        elif not np.linalg.eigvalsh(self.correlations)[0] > DEFINITE:
            yield "correlation", "a matrix that is not positive definite", "the correlations of a normal"

    def _wrong_spreads(self) -> Iterator[tuple[str, str, str]]:
        for i, spread in enumerate(self.spreads):
            if strange := [n for n in spread.locations if n not in self.names]:
                yield f"spreads.{i}.locations", f"{strange[0]!r}", "a coordinate of this file"
            matrix = np.array([row if len(row) == len(spread.locations) else [] for row in spread.covariance], object)
            if matrix.shape != (len(spread.locations),) * 2 or np.linalg.eigvalsh(matrix.astype(float))[0] < -DEFINITE:
                yield f"spreads.{i}.covariance", "no covariance matrix", "one of its locations, in their order"

    @property
    def names(self) -> list[str]:
        """Of the coordinates, in order."""
        return [c.name for c in self.coordinates]

    @property
    def correlations(self) -> Array:
        """[coordinate, coordinate] of the past study's posterior."""
        r = np.eye(len(self.coordinates))
        for i, row in enumerate(self.correlation):
            r[i, :i] = r[:i, i] = row
        return r

    def covariance(self, groups: Mapping[str, int]) -> Array:
        """[coordinate, coordinate] of the borrowed normal, for a study of so many districts and waves.

        The past study counts as `power` of itself, its districts and waves too; the average of the next one's own is
        not the average of all.
        """
        sd = np.array([c.sd for c in self.coordinates])
        out = self.correlations * np.outer(sd, sd) / self.power
        for spread in self.spreads:
            at = [self.names.index(n) for n in spread.locations]
            own = 0.0 if spread.groups is None else 1.0 / (spread.groups * self.power)
            share = own + 1.0 / groups[spread.along]
            out[np.ix_(at, at)] += share * np.array(spread.covariance)
        return out

    @property
    def fingerprint(self) -> str:
        """Of everything in the file, its words too."""
        return fingerprint(self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path | str) -> Borrowed:
        """Read a file of borrowed priors.

        Errors
        ------
        InputError
            names the file and, for each problem, the key, what was found and what was expected.
        """
        path = Path(path)
        try:
            return cls.model_validate(read_toml(path))
        except ValidationError as error:
            raise InputError(problems_of(error, str(path))) from None

    def write(self, path: Path) -> None:
        """Write TOML, atomically; what is read back has the same fingerprint."""
        table = self.model_dump(mode="python", exclude_none=True)
        with atomic(path) as part:
            part.write_text(tomli_w.dumps(table), encoding="utf-8")

    def counting(self, weight: float | None = None, power: float | None = None) -> Borrowed:
        """The same file with another weight of every block, or another power."""
        weights = self.weights if weight is None else dict.fromkeys(self.weights, weight)
        return Borrowed.model_validate(
            self.model_dump() | {"weights": weights, "power": self.power if power is None else power}
        )

    def held_by(self, where: str, model: str) -> None:
        """Refuse the file of another model."""
        if self.model != model:
            raise InputError.one(where, "key 'model'", repr(self.model), repr(model))
