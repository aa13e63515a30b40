r"""Who receives? Allocation of gifts by district offices.

    (1) g_i ~ Bernoulli(p_i)
    (2) logit p_i = alpha + alpha_d + omega_t + alpha_dt + x_i' gamma

Standing is x'gamma: how a profile counts with the office whatever the office's generosity. Fitted alone, receipt does
not depend on the private disposition (favour 0).

Not identified: whether the office rewards standing, or the loyalty that it believes goes with standing.

References: Finan & Schechter 2012 (brokers target by disposition).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pytensor.tensor as pt

from largesse.cells import Cells
from largesse.models import contract, graded
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from largesse.simulators import gift_allocation as twin

PARAMETERS = (
    Parameter("intercept", r"\alpha", "receipt in the average district and wave, for the average profile", "effect",
              (), "logit", "real", "identified", "from the share receiving"),
    Parameter("district_sd", r"\sigma_\alpha", "how much districts differ in generosity", "effect", (), "logit",
              "positive", "identified", "from the spread of districts", ("districts",)),
    Parameter("district_effect", r"\alpha_d", "a district's generosity against the average", "pooled", ("district",),
              "logit", "real", "identified", "from each district's receipts", ("districts",)),
    Parameter("wave_effect", r"\omega_t", "a wave against the average wave", "zero_sum", ("wave",), "logit", "real",
              "identified", "from each wave's receipts", ("waves",)),
    Parameter("district_wave_sd", r"\sigma_{\alpha t}", "how much a district's generosity changes between waves",
              "effect", (), "logit", "positive", "identified", "from districts seen in several waves",
              ("districts", "waves")),
    Parameter("district_wave", r"\alpha_{dt}", "a district's generosity in one wave against its average", "pooled",
              ("district", "wave"), "logit", "real", "identified", "from receipts in each district and wave",
              ("districts", "waves")),
    Parameter("standing", r"\gamma", "what a covariate counts with the office", "effect", ("covariate",), "logit",
              "real", "identified", "from receivers and passed-over who differ in it", ("covariates",)),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data; there is no disposition to integrate, so `nodes` is not used."""
    del nodes
    data = graded.cell_arrays(cells)
    return {name: data[name] for name in ("count", "in_district", "in_wave", "gift", "x")}


TERMS: Final[Mapping[str, Callable[[Any, Data], Any]]] = {  # (2)
    "district_effect": lambda v, data: v[data["in_district"]],
    "wave_effect": lambda v, data: v[data["in_wave"]],
    "district_wave": lambda v, data: v[data["in_district"], data["in_wave"]],
    "standing": lambda v, data: (data["x"] * v).sum(axis=1),
}


def log_odds(v: Variables, data: Data, prefix: str = "") -> Any:
    """[cell] log-odds of receiving: the terms that the design informs."""
    return v[f"{prefix}intercept"] + sum(
        add(v[prefix + name], data) for name, add in TERMS.items() if prefix + name in v
    )


def likelihood(v: Variables, data: Data, _cells: Cells) -> Any:
    """[cell] log probability of the gift."""
    eta = log_odds(v, data)  # (2)
    return -pt.softplus((1 - 2 * data["gift"]) * eta)  # (1)


MODEL = Model(
    name="gift_allocation",
    question="Who receives a gift, and how selective are district offices?",
    outcomes=("gift",),
    predicts={"receipt": "probability of receiving a gift"},
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(__file__, contract.__file__, graded.__file__),
)
