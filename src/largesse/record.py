"""The record of a study: everything its page may print, put together from inputs, fits and audits."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy.stats import binom

from largesse import (
    alternatives,
    certificate,
    dims,
    findings,
    instruments,
    plain,
    population,
    programmes,
    transfer,
    vignettes,
)
from largesse.alternatives import Alternatives, Kind
from largesse.audit import Audit, prior_draws
from largesse.districts import places
from largesse.fits import Fit
from largesse.headcount import KEPT, Headcount
from largesse.inputs import Inputs
from largesse.ledger import ledger
from largesse.models.contract import Model
from largesse.parameters import Parameter
from largesse.provenance import engines
from largesse.results import SMALLEST, DroppedTerm, Results, Verdict
from largesse.reweighting import ranges
from largesse.sensitivity import CURVES, Tipping
from largesse.store import file_digest

Array = np.ndarray[Any, Any]
_CATEGORICAL = pd.CategoricalDtype

PRIOR_DRAWS: Final = 1000
TRUTH_INTERVAL: Final = 0.99
TENS: Final = 10
FLAT: Final = 1e-9  # a design effect of 1, but for the last digits of a sum


def record(
    inputs: Inputs,
    fits: Mapping[str, Fit],
    audits: Mapping[str, Audit],
    files: Mapping[str, Path],
    made_by: str,
    curve: Tipping | None = None,
    beside: Mapping[Kind, Alternatives] | None = None,
) -> Results:
    """All results of a study.

    Parameters
    ----------
    fits, audits : by model.
    files : name -> path of every artefact the results rest on; their digests are stored.
    made_by : the fingerprint of everything the results depend on.
    curve : the headline over a grid of favour, of a study whose model assumes one.
    beside : the effects under alternatives, by kind.
    """
    heads = Headcount.of(inputs)
    rows = {m.name: list(_parameters(fits[m.name], m, inputs)) for m in inputs.models}
    effects = {m.name: findings.estimate(fits[m.name], m, inputs) for m in answered(inputs)}
    estimates = tuple(
        e for m in inputs.models for e in findings.estimates(fits[m.name], m, inputs, effects.get(m.name))
    )
    return Results(
        study=_study(inputs),
        made={
            "largesse": version("largesse"),
            "python": platform.python_version(),
            "engines": engines(),
            "inputs": made_by,
            "date": datetime.now(UTC).date().isoformat(),
        },
        survey=_survey(inputs, heads),
        models={
            m.name: _model(m, inputs, fits[m.name], audits[m.name], rows[m.name])
            | {"respondents": heads.count(("model", m.name), int(inputs.cells[m.name]["people"].sum()))}
            for m in inputs.models
        },
        verdicts=tuple(_said(v, inputs) for m in inputs.models for v in audits[m.name].verdicts),
        estimates=estimates,
        dropped=heads.dropped(inputs.survey.dropped),
        dropped_terms=tuple(_dropped_terms(inputs)),
        figures={
            "predictive": list(_predictive(inputs, audits, heads)),
            "coverage": _coverage(inputs),
            "plain": heads.regressions(plain.regressions(inputs)),
            "tipping": _tipping(curve, inputs, fits) if curve else None,
            "programmes": dict(_programmes(inputs, fits, effects)),
            "alternatives": _alternatives(inputs, fits, effects, beside or {}),
            "population": _population(inputs, fits),
            "ledger": ledger(fits, inputs),
            "borrowed": transfer.told(inputs, fits),
            "vignettes": vignettes.told(inputs, effects[vignettes.MODEL], heads.order)
            if vignettes.MODEL in effects
            else None,
            "support": instruments.told(inputs, asked, effects[asked], heads.support)
            if (asked := instruments.reading(effects))
            else None,
            "priors": [
                row for m in answered(inputs) for row in ranges(effects[m.name], fits[m.name], m, inputs, estimates)
            ],
        },
        truth=_truth(rows) if inputs.truth else None,
        artefacts={name: file_digest(path) for name, path in files.items()},
    )


def answered(inputs: Inputs) -> list[Model]:
    """The models that explain answers, and not only who receives."""
    return [m for m in inputs.models if m.predicts.keys() - {"receipt"}]


def _tipping(curve: Tipping, inputs: Inputs, fits: Mapping[str, Fit]) -> dict[str, Any]:
    """The curve, where it crosses 0 and the ROPE, and the favour that answers from before point to."""
    rope, tail = inputs.study.estimands.rope, (1 - inputs.study.estimands.interval) / 2
    effects = [name for name in CURVES if name in curve.points[0].effects]
    crossings = {
        name: {"zero": curve.crossing(name), "above": curve.crossing(name, rope), "below": curve.crossing(name, -rope)}
        for name in effects
    }
    drawn = next((fit.theta["favour"] for fit in fits.values() if "favour" in fit.theta), None)
    lower, upper = (None, None) if drawn is None else map(float, np.quantile(drawn, [tail, 1 - tail]))
    known = next((theta["favour"] for theta in (inputs.truth or {}).values() if "favour" in theta), None)
    return {
        "points": [asdict(point) for point in curve.points],
        "crossings": crossings,
        "assumed": inputs.study.effects.favour if drawn is None else None,
        "estimated": None if drawn is None else {"mean": float(drawn.mean()), "lower": lower, "upper": upper},
        "truth": None if known is None else float(known),
    }


def _programmes(
    inputs: Inputs, fits: Mapping[str, Fit], effects: Mapping[str, xr.Dataset]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Model -> what stands beside its policies, and where loyalty rises while the market falls."""
    for model in (m for m in inputs.models if {"gift", "loyalty"} <= {*m.outcomes}):
        fit, drawn = fits[model.name], effects[model.name]
        beside = findings.side_by_side(drawn, fit, model, inputs)
        if even := beside.get("break_even"):  # between the least and the most that anyone faces
            beside["break_even"] = even | {end: _faced(inputs, even[end]) for end in ("low", "high")}
        yield model.name, programmes.about(fit.theta, inputs) | beside


