"""The plain comparison: receivers against the rest in one regression, beside which every model's effect is shown.

Weighted least squares of the outcome on the gift, with an intercept for each district and wave, the covariates, and the
products of gift and modifiers; standard errors from the survey's design (linearised, clustered by district where there
are districts; Binder 1983). It knows no exposure, no disposition and no prior: a yardstick, not an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """A difference between receivers and others on the outcome scale (1 = 100 points).

    Attributes
    ----------
    estimate, se : the coefficient of the gift and its design-based standard error.
    respondents, clusters : what it rests on; clusters are districts, or respondents where there are none.
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
    (x, m), g = (part[seen] for part in controls), gift[seen].astype(float)
    y, w, place = outcome[seen], weight[seen], group[seen]
    offices = np.unique(place, axis=0, return_inverse=True)[1].ravel()
    intercepts = np.eye(offices.max() + 1)[offices]
    design = np.column_stack([g, g[:, None] * m, x, intercepts])
    root = np.sqrt(w)[:, None]
    inverse = np.linalg.pinv((root * design).T @ (root * design))
    beta = inverse @ (design.T @ (w * y))
    scores = design * (w * (y - design @ beta))[:, None]
    district = place[:, 0]
    several = len(np.unique(district)) > 1
    cluster = district.astype(int) if several else np.arange(len(y))
    n = len(np.unique(cluster))
    sums = np.zeros((int(cluster.max()) + 1, design.shape[1]))
    np.add.at(sums, cluster, scores)
    variance = inverse @ (sums.T @ sums) @ inverse * n / max(n - 1, 1)
    return Comparison(float(beta[0]), float(np.sqrt(variance[0, 0])), len(y), n)
