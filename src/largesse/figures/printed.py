"""What figures, tables and sentences print alike: numbers in points of 100, names of outcomes, effects in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse.results import Estimate, Results

OUTCOMES: Final = {
    "receipt": "receiving a gift",
    "loyalty": "reported loyalty",
    "market_any": "taking part in the market",
    "market_much": "share of income from the market",
    "sincere": "sincere support",
    "said": "support as people say it",
    "belief": "of what people say, belief",
    "words": "of what people say, words",
    "gap": "what is said, less sincere support",
    "anchored": "loyalty, all using the answers alike",
    "answered": "loyalty as people answer",
    "style": "of answers, their use",
}
DIRECTIONS: Final = {"raises": "above nought", "lowers": "below nought", "hardly changes": "too small to matter",
                     "cannot tell": "direction not settled"}  # fmt: skip
SHORT: Final = {
    "direct": "a gift, on who receives it",
    "spillover": "more coverage, on those passed over",
    "total": "a gift under high coverage, none under low",
    "overall": "more coverage, on everyone",
}
PROGRAMMES: Final = {
    "receivers": "own gift, on those whom offices choose",
    "passed_over": "coverage, on the eligible who are passed over",
    "never_eligible": "coverage, on those hardly ever chosen",
    "selectivity": "offices' choice, against lots for the same gifts",
    "selectivity.reach": "of that, as gifts do more to those chosen",
    "selectivity.curvature": "of that, as they stand elsewhere on the scale",
    "policy.standing": "choice by standing alone, against lots",
    "policy.need": "choice by need, against lots",
    "policy.none": "gifts as they are, against none",
    "policy.everyone": "a gift for everyone, against gifts as they are",
}


def points(share: float) -> str:
    """A share of the outcome's range in points of 100, with one decimal and a true minus."""
    value = round(100 * share, 1) + 0.0  # no minus before nought
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def span(lower: float, upper: float) -> str:
    """An interval in points of 100."""
    return f"{points(lower)} to {points(upper)}"


def estimated(mean: float, lower: float, upper: float) -> str:
    """A mean with its interval, in points of 100."""
    return f"{points(mean)} ({span(lower, upper)})"


def outcome(results: Results, name: str) -> str:
    """What an outcome is called: by the study, else by this package."""
    plain = results.figures.get("plain") or {}
    return str(plain.get(name, {}).get("label") or OUTCOMES.get(name, name.replace("_", " ")))


def models(results: Results) -> dict[str, Mapping[str, Any]]:
    """What is known of each model, in the order of the study."""
    return {name: results.models[name] for name in results.study["models"]}


def contrasts(results: Results) -> list[Estimate]:
    """The estimates that compare, for the whole frame and at the profiles asked for, in order of outcome."""
    return _ordered(results, SHORT)


def programmes(results: Results) -> list[Estimate]:
    """The estimates of policies, which leave gifts as many and change who gets them; in order of outcome."""
    return [e for e in _ordered(results, PROGRAMMES) if e.outcome != "receipt"]


def _ordered(results: Results, names: Mapping[str, str]) -> list[Estimate]:
    order, known = [*OUTCOMES, *sorted({e.outcome for e in results.estimates} - set(OUTCOMES))], list(names)
    wanted = [e for e in results.estimates if e.contrast in names and (not e.group or is_profile(e))]
    return sorted(wanted, key=lambda e: (order.index(e.outcome), known.index(e.contrast), bool(e.group)))


def is_profile(estimate: Estimate) -> bool:
    """True for an effect at one profile, false for a district's."""
    return estimate.key.startswith(f"{estimate.outcome}.{estimate.contrast}.at.")


def by_district(results: Results, name: str) -> list[Estimate]:
    """The estimates `name` of each district, the smallest first."""
    found = [e for e in results.estimates if e.group and e.key == f"{name}.{e.group}"]
    return sorted(found, key=lambda e: (e.mean, e.group))
