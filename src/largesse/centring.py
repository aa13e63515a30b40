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


def share(effect: Array, sd: Array) -> float:
    """How far to centre an effect that had these draws.

    What the answers tell of an element is its posterior precision less that of its prior, and the sd is taken at its
    median: where it may be near zero its draws have a long upper tail, and centring by that would make a funnel.

    Parameters
    ----------
    effect : [draw, ...] of one pooled effect.
    sd : [draw] of its sd, or one number where that is known.

    Returns
    -------
    A number from 0 to below 1.
    """
    spread = float(effect.var(axis=0, ddof=1).mean())
    told = max(0.0, 1 / spread - 1 / float(np.mean(np.square(sd))))
    ratio = float(np.median(sd)) ** 2 * told
    return round(ratio / (1 + ratio), DIGITS)
