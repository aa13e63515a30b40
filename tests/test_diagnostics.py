"""Gates held against draws in which the trouble they ask about was planted."""

from __future__ import annotations

from typing import Any

import designs
import fake_fits
import numpy as np
import pytest
import toys
import xarray as xr
from scipy.special import expit, log_expit, logsumexp
from scipy.stats import binom, norm

from largesse import diagnostics, models
from largesse.audit import prior_draws
from largesse.diagnostics import diagnose
from largesse.predictive import panels
from largesse.results import Answer, Verdict
from largesse.settings import Gates
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

CHAINS, DRAWS = 4, 1000
FALSE_ALARMS = 0.01  # what the 99 % binomial quantile allows of the predictive gate


def tree(values: Array, **stats: Array) -> xr.DataTree:
    """Draws of one vector [chain, draw, district], and what the sampler says of them."""
    rng = np.random.default_rng(8)
    shape = values.shape[:2]
    posterior = xr.Dataset({"effect": (("chain", "draw", "district"), values)})
    said = fake_fits.quiet(shape, rng).assign({n: (("chain", "draw"), v) for n, v in stats.items()})
    made = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": said})
    made.attrs["model"] = "reported_loyalty"
    return made


@pytest.fixture
def calm() -> Array:
    """[chain, draw, 3] independent draws, all chains from one place."""
    return np.random.default_rng(4).normal(size=(CHAINS, DRAWS, 3))


def asked(made: xr.DataTree, gates: Gates | None = None) -> dict[str, Verdict]:
    """Gate -> its verdict."""
    return {v.gate: v for v in diagnose(made, gates)}


def walking(values: Array, memory: float) -> Array:
    """The same noise with memory: each draw holds on to a share of the one before."""
    out = values.copy()
    for i in range(1, out.shape[1]):
        out[:, i] = memory * out[:, i - 1] + np.sqrt(1 - memory**2) * values[:, i]
    return out


# --- convergence -----------------------------------------------------------------------------------------------------


def test_independent_draws_of_chains_that_agree_pass_every_gate(calm: Array) -> None:
    """Nothing is wrong with independent draws, so every gate says so, and about which model."""
    verdicts = diagnose(tree(calm))
    assert [v.gate for v in verdicts] == ["R-hat", "bulk ESS", "tail ESS", "divergences", "tree depth", "E-BFMI"]
    assert {v.answer for v in verdicts} == {Answer.PASSED}
    assert {v.model for v in verdicts} == {"reported_loyalty"}


def test_one_chain_elsewhere_fails_r_hat(calm: Array) -> None:
    """A chain a standard deviation away, in one scalar of many, is disagreement, told with its value and the limit."""
    calm[0, :, 1] += 1.0
    verdict = asked(tree(calm))["R-hat"]
    assert verdict.answer is Answer.FAILED
    assert verdict.value is not None
    assert verdict.value > 1.05
    assert f"{verdict.value:.3f}" in verdict.sentence
    assert "1.01" in verdict.sentence


def test_draws_that_hardly_move_fail_the_effective_sample_sizes(calm: Array) -> None:
    """Chains with memory .99 hold (1 - .99) / (1 + .99) of their draws, about 20 of 4,000: too few."""
    found = asked(tree(walking(calm, 0.99)))
    for gate in ("bulk ESS", "tail ESS"):
        assert found[gate].answer is Answer.FAILED
        assert found[gate].limit == 400
        assert f"{found[gate].value:.0f} effective draws" in found[gate].sentence
        assert "400" in found[gate].sentence
    assert found["bulk ESS"].value == pytest.approx(20, rel=1.0)


def test_means_can_be_known_where_ends_are_not(calm: Array) -> None:
    """Draws whose signs forget, but whose size creeps: the mean is known well, the ends of an interval are not."""
    size = walking(np.random.default_rng(9).normal(size=calm.shape), 0.998)
    found = asked(tree(calm * np.exp(1.5 * size)))
    assert found["bulk ESS"].answer is Answer.PASSED
    assert found["tail ESS"].answer is Answer.FAILED


