"""Priors as data: a distribution with its provenance, read from TOML, realised here in NumPy."""

from __future__ import annotations

import difflib
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator
from scipy.special import expit, logit

from largesse.blocks import Blocks
from largesse.borrowed import Borrowed
from largesse.errors import InputError, Problem
from largesse.families import FAMILIES, Family
from largesse.parameters import Construct, Parameter, Together
from largesse.resources import models_folder
from largesse.settings import DisagreementError, Record
from largesse.store import fingerprint
from largesse.study import problems_of, read_toml

Array = np.ndarray[Any, np.dtype[np.float64]]
Words = Annotated[str, Field(min_length=1)]


EVERY: Final = "a prior for every parameter"
REAL: Final = ("Normal", "StudentT")
POSITIVE: Final = ("HalfNormal", "Exponential", "Gamma", "LogNormal")
FITTING: Final[Mapping[Construct, tuple[str, ...]]] = {  # what a construct can be made from; its support narrows it
    "effect": (*REAL, *POSITIVE),
    "zero_sum": ("ZeroSumNormal",),  # anything else would move the whole scale, which the cutpoints already do
    "pooled": ("ZeroSumNormal", *REAL),
    "correlated": ("ZeroSumNormal",),
    "correlation": ("Correlation",),
    "cutpoints": ("Dirichlet",),
    "discrimination": POSITIVE,
}


class Part(Record):
    """One entry of `extends`: a shipped model whose priors (or `only` some) are taken over, under a prefix."""

    model: Words
    prefix: str = ""
    only: tuple[str, ...] | None = None


class Source(Record):
    """Where a prior comes from; a published figure needs its key, a weak prior its argument."""

    kind: Literal["elicited", "published", "scale argument", "weak"]
    key: str = ""
    where: str

    @model_validator(mode="after")
    def _traceable(self) -> Self:
        if self.kind == "published" and not self.key:
            raise DisagreementError(("key", "nothing, for a published prior", "an entry of references.bib"))
        if not self.where.strip():
            raise DisagreementError(("where", "nothing", "where the figure stands, or the argument for the scale"))
        return self


class Alternative(Record):
    """Another distribution a careful reader might have chosen."""

    name: str
    distribution: str
    arguments: Mapping[str, float]


