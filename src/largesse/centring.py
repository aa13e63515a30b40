"""Centring: where a pooled effect is measured from, and in what unit, so that what is drawn is free of its sd.

Given its sd, an effect that the answers put at `towards` with the precision `told` is nearly normal: its mean is `w`
times `towards`, its sd is `unit`, where `w = sd^2 told / (1 + sd^2 told)` and `unit = sd / sqrt(1 + sd^2 told)`. So it
is drawn as `w towards + unit z`. Were the answers normal, the deviates z would be standard normal whatever the sd is,
and free of it (partial centring, Papaspiliopoulos, Roberts & Skold 2003, with its share following the sd). A power
of the sd in place of `unit`, with no `towards`, needs two to three times the gradients for the same precision.

A short run finds the two numbers. They change how draws are made and not what they are drawn from: any would do.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

PERSON: Final = 0.2  # precision of one answer, on the logit scale: a guess, which the short run corrects
CAUTION: Final = 0.5  # share of it that counts: a third more effective draws of who receives, none fewer elsewhere
TINY: Final = float(np.finfo(float).tiny)  # where answers tell nothing, they put it nowhere


class Place(NamedTuple):
    """What the answers say of an effect.

    Attributes
    ----------
    told : the precision with which they tell one element.
    towards : [...] where they put each element.
    """

    told: float
    towards: Array


def guess(people: float, shape: tuple[int, ...]) -> Place:
    """Where to start when nothing was drawn yet; `people` tell each element of the effect."""
    return Place(PERSON * people, np.zeros(shape))


def weight(sd: Any, told: Any) -> Any:
    """The share of an effect's mean that comes from the answers, and not from the mean of its prior."""
    return sd**2 * told / (1 + sd**2 * told)


def unit(sd: Any, told: Any) -> Any:
    """The sd of an effect given its own sd."""
    return sd / (1 + sd**2 * told) ** 0.5


def place(draws: Array, slopes: Array, sd: Array, at: float) -> Place:
    """What answers say of an effect, from a short run that was drawn with the precision `at`.

    The mean square of a slope of the log posterior is its mean curvature. For an effect in units of its sd that is
    `sd^2 told + 1`, given all else: an effect that only other terms blur, as changes between waves blur a district's
    level, counts as told, since moving it alone is what a change of its sd would do. `towards` is then where deviates
    from it have the mean 0 at small sds and large ones, by weighted least squares.

    Parameters
    ----------
    draws : [draw, ...] of the effect.
    slopes : [draw, free] derivatives of the log posterior by the deviates.
    sd : [draw] of the effect, or one number where that is known.
    at : the precision that deviates were measured with.
    """
    flat, each = draws.reshape(len(draws), -1), np.broadcast_to(sd, len(draws))[:, None]
    curvature = float(np.mean(np.square(slopes * each / unit(each, at))))
    told = CAUTION * max(0.0, curvature - 1) / float(np.mean(np.square(each)))
    w, within = weight(each, told), unit(each, told) ** 2
    towards = (w * flat / within).sum(axis=0) / ((w**2 / within).sum(axis=0) + TINY)
    return Place(told, towards.reshape(draws.shape[1:]))
