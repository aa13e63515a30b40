"""Faults of the priors that truths are drawn from: fits are made under the declared ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from largesse.families import Family

Families = Mapping[str, Family]


def prior_at_another_scale(right: Families) -> Families:
    """Normal truths are drawn with twice the declared sd."""
    normal = right["Normal"]
    return {**right, "Normal": normal._replace(rvs=lambda rng, a, size: rng.normal(a["mu"], 2 * a["sigma"], size))}


def precision_for_sd(right: Families) -> Families:
    """Half-normal truths are drawn with the precision where the sd belongs."""
    half = right["HalfNormal"]
    return {
        **right,
        "HalfNormal": half._replace(rvs=lambda rng, a, size: np.abs(rng.normal(0, a["sigma"] ** -2, size))),
    }


def concentration_shared_out(right: Families) -> Families:
    """The concentration of the answers' shares is divided by their number."""
    shares = right["Dirichlet"]
    divided = shares._replace(
        rvs=lambda rng, a, size: shares.rvs(rng, {"concentration": a["concentration"] / size[-1]}, size)
    )
    return {**right, "Dirichlet": divided}
