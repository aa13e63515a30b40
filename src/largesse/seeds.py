"""Seeds: one root number, a named branch for each use, the same branch whatever else runs."""

from __future__ import annotations

import hashlib

import numpy as np


def branch(root: int, *names: str | int) -> np.random.SeedSequence:
    """The seed sequence of one use (`names`) under a study's root seed.

    A name counts by 32 bits of its hash: two among 2,000 replicates share a branch with odds of 1 in 2,000.
    """
    words = [int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:4], "big") for n in names]
    return np.random.SeedSequence([root, *words])


def generator(root: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator on the branch `names`."""
    return np.random.default_rng(branch(root, *names))


def integer(root: int, *names: str | int) -> int:
    """A 32-bit seed on the branch `names`, for engines that take a number."""
    return int(branch(root, *names).generate_state(1)[0])
