"""Priors: two realisations that agree, statements that are true, and errors that name file and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import designs
import graphs
import numpy as np
import pymc as pm
import pytest
import toys
from scipy import stats
from scipy.special import expit

from largesse import models
from largesse.errors import InputError
from largesse.families import FAMILIES
from largesse.models.contract import DISTRIBUTIONS
from largesse.parameters import Parameter
from largesse.priors import Prior, PriorSet, correlations, cutpoints

DRAWS = 20_000
FAR_OFF = 5.0  # standard errors: among a hundred comparisons one goes beyond by chance in 20,000 runs
SHIPPED = [(model, p) for model in models.SHIPPED for p in models.get(model).parameters]
every_parameter = pytest.mark.parametrize(("model", "p"), SHIPPED, ids=[f"{m}-{p.name}" for m, p in SHIPPED])
ARGUMENTS: dict[str, dict[str, float]] = {
    "Normal": {"mu": -0.7, "sigma": 1.3},
    "StudentT": {"nu": 9.0, "mu": 0.4, "sigma": 0.8},
    "ZeroSumNormal": {"sigma": 1.7},
    "HalfNormal": {"sigma": 0.6},
    "Exponential": {"lam": 2.5},
    "Gamma": {"alpha": 3.0, "beta": 4.0},
    "LogNormal": {"mu": 0.2, "sigma": 0.5},
    "Correlation": {"concentration": 2.5},
    "Dirichlet": {"concentration": 1.5},
}
every_family = pytest.mark.parametrize("name", FAMILIES)


def prior(distribution: str, arguments: dict[str, Any], **more: Any) -> Prior:
    """A prior with the least provenance that is accepted."""
    source = {"kind": "weak", "where": "a test"}
    table = {"unit": "logit", "statement": "none", "by": "a test", "date": "2026-11-24", "source": source}
    return Prior.model_validate({"distribution": distribution, "arguments": arguments, **table, **more})


# --- one distribution, two realisations ------------------------------------------------------------------------


@every_family
def test_numpy_draws_have_the_moments_of_the_density(name: str) -> None:
    """Draws have the mean and variance of their family, the zero-sum and the simplex families too."""
    a, size = ARGUMENTS[name], (DRAWS, 4)
    x = prior(name, a).rvs(np.random.default_rng(1), size)
    mean, variance = {
        "Normal": lambda: stats.norm(a["mu"], a["sigma"]).stats("mv"),
        "StudentT": lambda: stats.t(a["nu"], a["mu"], a["sigma"]).stats("mv"),
        "ZeroSumNormal": lambda: (0.0, a["sigma"] ** 2 * (1 - 1 / 4)),
        "HalfNormal": lambda: stats.halfnorm(scale=a["sigma"]).stats("mv"),
        "Exponential": lambda: stats.expon(scale=1 / a["lam"]).stats("mv"),
        "Gamma": lambda: stats.gamma(a["alpha"], scale=1 / a["beta"]).stats("mv"),
        "LogNormal": lambda: stats.lognorm(a["sigma"], scale=np.exp(a["mu"])).stats("mv"),
        "Correlation": lambda: (0.0, 1 / (2 * a["concentration"] + 1)),
        "Dirichlet": lambda: stats.beta(a["concentration"], 3 * a["concentration"]).stats("mv"),
    }[name]()
    for values, expected in ((x, mean), ((x - mean) ** 2, variance)):
        error = values.std(axis=0) / np.sqrt(DRAWS)
        assert (np.abs(values.mean(axis=0) - expected) < FAR_OFF * error).all()
    if name in ("ZeroSumNormal", "Dirichlet"):
        np.testing.assert_allclose(x.sum(axis=-1), 0.0 if name == "ZeroSumNormal" else 1.0, atol=1e-12)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_pymc_and_numpy_draw_from_one_distribution(name: str) -> None:
    """Draws by PyMC and by NumPy under the same arguments have the same mean and the same mean square."""
    made = DISTRIBUTIONS[name].dist(**ARGUMENTS[name], shape=(DRAWS, 4))
    theirs = pm.draw(made, random_seed=2, mode=graphs.PYTHON)
    ours = prior(name, ARGUMENTS[name]).rvs(np.random.default_rng(2), (DRAWS, 4))
    for power in (1, 2):
        a, b = theirs**power, ours**power
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / DRAWS)
        assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < FAR_OFF * error).all()


@every_family
def test_draws_lie_evenly_in_their_own_distribution_function(name: str) -> None:
    """The distribution function of each family takes its own NumPy draws to a uniform, element by element."""
    a = ARGUMENTS[name]
    places = FAMILIES[name].cdf(prior(name, a).rvs(np.random.default_rng(2), (DRAWS, 4)), a)
    for element in range(places.shape[-1]):
        # Kolmogorov and Smirnov's distance: beyond 1.95 / sqrt(n) once in a thousand runs, and the seed is fixed
        assert stats.kstest(places[:, element], "uniform").statistic < 1.95 / np.sqrt(DRAWS)


@pytest.mark.parametrize("model", models.SHIPPED)
def test_the_transform_of_a_joint_draw_is_uniform_and_that_of_another_scale_is_not(model: str) -> None:
    """Each scalar of 2,000 joint draws lies evenly in its prior, given its scale; drawn twice as wide, it does not."""
    m, cells = models.get(model), designs.cells(designs.full(model), model)
    kept, sizes, answers = m.active(cells)[0], toys.sizes(cells), m.twin.answers(cells)
    rng, priors = np.random.default_rng(3), m.priors()
    drawn = [priors.draw(kept, sizes, answers, rng) for _ in range(2000)]
    places = [priors.transform(kept, theta, answers) for theta in drawn]
    for p in kept:
        u = np.array([np.ravel(at[p.name]) for at in places])
        free = u[:, ~np.isnan(u).all(axis=0)]
        assert (np.isnan(u).any(axis=0) == np.isnan(u).all(axis=0)).all()
        # the mean of a uniform has standard error .29 / sqrt(2000); five of them, for some two hundred scalars
        assert np.abs(free.mean(axis=0) - 0.5).max() < 5 * np.sqrt(1 / 12 / 2000)
    name = next(p.name for p in kept if p.name.endswith("district_effect"))
    wide = [theta | {name: 2 * theta[name]} for theta in drawn]
    spread = np.array([priors.transform(kept, theta, answers)[name] for theta in wide]).std(axis=0)
    assert (spread > np.sqrt(1 / 12) + 0.05).all()


def test_every_family_is_realised_twice() -> None:
    """PyMC knows every family; the Dirichlet is built from its sticks, a correlation from a Beta."""
    assert set(DISTRIBUTIONS) | {"Dirichlet", "Correlation"} == set(FAMILIES) == set(ARGUMENTS)


@every_parameter
def test_the_log_densities_agree(model: str, p: Parameter) -> None:
    """At points drawn from the prior, PyMC's free variable has the density of NumPy's prior, Jacobian included."""
    graph = designs.graph(designs.full(model), model)
    cells, rng = designs.cells(designs.full(model), model), np.random.default_rng(3)
    for _ in range(5):
        theta = graph.priors.draw(graph.kept, toys.sizes(cells), graph.answers, rng)
        expected = density(p, graph, theta)
        assert graph(theta)[p.free].sum() == pytest.approx(expected, rel=1e-10, abs=1e-10)


def density(p: Parameter, graph: graphs.Graph, theta: toys.Theta) -> float:
    """NumPy's log density of the free variable behind a parameter."""
    entry, value = graph.priors[p.name], theta[p.name]
    if p.construct == "cutpoints":
        return sum(stick_density(entry, cut) for cut in graphs.by_item(value, graph.answers[p.dims[0]]))
    if p.construct == "discrimination":
        return float(entry.logpdf(value[1:], theta).sum())
    if p.construct == "correlation":  # d theta / d beta = 2
        return float(entry.logpdf(value, theta)) + np.log(2.0)
    if p.together:  # d theta / d z = sigma sqrt(det of its correlations / det of those before) in each free dimension
        return deviates_density(p, graph, theta)
    if p.construct == "pooled":  # d theta / d z = sigma in each free dimension
        free = value.size - value.size // value.shape[-1] if entry.distribution == "ZeroSumNormal" else value.size
        return float(entry.logpdf(value, theta).sum() + free * np.log(entry.resolved(theta)["sigma"]))
    return float(entry.logpdf(value, theta).sum())


