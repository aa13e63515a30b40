"""A subject of calibration whose replicates cost nothing: a normal mean with a known posterior.

One datum y ~ N(theta, 1) with theta ~ N(0, 1): the posterior is N(y / 2, 1 / 2), drawn from without any sampler.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from largesse.ranks import THINNED, place
from largesse.seeds import generator
from largesse.store import fingerprint


@dataclass(frozen=True)
class Conjugate:
    """The normal mean.

    Attributes
    ----------
    crowded : power that places are raised to; 1 leaves them uniform.
    fails : every so many replicates one fails; 0 for none.
    seconds : how long a replicate pretends to take.
    """

    model: str = "conjugate"
    seed: int = 1
    crowded: float = 1.0
    fails: int = 0
    seconds: float = 0.0

    @property
    def fingerprint(self) -> str:
        """Of everything but the time it takes."""
        return fingerprint({**asdict(self), "seconds": 0})

    binding = fingerprint

    def described(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def replicate(self, number: int) -> dict[str, Any]:
        """Rank a truth among exact draws."""
        time.sleep(self.seconds)
        record = {"number": number, "attempt": 1, "redrawn": 0, "diverging": 0}
        if self.fails and number % self.fails == 0:
            return record | {"status": "failed"}
        rng = generator(self.seed, "conjugate", number)
        theta = rng.normal()
        y = theta + rng.normal()
        draws = y / 2 + np.sqrt(0.5) * rng.normal(size=(THINNED, 1))
        at = float(place(np.array([theta]), draws, rng)[0]) ** self.crowded
        found = {"place": at, "truth": theta, "mean": float(draws.mean()), "sd": float(draws.std(ddof=1))}
        return record | {"status": "done"} | {k: {"theta": round(float(v), 6)} for k, v in found.items()}
