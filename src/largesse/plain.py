"""Plain: the regression that a reader would run, beside the model's direct effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from largesse import dims
from largesse.comparison import compare
from largesse.inputs import Inputs, band_shares

Array = np.ndarray[Any, Any]


def regressions(inputs: Inputs) -> dict[str, Any]:
    """The plain comparison of each outcome, at the average profile and at each profile that the study asks for.

    Without those that the data do not hold.
    """
    profiles: dict[str, tuple[str, Mapping[str, Any]]] = {"": ("", {})}
    profiles |= {f".at.{at.name}": (at.label, at.values) for at in inputs.study.estimands.at}
    rows = {
        f"{outcome}{suffix}": _compared(inputs, values, f"{label}, {label_at}" if label_at else label, at)
        for outcome, (label, values) in _scores(inputs).items()
        for suffix, (label_at, at) in profiles.items()
    }
    return {name: row for name, row in rows.items() if np.isfinite(row["estimate"])}


def _compared(inputs: Inputs, outcome: Array, label: str, at: Mapping[str, Any]) -> dict[str, Any]:
    design, table = inputs.design, inputs.design.table
    x = covariates(inputs)
    origin = np.zeros(len(design.columns))  # the average, where the profile does not say
    for j, coordinate in design.coordinates(at).items():
        origin[j] = coordinate
    where = [list(design.columns.index).index(m) for m in design.modifiers]
    group = np.column_stack([table[dims.DISTRICT].cat.codes, table[dims.WAVE].cat.codes])
    controls = (x, x[:, where] - (origin[where] if where else 0.0))
    found = compare(outcome, table["gift"].to_numpy(), group, controls, table["weight"].to_numpy(dtype=float))
    clusters = "districts" if len(np.unique(group[:, 0])) > 1 else "respondents"
    words = f"one regression within districts and waves, standard error from {found.clusters:,} {clusters}"
    return {"label": label, "estimate": found.estimate, "se": found.se, "respondents": found.respondents,
            "clusters": found.clusters, "words": words}  # fmt: skip


def covariates(inputs: Inputs) -> Array:
    """[respondent, covariate] the design matrix."""
    design, table = inputs.design, inputs.design.table
    names = map(str, dict.fromkeys(design.columns["column"]))
    raw = {n: table[n] for n in names}
    categories = {n: v for n, v in raw.items() if isinstance(v.dtype, pd.CategoricalDtype)}
    raw |= {n: v.astype(str) for n, v in categories.items()}
    return design.matrix({n: v.to_numpy() for n, v in raw.items()}) if raw else np.empty((len(table), 0))


def _scores(inputs: Inputs) -> dict[str, tuple[str, Array]]:
    """Outcome -> label and [respondent] score from 0 to 1, NaN where not answered."""
    table, survey = inputs.design.table, inputs.survey
    scores: dict[str, tuple[str, Array]] = {}
    for model in inputs.models:
        for outcome in (name for name in ("loyalty", "answered") if name in model.predicts):
            items = [table[i].cat.codes.to_numpy() / (len(table[i].cat.categories) - 1) for i in survey.items]
            every = np.where(np.array(items) >= 0, np.array(items), np.nan)
            answered = np.isfinite(every).sum(axis=0)
            total = np.nansum(every, axis=0)
            scores[outcome] = (model.predicts[outcome], np.where(answered > 0, total / np.maximum(answered, 1), np.nan))
        market = _market(inputs) if "market" in table else {}
        scores |= {name: (model.predicts[name], values) for name, values in market.items() if name in model.predicts}
    return scores


def _market(inputs: Inputs) -> dict[str, Array]:
    """Outcome -> [respondent] whether one takes part, and the share of income; NaN where not answered."""
    band, bands = inputs.design.table["market"].cat.codes.to_numpy(), len(inputs.design.table["market"].cat.categories)
    shares = np.concatenate([[0.0], band_shares(inputs.study, bands - 1), [np.nan]])
    return {"market_any": np.where(band < 0, np.nan, band > 0), "market_much": shares[band]}  # -1 is the NaN at the end
