"""Settings: the tables of `study.toml` by themselves, each a frozen record in which an unknown key is an error."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SHOWN = 80  # characters of a value quoted in a message


class DisagreementError(ValueError):
    """Keys that are right one by one and wrong together: (key, found, expected) for each."""

    def __init__(self, *wrong: tuple[str, str, str]) -> None:
        self.wrong = wrong
        super().__init__("; ".join(f"{key}: found {found}; expected {expected}" for key, found, expected in wrong))


def plain(value: object) -> str:
    """The text form of one answer: 1, 1.0 and '1' are all '1'; midnight and spaces around are left off."""
    text = str(value).strip().removesuffix(" 00:00:00")
    if re.fullmatch(r"-?\d+\.\d+", text):
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        return "0"
    return text.lower() if text.lower() in ("true", "false") else text


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise DisagreementError(("", repr(value)[:SHOWN], "a number, or a level in quotation marks"))
    return value


def _python_knows(encoding: str) -> str:
    try:
        "text".encode(encoding)
    except (ValueError, LookupError):
        expected = "a text encoding that Python knows, such as 'utf-8' or 'cp949'"
        raise DisagreementError(("", repr(encoding), expected)) from None
    return "utf-8" if codecs.lookup(encoding).name == "utf-8" else encoding  # utf8, UTF-8, U8 ...


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Code = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(plain)]  # 98, 98.0 and "98" are the same answer
MapName = Literal["rate", "others", "own_group", "neighbours"]
Value = Annotated[float | str, BeforeValidator(_number_or_text)]
Encoding = Annotated[str, AfterValidator(_python_knows)]


class Record(BaseModel):
    """A frozen table of `study.toml`; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Missing(Record):
    """`[missing]`: answers that are kept as data but are not a position on the scale.

    The codes hold for every column that was asked, numbers too, unless `[levels]` lists them for that column.
    """

    dont_know: tuple[Code, ...] = ()
    refused: tuple[Code, ...] = ()

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        if both := sorted({*self.dont_know} & {*self.refused}):
            raise DisagreementError(("refused", f"{both[0]!r}, which is in dont_know too", "one meaning for each code"))
        return self


class Gift(Record):
    """`[gift]`: how a count of gifts becomes received or not."""

    threshold: Annotated[int, Field(ge=1)] | None = None


class Effects(Record):
    """`[effects]`: which covariates change the effect of a gift, and what the joint model takes as known.

    Attributes
    ----------
    modifiers : covariates that change the effect of a gift, and of coverage.
    over : the chance that someone who does not support sincerely says yes when asked directly; an assumption, read only
        where nobody was asked both directly and indirectly, which cannot tell it from sincere support.
    favour : what one sd of the private disposition counts with the office, in logits of a gift; an assumption, which is
        swept, except where loyalty was asked before the gift: there favour is estimated and this is not read.
    disposition_sd : sd of the disposition in logits of loyalty; an assumption read only where one item is asked, which
        cannot tell it from the noise of answers.
    """

    modifiers: tuple[str, ...] = ()
    over: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    favour: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.0
    disposition_sd: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0


class Exposure(Record):
    """`[exposure]`: the map from gifts to the share of receivers that each respondent faces (:mod:`largesse.maps`).

    Attributes
    ----------
    map : of the fit and the estimands.
    also : maps whose effects on reported loyalty are shown beside.
    group : the categorical covariate whose levels are the groups of `own_group`.
    """

    map: MapName = "rate"
    also: tuple[MapName, ...] = ()
    group: str | None = None


class Forced(Record):
    """`forced`: a die tells some respondents to say yes, and some to say no, whatever is true of them.

    Attributes
    ----------
    yes, no : the chance of each; the rest answer truly.
    """

    yes: Share
    no: Share

    @model_validator(mode="after")
    def _some_answer(self) -> Self:
        if self.yes + self.no >= 1:
            raise DisagreementError(("no", f"{self.yes + self.no:g} together with yes", "less than 1 together"))
        return self