@pytest.mark.parametrize(("statistic", "gate"), [("diverging", "divergences"), ("maxdepth_reached", "tree depth")])
def test_a_single_planted_accident_fails_its_gate_and_no_other(calm: Array, statistic: str, gate: str) -> None:
    """One divergence, or one trajectory cut short, among 4,000 draws is counted and told."""
    planted = np.zeros((CHAINS, DRAWS), dtype=bool)
    planted[2, 500] = True
    found = asked(tree(calm, **{statistic: planted}))
    assert {name for name, v in found.items() if v.answer is not Answer.PASSED} == {gate}
    assert found[gate].sentence.startswith("1 ")
    assert (found[gate].value, found[gate].limit) == (1.0, 0.0)


def test_energies_that_creep_fail_e_bfmi(calm: Array) -> None:
    """Energy with memory .98 changes by 2 (1 - .98) of its variance from draw to draw: E-BFMI .04, below .3."""
    energy = walking(np.random.default_rng(5).normal(size=(CHAINS, DRAWS, 1)), 0.98)[..., 0]
    verdict = asked(tree(calm, energy=energy))["E-BFMI"]
    assert verdict.answer is Answer.FAILED
    assert verdict.value == pytest.approx(0.04, abs=0.02)
    assert "smallest E-BFMI 0.0" in verdict.sentence
    assert "0.3 wanted" in verdict.sentence


def test_the_study_sets_the_limits(calm: Array) -> None:
    """What fails at the usual limit passes at one that the study's `[gates]` loosens, which the verdict names."""
    planted = np.zeros((CHAINS, DRAWS), dtype=bool)
    planted[0, :3] = True
    found = asked(tree(calm, diverging=planted), Gates(divergences=3, ess=5000))
    assert (found["divergences"].answer, found["divergences"].limit) == (Answer.PASSED, 3.0)
    assert (found["bulk ESS"].answer, found["bulk ESS"].limit) == (Answer.FAILED, 5000.0)


def test_what_is_constant_by_definition_disturbs_no_gate(calm: Array) -> None:
    """The first item's discrimination is 1 in every draw: it has no R-hat, and the others keep theirs."""
    with_constant = calm.copy()
    with_constant[..., 0] = 1.0
    told, without = asked(tree(with_constant)), asked(tree(calm[..., 1:]))
    assert {n: (v.answer, v.value) for n, v in told.items()} == {n: (v.answer, v.value) for n, v in without.items()}


def test_chains_stuck_in_different_places_fail(calm: Array) -> None:
    """A scalar that never moves, but stands elsewhere in each chain, is no constant."""
    calm[..., 0] = np.arange(CHAINS)[:, None]
    with np.errstate(all="ignore"):
        assert asked(tree(calm))["R-hat"].answer is Answer.FAILED


def test_a_posterior_in_which_nothing_moves_fails() -> None:
    """Chains that never left one common start were not drawn: no number, so no pass."""
    found = asked(tree(np.ones((CHAINS, DRAWS, 2))))
    for gate in ("R-hat", "bulk ESS", "tail ESS"):
        assert (found[gate].answer, found[gate].value) == (Answer.FAILED, None)


def test_draws_that_are_no_numbers_fail(calm: Array) -> None:
    """One draw that is not a number spoils the scalar it is in."""
    calm[1, 3, 2] = np.nan
    assert asked(tree(calm))["R-hat"].answer is Answer.FAILED


def test_a_gate_without_its_statistic_was_not_run(calm: Array) -> None:
    """Draws of another sampler may lack a statistic: that gate was not run, which is no pass."""
    made = tree(calm)
    made["sample_stats"] = made["sample_stats"].to_dataset().drop_vars(["energy", "diverging"])
    found = asked(made)
    assert {name for name, v in found.items() if v.answer is Answer.NOT_RUN} == {"E-BFMI", "divergences"}
    assert "energy" in found["E-BFMI"].sentence