def deviates_density(p: Parameter, graph: graphs.Graph, theta: toys.Theta) -> float:
    """Log density of a correlated effect's own deviates: of all effects, less that of those before it, times Jacobian.

    By whole correlation matrices; effects that sum to zero over n districts have the density of n - 1 independent ones.
    """
    assert p.together is not None
    names = (*p.together.effects, p.name)
    z = np.array([graphs.standardised(theta[n], graph.priors[n], theta) for n in names])
    r, free = correlations([[float(theta[n]) for n in row] for row in p.together.partials]), z.shape[1] - 1
    log_det = [np.linalg.slogdet(r[:k, :k])[1] for k in range(len(names) + 1)]

    def log_density(k: int) -> float:
        quadratic = (z[:k] * np.linalg.solve(r[:k, :k], z[:k])).sum()
        return float(-0.5 * (quadratic + free * (log_det[k] + k * np.log(2 * np.pi))))

    k = len(names)
    return log_density(k) - log_density(k - 1) + free * float(log_det[k] - log_det[k - 1]) / 2


def stick_density(entry: Prior, cut: np.ndarray[Any, Any]) -> float:
    """Log density of the sticks of one item: the Dirichlet's, and share_j = stick_j times what was left before it."""
    below = np.concatenate([[0.0], expit(cut), [1.0]])
    return float(entry.logpdf(np.diff(below)) + np.log1p(-below[:-2]).sum())


