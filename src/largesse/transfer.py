"""Transfer: what a study borrowed, from where, what it is worth, and whether it holds here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from largesse import lending
from largesse.borrowed import Borrowed
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model


def told(inputs: Inputs, fits: Mapping[str, Fit]) -> dict[str, dict[str, Any]]:
    """What a page says of borrowed priors, by model; nothing of a model that borrows nothing.

    Returns
    -------
    `origin`: study, title, statement, by, date, respondents, districts, fit; `power`: the share of itself that the past
    study counts as; `blocks`: for each its `name`, `weight` (the chance that it holds here before the data), `holds`
    (after them: the mean over draws of the chance given each), and the past `respondents` that it is worth; `left`:
    what the past study did not lend, and why.
    """
    lenders = ((m, inputs.priors[m.name].lender) for m in inputs.models)
    return {m.name: _told(m, inputs, fits[m.name], lender) for m, lender in lenders if lender}


def _told(model: Model, inputs: Inputs, fit: Fit, lender: Borrowed) -> dict[str, Any]:
    priors = inputs.priors[model.name]
    holds = lending.held(fit, priors)
    blocks = [
        {"name": row.block, "weight": round(row.weight, 3), "holds": round(holds[row.block], 2),
         "respondents": round(row.respondents)}
        for row in lending.worth(lender, model, priors, inputs.cells[model.name])
    ]  # fmt: skip
    about = lender.origin.model_dump(mode="json", exclude={"engines", "priors", "draws"})
    left = [each.model_dump() for each in lender.left]
    return {"origin": about, "power": lender.power, "blocks": blocks, "left": left}