# --- quadrature ------------------------------------------------------------------------------------------------------


def on_nodes(toy: toys.Toy, sd: float, nodes: int) -> tuple[Array, dict[str, Array]]:
    """[draw] joint log-likelihood of the toy's loyalty answers at so many nodes, and the draws."""
    model, cells = models.get("reported_loyalty"), toy.cells["reported_loyalty"]
    truth = toy.truth["reported_loyalty"] | {"disposition_sd": np.array(sd)}
    theta = fake_fits.fake(model, cells, truth, (2, 50)).theta
    return model.twin.loglik(theta, cells, standard_normal_nodes(nodes)) @ cells["count"].to_numpy(), theta


def test_three_nodes_are_too_few_for_a_wide_disposition(toy: toys.Toy) -> None:
    """At a disposition sd of 2, three nodes misjudge the likelihood by amounts that differ from draw to draw."""
    (coarse, theta), (fine, _) = (on_nodes(toy, 2.0, n) for n in (3, diagnostics.REFERENCE_NODES))
    verdict = diagnostics.quadrature("reported_loyalty", coarse, fine, theta)
    assert verdict.answer is Answer.FAILED
    assert verdict.value is not None
    assert verdict.value > diagnostics.ERROR_SD
    assert "use more nodes" in verdict.sentence


@pytest.mark.parametrize("nodes", [61, diagnostics.REFERENCE_NODES])
def test_enough_nodes_pass(toy: toys.Toy, nodes: int) -> None:
    """The finest rule of a fit, and the reference itself, integrate a disposition of sd 2 as well as 201 nodes do."""
    (coarse, theta), (fine, _) = (on_nodes(toy, 2.0, n) for n in (nodes, diagnostics.REFERENCE_NODES))
    assert diagnostics.quadrature("reported_loyalty", coarse, fine, theta).answer is Answer.PASSED


def test_an_error_that_is_the_same_for_all_draws_changes_nothing() -> None:
    """A likelihood wrong by a constant has the same posterior."""
    fine, theta = np.random.default_rng(1).normal(size=200), {"sd": np.random.default_rng(2).normal(size=(200, 2))}
    verdict = diagnostics.quadrature("m", fine - 7.0, fine, theta)
    assert verdict.answer is Answer.PASSED
    assert verdict.value == pytest.approx(0.0, abs=1e-5)


def test_an_error_that_leans_on_a_parameter_shifts_it() -> None:
    """An error of .2 per posterior sd of a parameter moves it by .2 sds: beyond .05, so the nodes are too few."""
    draws = np.random.default_rng(3).normal(size=4000)
    verdict = diagnostics.quadrature("m", np.zeros(4000), 0.2 * draws, {"sd": draws})
    assert verdict.answer is Answer.FAILED
    assert "largest shift 0.2" in verdict.sentence


# --- leaving one out -------------------------------------------------------------------------------------------------


class Coins:
    """People of a few groups answer yes or no; log-odds a + x b on a grid: every posterior is a sum, exactly."""

    def __init__(self, weight: float = 1.0) -> None:
        self.people, self.weight = np.array([6, 3, 2, 5, 1, 4]), np.full(6, weight)
        x, yes = np.array([-1.0, -1.0, 0.3, 0.3, 2.0, 2.0]), np.array([0, 1, 0, 1, 0, 1])
        step = np.linspace(-6, 6, 181)
        self.a, self.b = (g.ravel() for g in np.meshgrid(step, step))
        eta = self.a[:, None] + self.b[:, None] * x
        self.loglik = log_expit(np.where(yes == 1, eta, -eta))  # [point, cell]
        self.logprior = -(self.a**2 + self.b**2) / 2
        self.power = self.logprior + self.loglik @ (self.people * self.weight)

    def exact(self) -> Array:
        """[cell] log predictive density of one person, the posterior made anew without that person."""
        without = self.power[:, None] - self.weight * self.loglik
        return np.asarray(logsumexp(without + self.loglik, axis=0) - logsumexp(without, axis=0))

    def within(self) -> Array:
        """[cell] the same with the person left in."""
        return np.asarray(logsumexp(self.power[:, None] + self.loglik, axis=0) - logsumexp(self.power))

    def draws(self, n: int) -> Array:
        """[draw, cell] log-likelihoods of independent posterior draws."""
        chance = np.exp(self.power - logsumexp(self.power))
        return np.asarray(self.loglik[np.random.default_rng(6).choice(len(chance), size=n, p=chance)])