@pytest.mark.parametrize("model", models.SHIPPED)
def test_the_joint_draws_agree(model: str) -> None:
    """Parameters drawn by PyMC's graph and by NumPy have the same means, constructs and hierarchies included."""
    graph, n = designs.graph(designs.full(model), model), 2_000
    names = [p.name for p in graph.kept]
    with graph.built:
        theirs = pm.draw([graph.built[name] for name in names], draws=n, random_seed=4, mode=graphs.PYTHON)
    rng, sizes = np.random.default_rng(4), toys.sizes(designs.cells(designs.full(model), model))
    drawn = [graph.priors.draw(graph.kept, sizes, graph.answers, rng) for _ in range(n)]
    for name, a in zip(names, theirs, strict=True):
        b = np.array([theta[name] for theta in drawn])
        assert a.shape == b.shape
        for f in (lambda v: v, np.abs):
            error = np.sqrt((f(a).var(axis=0) + f(b).var(axis=0)) / n)
            assert (np.abs(f(a).mean(axis=0) - f(b).mean(axis=0)) <= FAR_OFF * error).all(), name


def test_cutpoints_give_the_shares_they_are_made_from() -> None:
    """At predictor 0 the cutpoints of shares give back the shares, and the sticks of those cutpoints their Betas."""
    shares = np.random.default_rng(6).dirichlet(np.ones(6))
    cut = cutpoints(shares)
    np.testing.assert_allclose(np.diff(expit(np.concatenate([[-np.inf], cut, [np.inf]]))), shares, rtol=1e-12)
    left = 1 - np.concatenate([[0.0], np.cumsum(shares)[:-2]])
    np.testing.assert_allclose(graphs.sticks(cut), shares[:-1] / left, rtol=1e-9)


def test_a_pooled_effect_may_have_heavy_tails_and_a_centre() -> None:
    """A study may pool with a Student t around a centre: PyMC realises just that, not a Normal around 0."""
    entry = {"distribution": "StudentT", "arguments": {"nu": 5.0, "mu": 0.3, "sigma": "district_sd"}}
    shipped = models.get("reported_loyalty").priors()
    rest = shipped["district_effect"].model_dump(exclude={"distribution", "arguments"})
    priors = shipped.overridden({"district_effect": {**rest, **entry}}, "study.toml")
    cells = designs.cells("two items", "reported_loyalty")
    graph = graphs.Graph(models.get("reported_loyalty"), cells, priors)
    theta = priors.draw(graph.kept, toys.sizes(cells), graph.answers, np.random.default_rng(7))
    (p,) = (p for p in graph.kept if p.name == "district_effect")
    made = graph(theta)
    np.testing.assert_allclose(made["value of district_effect"], theta["district_effect"], rtol=1e-12)
    assert made[p.free].sum() == pytest.approx(density(p, graph, theta), rel=1e-10)


