"""Centring: in what unit a pooled effect is drawn, so that what is drawn is nearly free of the effect's own sd.

Few answers tell an effect little but its prior: as its sd changes, the effect changes with it, and standard deviates
`effect / sd` do not. Many answers tell it whatever the sd is, and the effect itself is what does not change (Betancourt
& Girolami 2015). Between the two, given its sd, an effect that answers tell with the precision `told` has the sd
`sd / wide`, where `wide = sqrt(1 + sd^2 told)`; so it is drawn in that unit: deviates `wide` times as far apart as
standard ones, which are those where nothing is told, and the effect in a fixed unit where everything is (partial
centring, Papaspiliopoulos, Roberts & Skold 2003, with its share following the sd).

How precisely answers tell an effect, the number of people says closely enough. It changes how draws are made and not
what they are drawn from: any number would do.
"""

from __future__ import annotations

from typing import Any, Final

PERSON: Final = 0.1  # precision of an answer, on the logit scale; half of that, or twice, does as well


def told(people: float) -> float:
    """How precisely `people` tell an effect, about."""
    return PERSON * people


def wide(sd: Any, told: Any) -> Any:
    """How many times as far apart as standard deviates those are that an effect is drawn by."""
    return (1 + sd**2 * told) ** 0.5