@pytest.mark.parametrize("weight", [1.0, 2.0, 0.5])
def test_leaving_one_out_is_exact(weight: float) -> None:
    """The elpd is that of posteriors made anew without each person, and not that of the person's own fit.

    A weighted person takes the likelihood out as often as it went in. Asked is a fiftieth of what leaving out costs.
    """
    coins = Coins(weight)
    verdict, told = diagnostics.loo("m", coins.draws(20_000), coins.people.astype(float), coins.weight, CHAINS)
    exact, within = (float(coins.people @ each) for each in (coins.exact(), coins.within()))
    cost = within - exact
    assert cost > 0.5
    assert abs(told["elpd"] - exact) < cost / 50
    assert verdict.answer is Answer.PASSED


def test_standard_error_is_that_of_a_sum_over_people() -> None:
    """The elpd's standard error is the root of n times the variance over people, by hand from the exact densities."""
    coins = Coins()
    _, told = diagnostics.loo("m", coins.draws(20_000), coins.people.astype(float), coins.weight, CHAINS)
    each = np.repeat(coins.exact(), coins.people)
    assert told["se"] == pytest.approx(np.sqrt(len(each) * each.var()), rel=0.02)


def test_cells_of_several_people_are_as_many_rows() -> None:
    """Cells are a way to count: a row for each person gives the same elpd, error and influence.

    Also where draws creep, in some directions more than in others: what they are worth is an average over people.
    """
    coins = Coins()
    draws, people = coins.draws(2000), coins.people
    draws = draws[np.argsort(draws[:, 4] + np.random.default_rng(1).normal(size=2000))]
    _, cells = diagnostics.loo("m", draws, people.astype(float), coins.weight, CHAINS)
    rows = np.repeat(draws, people, axis=1)
    _, each = diagnostics.loo("m", rows, np.ones(people.sum()), np.ones(people.sum()), CHAINS)
    assert cells == pytest.approx(each, rel=1e-12)


def test_someone_whom_the_rest_contradicts_is_influential() -> None:
    """One answer ten sds from what the others say cannot be left out by reweighting, and counts as one in eleven."""
    y = np.append(np.linspace(-1, 1, 10), 10.0)
    mean, sd = y.mean(), len(y) ** -0.5
    draws = np.random.default_rng(2).normal(mean, sd, size=4000)
    verdict, told = diagnostics.loo("m", norm.logpdf(y, draws[:, None], 1.0), np.ones(11), np.ones(11), CHAINS)
    assert verdict.answer is Answer.FLAGGED
    assert told["influential"] == pytest.approx(1 / 11)
    assert "9.1%" in verdict.sentence


def test_an_answer_that_teaches_nothing_is_left_out_for_free() -> None:
    """Where the likelihood does not depend on the draw, or counts for nothing, leaving out changes nothing."""
    draws = np.random.default_rng(2).normal(size=(400, 2))
    pointwise = np.column_stack([np.full(400, -0.7), log_expit(draws[:, 0])])
    verdict, told = diagnostics.loo("m", pointwise, np.ones(2), np.array([1.0, 0.0]), CHAINS)
    assert told["elpd"] == pytest.approx(-0.7 + np.log(expit(draws[:, 0]).mean()))
    assert verdict.answer is Answer.PASSED