# --- effects that go together ----------------------------------------------------------------------------------


def partial(r: np.ndarray[Any, Any], i: int, j: int) -> float:
    """The correlation of i and j < i given all before j, from the inverse of their part of the matrix."""
    among = [*range(j), j, i]
    inverse = np.linalg.inv(r[np.ix_(among, among)])
    return float(-inverse[-1, -2] / np.sqrt(inverse[-1, -1] * inverse[-2, -2]))


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_any_partial_correlations_make_a_correlation_matrix(n: int) -> None:
    """It is symmetric with ones, positive definite, has the partials, and their product of 1 - r^2 as determinant."""
    rng = np.random.default_rng(n)
    for width in (0.3, 0.8, 0.99):  # nearer to 1 than that, the inverse loses the digits that are compared
        for _ in range(50):
            rows = [rng.uniform(-width, width, size=i).tolist() for i in range(1, n)]
            r = correlations(rows)
            np.testing.assert_array_equal(r, r.T)
            np.testing.assert_array_equal(np.diag(r), 1.0)
            assert np.linalg.eigvalsh(r).min() > 0
            assert np.linalg.det(r) == pytest.approx(np.prod([1 - p**2 for row in rows for p in row]), rel=1e-6)
            found = [[partial(r, i, j) for j in range(i)] for i in range(1, n)]
            np.testing.assert_allclose(np.concatenate(found), np.concatenate(rows), atol=1e-6)


def test_correlations_given_nothing_are_what_they_are_called() -> None:
    """By hand: r_12 is .5; r_13 and r_23 given 1 are .4 and 0, so r_23 is .5 * .4; all of it 0 is no correlation."""
    np.testing.assert_allclose(correlations([[0.5], [0.4, 0.0]]), [[1, 0.5, 0.4], [0.5, 1, 0.2], [0.4, 0.2, 1]])
    np.testing.assert_array_equal(correlations([[0.0], [0.0, 0.0]]), np.eye(3))


CORRELATED = [p for p in models.get("joint").parameters if p.construct == "correlated"]
PAIRS = [n for row in CORRELATED[-1].together.partials for n in row] if CORRELATED[-1].together else []


def test_no_two_equations_are_thought_to_go_together_more_than_others() -> None:
    """The prior's claim: the matrix of four has density proportional to its determinant.

    Each correlation of such a matrix is Beta(3, 3), stretched to (-1, 1), whatever the order of the equations.
    """
    rng, priors = np.random.default_rng(11), models.get("joint").priors()
    each = {n: priors[n].rvs(rng, (4000,)) for n in PAIRS}
    rows = CORRELATED[-1].together.partials  # type: ignore[union-attr]
    drawn = np.array([correlations([[each[n][s] for n in row] for row in rows]) for s in range(4000)])
    for i, j in zip(*np.tril_indices(4, -1), strict=True):
        # Kolmogorov and Smirnov's distance: beyond 1.95 / sqrt(n) once in a thousand runs, and the seed is fixed
        found = stats.kstest(drawn[:, i, j], stats.beta(3, 3, loc=-1, scale=2).cdf)
        assert found.statistic < 1.95 / np.sqrt(4000), (i, j)


APART = ("before", "sincere", "willing")  # equations whose districts are independent of all others


def test_districts_that_numpy_draws_go_together_as_stated() -> None:
    """Effects of four equations on many districts have the correlations of the matrix, and each its own sd.

    2,000 districts that sum to zero are 1,999 independent ones; a correlation r errs by (1 - r^2) / sqrt(1,999).
    """
    rng, n, model = np.random.default_rng(12), 2000, models.get("joint")
    effects = [p for p in model.parameters if p.name.endswith("district_effect") and not p.name.startswith(APART)]
    sds = {p.name.replace("effect", "sd"): np.array(sd) for p, sd in zip(effects, (0.5, 1.0, 1.5, 2.0), strict=True)}
    stated = dict(zip(PAIRS, map(np.array, (0.6, -0.4, 0.5, 0.2, -0.7, 0.3)), strict=True))
    theta = model.priors().draw(effects, {"district": n}, {}, rng, sds | stated)
    r = correlations([[float(stated[name]) for name in row] for row in CORRELATED[-1].together.partials])  # type: ignore[union-attr]
    drawn = np.array([theta[p.name] for p in effects])
    for i, j in zip(*np.tril_indices(4, -1), strict=True):
        assert abs(np.corrcoef(drawn)[i, j] - r[i, j]) < FAR_OFF * (1 - r[i, j] ** 2) / np.sqrt(n - 1)
    wanted = np.array(list(sds.values()))
    assert (np.abs(drawn.std(axis=1) / wanted - 1) < FAR_OFF / np.sqrt(2 * (n - 1))).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 0.0, atol=1e-9)


