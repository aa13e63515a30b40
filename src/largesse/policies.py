"""Policies: who would receive. A policy is a share of receivers, and the coverage everyone then faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Lottery:
    """Every resident of every district receives with the same probability.

    Attributes
    ----------
    coverage : the share receiving, 0 to 1, in every district and wave.
    """

    coverage: float

    def extrapolates(self, observed: tuple[float, float]) -> str:
        """Why this coverage was never seen, or nothing."""
        low, high = observed
        if low - ROUNDING <= self.coverage <= high + ROUNDING:
            return ""
        return f"coverage {self.coverage:.0%} lies outside the observed range {low:.0%} to {high:.0%}"