# --- predictive checks -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=models.SHIPPED)
def from_the_fit(request: pytest.FixtureRequest) -> Array:
    """[data set, share] 800 surveys drawn from a fit of each model."""
    toy = designs.toy(designs.full(request.param))
    model, cells = models.get(request.param), toy.cells[request.param]
    fit = fake_fits.fake(model, cells, toy.truth[request.param], (4, 200))
    every = panels(model.twin, fit.theta, cells, np.random.default_rng(10))
    shares = np.concatenate([p.replicated[:, :-1] for p in every], axis=1)
    return np.asarray(np.random.default_rng(11).permutation(shares))


def test_data_of_the_fit_itself_seldom_raise_an_alarm(from_the_fit: Array) -> None:
    """Of 600 surveys drawn from the fit no more fail than if one in a hundred did, shares moving together or not."""
    replicated, surveys = from_the_fit[:200], from_the_fit[200:]
    alarms = sum(diagnostics.predictive("m", one, replicated).answer is Answer.FAILED for one in surveys)
    assert alarms <= binom.ppf(0.999, len(surveys), FALSE_ALARMS)


def test_data_of_another_world_raise_an_alarm(from_the_fit: Array) -> None:
    """Shares moved by four predictive sds, half of them up and half down, do not look like the fit."""
    sd = from_the_fit.std(axis=0)
    moved = from_the_fit[-1] + np.where(np.arange(len(sd)) % 2, 4, -4) * sd
    verdict = diagnostics.predictive("m", moved, from_the_fit[:200])
    assert verdict.answer is Answer.FAILED
    assert verdict.value is not None
    assert verdict.limit is not None
    assert verdict.value > verdict.limit
    assert f"{verdict.value:.0f} of {len(sd)} shares" in verdict.sentence


@pytest.mark.parametrize("sure", [False, True])
def test_a_prior_that_rules_out_what_was_seen_is_flagged(toy: toys.Toy, sure: bool) -> None:
    """The shipped priors think every share possible; one that is sure of an effect of 8 logits does not."""
    model, cells, priors = models.get("reported_loyalty"), toy.cells["reported_loyalty"], None
    shipped = model.priors()
    absurd = {
        "distribution": "Normal", "arguments": {"mu": 8.0, "sigma": 0.01}, "unit": "logit",
        "statement": "sure that nobody who receives gives any but the highest answer", "by": "a test",
        "date": "2026-01-01", "source": {"kind": "scale argument", "where": "nowhere"},
    }  # fmt: skip
    priors = shipped.overridden({"direct": absurd}, "a test") if sure else shipped
    drawn = panels(model.twin, prior_draws(model, priors, cells, 200, 1), cells, np.random.default_rng(1))
    observed = np.concatenate([p.observed[:-1] for p in drawn])
    replicated = np.concatenate([p.replicated[:, :-1] for p in drawn], axis=1)
    verdict = diagnostics.prior_predictive(model.name, observed, replicated)
    assert verdict.answer is (Answer.FLAGGED if sure else Answer.PASSED)


# --- coverage and weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reliability", "answer"),
    [("administrative", 0.1, Answer.PASSED), ("sample", 0.95, Answer.PASSED), ("sample", 0.62, Answer.FLAGGED)],
)
def test_a_noisy_coverage_is_flagged_with_what_it_costs(source: str, reliability: float, answer: Answer) -> None:
    """Coverage from a district file is taken as known; a sample's rate below the limit attenuates: told by how much."""
    verdict = diagnostics.exposure("m", source, reliability, 0.9)
    assert verdict.answer is answer
    assert ("attenuated to about 62%" in verdict.sentence) == (answer is Answer.FLAGGED)


def test_a_weighted_likelihood_is_flagged() -> None:
    """Weights in the likelihood give a pseudo-posterior, which is worth knowing; weights of averages cost nothing."""
    assert diagnostics.weighting("m", weighted=True).answer is Answer.FLAGGED
    assert diagnostics.weighting("m", weighted=False).answer is Answer.PASSED