# --- what the statements say -----------------------------------------------------------------------------------


def upper(entry: Prior, probability: float) -> float:
    """A quantile of a scalar prior; of a zero-sum effect, of the widest it can be."""
    a = entry.arguments
    frozen = {
        "Normal": lambda: stats.norm(a["mu"], a["sigma"]),
        "ZeroSumNormal": lambda: stats.norm(0.0, a["sigma"]),
        "HalfNormal": lambda: stats.halfnorm(scale=a["sigma"]),
        "LogNormal": lambda: stats.lognorm(a["sigma"], scale=np.exp(a["mu"])),
        "Correlation": lambda: stats.beta(a["concentration"], a["concentration"], loc=-1, scale=2),
    }[entry.distribution]()
    return float(frozen.ppf(probability))


def points(logit: float) -> float:
    """How many points of 100 a shift on the logit scale moves a share of one half."""
    return 100 * (expit(logit) - 0.5)


def shares(entry: Prior, answers: int) -> tuple[float, float]:
    """The 95% interval of the share of one of several answers, in points of 100."""
    a = float(entry.arguments["concentration"])
    low, high = stats.beta(a, a * (answers - 1)).ppf([0.025, 0.975])
    return 100 * low, 100 * high


NUMBER = r"(\d+(?:\.\d+)?)"
STATEMENTS: dict[str, Callable[[Prior], tuple[float, ...]]] = {  # what is claimed -> what the prior implies
    rf"sure that the sd (?:of|between) .* is below {NUMBER} logits?": lambda e: (upper(e, 0.95),),
    rf"sure that the sd of .* below {NUMBER} logit, which moves .* by {NUMBER} points from one half":
        lambda e: (upper(e, 0.95), points(upper(e, 0.95))),
    rf"(?:level|gift|wave|sd of the disposition) .*moves .* by less than {NUMBER} points from one half.*":
        lambda e: (points(upper(e, 0.975)),),
    rf".*10 (?:more )?points (?:of|apart in) coverage .* by less than {NUMBER} points from one half.*":
        lambda e: (points(0.1 * upper(e, 0.975)),),
    rf"sure that a modifier changes (?:the effect of|what) a gift(?: does .*)? by less than {NUMBER} logits":
        lambda e: (upper(e, 0.975),),
    rf"sure that a modifier changes the effect of 10 points of coverage(?: on .*)? by less than {NUMBER} logits":
        lambda e: (0.1 * upper(e, 0.975),),
    rf"sure that between {NUMBER}% and {NUMBER}% of .* (?:receive|support sincerely|say yes|say no)":
        lambda e: (100 * expit(upper(e, 0.025)), 100 * expit(upper(e, 0.975))),
    rf"sure that an item (?:asked before )?is between {NUMBER} and {NUMBER} times as sharp as the first(?: .*)?":
        lambda e: (upper(e, 0.025), upper(e, 0.975)),
    rf"sure that people place a described person between {NUMBER} and {NUMBER} times as sharply as themselves":
        lambda e: (upper(e, 0.025), upper(e, 0.975)),
    rf"sure that the person of a vignette stands within {NUMBER} logits of the average respondent":
        lambda e: (upper(e, 0.975),),
    rf"(?:level|sd of the disposition) multiplies the odds of a gift by between 1/{NUMBER} and {NUMBER}(?: .*)?":
        lambda e: (np.exp(-upper(e, 0.025)), np.exp(upper(e, 0.975))),
    rf"sure that the (?:partial )?correlation lies between -{NUMBER} and {NUMBER}":
        lambda e: (-upper(e, 0.025), upper(e, 0.975)),
    rf"sure that one of four has between {NUMBER}% and {NUMBER}%": lambda e: shares(e, 4),
    rf"sure that one of five has between {NUMBER}% and {NUMBER}%": lambda e: shares(e, 5),
    rf"sure that it is between {NUMBER}% and {NUMBER}%": lambda e: shares(e, 2),
}  # fmt: skip
SURE = [(m, p.name) for m, p in SHIPPED if "95%" in models.get(m).priors()[p.name].statement]


