r"""What a gift does to the reported loyalty of those who receive it, and of those passed over.

    (1) P(y_ik <= c) = expit(cut_kc - discrimination_k * (eta_i + sd_u * u_i)),   u_i ~ Normal(0, 1)
    (2) eta_i = alpha_d + omega_t + x_i' beta
                + (tau + tau_d + m_i' tau_m) g_i
                + (psi + m_i' psi_m) (1 - g_i) E_dt + psi_1 g_i E_dt
                + delta mean_t(E_dt)
    (3) L_i = integral of prod_k P(y_ik | u) Normal(u; 0, 1) du

E is coverage, centred; m are the covariates that modify the gift's effect. Scale and place: discrimination_1 = 1,
alpha and omega sum to zero, cutpoints are free. One item: no u, effects are marginal. Two: equal discriminations.
A missing answer has probability 1: it is marginalised, not dropped.

Not identified here: how much of the answer is belief; whether offices chose the already loyal (favour is 0 in this
model, an assumption); with one wave, `delta` from `psi` and `psi_1`: all three then rest on their priors.

References: Samejima 1969 (graded response); Hudgens & Halloran 2008 (direct and indirect effects).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from largesse.cells import Cells
from largesse.models import contract, disposition, graded, predictor
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from largesse.simulators import reported_loyalty as twin

PARAMETERS = (
    *predictor.PARAMETERS,
    Parameter("disposition_sd", r"\sigma_u", "how much people of one profile differ in disposition", "effect", (),
              "logit", "positive", "identified", "from answers that go together across items", ("two items",)),
    Parameter("discrimination", r"a_k", "how sharply an item tells dispositions apart, against the first item",
              "discrimination", ("item",), "ratio", "positive", "identified", "from associations between items",
              ("three items",)),
    Parameter("cutpoint", r"\kappa_{kc}", "boundary between two neighbouring answers", "cutpoints", ("cut",), "logit",
              "simplex", "identified", "from the share of each answer"),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data: cells and answer boundaries, and quadrature nodes where there is a disposition.

    With one item the predictor is worked out by profile. With several the sum over the disposition takes the time.
    """
    where = graded.boundaries(cells["answer"].to_numpy(), cells["answers"].to_numpy())
    if cells.sizes["item"] == 1:
        return {**graded.profile_arrays(cells), **where}
    return {**graded.cell_arrays(cells), **where, **graded.quadrature(nodes)}


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of the answers."""
    eta = predictor.predictor(v, data, cells)  # (2)
    eta = eta[data["profile"]] if "profile" in data else eta
    edges = (data["below"], data["above"])
    scale = (v.get("discrimination"), v.get("disposition_sd"))
    nodes = (data.get("node"), data.get("node_weight"))
    return graded.answers_logp(eta, v["cutpoint"], edges, cells.sizes["item"], scale, nodes)  # (1), (3)


MODEL = Model(
    name="reported_loyalty",
    question="What does a gift do to the reported loyalty of those who receive, and of those passed over?",
    outcomes=("loyalty",),
    predicts={"loyalty": "reported loyalty"},
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(__file__, contract.__file__, graded.__file__, disposition.__file__, graded.QUADRATURE, predictor.__file__),
)