def _alternatives(
    inputs: Inputs, fits: Mapping[str, Fit], effects: Mapping[str, xr.Dataset], beside: Mapping[Kind, Alternatives]
) -> dict[str, Any] | None:
    """The effects on reported loyalty as the study takes things, and under each alternative, by kind."""
    model = alternatives.reporting(inputs)
    if model is None:
        return None
    own = alternatives.own(effects[model.name], fits[model.name], model, inputs)
    return {"own": asdict(own)} | {kind: [asdict(row) for row in found.rows] for kind, found in beside.items()}


def _population(inputs: Inputs, fits: Mapping[str, Fit]) -> dict[str, Any]:
    """What the weights are worth; by model of answers its effects by group, and over populations drawn anew."""
    about: dict[str, Any] = _worth(inputs)
    for model in answered(inputs):
        fit = fits[model.name]
        groups, drawn = population.by_group(fit, model, inputs), population.uncertain(fit, model, inputs)
        about[model.name] = {"groups": groups, "uncertain": drawn}
    return about


def _said(verdict: Verdict, inputs: Inputs) -> Verdict:
    """A verdict of an audit, without the share of respondents that a fit leans on where they are few."""
    few = 2 * SMALLEST / int(inputs.cells[verdict.model]["people"].sum())
    if verdict.gate != "leave-one-out" or not verdict.value or verdict.value >= few:
        return verdict
    words = f"fewer than {2 * SMALLEST} respondents are too influential for leave-one-out to be exact"
    return replace(verdict, value=None, sentence=words)


