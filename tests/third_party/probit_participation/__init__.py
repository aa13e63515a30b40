r"""Taking part in the market, where the tails are those of a normal.

    (1) P(any_i) = Phi((eta_i - theta) / 1.702)
    (2) eta_i = alpha_d + omega_t + x' beta + (tau + tau_d + m' tau_m) g
                + (psi + m' psi_m) (1 - g) E + psi_1 g E + delta mean_t(E)

`market_participation` with another link: whoever takes part only because of a tail shows here. 1.702 makes the two
links alike within .01, so that a logit's priors hold as they are.

Not identified here: what `market_participation` does not identify, and which of the two links is right.

References: Haley 1952 (the constant).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt

from largesse.cells import Cells
from largesse.models import contract, graded, predictor
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from probit_participation import twin

PARAMETERS = (
    *predictor.prefixed("any_"),
    Parameter("any_threshold", r"\theta", "what keeps people out of the market", "effect", (), "logit", "real",
              "identified", "from the share taking part"),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data: cells, and the side of the threshold; nothing is summed out, `nodes` is not used."""
    del nodes
    answer = cells["answer"].to_numpy()[:, 0]
    side = np.select([answer < 0, answer == 0], [0.0, -1.0], 1.0)  # a missing answer is on neither
    return {**graded.cell_arrays(cells), "side": side}


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of taking part, or not."""
    z = (predictor.predictor(v, data, cells, "any_") - v["any_threshold"]) / twin.SCALE
    tail = pt.erfcx(pt.maximum(-data["side"] * z, 0.0) / np.sqrt(2.0))  # what underflows in the tail is in its square
    far = pt.log(tail / 2) - pt.minimum(data["side"] * z, 0.0) ** 2 / 2
    near = pt.log(pt.erfc(-pt.maximum(data["side"] * z, 0.0) / np.sqrt(2.0)) / 2)
    return pt.switch(pt.eq(data["side"], 0.0), 0.0, pt.switch(data["side"] * z < 0, far, near))


MODEL = Model(
    name="probit_participation",
    question="What does a gift do to taking part in the market, on a probit scale?",
    outcomes=("market",),
    predicts={"market_any": "taking part in the market"},
    prefixes={"market_any": "any_"},
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(__file__, twin.__file__, contract.__file__, graded.__file__, predictor.__file__),
    folder=Path(__file__).parent,
)