class Prior(Record):
    """One parameter's prior: distribution, arguments (numbers, or the name of another parameter), provenance."""

    distribution: str
    arguments: Mapping[str, float | str]
    dims: tuple[str, ...] = ()
    unit: Words
    statement: Words
    by: Words
    date: date
    source: Source
    alternatives: tuple[Alternative, ...] = ()

    @model_validator(mode="after")
    def _arguments_fit(self) -> Self:
        wrong = list(_wrong_arguments(self.distribution, self.arguments))
        for i, other in enumerate(self.alternatives):
            inner = list(_wrong_arguments(other.distribution, other.arguments))
            wrong += [(f"alternatives.{i}.{key}", found, expected) for key, found, expected in inner]
        if wrong:
            raise DisagreementError(*wrong)
        return self

    @property
    def family(self) -> Family:
        """The row of `FAMILIES` this prior uses."""
        return FAMILIES[self.distribution]

    def resolved(self, theta: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, with the name of a parameter replaced by its value in `theta`.

        Numbers come as double-precision arrays: PyTensor would take a bare 1.5 for a number of 16 bits.
        """
        return {k: theta[v] if isinstance(v, str) else np.asarray(v, dtype=float) for k, v in self.arguments.items()}

    def prefixed(self, prefix: str) -> Prior:
        """The prior of the same unknown of another equation: the scale it names is that equation's."""
        named = {k: prefix + v if isinstance(v, str) else v for k, v in self.arguments.items()}
        return self.model_copy(update={"arguments": named})

    def rvs(
        self, rng: np.random.Generator, size: tuple[int, ...] = (), theta: Mapping[str, Any] | None = None
    ) -> Array:
        """Draws of shape `size`, by NumPy."""
        return np.asarray(self.family.rvs(rng, self.resolved(theta or {}), size))

    def logpdf(self, x: Array, theta: Mapping[str, Any] | None = None) -> Array:
        """Log density at `x`, by SciPy; zero-sum and Dirichlet sum over the last axis."""
        return np.asarray(self.family.logpdf(np.asarray(x, dtype=float), self.resolved(theta or {})))


def _wrong_arguments(distribution: str, arguments: Mapping[str, float | str]) -> Iterator[tuple[str, str, str]]:
    """(key, found, expected) of a distribution that does not exist, or of arguments it does not take."""
    if distribution not in FAMILIES:
        near = difflib.get_close_matches(distribution, FAMILIES, n=1)
        yield "distribution", repr(distribution), f"perhaps {near[0]!r}" if near else f"one of {', '.join(FAMILIES)}"
        return
    wanted = FAMILIES[distribution].arguments
    if set(arguments) != set(wanted):
        yield "arguments", ", ".join(arguments) or "none", f"{', '.join(wanted)}, which {distribution} takes"
        return
    for name, value in arguments.items():
        if isinstance(value, str):
            if name != "sigma":
                yield f"arguments.{name}", repr(value), "a number: only sigma may be another parameter"
        elif not np.isfinite(value) or (name != "mu" and value <= 0):
            yield f"arguments.{name}", f"{value:g}", f"a {'finite' if name == 'mu' else 'positive'} number"


@dataclass(frozen=True)
class PriorSet:
    """The priors of one model, read from one TOML file and possibly overridden entry by entry.

    Attributes
    ----------
    model : the model they are for.
    entries : parameter name -> :class:`Prior`.
    where : the file (or files) they were read from.
    lender : what another study learnt, where it is borrowed; it counts by `borrowed`, once a design is known.
    borrowed : how it counts in one design, beside the entries.
    """

    model: str
    entries: Mapping[str, Prior]
    where: str
    lender: Borrowed | None = None
    borrowed: Blocks | None = None

    def __getitem__(self, name: str) -> Prior:
        return self.entries[name]

    @property
    def fingerprint(self) -> str:
        """Of the distributions alone: rewording a statement refits nothing; of what is borrowed, what is no data."""
        own = {n: [p.distribution, dict(p.arguments)] for n, p in self.entries.items()}
        return fingerprint(own, self.borrowed.structure) if self.borrowed else fingerprint(own)

    @property
    def data(self) -> dict[str, Array]:
        """What a compiled model reads of what is borrowed; nothing where nothing is."""
        return self.borrowed.arrays() if self.borrowed else {}

    @classmethod
    def read(cls, path: Path | str) -> PriorSet:
        """Read a prior set; `[[extends]]` takes over the sets of other models, and entries of its own replace theirs.

        Errors
        ------
        InputError
            names the file and, for each problem, the key, what was found and what was expected.
        """
        path = Path(path)
        table = read_toml(path)
        model = table.pop("model", None)
        if not isinstance(model, str):
            raise InputError.one(path, "key 'model'", "nothing", "the name of the model these priors are for")
        parts = [_part(row, i, str(path)) for i, row in enumerate(_listed(table.pop("extends", []), str(path)))]
        inherited = {part.prefix + name: prior.prefixed(part.prefix) for part, given in parts for name, prior in given}
        return cls(model, {**inherited, **_entries(table, str(path))}, str(path))

    def overridden(self, table: Mapping[str, Any], where: str) -> PriorSet:
        """The set with some entries replaced by those of `table` (a study's `[priors.<model>]`)."""
        if "extends" in table:
            expected = "no such key: a study's entries take the place of the shipped ones, one by one"
            raise InputError.one(where, f"key 'priors.{self.model}.extends'", "a key that is not known", expected)
        problems = [
            _unknown(where, f"priors.{self.model}.{n}", n, self.entries) for n in table if n not in self.entries
        ]
        if problems:
            raise InputError(problems)
        merged = {**self.entries, **_entries(table, where, f"priors.{self.model}.")}
        return replace(self, entries=merged, where=f"{self.where} + {where}" if table else self.where)

    def check(self, parameters: Iterable[Parameter]) -> None:
        """Hold the set against a model's `PARAMETERS`: same names, same dims, right support."""
        parameters = tuple(parameters)
        known = {p.name: p for p in parameters}
        strange = [_unknown(self.where, n, n, known) for n in self.entries if n not in known]
        meant = {p.expected for p in strange}
        absent = [n for n in known if n not in self.entries and f"perhaps {n!r}" not in meant]
        problems = [*strange, *(Problem(self.where, f"prior '{n}'", "nothing", EVERY) for n in absent)]
        for p in (p for p in parameters if p.name in self.entries):
            problems += _misfit(self.where, p, self.entries[p.name])
            problems += _misnamed(self.where, p, self.entries[p.name], parameters)
        if problems:
            raise InputError(problems)

    def draw(
        self,
        parameters: Iterable[Parameter],
        sizes: Mapping[str, int],
        answers: Mapping[str, tuple[int, ...]],
        rng: np.random.Generator,
        given: Mapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """One joint prior draw by NumPy of `parameters` under those `given`, in order, resolving each other's names.

        `sizes` gives the length of each dimension; `answers` gives, for the dimension of a set of cutpoints,
        the number of answers of each of its items.
        """
        theta = dict(given or {})
        lent = self.borrowed.drawing(rng, self.entries) if self.borrowed else None
        for p in parameters:
            prior = self[p.name]
            if p.construct == "cutpoints":
                shares = [prior.rvs(rng, (n,)) for n in answers[p.dims[0]]]
                theta[p.name] = np.concatenate([cutpoints(s) for s in shares])
            elif p.together:
                sd, (mean, left) = prior.resolved(theta)["sigma"], self._given(p.together, theta)
                own = prior.family.rvs(rng, {"sigma": 1.0}, tuple(sizes[d] for d in p.dims))
                theta[p.name] = sd * (mean + left * own)
            else:
                theta[p.name] = prior.rvs(rng, tuple(sizes[d] for d in p.dims), theta)
            if p.construct == "discrimination":
                theta[p.name] = np.concatenate([[1.0], theta[p.name][1:]])
            if lent:
                theta[p.name] = lent.of(p.name, theta[p.name], theta)
        return theta

    def transform(
        self, parameters: Iterable[Parameter], theta: Mapping[str, Array], answers: Mapping[str, tuple[int, ...]]
    ) -> dict[str, Array]:
        """The probability integral transform: where each element of a truth lies in its prior, given its scale.

        Uniform on [0, 1], element by element, if and only if the truth was drawn from these priors. The
        discrimination that is fixed at 1 has no place: NaN.
        """
        places: dict[str, Array] = {}
        for p in parameters:
            prior, value = self[p.name], np.asarray(theta[p.name], dtype=float)
            arguments = prior.resolved(theta)
            if p.construct == "cutpoints":
                ends = np.cumsum([n - 1 for n in answers[p.dims[0]]])[:-1]
                items = [np.diff(expit(part), prepend=0.0, append=1.0) for part in np.split(value, ends)]
                places[p.name] = np.concatenate([prior.family.cdf(shares, arguments) for shares in items])
            elif p.together:
                mean, left = self._given(p.together, theta)
                own = (value / arguments["sigma"] - mean) / left
                places[p.name] = np.asarray(prior.family.cdf(own, {"sigma": 1.0}))
            else:
                places[p.name] = np.asarray(prior.family.cdf(value, arguments))
            if p.construct == "discrimination":
                places[p.name][0] = np.nan
        return places

    def _given(self, together: Together, theta: Mapping[str, Array]) -> tuple[Array, Array]:
        """[place] mean of a correlated effect in units of its sd, given those before it, and the sd that is left.

        By the conditional normal; the model mixes deviates by a Cholesky factor instead.
        """
        before = np.array([theta[n] / self[n].resolved(theta)["sigma"] for n in together.effects])
        r = correlations([[float(theta[n]) for n in row] for row in together.partials])
        weights = np.linalg.solve(r[:-1, :-1], r[-1, :-1])
        return weights @ before, np.sqrt(1.0 - weights @ r[-1, :-1])


def correlations(partials: Sequence[Sequence[float]]) -> Array:
    """The correlation matrix of partial correlations, row i holding those of i + 1 with j < i + 1 given all before j.

    Takes one conditioning variable off at a time: r_ij.K = r_ij.Kk sqrt((1 - r_ik.K^2) (1 - r_jk.K^2)) + r_ik.K r_jk.K.
    """
    n = len(partials) + 1
    r = np.eye(n)
    for i in range(1, n):
        for j in range(i):
            value = partials[i - 1][j]
            for k in reversed(range(j)):
                first, second = partials[i - 1][k], partials[j - 1][k]
                value = value * np.sqrt((1 - first**2) * (1 - second**2)) + first * second
            r[i, j] = r[j, i] = value
    return r


def cutpoints(shares: Array) -> Array:
    """The cutpoints at which a respondent at predictor 0 gives each answer with probability `shares`."""
    return np.asarray(logit(np.cumsum(shares)[:-1]))


def _listed(rows: Any, where: str) -> list[Any]:
    if not isinstance(rows, list):
        raise InputError.one(where, "key 'extends'", "no list", "an `[[extends]]` for each model")
    return rows


def _part(row: Any, place: int, where: str) -> tuple[Part, ItemsView[str, Prior]]:
    """One entry of `extends`, and the priors that it takes over."""
    try:
        part = Part.model_validate(row)
    except ValidationError as error:
        key = f"key 'extends.{place}'"
        raise InputError(replace(p, key=f"{key}, {p.key}") for p in problems_of(error, where)) from None
    path = models_folder() / part.model / "priors.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.parent.name for p in models_folder().glob("*/priors.toml")))
        raise InputError.one(where, f"key 'extends.{place}.model'", repr(part.model), f"one of {known}")
    entries = PriorSet.read(path).entries
    if strange := [n for n in part.only or () if n not in entries]:
        raise InputError.one(where, f"key 'extends.{place}.only'", repr(strange[0]), ", ".join(entries))
    return part, {n: entries[n] for n in part.only or entries}.items()


def _entries(table: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, Prior]:
    entries: dict[str, Prior] = {}
    problems: list[Problem] = []
    for name, row in table.items():
        try:
            entries[name] = Prior.model_validate(row)
        except ValidationError as error:
            place = f"prior '{prefix}{name}'"
            problems += [replace(p, key=f"{place}, {p.key}" if p.key else place) for p in problems_of(error, where)]
    if problems:
        raise InputError(problems)
    return entries


def _unknown(where: str, key: str, name: str, known: Mapping[str, Any]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    expected = f"perhaps '{near[0]}'" if near else f"one of {', '.join(sorted(known))}"
    return Problem(where, f"prior '{key}'", "a parameter the model does not have", expected)


def _misfit(where: str, parameter: Parameter, prior: Prior) -> list[Problem]:
    key = f"prior '{parameter.name}'"
    fitting = [d for d in FITTING[parameter.construct] if FAMILIES[d].support == parameter.support]
    chosen = {"": prior.distribution}
    chosen |= {f"alternatives.{i}.": other.distribution for i, other in enumerate(prior.alternatives)}
    problems = [
        Problem(where, f"{key}, key '{place}distribution'", repr(distribution), " or ".join(fitting))
        for place, distribution in chosen.items()
        if distribution not in fitting
    ]
    if prior.dims != parameter.dims:
        problems.append(Problem(where, f"{key}, key 'dims'", str(list(prior.dims)), str(list(parameter.dims))))
    if prior.unit != parameter.unit:
        problems.append(Problem(where, f"{key}, key 'unit'", repr(prior.unit), repr(parameter.unit)))
    return problems


def _misnamed(where: str, parameter: Parameter, prior: Prior, parameters: tuple[Parameter, ...]) -> list[Problem]:
    """A scale that is another parameter: scalar, positive, declared before, and in every design that has this one."""
    before = parameters[: parameters.index(parameter)]
    usable = [p.name for p in before if not p.dims and p.support == "positive" and set(p.needs) <= set(parameter.needs)]
    expected = f"a positive number or one of {', '.join(usable)}" if usable else "a positive number"
    return [
        Problem(where, f"prior '{parameter.name}', key 'arguments.{name}'", repr(value), expected)
        for name, value in prior.arguments.items()
        if isinstance(value, str) and value not in usable
    ]