class Instruments(Record):
    """`[instruments]`: how support was asked about indirectly, all of one statement.

    Attributes
    ----------
    control_items : of the list experiment, how many items the control list has; the treated list has one more.
    placebo_items : the same of a placebo list, whose further item is no matter of support.
    placebo_share : the share of people to whom that item applies, as is known from elsewhere.
    forced : of randomised response, the forced-response design.
    warner : of randomised response, Warner's design: the chance that the statement itself was asked about, and not its
        contrary. A half would tell nothing.
    """

    control_items: Annotated[int, Field(ge=1, le=20)] | None = None
    placebo_items: Annotated[int, Field(ge=1, le=20)] | None = None
    placebo_share: Share = 0.0
    forced: Forced | None = None
    warner: Share | None = None

    @property
    def yes(self) -> tuple[float, float] | None:
        """Chance of a yes of who does not support, and of who does; nothing where nothing was randomised."""
        if self.forced:
            return self.forced.yes, 1 - self.forced.no
        return None if self.warner is None else (1 - self.warner, self.warner)

    @model_validator(mode="after")
    def _one_design(self) -> Self:
        if self.forced and self.warner is not None:
            raise DisagreementError(("warner", f"{self.warner:g}, beside forced", "one design"))
        if self.warner == 0.5:
            raise DisagreementError(("warner", "0.5, at which answers tell nothing", "another chance"))
        return self


class Weights(Record):
    """`[weights]`: `frame` averages estimands with the weights; `likelihood` also fits with them."""

    use: Literal["frame", "likelihood"] = "frame"


class At(Record):
    """`[[estimands.at]]`: a profile at which the direct effect is also wanted.

    `values`: covariate -> a level of it (text), or a number for a continuous one, in its own unit.
    """

    name: str
    label: str
    values: Mapping[str, Value]


class Estimands(Record):
    """`[estimands]`: what is asked, on which scale, and what would be too small to matter.

    Attributes
    ----------
    interval : probability content of intervals, equal tails.
    rope : half width of what is too small to matter, as a share of the outcome's range.
    coverage : the two shares receiving that are compared, low then high.
    market_shares : share of income that each market band above the lowest stands for (the lowest does not take
        part), increasing; evenly spaced midpoints of the bands when absent.
    extrapolates : why shares outside the coverage that was observed are asked for.
    at : profiles at which the direct effect is also wanted.
    need : the continuous covariate that says how much people need a gift: more of it, more need.
    favours : the grid of the tipping curve, in logits of a gift per sd of the private disposition.
    leave_out : places that are left out one by one, to see what hangs on each; a short fit for each.
    """

    interval: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.9
    rope: Share = 0.03
    coverage: tuple[Share, Share] | None = None
    market_shares: tuple[Share, ...] | None = None
    extrapolates: str | None = None
    at: tuple[At, ...] = ()
    need: str | None = None
    favours: Annotated[tuple[float, ...], Field(min_length=2)] = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    leave_out: Literal["district", "province"] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        shares, names = self.market_shares or (), [profile.name for profile in self.at]
        wrong = []
        if self.coverage and self.coverage[0] >= self.coverage[1]:
            wrong.append(("coverage", f"{list(self.coverage)}", "two different shares, low then high"))
        if any(low >= high for low, high in pairwise(shares)):
            wrong.append(("market_shares", f"{list(shares)}", "shares that increase from band to band"))
        if any(low >= high for low, high in pairwise(self.favours)):
            wrong.append(("favours", f"{list(self.favours)}", "a grid that increases"))
        if twice := [name for i, name in enumerate(names) if name in names[:i]]:
            wrong.append(("at", f"two profiles named {twice[0]!r}", "a name for each profile"))
        if wrong:
            raise DisagreementError(*wrong)
        return self


class Sampler(Record):
    """`[sampler]`: draws kept and warm-up draws per chain, and the number of chains."""

    draws: Annotated[int, Field(ge=100)] = 1000
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
