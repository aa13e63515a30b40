"""Effects over some of the people, and over populations drawn anew, against the population's own averages."""

from __future__ import annotations

from dataclasses import replace

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import findings, models, population
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.synthetic import World

WORLD = World(name="people", seed=12, respondents=400, districts=5, modifiers=("songbun",))
MODEL = models.get("reported_loyalty")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A study with modifiers, of districts that a file knows."""
    return fake_fits.study(tmp_path_factory.mktemp("people") / "study", WORLD)


@pytest.fixture(scope="module")
def fit(inputs: Inputs) -> Fit:
    """Draws around its truth."""
    return fake_fits.fits(inputs)[MODEL.name]


def test_groups_of_a_covariate_average_to_everyone(inputs: Inputs, fit: Fit) -> None:
    """The effects of all levels of a covariate, weighted by how many are of each, are the effect on everyone."""
    found = population.by_group(fit, MODEL, inputs)
    whole = findings.estimate(fit, MODEL, inputs)["loyalty.direct"].sel(group="").to_numpy().mean()
    rows = [row for row in found if row["by"] == "songbun"]
    levels = inputs.survey.codebook["songbun"].levels
    assert [row["level"] for row in rows] == [str(level) for level in levels]
    weight = inputs.frames[MODEL.name]["weight"].to_numpy()
    masks = [population._at(inputs, inputs.frames[MODEL.name], "songbun", str(level)) for level in levels]
    share = [float(weight @ mask) for mask in masks]
    assert sum(share) == pytest.approx(1.0)
    means = [row["effects"]["loyalty.direct"]["mean"] for row in rows]
    assert np.average(means, weights=share) == pytest.approx(whole, abs=1e-12)


def test_only_modifiers_vary_by_a_term_of_their_own(inputs: Inputs, fit: Fit) -> None:
    """The row of each group says whether the model lets the effect of a gift differ by it."""
    varies = {row["by"]: row["varies"] for row in population.by_group(fit, MODEL, inputs)}
    assert varies["songbun"]
    assert not any(value for by, value in varies.items() if by != "songbun")


def test_a_continuous_covariate_is_halved_at_its_median(inputs: Inputs, fit: Fit) -> None:
    """Two groups of respondents, told apart by the same number in survey and frame."""
    (name,) = (n for n, c in inputs.survey.codebook.items() if c.role == "continuous")
    levels = [row["level"] for row in population.by_group(fit, MODEL, inputs) if row["by"] == name]
    cut = float(np.median(inputs.design.table[name]))
    assert levels == [f"up to {cut:g}", f"above {cut:g}"]


def test_a_group_of_few_is_not_shown(inputs: Inputs, fit: Fit) -> None:
    """Nine respondents of one level, or four of them with a gift, would tell on somebody."""
    table = inputs.design.table.copy()
    rare = str(inputs.survey.codebook["songbun"].levels[0])
    of_it = np.flatnonzero((table["songbun"].astype(str) == rare).to_numpy())
    other = str(inputs.survey.codebook["songbun"].levels[1])
    table.loc[table.index[of_it[9:]], "songbun"] = other
    few = replace(inputs, design=replace(inputs.design, table=table))
    shown = {(row["by"], row["level"]) for row in population.by_group(fit, MODEL, few)}
    assert ("songbun", rare) not in shown
    assert ("songbun", other) in shown


def test_districts_are_halved_by_the_access_to_markets_that_their_file_gives(inputs: Inputs, fit: Fit) -> None:
    """Where the file says so of every district; where one is blank, nothing is told."""
    known = inputs.survey.districts
    assert known is not None
    access = known.index.get_level_values(0).str[-1].astype(int)
    survey = replace(inputs.survey, districts=known.assign(market_access=np.asarray(access, dtype=float)))
    told = {row["level"]: row["effects"]["loyalty.direct"] for row in _access(fit, replace(inputs, survey=survey))}
    assert list(told) == ["poor", "good"]
    frame = inputs.frames[MODEL.name]
    poor = frame["in_district"].to_numpy() < 3
    plain = population._effects(fit.thinned(population.DRAWS), fit.nodes, MODEL, inputs, {"poor": poor})
    assert told["poor"]["mean"] == pytest.approx(plain["loyalty.direct"].mean(), abs=1e-12)
    blank = known.assign(market_access=np.where(access == 1, np.nan, access))
    assert not _access(fit, replace(inputs, survey=replace(inputs.survey, districts=blank)))


def _access(fit: Fit, inputs: Inputs) -> list[dict[str, object]]:
    return [row for row in population.by_group(fit, MODEL, inputs) if row["by"] == "access to markets"]


def test_populations_drawn_anew_keep_districts_and_mean_what_the_sample_says(inputs: Inputs) -> None:
    """Each drawn population has as many people in every office; their mean is the frame, their spread Dirichlet's."""
    frame = inputs.frames[MODEL.name]
    weight = frame["weight"].to_numpy()
    drawn = np.array([*population._populations(inputs, frame, np.random.default_rng(3)).values()]) * weight
    office = frame["in_district"].to_numpy() * frame.sizes["wave"] + frame["in_wave"].to_numpy()
    within = np.eye(office.max() + 1)[office]
    np.testing.assert_allclose(drawn @ within, np.broadcast_to(weight @ within, (len(drawn), within.shape[1])))
    share, size = weight / (weight @ within)[office], population._sizes(inputs)[office]
    sd = np.sqrt(share * (1 - share) / (size + 1))
    found = drawn / (weight @ within)[office]
    z = (found.mean(axis=0) - share) / (sd / np.sqrt(len(drawn)))
    assert np.abs(z).max() < 4.5  # of some hundred rows, each standard normal
    assert np.sqrt((found.var(axis=0) / sd**2).mean()) == pytest.approx(1.0, abs=0.05)


def test_an_uncertain_population_widens_the_interval_and_moves_no_mean(inputs: Inputs, fit: Fit) -> None:
    """The mean of the direct effect stays within a hundredth of its sd times ten; the interval is no narrower."""
    drawn = findings.estimate(fit, MODEL, inputs)["loyalty.direct"].sel(group="").to_numpy()
    found = population.uncertain(fit, MODEL, inputs)["loyalty.direct"]
    assert abs(found["mean"] - drawn.mean()) < 0.1 * drawn.std()
    assert found["upper"] - found["lower"] > 0.98 * np.ptp(np.quantile(drawn, [0.05, 0.95]))


def test_equal_weights_cost_nothing_and_unequal_ones_what_kish_says(inputs: Inputs) -> None:
    """(sum w)^2 / sum w^2 of weights 1 and 3 in equal numbers is four fifths of the sample."""
    table = inputs.survey.table
    equal = replace(inputs, survey=replace(inputs.survey, table=table.assign(weight=1.0)))
    assert population.worth(equal) == {"effective": len(table), "design": 1.0}
    half = pd.Series(np.where(np.arange(len(table)) % 2, 3.0, 1.0), index=table.index)
    unequal = replace(inputs, survey=replace(inputs.survey, table=table.assign(weight=half)))
    assert population.worth(unequal)["design"] == pytest.approx(1.25, abs=0.01)