@pytest.mark.parametrize(("model", "name"), SURE, ids=map("-".join, SURE))
def test_what_a_prior_claims_to_be_sure_of_is_what_it_implies(model: str, name: str) -> None:
    """Each number of a "95% sure" statement is the prior's quantile, to the digits it is given with."""
    entry = models.get(model).priors()[name]
    claim = entry.statement.split("95% ")[1]
    found = {pattern: m for pattern in STATEMENTS if (m := re.fullmatch(rf"(?:sure that (?:a|one) )?{pattern}", claim))}
    ((pattern, match),) = found.items()
    implied = STATEMENTS[pattern](entry)
    assert len(implied) == len(match.groups())
    for said, value in zip(match.groups(), implied, strict=True):
        digits = len(said.partition(".")[2])
        assert abs(float(said) - value) <= 0.5 * 10**-digits, f"said {said}, implied {value:.4g}"


def test_only_pooled_effects_claim_nothing() -> None:
    """A prior whose scale is learnt from the data is exchangeable and claims no number; every other one does."""
    silent = {(m, p.name) for m, p in SHIPPED} - set(SURE)
    assert silent == {(m, p.name) for m, p in SHIPPED if p.construct in ("pooled", "correlated")}


# --- what can be wrong -----------------------------------------------------------------------------------------

GOOD = """
model = "made_up"

[scale]
distribution = "HalfNormal"
arguments = { sigma = 0.5 }
unit = "logit"
statement = "small"
by = "a test"
date = 2026-11-24
source = { kind = "weak", where = "a test" }

[effect]
distribution = "ZeroSumNormal"
arguments = { sigma = "scale" }
dims = ["district"]
unit = "logit"
statement = "exchangeable"
by = "a test"
date = 2026-11-24
source = { kind = "weak", where = "a test" }

[slope]
distribution = "Normal"
arguments = { mu = 0.0, sigma = 1.0 }
unit = "logit"
statement = "moderate"
by = "a test"
date = 2026-11-24
source = { kind = "published", key = "somebody1999", where = "table 1" }
alternatives = [{ name = "wide", distribution = "Normal", arguments = { mu = 0.0, sigma = 2.0 } }]
"""


def made_up(name: str, construct: Any, dims: tuple[str, ...], support: Any, needs: tuple[str, ...] = ()) -> Parameter:
    """A parameter of no model."""
    return Parameter(name, name, name, construct, dims, "logit", support, "identified", "none", needs)