def _worth(inputs: Inputs) -> dict[str, float]:
    """What the weights are worth, in tens: to the digit it would tell how many respondents bear which weight."""
    told, n = population.worth(inputs), len(inputs.survey.table)
    effective = n if told["design"] < 1 + FLAT else TENS * (told["effective"] // TENS)
    return {"effective": float(effective), "design": round(n / max(effective, 1), 2)}


def _faced(inputs: Inputs, share: float) -> float:
    """A share of receivers that people face, in whole points where it is a sample's: fine ones tell of how many."""
    return share if inputs.design.coverage.source == "administrative" else round(share, 2)


def _study(inputs: Inputs) -> dict[str, Any]:
    study, asked = inputs.study, inputs.study.estimands
    compared = findings.Compared.of(inputs, inputs.cells[study.models[0]])
    return {
        "name": study.name,
        "title": study.title,
        "question": study.question,
        "synthetic": study.synthetic,
        "seed": study.seed,
        "author": study.report.author,
        "interval": asked.interval,
        "rope": asked.rope,
        "coverage": [_faced(inputs, c) for c in (compared.low, compared.high)] if compared.varies else None,
        "extrapolates": asked.extrapolates,
        "models": list(study.models),
    }


def _survey(inputs: Inputs, heads: Headcount) -> dict[str, Any]:
    survey, table = inputs.survey, inputs.survey.table
    places = {
        role: len(survey.codebook[role].levels) if role in survey.codebook else 0 for role in ("district", "wave")
    }
    scales = [n for n, column in survey.codebook.items() if column.role in ("loyalty", "vignettes", "market")]
    coverage = inputs.design.coverage
    return {
        "rows": heads.count(("rows",), survey.rows),
        "kept": heads.count(KEPT, len(table)),
        "districts": places["district"],
        "waves": places["wave"],
        "weights": _weights(inputs),
        "items": [
            {"name": n, "label": survey.codebook[n].label, "levels": list(survey.codebook[n].levels)} for n in scales
        ],
        "covariates": [n for n, c in survey.codebook.items() if c.role in ("categorical", "continuous")],
        "coverage": {
            "source": coverage.source,
            "reliability": round(coverage.reliability, 2),
            "center": _faced(inputs, coverage.center),
        },
    }


def _weights(inputs: Inputs) -> str:
    if inputs.study.columns.weight is None:
        return ""
    n = _worth(inputs)["effective"]
    use = {"frame": "averages only, not the likelihood", "likelihood": "averages and the likelihood"}
    return f"weights enter {use[inputs.study.weights.use]}; they make the sample worth {n:,.0f} equal respondents"


def _meaning(p: Parameter, model: Model) -> str:
    """What a parameter is, with the equation that it is of where a model has several."""
    prefixes = (prefix for prefix in model.prefixes.values() if prefix and p.name.startswith(prefix))
    equation = next(prefixes, "").rstrip("_")
    return f"{equation}: {p.meaning}" if equation and not p.meaning.startswith(f"{equation}:") else p.meaning


def _model(model: Model, inputs: Inputs, fit: Fit, audit: Audit, rows: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = fit.tree["posterior"].sizes
    tune = inputs.study.sampler.tune * int(fit.tree.attrs["attempt"])
    return {
        "question": model.question,
        "outcomes": list(model.outcomes),
        "fingerprint": fit.fingerprint,
        "sampler": {"draws": sizes["draw"], "tune": tune, "chains": sizes["chain"], "nodes": fit.nodes},
        **_card((model.resources / "card.md").read_text(encoding="utf-8")),
        "parameters": rows,
        "loo": {name: number for name, number in audit.loo.items() if name != "influential"},
        "certificate": certificate.shown(model.resources / "calibration"),
    }


CARD: Final = {
    "equations": "Equations",
    "not_identified": "What is not identified",
    "would_break": "What would break it",
}


def _card(text: str) -> dict[str, str]:
    """Sections of a model card, by their headings."""
    parts = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    return {
        key: "\n".join(line.rstrip() for line in parts[heading].strip("\n").split("\n"))
        for key, heading in CARD.items()
    }


def _parameters(fit: Fit, model: Model, inputs: Inputs) -> Iterator[dict[str, Any]]:
    """One row per scalar that was drawn: posterior beside prior, and the truth where it is known.

    Nothing of a district that is pooled elsewhere, nor of a district in a wave when few were asked.
    """
    cells, priors = inputs.cells[model.name], inputs.priors[model.name]
    kept, _ = model.active(cells)
    before = prior_draws(model, priors, cells, PRIOR_DRAWS, inputs.study.seed)
    truth = (inputs.truth or {}).get(model.name, {})
    for p in kept:
        drawn = fit.tree["posterior"][p.name].transpose("chain", "draw", ...)
        columns = drawn.to_numpy().reshape(*drawn.shape[:2], -1)
        with np.errstate(invalid="ignore"):  # a prior may run to infinity: then it has no sd
            prior_sd = before[p.name].reshape(PRIOR_DRAWS, -1).std(axis=0)
        true = np.ravel(truth[p.name]) if p.name in truth else None
        shown = np.ravel(_shown(p.dims, columns.shape[-1], inputs))
        for j, label in enumerate(_labels(drawn)):
            if shown[j] and np.ptp(columns[..., j]) > 0:  # the first discrimination is 1 by definition
                yield {
                    "key": f"{p.name}[{label}]" if label else p.name,
                    "parameter": p.name,
                    "label": label,
                    "symbol": p.symbol,
                    "meaning": _meaning(p, model),
                    "unit": p.unit,
                    "status": p.status,
                    "reason": p.reason,
                    "population": dims.DISTRICT not in p.dims,
                    "prior": _prior(priors[p.name]),
                    "borrowed": priors.borrowed is not None and p.name in priors.borrowed.parameters,
                    **_posterior(columns[..., j], prior_sd[j], inputs.study.estimands.interval),
                    "truth": None if true is None else float(true[j]),
                }


def _shown(dimensions: tuple[str, ...], size: int, inputs: Inputs) -> Array:
    """[...] which scalars of a parameter may be told."""
    if dimensions == (dims.DISTRICT,):
        return ~findings.pooled(inputs)
    if dimensions == (dims.DISTRICT, dims.WAVE):
        return ~findings.pooled(inputs)[:, None] & (inputs.design.coverage.respondents >= 2 * SMALLEST)
    return np.ones(size, dtype=bool)


def _labels(drawn: xr.DataArray) -> list[str]:
    names = [[str(v) for v in drawn[d].to_numpy()] for d in drawn.dims[2:]]
    return [", ".join(each) for each in product(*names)]


def _prior(prior: Any) -> dict[str, Any]:
    source = {"kind": prior.source.kind, "key": prior.source.key, "where": prior.source.where}
    return {
        "distribution": prior.distribution,
        "arguments": dict(prior.arguments),
        "statement": prior.statement,
        **source,
    }


def _posterior(draws: Array, prior_sd: float, interval: float) -> dict[str, float | None]:
    """Summaries of [chain, draw] values; None for what is no number, such as the sd of a prior that has none."""
    tails = np.array([(1 - interval) / 2, (1 - TRUTH_INTERVAL) / 2])
    lower, lowest = np.quantile(draws, tails)
    upper, highest = np.quantile(draws, 1 - tails)
    sd = draws.std(ddof=1)
    numbers = {
        "mean": draws.mean(), "sd": sd, "lower": lower, "upper": upper, "lowest": lowest, "highest": highest,
        "prior_sd": prior_sd, "contraction": 1 - sd**2 / prior_sd**2,
        "rhat": array_stats.rhat(draws, chain_axis=0, draw_axis=1),
        "ess": array_stats.ess(draws, chain_axis=0, draw_axis=1),
    }  # fmt: skip
    return {name: float(v) if np.isfinite(v) else None for name, v in numbers.items()}


def _dropped_terms(inputs: Inputs) -> Iterator[DroppedTerm]:
    for model in inputs.models:
        yield from model.active(inputs.cells[model.name])[1]


def _predictive(inputs: Inputs, audits: Mapping[str, Audit], heads: Headcount) -> Iterator[dict[str, Any]]:
    """Observed shares of each answer and replicated ones, as far as they may be told."""
    for row in heads.panels(row for m in inputs.models for row in audits[m.name].predictive):
        column = inputs.survey.codebook[row["item"]]
        yield {**row, "label": column.label, "levels": list(column.levels)}


def _coverage(inputs: Inputs) -> dict[str, Any] | None:
    """Coverage by district and wave, where there is more than one district."""
    coverage, table = inputs.design.coverage, inputs.design.table
    names = [str(n) for n in table[dims.DISTRICT].cat.categories]
    if len(names) < 2:
        return None
    waves = [str(n) for n in table[dims.WAVE].cat.categories]
    known = coverage.source == "administrative"
    shown = np.isfinite(coverage.rate) & (known or _telling(inputs))
    rate = [
        [round(float(v), 3 if known else 2) if ok else None for v, ok in zip(*row, strict=True)]
        for row in zip(coverage.rate, shown, strict=True)
    ]
    told = [d for d in range(len(names)) if known or shown[d].any()]  # a district of which nothing is told has no name
    if not told:
        return None
    kept = [names[d] for d in told]
    where = {name: at for name, at in places(inputs.survey.districts).items() if name in kept}
    return {"districts": kept, "waves": waves, "rate": [rate[d] for d in told], "places": where}


def _telling(inputs: Inputs) -> Array:
    """[district, wave] where enough were asked, and enough received and did not, for their rate to be told.

    One that would be kept back alone takes the smallest of the others with it: the mean of all rates is known.
    """
    coverage = inputs.design.coverage
    given = np.nan_to_num(coverage.rate) * coverage.respondents
    asked = coverage.respondents > 0
    shown = asked & ~findings.few(np.stack([coverage.respondents - given, given], axis=-1).round())
    if (asked & ~shown).sum() == 1 and shown.any():
        smallest = np.where(shown, coverage.respondents, np.inf).argmin()
        shown.ravel()[smallest] = False
    return shown


def _truth(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any] | None:
    """How many simulated truths lie outside their 99 % interval, and how many may by chance (99.9 % quantile)."""
    known = [
        {**row, "key": f"{model}.{row['key']}"}
        for model, each in rows.items()
        for row in each
        if row["truth"] is not None
    ]
    if not known:
        return None
    outside = [row for row in known if not row["lowest"] <= row["truth"] <= row["highest"]]
    distance = {row["key"]: (row["truth"] - row["mean"]) / row["sd"] for row in known if row["population"]}
    worst = max(distance, key=lambda key: abs(distance[key]), default=None)
    return {
        "compared": len(known),
        "outside": [
            {
                "key": r["key"],
                "truth": r["truth"],
                "mean": r["mean"],
                "sd": r["sd"],
                "lower": r["lowest"],
                "upper": r["highest"],
            }
            for r in outside
        ],
        "allowed": int(binom.ppf(0.999, len(known), 1 - TRUTH_INTERVAL)),
        "interval": TRUTH_INTERVAL,
        "worst": {"key": worst, "z": distance[worst]} if worst else None,
    }
