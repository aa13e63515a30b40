"""What somebody is sure of becomes a prior that says just that, or an error that says why it cannot."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from typer.testing import CliRunner

from largesse import models
from largesse.cli import app
from largesse.elicitation import NEAR, Elicited, Statement, elicit
from largesse.errors import InputError
from largesse.families import FAMILIES

MODEL = models.get("reported_loyalty")
PARAMETERS = {p.name: p for p in MODEL.parameters}


def said(**words: Any) -> Statement:
    """A statement of an analyst's."""
    return Statement.said(**({"by": "A. Analyst", "on_date": date(2026, 11, 26), "where": "interviews"} | words))


def made(parameter: str, **words: Any) -> Elicited:
    """The prior of a parameter of reported loyalty."""
    return elicit(PARAMETERS, MODEL.priors(), parameter, said(**words))


@pytest.mark.parametrize(
    ("parameter", "distribution", "between"),
    [
        ("direct", "", (-0.4, 1.2)),
        ("direct", "StudentT", (-1.0, 1.0)),
        ("district_sd", "", (0.0, 1.0)),
        ("district_sd", "Exponential", (0.0, 0.7)),
        ("disposition_sd", "", (0.3, 2.5)),
        ("disposition_sd", "Gamma", (0.3, 2.5)),
        ("discrimination", "", (0.5, 2.0)),
    ],
)
@pytest.mark.parametrize("sure", [0.8, 0.95])
def test_draws_lie_where_they_were_said_to_as_often_as_was_said(
    parameter: str, distribution: str, between: tuple[float, float], sure: float
) -> None:
    """Of 40,000 draws of the prior by NumPy, within four standard errors and what rounding may cost."""
    prior = made(parameter, distribution=distribution, between=between, sure=sure).prior
    draws = prior.rvs(np.random.default_rng(1), (40_000,))
    share = float(np.mean((draws > between[0]) & (draws < between[1])))
    assert abs(share - sure) < NEAR + 4 * np.sqrt(sure * (1 - sure) / 40_000)


@settings(max_examples=10, deadline=None)
@given(low=st.floats(-3, 2.5), width=st.floats(0.05, 4), sure=st.floats(0.6, 0.99))
def test_a_normal_of_most_entropy_has_its_middle_in_the_middle(low: float, width: float, sure: float) -> None:
    """So it is the normal whose tails beyond both ends are alike: known without any search."""
    prior = made("direct", between=(low, low + width), sure=sure).prior
    cdf = FAMILIES["Normal"].cdf
    below, above = cdf(np.array([low, low + width]), prior.arguments) - np.array([(1 - sure) / 2, (1 + sure) / 2])
    assert abs(below) < NEAR
    assert abs(above) < NEAR


def test_points_are_of_people_from_one_half() -> None:
    """95 % sure of -20 to 20 points: a share of one half moves to .3 or .7 at the ends of the prior's interval."""
    prior = made("direct", between=(-20, 20), on="points").prior
    assert prior.arguments["mu"] == 0
    assert expit(1.96 * prior.arguments["sigma"]) == pytest.approx(0.7, abs=0.002)  # three digits
    assert prior.statement == "95% sure that it moves a share of one half by -20 to +20 points"


def test_an_entry_is_read_back_as_the_prior_that_it_is() -> None:
    """Put into a study, in the place of the model's own, with its statement, its author and its source."""
    elicited = made("district_sd", between=(0.0, 1.0))
    table = tomllib.loads(elicited.toml())["priors"]["reported_loyalty"]
    merged = MODEL.priors().overridden(table, "study.toml")
    merged.check(MODEL.parameters)
    assert merged["district_sd"] == elicited.prior
    assert merged["district_sd"].source.kind == "elicited"
    assert merged["direct"] == MODEL.priors()["direct"]


@pytest.mark.parametrize(
    ("parameter", "words", "told"),
    [
        ("cutpoint", {"between": (-1, 1)}, "parameter 'cutpoint' of reported_loyalty: found made of others"),
        ("dirct", {"between": (-1, 1)}, "parameter 'dirct' of reported_loyalty: found no parameter"),
        ("direct", {"between": (1, -1)}, r"'between': found \[1.0, -1.0\]; expected a smaller and a larger number"),
        ("district_sd", {"between": (-1, 1)}, "neither below 0"),
        ("direct", {"between": (-60, 20), "on": "points"}, "points between -50 and 50"),
        ("spillover", {"between": (-20, 20), "on": "points"}, "points, of something in logit per 100 points"),
        ("direct", {"between": (-1, 1), "distribution": "Gamma"}, "'Gamma'; expected Normal or StudentT"),
        ("disposition_sd", {"between": (2.0, 2.1), "distribution": "HalfNormal"}, "HalfNormal gives .* expected one"),
    ],
)
def test_what_cannot_be_said_is_refused(parameter: str, words: dict[str, Any], told: str) -> None:
    """With the part of the statement at fault, what was found and what was expected."""
    with pytest.raises(InputError, match=told):
        made(parameter, **words)


def test_a_statement_without_an_argument_is_refused() -> None:
    """Who is sure of nothing, or does not say why, has elicited nothing."""
    with pytest.raises(InputError, match="where"):
        said(between=(-1, 1), where="")
    with pytest.raises(InputError, match="sure"):
        said(between=(-1, 1), sure=0.4)


def test_what_the_command_prints_is_an_entry_of_a_study_with_what_it_implies() -> None:
    """The whole of it is TOML: what the set then implies stands in comments, in shares of people."""
    words = ["direct", "--between", "-20", "20", "--on", "points", "--by", "A. Analyst", "--where", "interviews"]
    done = CliRunner().invoke(app, ["priors", "elicit", "reported_loyalty", *words])
    assert done.exit_code == 0, done.output
    assert tomllib.loads(done.output)["priors"]["reported_loyalty"]["direct"]["distribution"] == "Normal"
    assert "#   loyalty.direct" in done.output