PARAMETERS = (
    made_up("scale", "effect", (), "positive", ("districts",)),
    made_up("effect", "pooled", ("district",), "real", ("districts",)),
    made_up("slope", "effect", (), "real"),
)
SLOPE = 'distribution = "Normal"\narguments = { mu = 0.0, sigma = 1.0 }\nunit'
WRONG = {
    "a misspelled parameter": ("[slope]", "[slop]", "prior 'slop'", "perhaps 'slope'"),
    "a parameter left out": ("[slope]", "[xyz]", "prior 'slope'", "a prior for every parameter"),
    "an unknown distribution": (SLOPE, SLOPE.replace("Normal", "Nrmal"), "key 'distribution'", "perhaps 'Normal'"),
    "a wrong argument": (SLOPE, SLOPE.replace("mu", "mean"), "key 'arguments'", "mu, sigma"),
    "a negative scale": (SLOPE, SLOPE.replace("1.0", "-1.0"), "key 'arguments.sigma'", "a positive number"),
    "a centre that is no number": (SLOPE, SLOPE.replace("0.0", "nan"), "key 'arguments.mu'", "a finite number"),
    "a centre that is a parameter": (SLOPE, SLOPE.replace("0.0", '"scale"'), "key 'arguments.mu'", "only sigma"),
    "a scale that does not exist": ('"scale" }', '"scal" }', "key 'arguments.sigma'", "scale"),
    "a scale that other designs drop": (SLOPE, SLOPE.replace("1.0", '"scale"'), "key 'arguments.sigma'", "positive"),
    "a prior outside its support": (
        'distribution = "HalfNormal"\narguments = {',
        'distribution = "Normal"\narguments = { mu = 0.0,',
        "prior 'scale', key 'distribution'",
        "HalfNormal or Exponential or Gamma or LogNormal",
    ),
    "a pooled effect without a scale": (
        'distribution = "ZeroSumNormal"\narguments = { sigma = "scale" }',
        'distribution = "Exponential"\narguments = { lam = 1.0 }',
        "prior 'effect', key 'distribution'",
        "ZeroSumNormal",
    ),
    "an alternative outside the support": (
        '"wide", distribution = "Normal", arguments = { mu = 0.0,',
        '"wide", distribution = "LogNormal", arguments = { mu = 0.0,',
        "key 'alternatives.0.distribution'",
        "Normal or StudentT",
    ),
    "an alternative with a wrong argument": ("sigma = 2.0", "sd = 2.0", "key 'alternatives.0.arguments'", "mu, sigma"),
    "no author": ('by = "a test"\n', "", "key 'by'", "required"),
    "no date": ("date = 2026-11-24\n", "", "key 'date'", "required"),
    "no statement": ('statement = "small"\n', "", "key 'statement'", "required"),
    "an empty statement": ('statement = "small"', 'statement = ""', "key 'statement'", "at least 1 character"),
    "no source": ('source = { kind = "weak", where = "a test" }\n', "", "key 'source'", "required"),
    "a published source without its key": ('key = "somebody1999", ', "", "key 'source.key'", "references.bib"),
    "a source that says nothing": ('where = "table 1"', 'where = " "', "key 'source.where'", "the argument"),
    "a kind of source that does not exist": ('"published"', '"hearsay"', "key 'source.kind'", "'elicited'"),
    "an unknown key": ('unit = "logit"', 'unit = "logit"\nconfidence = 3', "key 'confidence'", ""),
    "a wrong unit": ('unit = "logit"', 'unit = "points"', "key 'unit'", "'logit'"),
    "wrong dims": ('dims = ["district"]', 'dims = ["wave"]', "key 'dims'", "['district']"),
    "no model": ('model = "made_up"', "", "key 'model'", "the model"),
    "no TOML": ("[slope]", "[slope", "", "valid TOML"),
}


def read(text: str, folder: Path) -> PriorSet:
    """A prior set from text, checked against the parameters above."""
    path = folder / "priors.toml"
    path.write_text(text, encoding="utf-8")
    priors = PriorSet.read(path)
    priors.check(PARAMETERS)
    return priors


def test_a_right_prior_set_is_read(tmp_path: Path) -> None:
    """The set that the errors below start from has none."""
    priors = read(GOOD, tmp_path)
    assert list(priors.entries) == [p.name for p in PARAMETERS]
    assert priors["slope"].alternatives[0].arguments["sigma"] == 2.0


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_and_key(case: str, tmp_path: Path) -> None:
    """One thing wrong gives one message, which names the file, the key and what was expected."""
    old, new, key, expected = WRONG[case]
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        read(GOOD.replace(old, new, 1), tmp_path)
    meant = [p for p in caught.value.problems if key in p.key and expected in p.expected]
    assert len(meant) == 1
    assert meant[0].where == str(tmp_path / "priors.toml")
    # A parameter under another name is also one that is missing; nothing else gives a second message.
    assert len(caught.value.problems) == (2 if case == "a parameter left out" else 1)


# --- priors taken over from another model ----------------------------------------------------------------------

EXTENDS = """
[[extends]]
model = "reported_loyalty"
prefix = "after_"
only = ["district_sd", "district_effect"]
"""


def extended(text: str, folder: Path) -> PriorSet:
    """A prior set from text, not held against any parameters."""
    path = folder / "priors.toml"
    path.write_text('model = "made_up"\n' + text, encoding="utf-8")
    return PriorSet.read(path)


