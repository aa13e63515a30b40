"""Results that a seeded generator invents, for tests of words, figures and pages. Synthetic, and marked so.

The numbers are drawn, never fitted: nothing here is a finding about anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from largesse.results import Answer, Dropped, DroppedTerm, Estimate, Results, Verdict

CONDITION = "receipt must be unrelated to loyalty given district, wave and covariates"
MOVING = "coverage must be unrelated to what else changes a district's outcome"
LABELS = {
    "direct": ("effect of a gift on who receives it", CONDITION),
    "spillover": ("effect of more coverage on those passed over", MOVING),
    "total": ("receiving under high coverage, against being passed over under low", MOVING),
    "overall": ("effect of more coverage on everyone, gifts by lottery", MOVING),
}
CENTRES = {"direct": 0.06, "spillover": -0.05, "total": 0.01, "overall": -0.03}
POLICIES: dict[str, tuple[float, dict[str, Any]]] = {
    "receivers": (0.06, {"truth": 0.058}),
    "passed_over": (-0.02, {"truth": -0.03}),
    "selectivity": (0.004, {"truth": 0.005}),
    "policy.everyone": (0.03, {"extrapolation": "coverage 100% lies outside the observed range"}),
}
MODELS = {"gift_allocation": "gift", "reported_loyalty": "loyalty", "market_participation": "market"}
DISTRICTS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel")
WAVES = ("round 1", "round 2", "round 3")
ITEMS = (("pride", "Proud of the country"), ("support", "Supports the leader"), ("trust", "Trusts the party"))
ANSWERS = ("not at all", "a little", "fairly", "very much")
BANDS = ("none", "under a quarter", "up to half", "up to three quarters", "more")
GATES = (
    "R-hat",
    "bulk ESS",
    "tail ESS",
    "divergences",
    "tree depth",
    "E-BFMI",
    "leave-one-out",
    "posterior predictive",
)


def estimate(key: str, mean: float, sd: float = 0.012, **about: Any) -> Estimate:
    """An estimate whose summaries are those of a normal posterior at `mean` with `sd`."""
    parts = key.split(".")
    z = np.random.default_rng(0).normal(mean, sd, 4_000)
    known: dict[str, Any] = {"label": f"what {key} is", "outcome": parts[0], "contrast": parts[1]}
    known["model"] = "reported_loyalty"
    numbers = {"mean": mean, "sd": sd, "lower": mean - 1.645 * sd, "upper": mean + 1.645 * sd, "interval": 0.9}
    shares = {"p_positive": float((z > 0).mean()), "p_negligible": float((np.abs(z) < 0.03).mean())}
    return Estimate(key=key, **{**known, **numbers, **shares, "status": "identified", "reason": "by design", **about})


def results(seed: int = 1) -> Results:
    """Everything a study with three models, several districts and waves can hold."""
    rng = np.random.default_rng(seed)
    models = {name: _model(name, outcome, rng) for name, outcome in MODELS.items()}
    last = models["market_participation"]["parameters"][-1]
    last["truth"] = last["mean"] + 4 * last["sd"]
    return Results(
        study={
            "name": "invented",
            "title": "An invented study",
            "question": "Do invented gifts buy invented loyalty?",
            "synthetic": True,
            "seed": seed,
            "author": "A. Nobody",
            "interval": 0.9,
            "rope": 0.03,
            "coverage": [0.2, 0.5],
            "extrapolates": None,
            "models": list(MODELS),
        },
        made={
            "largesse": "0.1.0",
            "python": "3.13.0",
            "engines": {"pymc": "6.3.2", "nutpie": "0.16.11"},
            "date": "2026-11-24",
        },
        survey=_survey(),
        models=models,
        verdicts=tuple(_verdicts()),
        estimates=tuple(_estimates(rng)),
        dropped=(
            Dropped("loyalty", "trust", "an answer that is not one of the levels", None),
            Dropped("gift", "received", "no answer to whether a gift was received", 57),
        ),
        dropped_terms=(DroppedTerm("reported_loyalty", "direct_by", "no covariate was named as a modifier"),),
        figures=_figures(rng),
        truth=_truth(models),
        artefacts={"study.toml": "ab" * 32, "survey.csv": "cd" * 32},
    )


def unreportable() -> Results:
    """The same, with one gate that failed."""
    made = results()
    bad = Verdict("R-hat", "reported_loyalty", Answer.FAILED, "the chains disagree (largest R-hat 1.090)", 1.09, 1.01)
    return replace(made, verdicts=(bad, *made.verdicts[1:]))


def bare() -> Results:
    """A study of one outcome in one district: no receipt model, no districts, no market, not synthetic."""
    made = results()
    at = estimate("loyalty.direct.at.cutoff", 0.08, 0.03, group="at the cutoff", label="effect at the cutoff")
    beyond = "an average over all incomes compares people with no counterpart"
    kept = [
        replace(e, truth=None, extrapolation=beyond)
        for e in made.estimates
        if e.key in ("loyalty.direct", "loyalty.level.0", "loyalty.level.1")
    ]
    predictive = [row for row in made.figures["predictive"] if row["item"] == "pride"]
    coverage = {"source": "sample", "reliability": None, "center": 0.4}
    one = {"districts": 1, "waves": 1, "items": made.survey["items"][:1], "coverage": coverage, "weights": ""}
    return replace(
        made,
        study={
            **made.study,
            "synthetic": False,
            "coverage": None,
            "models": ["reported_loyalty"],
            "extrapolates": beyond,
        },
        survey={**made.survey, **one},
        models={"reported_loyalty": made.models["reported_loyalty"]},
        verdicts=tuple(v for v in made.verdicts if v.model == "reported_loyalty"),
        estimates=(*kept, at),
        figures={"predictive": predictive, "coverage": None, "plain": {}},
        truth=None,
        dropped=(),
    )


def _survey() -> dict[str, Any]:
    items = [{"name": name, "label": label, "levels": list(ANSWERS)} for name, label in ITEMS]
    return {
        "rows": 2_060,
        "kept": 2_003,
        "districts": len(DISTRICTS),
        "waves": len(WAVES),
        "items": items,
        "weights": "Averages use the survey's weights; the likelihood does not.",
        "covariates": ["class", "cohort"],
        "coverage": {"source": "administrative", "reliability": 1.0, "center": 0.31},
    }


def _verdicts() -> list[Verdict]:
    made = [
        Verdict(gate, model, Answer.PASSED, f"{gate} is as it should be (1.0)", 1.0, 1.01)
        for model in MODELS
        for gate in GATES
    ]
    flagged = Verdict(
        "coverage", "reported_loyalty", Answer.FLAGGED, "coverage is known with reliability 0.85", 0.85, 0.9
    )
    absent = Verdict("quadrature", "gift_allocation", Answer.NOT_APPLICABLE, "there is no disposition to integrate")
    return [*made, flagged, absent]


def _estimates(rng: np.random.Generator) -> list[Estimate]:
    made: list[Estimate] = []
    for outcome, model in (
        ("loyalty", "reported_loyalty"),
        ("market_any", "market_participation"),
        ("market_much", "market_participation"),
    ):
        for contrast, (label, reason) in LABELS.items():
            mean = CENTRES[contrast] if outcome == "loyalty" else float(rng.normal(0, 0.015))
            about = {"label": label, "model": model, "status": "conditional", "reason": reason}
            made.append(estimate(f"{outcome}.{contrast}", mean, truth=mean + float(rng.normal(0, 0.01)), **about))
        made += [
            estimate(f"{outcome}.level.{g}", 0.45 + 0.06 * g, label=f"mean with gift {g}", model=model, truth=0.46)
            for g in (0, 1)
        ]
    made += [
        estimate(
            f"loyalty.{name}", mean, contrast=name, model="joint", status="conditional", reason=CONDITION, **beyond
        )
        for name, (mean, beyond) in POLICIES.items()
    ]
    label, reason = LABELS["direct"]
    made += [
        estimate(
            f"loyalty.direct.{d}",
            float(rng.normal(0.06, 0.03)),
            0.02,
            group=d,
            label=label,
            status="conditional",
            reason=reason,
            truth=float(rng.normal(0.06, 0.03)),
        )
        for d in DISTRICTS
    ]
    receipt = {"model": "gift_allocation", "label": "share receiving"}
    made += [
        estimate(f"receipt.{k}", v, 0.01, **receipt)
        for k, v in {"level": 0.31, "top": 0.46, "bottom": 0.18, "selectivity": 0.28, "gini": 0.22}.items()
    ]
    return [*made, *(estimate(f"receipt.level.{d}", 0.3, 0.03, group=d, **receipt) for d in DISTRICTS)]


def _model(name: str, outcome: str, rng: np.random.Generator) -> dict[str, Any]:
    prefixes = ("any_", "much_") if outcome == "market" else ("",)
    rows = [_parameter(f"{p}direct", "", r"\tau", rng) for p in prefixes] if outcome != "gift" else []
    rows += [_parameter(f"{p}spillover", "", r"\psi", rng) for p in prefixes] if outcome != "gift" else []
    rows += [_parameter(f"{p}district_effect", d, r"\alpha_d", rng) for p in prefixes for d in DISTRICTS]
    return {
        "question": f"What about the {outcome}?",
        "outcomes": outcome,
        "fingerprint": "0123456789abcdef",
        "respondents": 2_003,
        "sampler": {"draws": 500, "tune": 500, "chains": 4, "nodes": 21},
        "parameters": rows,
        "equations": "(1) P(y <= c) = expit(cut_c - eta)\n(2) eta = alpha_d + tau g",
        "not_identified": "How much of the answer is belief.",
        "would_break": "Choice of receivers by their private disposition.",
        "loo": {"elpd": -5_321.4, "se": 41.2, "influential": 0.0},
        "certificate": {"state": "stale"},
    }


def _parameter(parameter: str, at: str, symbol: str, rng: np.random.Generator) -> dict[str, Any]:
    mean, sd = float(rng.normal(0.2, 0.3)), 0.1
    prior = {
        "distribution": "Normal",
        "arguments": {"mu": 0.0, "sigma": 0.7},
        "statement": "95% sure of less than 30 points",
        "kind": "published",
        "key": "manacorda2011",
        "where": "transfers raised support by 11 to 13 points",
    }
    return {
        "key": f"{parameter}[{at}]" if at else parameter,
        "parameter": parameter,
        "label": at or "own gift",
        "symbol": symbol,
        "meaning": "own gift, at average coverage",
        "unit": "logit",
        "status": "conditional",
        "reason": CONDITION,
        "prior": prior,
        "borrowed": False,
        "mean": mean,
        "sd": sd,
        "lower": mean - 1.645 * sd,
        "upper": mean + 1.645 * sd,
        "lowest": mean - 2.576 * sd,
        "highest": mean + 2.576 * sd,
        "population": not at,
        "prior_sd": 0.7,
        "contraction": 1 - sd**2 / 0.49,
        "rhat": 1.002,
        "ess": 1_432.0,
        "truth": mean + float(rng.normal(0, sd)),
    }


def _figures(rng: np.random.Generator) -> dict[str, Any]:
    predictive = [_bars("reported_loyalty", n, label, ANSWERS, g, rng) for n, label in ITEMS for g in (0, 1)]
    predictive += [
        _bars("market_participation", "market", "Share of income from the market", BANDS, g, rng) for g in (0, 1)
    ]
    rate = np.clip(rng.normal(0.31, 0.1, (len(DISTRICTS), len(WAVES))), 0.05, 0.9)
    plain = {
        "label": "reported loyalty",
        "estimate": 0.071,
        "se": 0.014,
        "respondents": 2_003,
        "clusters": len(DISTRICTS),
        "words": "weighted least squares, standard errors by district",
    }
    return {
        "predictive": predictive,
        "coverage": {
            "districts": list(DISTRICTS),
            "waves": list(WAVES),
            "rate": rate.tolist(),
            "places": {name: [float(n % 3), float(n // 3)] for n, name in enumerate(DISTRICTS)},
        },
        "plain": {"loyalty": plain},
        "tipping": tipping(),
        "programmes": {"joint": _programmes()},
        "ledger": ledger(),
        "priors": priors(),
    }


def priors(key: str = "loyalty.direct") -> list[dict[str, Any]]:
    """One effect of 6 points: 4 under a sceptical prior, 7 under a wide one, without an answer under a third."""
    known = (("direct", "sceptical", 0.2, 0.04), ("direct", "wide", 0.1, 0.07), ("cutpoint", "flat", 0.9, None))
    others = [
        {
            "parameter": parameter,
            "name": name,
            "khat": khat,
            "mean": mean,
            "lower": None if mean is None else mean - 0.02,
            "upper": None if mean is None else mean + 0.02,
        }
        for parameter, name, khat, mean in known
    ]
    own = {"key": key, "model": "reported_loyalty", "status": "conditional", "mean": 0.06, "lower": 0.04, "upper": 0.08}
    return [own | {"others": others, "prior": 0.03, "likelihood": 0.4}]


def ledger(**answers: str) -> list[dict[str, Any]]:
    """Assumptions of the two outcome models: one checked and required, one flagged, one without a check.

    `answers` take the place of a check's own, the check's name with `_` for its blanks.
    """
    kept = (
        ("overlap", "People alike may receive or not", True, "passed", ["direct", "total", "overall"]),
        ("reporting style", "People answer by what they hold", False, "flagged", ["direct", "spillover"]),
        ("", "What people face is the share of receivers", False, "untestable", ["spillover", "total", "overall"]),
    )
    outcomes = {"reported_loyalty": ["loyalty"], "market_participation": ["market_any", "market_much"]}
    return [
        {
            "model": model,
            "assumption": check or "exposure",
            "says": says,
            "outcomes": outcomes[model],
            "contrasts": contrasts,
            "check": check,
            "required": required,
            "answer": answers.get(check.replace(" ", "_"), answer),
            "sentence": f"{check} as it was found" if check else "",
            "value": 0.02 if check else None,
            "limit": 0.05 if check else None,
        }
        for model in outcomes
        for check, says, required, answer, contrasts in kept
    ]


def tipping() -> dict[str, Any]:
    """A curve that falls from 11 points at no favour to 1 below nought at a favour of 1.2; one fit did not settle."""
    points = [
        {
            "favour": favour,
            "effects": {"loyalty.direct": {"mean": mean, "sd": 0.01, "lower": mean - 0.016, "upper": mean + 0.016}},
            "top": 0.31 + 0.3 * favour,
            "bottom": 0.31 - 0.2 * favour,
            "gradients": favour / 1.2,
            "settled": favour != 0.9,
        }
        for favour, mean in ((0.0, 0.11), (0.3, 0.08), (0.6, 0.05), (0.9, 0.7), (1.2, -0.01))
    ]
    return {
        "points": points,
        "crossings": {"loyalty.direct": {"zero": 1.1, "above": 0.8, "below": None}},
        "assumed": None,
        "estimated": {"mean": 0.55, "lower": 0.4, "upper": 0.7},
        "truth": 0.6,
    }


def _programmes() -> dict[str, Any]:
    even = {"low": 0.12, "high": 0.6, "exists": 0.25, "lower": 0.2, "median": 0.4, "upper": 0.55}
    both = {"everyone": 0.07, DISTRICTS[0]: 0.03, DISTRICTS[1]: 0.12}
    return {"eligible": 0.05, "unanswered": {}, "up_and_down": both, "break_even": even}


def _bars(
    model: str, item: str, label: str, levels: tuple[str, ...], gift: int, rng: np.random.Generator
) -> dict[str, Any]:
    mean = rng.dirichlet(np.full(len(levels), 8.0))
    observed = np.clip(mean + rng.normal(0, 0.01, len(levels)), 0.0, 1.0)
    return {
        "model": model,
        "item": item,
        "label": label,
        "levels": list(levels),
        "gift": gift,
        "observed": observed.tolist(),
        "mean": mean.tolist(),
        "lower": (mean - 0.02).tolist(),
        "upper": (mean + 0.02).tolist(),
    }


def _truth(models: dict[str, Any]) -> dict[str, Any]:
    """The parameters whose 99 % interval misses the truth; the last one of the last model always does."""
    known = [({**row, "key": f"{name}.{row['key']}"}) for name, model in models.items() for row in model["parameters"]]
    outside = [
        {"lower": row["lowest"], "upper": row["highest"], **{key: row[key] for key in ("key", "truth", "mean", "sd")}}
        for row in known
        if not row["lowest"] <= row["truth"] <= row["highest"]
    ]
    worst = {"key": known[-1]["key"], "z": (known[-1]["truth"] - known[-1]["mean"]) / known[-1]["sd"]}
    return {"compared": len(known), "outside": outside, "allowed": 2, "interval": 0.99, "worst": worst}
