"""Effects by group and over uncertain populations, as a page tells them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report import invented

from largesse.report import population
from largesse.results import Results


def group(by: str, level: str, mean: float, *, varies: bool) -> dict[str, Any]:
    """What the fit says of one group, by hand."""
    effect = {"mean": mean, "lower": mean - 0.02, "upper": mean + 0.02}
    return {"by": by, "level": level, "varies": varies, "effects": {"loyalty.direct": effect}}


def told(*groups: dict[str, Any], design: float = 1.25) -> Results:
    """A study of these groups."""
    made = invented.results()
    uncertain = {"loyalty.direct": {"mean": 0.06, "lower": 0.031, "upper": 0.089}}
    about = {"effective": 1600.0, "design": design, "reported_loyalty": {"groups": [*groups], "uncertain": uncertain}}
    return replace(made, figures={**made.figures, "population": about})


def test_each_group_has_a_row_with_its_intervals() -> None:
    """In points of 100, named by covariate and level; an outcome that the study lacks has no column."""
    shown = told(group("class", "core", 0.06, varies=True), group("cohort", "young", 0.04, varies=False))
    lines = population.table(shown).splitlines()
    assert any("Class: core | 6.0 (4.0 to 8.0)" in line for line in lines)
    assert any("Cohort: young | 4.0 (2.0 to 6.0)" in line for line in lines)
    assert "spillover" not in population.table(shown)


def test_only_modifiers_are_said_to_let_an_effect_differ() -> None:
    """Of a covariate without a term of its own the page says that groups differ for other reasons."""
    with_term = population.said(told(group("class", "core", 0.06, varies=True)))
    without = population.said(told(group("class", "core", 0.06, varies=False)))
    assert "lets the effect differ by class" in with_term[0]
    assert "no term lets effects differ" in without[0]
    assert "no effect of belonging" in without[1]


def test_what_weights_cost_is_told_where_they_cost_something() -> None:
    """Equal weights are worth no word; others are told by design effect and effective size, with the wider interval."""
    costly, free = population.worth(told(design=1.25)), population.worth(told(design=1.0))
    assert "1,600 equal respondents (design effect 1.25)" in costly[0]
    assert len(free) == 1
    assert "3.1 to 8.9" in free[0]