def test_priors_are_taken_over_under_a_prefix(tmp_path: Path) -> None:
    """What is taken over is named anew, the scales that it names too; all else of an entry stays as it was."""
    priors, shipped = extended(EXTENDS, tmp_path), models.get("reported_loyalty").priors()
    assert list(priors.entries) == ["after_district_sd", "after_district_effect"]
    assert priors["after_district_sd"] == shipped["district_sd"]
    assert priors["after_district_effect"].arguments == {"sigma": "after_district_sd"}
    assert priors["after_district_effect"].source == shipped["district_effect"].source
    whole = extended('[[extends]]\nmodel = "reported_loyalty"', tmp_path)
    assert dict(whole.entries) == dict(shipped.entries)


def test_an_entry_of_its_own_takes_the_place_of_one_taken_over(tmp_path: Path) -> None:
    """The set's own entry stands, in its place in the order; the others are still those of the other model."""
    own = GOOD[GOOD.index("[slope]") :].replace("[slope]", "[after_district_sd]")
    priors = extended(EXTENDS + own, tmp_path)
    assert list(priors.entries) == ["after_district_sd", "after_district_effect"]
    assert priors["after_district_sd"].statement == "moderate"


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ('"reported_loyalty"', '"reported_loyality"', "key 'extends.0.model'", "reported_loyalty"),
        ('"district_sd"', '"district_sigma"', "key 'extends.0.only'", "district_sd"),
        ('prefix = "after_"', 'prefx = "after_"', "key 'extends.0', key 'prefx'", "no such key"),
        ("[[extends]]", "[extends]", "key 'extends'", "`[[extends]]`"),
    ],
)
def test_what_cannot_be_taken_over_is_said_with_file_and_key(
    old: str, new: str, key: str, expected: str, tmp_path: Path
) -> None:
    """A model or a prior that is not there, a misspelled key, one table for a list: one problem each, with its key."""
    with pytest.raises(InputError) as caught:
        extended(EXTENDS.replace(old, new), tmp_path)
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == (str(tmp_path / "priors.toml"), key)
    assert expected in problem.expected


def test_the_priors_of_the_joint_model_are_those_of_its_parts() -> None:
    """Every unknown that the joint model shares with another model has that model's prior, word for word.

    But for what its districts need: changes of generosity that sum to zero over a district's waves.
    """
    joint = models.get("joint").priors()
    prefixes = {"gift_allocation": "receipt_", "reported_loyalty": "loyalty_", "market_participation": ""}
    for name, prefix in prefixes.items():
        shipped = models.get(name).priors()
        taken = {n: entry for n, entry in shipped.entries.items() if n != "district_wave"}
        assert {n: joint[prefix + n] for n in taken} == {n: entry.prefixed(prefix) for n, entry in taken.items()}


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Errors in several entries come in one message."""
    with pytest.raises(InputError) as caught:
        read(GOOD.replace('by = "a test"\n', ""), tmp_path)
    assert len(caught.value.problems) == GOOD.count("by =")


def test_a_study_replaces_entries_and_nothing_else() -> None:
    """An override replaces the entry it names, leaves the others, and changes the fingerprint."""
    shipped = models.get("reported_loyalty").priors()
    entry = {**shipped["direct"].model_dump(), "arguments": {"mu": 0.0, "sigma": 0.1}}
    changed = shipped.overridden({"direct": entry}, "study.toml")
    assert changed["direct"].arguments["sigma"] == 0.1
    assert {n: p for n, p in changed.entries.items() if n != "direct"} == {
        n: p for n, p in shipped.entries.items() if n != "direct"
    }
    assert changed.fingerprint != shipped.fingerprint
    reworded = shipped.overridden(
        {"direct": {**shipped["direct"].model_dump(), "statement": "said anew"}}, "study.toml"
    )
    assert reworded.fingerprint == shipped.fingerprint


def test_an_override_of_a_parameter_that_does_not_exist_names_the_nearest() -> None:
    """A typo in a study's override names the study, the key and the parameter that was meant."""
    shipped = models.get("reported_loyalty").priors()
    with pytest.raises(InputError, match=r"study.toml, prior 'priors.reported_loyalty.drect'.*perhaps 'direct'"):
        shipped.overridden({"drect": shipped["direct"].model_dump()}, "study.toml")
