"""Transfer: what a study borrowed, from where, and whether it holds here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.priors import PriorSet


def told(inputs: Inputs, fits: Mapping[str, Fit]) -> dict[str, dict[str, Any]]:
    """What a page says of borrowed priors, by model; nothing of a model that borrows nothing.

    Returns
    -------
    `origin`: study, title, statement, by, date, respondents, districts, fit; `power`: the share of itself that the past
    study counts as; `blocks`: for each its `name`, `weight` (the chance that it holds here before the data) and `holds`
    (after them: the mean over draws of the chance given each); `left`: what the past study did not lend, and why.
    """
    return {name: _told(priors, fits[name]) for name, priors in inputs.priors.items() if priors.borrowed}


def _told(priors: PriorSet, fit: Fit) -> dict[str, Any]:
    lender = priors.lender
    if lender is None:
        return {}
    about = lender.origin.model_dump(mode="json", exclude={"engines", "priors", "draws"})
    left = [each.model_dump() for each in lender.left]
    return {"origin": about, "power": lender.power, "blocks": list(_blocks(priors, fit)), "left": left}


def _blocks(priors: PriorSet, fit: Fit) -> Iterator[dict[str, Any]]:
    if (borrowed := priors.borrowed) is None:
        return
    _, held = borrowed.held(fit.theta, priors.entries)
    for name, weight, holds in zip(borrowed.names, borrowed.weight, held.mean(axis=0), strict=True):
        yield {"name": name, "weight": round(float(weight), 3), "holds": round(float(holds), 2)}
