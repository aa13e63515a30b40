"""Centring: how far a pooled effect is drawn as it is, and how far as deviates from it.

An effect is a power of its sd, `sd ** (1 - share)`, times deviates that keep the rest of it. At share 0 these are
standard deviates, which mix best where an effect is told by few people or hardly differs at all; at share 1 they are
the effect itself, which mixes best where it differs much and many people tell it. Were the answers normal, an effect
would be free of its sd at the share `sd^2 I / (1 + sd^2 I)`, where `I` is what the answers tell of one element, as a
precision (Papaspiliopoulos, Roberts & Skold 2003; Gorinova, Moore & Hoffman 2020 find it by variational Bayes). Here a
short run finds it. A share changes how draws are made and not what they are drawn from.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

DIGITS: Final = 2  # a share is told by a few hundred draws
CAUTION: Final = 0.25  # the quantile of the sd that a share is for
HALF: Final = 400  # people who tell an element, with whom the short run starts half-way: a guess that it corrects


def guess(people: float) -> float:
    """Where to start when nothing was drawn yet; `people` tell each element of the effect."""
    return people / (people + HALF)


def share(slopes: Array, sd: Array, at: float) -> float:
    """How far to centre an effect, from a run at the share `at`.

    The mean square of a slope of the log posterior is its mean curvature. For standard deviates that is `sd^2 I + 1`,
    given all else; so effects that only other terms blur, as the changes between waves blur a district's level, count
    as told. The sd is taken at its lower quartile: standard deviates where it may be larger cost some draws, a centred
    effect where it may be near zero is a funnel.

    Parameters
    ----------
    slopes : [draw, element] derivatives of the log posterior by the deviates that were drawn.
    sd : [draw] of the effect, or one number where that is known.
    at : the share that the deviates were drawn at.

    Returns
    -------
    A number from 0 to 1.
    """
    sd = np.broadcast_to(sd, len(slopes))
    curvature = float(np.mean(np.square(slopes * sd[:, None] ** at)))
    told = max(0.0, curvature - 1) / float(np.mean(np.square(sd)))
    ratio = float(np.quantile(sd, CAUTION)) ** 2 * told
    return round(ratio / (1 + ratio), DIGITS)
