"""simuk, one simulation at a time, each with a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymc as pm
import simuk
from clock import Lap, lap


class Timed(simuk.SBC):
    """simuk's calibration with a clock on each simulation: its fit, and its ranks.

    Not counted are the truths and data, which simuk draws for all simulations at once, and the wrapping of the result.
    """

    def _get_posterior_samples(self, replicated_data: Any) -> Any:
        with lap() as self.fit:
            return super()._get_posterior_samples(replicated_data)

    def _compute_single_rank(self, *arguments: Any) -> None:
        with lap() as self.ranks:
            super()._compute_single_rank(*arguments)


def simulation(model: pm.Model, sampler: Mapping[str, Any], seed: int) -> tuple[Lap, Lap]:
    """One simulation of `model`: what its fit took (compiled anew, as simuk does), and what its ranks took.

    Errors
    ------
    RuntimeError
        when the simulation broke off: simuk says so in its log alone.
    """
    sbc = Timed(model, num_simulations=1, sample_kwargs=dict(sampler), seed=seed, progress_bar=False)
    sbc.run_simulations()
    if not hasattr(sbc, "ranks"):
        raise RuntimeError("simuk broke off")
    return sbc.fit, sbc.ranks
