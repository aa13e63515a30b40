r"""Loyalty on one scale, whoever uses its answers how: people also judge described persons by the same answers.

    (1) P(y_i <= c) = expit(cut_c - eta_i - s_i)
    (2) P(v_ij <= c) = expit(a (cut_c - theta_j - s_i)),  j = 1, ..., J
    (3) s_i = zeta_i + sd_s r_i,   r_i ~ Normal(0, 1)
    (4) eta and zeta each: alpha_d + omega_t + x' beta + (tau + tau_d + m' tau_m) g
            + (psi + m' psi_m) (1 - g) E + psi_1 g E + delta mean_t(E),  with unknowns of their own

y is the answer on oneself, v_j the one on the person of vignette j, who stands at theta_j; s is style: of two people as
loyal as each other, who has more of it gives the higher answer. Style differs between districts and groups, may change
with a gift, and differs between people of one profile. Scale and place: the slope of the own answer is 1, alpha and
omega sum to zero in both equations, cutpoints are free.

Rests on two things that only a survey's design can bear out: people judge the persons as they judge themselves
(response consistency), and everyone sees the same persons (vignette equivalence). Style moves all cutpoints by one
amount.

Reference: King, Murray, Salomon & Tandon 2004 (anchoring vignettes).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from largesse.cells import Cells, part
from largesse.models import contract, disposition, graded, predictor
from largesse.models.contract import Data, Model, Variables
from largesse.models.graded import Measure
from largesse.parameters import Parameter
from largesse.simulators import anchored_loyalty as twin

ANCHORED: Final = (
    "from answers on oneself, held against those on vignettes, if these are judged as people judge themselves"
)
JUDGED: Final = "from answers on vignettes, if everyone sees the same persons in them"


def _resting(parameters: tuple[Parameter, ...], on: str) -> tuple[Parameter, ...]:
    """Unknowns that are had only `on` what vignettes take to be so, beside what they rest on anyway."""
    return tuple(
        replace(p, status="conditional", reason=on if p.status == "identified" else f"{p.reason}; {on}")
        for p in parameters
    )


PARAMETERS = (
    *_resting(predictor.PARAMETERS, ANCHORED),
    *_resting(predictor.prefixed(twin.STYLE), JUDGED),
    Parameter("style_sd", r"\sigma_s", "how much people of one profile differ in the use of answers", "effect", (),
              "logit", "positive", "identified", "from answers that are high or low together"),
    Parameter("vignette_discrimination", "a", "how sharply people place described persons, against themselves",
              "effect", (), "ratio", "positive", "identified", "from how far answers on one vignette scatter", (),
              ("vignettes",)),
    Parameter("vignette_place", r"\theta_j", "where the person of a vignette stands", "effect", ("vignette",), "logit",
              "real", "identified", "from the answers on each vignette"),
    Parameter("cutpoint", r"\kappa_c", "boundary between two neighbouring answers", "cutpoints", ("cut",), "logit",
              "simplex", "identified", "from the share of each answer"),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data; the item and its vignettes share one set of cutpoints."""
    asked = [part(cells, role) for role in (twin.ITEM, twin.JUDGED)]
    answer = np.concatenate([p["answer"].to_numpy() for p in asked], axis=1)
    each = [graded.boundaries(answer[:, [k]], asked[0]["answers"].to_numpy()) for k in range(answer.shape[1])]
    edges = {edge: np.concatenate([e[edge] for e in each], axis=1) for edge in ("below", "above")}
    return {**graded.cell_arrays(cells), **edges, **graded.quadrature(nodes)}


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of the answers on oneself and on the vignettes."""
    sharp, cut, spread = v["vignette_discrimination"], v["cutpoint"], v["style_sd"]
    style = predictor.predictor(v, data, cells, twin.STYLE)  # (4)
    itself = (predictor.predictor(v, data, cells) + style, graded.padded(cut), spread)  # (1)
    bound, loading = graded.padded(sharp * cut), sharp * spread
    placed = range(cells.sizes["item"] - 1)
    judged = [(sharp * (v["vignette_place"][j] + style), bound, loading) for j in placed]  # (2)
    answers = [
        Measure(x, data["below"][:, k], data["above"][:, k], bounds, scale)
        for k, (x, bounds, scale) in enumerate([itself, *judged])
    ]
    return graded.summed_out(answers, (data["node"], data["node_weight"]))  # (3)


MODEL = Model(
    name="anchored_loyalty",
    question="How loyal are people on one scale, whoever uses its answers how, and what does a gift change?",
    outcomes=("loyalty", "vignettes"),
    predicts={
        "anchored": "loyalty, all using the answers alike",
        "answered": "loyalty as people answer",
        "style": "what the use of answers adds to them",
    },
    prefixes={"style": twin.STYLE},
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(__file__, contract.__file__, graded.__file__, disposition.__file__, graded.QUADRATURE, predictor.__file__),
)
