"""Elicitation: from "95 % sure that it lies between a and b" to a prior that says so.

The numbers are those of maximum entropy, by PreliZ (Icazatti et al. 2023), which is needed when a prior is written and
never when a study is run. They are kept to three digits, and then held against the statement by this package's own
distribution functions.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Annotated, Any, Final, Literal, cast

import numpy as np
import tomli_w
from pydantic import Field, ValidationError
from scipy.special import logit

from largesse.errors import InputError
from largesse.families import FAMILIES
from largesse.parameters import Parameter
from largesse.priors import FITTING, Prior, PriorSet, Source
from largesse.settings import Record
from largesse.study import problems_of

WHERE: Final = "statement"
NEAR: Final = 0.005  # of the mass said: what is lost of the numbers by rounding moves it by less
TAILS: Final = 4.0  # degrees of freedom of Student's t, where it is asked for: heavier tails have no sd worth the name
SAID: Final = ("effect", "discrimination")  # what is one number, of which somebody may be sure
USUAL: Final = {"real": "Normal", "positive": "LogNormal"}
HALF: Final = "HalfNormal"  # what is usual where a positive number is only said to be below something
SCALES: Final[Mapping[str, Callable[[float], float]]] = {
    "unit": float,
    "points": lambda points: float(logit(0.5 + points / 100)),  # of people, from one half
}


class Statement(Record):
    """What somebody is sure of.

    Attributes
    ----------
    between : the ends, `on` the parameter's own unit, or in `points` of people from one half for what is on logits.
    sure : the chance that it lies there.
    distribution : by which it is told; the usual one of the parameter's support unless given.
    by, on_date : who said so and when; where : the argument, or where it was said; key : an entry of references.bib.
    """

    between: tuple[float, float]
    on: Literal["unit", "points"] = "unit"
    sure: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    distribution: str = ""
    by: Annotated[str, Field(min_length=1)]
    on_date: date
    where: Annotated[str, Field(min_length=1)]
    key: str = ""

    @classmethod
    def said(cls, **words: Any) -> Statement:
        """A statement as somebody makes it.

        Errors
        ------
        InputError
            names each part of it that is wrong.
        """
        try:
            return cls.model_validate(words)
        except ValidationError as error:
            raise InputError(problems_of(error, WHERE)) from None


@dataclass(frozen=True)
class Elicited:
    """A prior that says what was said.

    Attributes
    ----------
    name : of the parameter; model : of whose; prior : with the statement and the numbers.
    mass : the chance that it gives to what was said, by the numbers as they are kept.
    """

    name: str
    model: str
    prior: Prior
    mass: float

    def toml(self) -> str:
        """As a study's own entry, to be put into its `study.toml`."""
        entry = self.prior.model_dump(exclude={"alternatives"})
        return tomli_w.dumps({"priors": {self.model: {self.name: entry}}})


def elicit(parameters: Mapping[str, Parameter], priors: PriorSet, name: str, said: Statement) -> Elicited:
    """The prior of one parameter of a model that says what somebody is sure of.

    Parameters
    ----------
    parameters : of the model, by name; priors : its own, in whose place it goes.

    Errors
    ------
    InputError
        names what cannot be: a parameter that is none or is made of others, ends in the wrong order or off the scale, a
        distribution that the parameter cannot have or that cannot say so.
    """
    parameter = _elicitable(parameters, priors.model, name)
    low, high = _ends(parameter, said)
    family = _family(parameter, said, low)
    arguments = _numbers(family, low, high, said.sure)
    cdf = FAMILIES[family].cdf
    mass = float(np.diff(cdf(np.array([low, high]), arguments))[0])
    if abs(mass - said.sure) > NEAR:
        found = f"{family} gives {mass:.1%} to {low:.3g} to {high:.3g}"
        raise InputError.one(WHERE, "key 'distribution'", found, f"one that gives it {said.sure:.0%}")
    prior = Prior(
        distribution=family,
        arguments=arguments,
        dims=parameter.dims,
        unit=parameter.unit,
        statement=_told(parameter, said),
        by=said.by,
        date=said.on_date,
        source=Source(kind="elicited", key=said.key, where=said.where),
    )
    return Elicited(name, priors.model, prior, mass)


def _elicitable(parameters: Mapping[str, Parameter], model: str, name: str) -> Parameter:
    """A parameter that a number can be said of."""
    usable = [n for n, p in parameters.items() if p.construct in SAID]
    if name not in usable:
        found = "made of others, or of shares" if name in parameters else "no parameter of that model"
        raise InputError.one(WHERE, f"parameter '{name}' of {model}", found, f"one of {', '.join(usable)}")
    return parameters[name]


def _ends(parameter: Parameter, said: Statement) -> tuple[float, float]:
    """The ends on the parameter's unit."""
    if said.on == "points" and parameter.unit != "logit":
        raise InputError.one(WHERE, "key 'on'", f"points, of something in {parameter.unit}", "unit")
    if said.on == "points" and not all(abs(end) < 50 for end in said.between):
        raise InputError.one(
            WHERE, "key 'between'", str(list(said.between)), "points between -50 and 50, from one half"
        )
    low, high = map(SCALES[said.on], said.between)
    least = 0.0 if parameter.support == "positive" else -np.inf
    if not least <= low < high < np.inf:
        expected = "a smaller and a larger number" + (", neither below 0" if least == 0 else "")
        raise InputError.one(WHERE, "key 'between'", str(list(said.between)), expected)
    return low, high


def _family(parameter: Parameter, said: Statement, low: float) -> str:
    """The distribution asked for, or the usual one."""
    fitting = [d for d in FITTING[parameter.construct] if FAMILIES[d].support == parameter.support]
    usual = HALF if parameter.support == "positive" and low == 0 else USUAL[parameter.support]
    chosen = said.distribution or usual
    if chosen not in fitting:
        raise InputError.one(WHERE, "key 'distribution'", repr(chosen), " or ".join(fitting))
    return chosen


def _numbers(family: str, low: float, high: float, sure: float) -> dict[str, float]:
    """The arguments of most entropy: places to a thousandth of the width that was said, the rest to three digits."""
    preliz, known = _preliz(), {"nu": TAILS} if family == "StudentT" else {}
    found = getattr(preliz, family)(**known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a mass that it did not reach, which is asked for below
        preliz.maxent(found, low, high, sure, plot=False)
    numbers = {name: float(getattr(found, name)) for name in FAMILIES[family].arguments}
    decimals = {name: 3 - _magnitude(high - low if name == "mu" else number) for name, number in numbers.items()}
    return {name: round(number, decimals[name]) + 0.0 for name, number in numbers.items()}


def _preliz() -> ModuleType:
    """PreliZ, which a study never needs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells what it cannot do without PyMC's older interfaces
            import preliz  # noqa: PLC0415  # needed here alone, and slow to import
    except ImportError:
        wanted = "the extra `authoring`: pip install 'largesse[authoring]'"
        raise InputError.one(WHERE, "", "no PreliZ", wanted) from None
    return cast("ModuleType", preliz)


def _magnitude(number: float) -> int:
    """How many digits stand before the point; 0 and less where the first lies behind it."""
    return math.floor(math.log10(number)) + 1


def _told(parameter: Parameter, said: Statement) -> str:
    """The statement, in words."""
    low, high = said.between
    if said.on == "points":
        return f"{said.sure:.0%} sure that it moves a share of one half by {low:+g} to {high:+g} points"
    return f"{said.sure:.0%} sure that it lies between {low:g} and {high:g} {parameter.unit}"
