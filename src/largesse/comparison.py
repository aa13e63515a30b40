"""The plain comparison: receivers against the rest in one regression, beside which every model's effect is shown.

Weighted least squares of the outcome on the gift, with an intercept for each district and wave, the covariates, and the
products of gift and modifiers; standard errors from the survey's design (linearised, clustered by district where there
are districts; Binder 1983). It knows no exposure, no disposition and no prior: a yardstick, not an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

FLAT: Final = 1e-9  # a direction in which the design varies by less, against its largest, is not in the data


@dataclass(frozen=True)
class Comparison:
    """A difference between receivers and others on the outcome scale (1 = 100 points).

    Attributes
    ----------
    estimate, se : the coefficient of the gift and its design-based standard error; not a number where the data hold no
        such comparison (everyone of a district and wave received, or nobody did).
    respondents, clusters : what it rests on; clusters are districts, or respondents where there is one district.
    """

    estimate: float
    se: float
    respondents: int
    clusters: int


def compare(outcome: Array, gift: Array, group: Array, controls: tuple[Array, Array], weight: Array) -> Comparison:
    """Compare receivers with others of the same district and wave.

    Parameters
    ----------
    outcome : [respondent], 0 to 1; NaN where not answered.
    gift : [respondent], 0 or 1.
    group : [respondent, 2], codes of district and wave.
    controls : covariates [respondent, covariate], and modifiers [respondent, modifier] shifted so that 0 is the
        profile that the comparison is for.
    weight : [respondent] survey weights.
    """
    seen = np.isfinite(outcome) & (weight > 0)
    if not seen.any():
        return Comparison(np.nan, np.nan, 0, 0)
    (x, m), g = (part[seen] for part in controls), gift[seen].astype(float)
    y, w, place = outcome[seen], weight[seen], group[seen]
    office = np.unique(place, axis=0, return_inverse=True)[1].ravel()
    design = _within(office, w, np.column_stack([g, g[:, None] * m, x]))
    bread, told = _inverse(np.sqrt(w)[:, None] * design)
    beta = bread @ (design.T @ (w * y))
    scores = design * (w * (_within(office, w, y[:, None])[:, 0] - design @ beta))[:, None]
    district = np.unique(place[:, 0], return_inverse=True)[1]
    cluster = district if district.max() > 0 else np.arange(len(y))
    n = int(cluster.max()) + 1
    sums = np.zeros((n, design.shape[1]))
    np.add.at(sums, cluster, scores)
    variance = bread @ (sums.T @ sums) @ bread * n / max(n - 1, 1)
    found = (float(beta[0]), float(np.sqrt(variance[0, 0]))) if told else (np.nan, np.nan)
    return Comparison(*found, len(y), n)


def _within(office: Array, weight: Array, values: Array) -> Array:
    """[respondent, column] without its office's weighted mean: the same as an intercept for each (Frisch-Waugh)."""
    total = np.zeros((office.max() + 1, values.shape[1]))
    np.add.at(total, office, weight[:, None] * values)
    return np.asarray(values - (total / np.bincount(office, weight)[:, None])[office])


def _inverse(root: Array) -> tuple[Array, bool]:
    """The inverse of root'root on the directions the data hold, and whether the first coefficient is among them."""
    _, strength, axes = np.linalg.svd(root, full_matrices=False)
    held = axes[strength > FLAT * strength.max()]
    told = bool(np.square(held[:, 0]).sum() > 1 - FLAT)
    return (held.T / strength[: len(held)] ** 2) @ held, told
