r"""Do people stay in the market? Any participation, and then how much.

    (1) P(any_i) = expit(eta_i^any - cut^any)
    (2) P(band_i <= b | any_i) = expit(cut_b^much - eta_i^much)
    (3) eta^any and eta^much each: alpha_d + omega_t + x' beta + (tau + tau_d + m' tau_m) g
                + (psi + m' psi_m) (1 - g) E + psi_1 g E + delta mean_t(E),  with unknowns of their own
    (4) E[share_i] = P(any_i) * sum_b share_b P(band_i = b | any_i)

Two independent parts, so the amount is never read as "if everyone took part": (4) counts those who stay out as zero.
A question that asks only whether one takes part has neither (2) nor (4).

Not identified here: selection into participation on what is unobserved; effects through participation. A total
effect of a gift is never adjusted for participation, which comes after it.

References: Samejima 1969 (graded response).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from largesse.cells import Cells
from largesse.models import contract, disposition, graded, predictor
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from largesse.simulators import market_participation as twin

PARAMETERS = (
    *predictor.prefixed("any_"),
    Parameter("any_cutpoint", r"\kappa^{any}", "boundary between staying out and taking part", "cutpoints",
              ("any_cut",), "logit", "simplex", "identified", "from the share taking part"),
    *predictor.prefixed("much_", ("amounts",)),
    Parameter("much_cutpoint", r"\kappa^{much}_b", "boundary between two neighbouring bands", "cutpoints",
              ("much_cut",), "logit", "simplex", "identified", "from the share in each band", ("amounts",)),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data; each part has one item, so there is no disposition and `nodes` is not used."""
    del nodes
    return {**graded.profile_arrays(cells), **boundaries(cells)}


def boundaries(cells: Cells) -> dict[str, np.ndarray[Any, Any]]:
    """[cell, 1] positions of the boundaries of both parts: any at all, and how much of those who take part."""
    band, bands = cells["answer"].to_numpy(), cells["answers"].to_numpy()
    any_ = graded.boundaries(np.minimum(band, 1), np.array([2]))
    much = graded.boundaries(np.maximum(band - 1, -1), bands - 1)
    parts = {"any": any_, "much": much}
    return {f"{part}_{edge}": at for part, edges in parts.items() for edge, at in edges.items()}


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of the band."""
    logp: Any = 0.0
    for part in ("any", "much") if "much_cutpoint" in v else ("any",):
        eta = predictor.predictor(v, data, cells, f"{part}_")[data["profile"]]  # (3)
        edges = (data[f"{part}_below"], data[f"{part}_above"])
        logp = logp + graded.answers_logp(eta, v[f"{part}_cutpoint"], edges, 1, (None, None), (None, None))  # (1), (2)
    return logp


MODEL = Model(
    name="market_participation",
    question="What does a gift do to market participation, of those who receive and of those passed over?",
    outcomes=("market",),
    predicts={"market_any": "taking part in the market", "market_much": "share of income from the market"},
    prefixes={"market_any": "any_", "market_much": "much_"},
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(__file__, contract.__file__, graded.__file__, disposition.__file__, graded.QUADRATURE, predictor.__file__),
)
