"""Whether two sides sampled one posterior: the check that comes before any number of speed.

`PyMC on rows` has the same density as the model here, so all its numbers must agree. A formula's model differs in
small ways (group effects are free rather than zero-sum, cutpoints have another prior, and in brms that prior sits at
the average respondent); of it, what a reader would quote must agree: effects and sds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from translation import Told

MEANS: Final = 0.25  # posterior sds that two means may differ by, beyond what few draws explain
SPREADS: Final = 0.15  # likewise of a ratio of sds
SURE: Final = 3.0  # Monte Carlo standard errors that are no disagreement
SHOWN: Final = (
    *("direct", "direct_sd", "spillover", "spillover_received", "between"),
    *("district_sd", "covariate_effect", "wave_effect"),
)


class DisagreementError(ValueError):
    """Two sides did not sample one posterior."""


def compared(ours: Told, theirs: Told, names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The largest differences of two posteriors, in posterior sds and as a ratio of sds less 1, and where they are.

    Parameters
    ----------
    names : parameters to compare; all unless given.

    Errors
    ------
    DisagreementError
        names the first numbers that differ by more than the limits, or that one side lacks.
    """
    chosen = [n for n in ours if names is None or n.partition("[")[0] in names]
    if lost := [n for n in chosen if n not in theirs]:
        raise DisagreementError(f"no draws of {', '.join(lost[:3])}")
    rows = {n: _differences(ours[n], theirs[n]) for n in chosen}
    bad = [n for n, (mean, spread, chance) in rows.items() if mean > MEANS + chance[0] or spread > SPREADS + chance[1]]
    if bad:
        said = (f"{n} is {_pair(ours[n])} here, {_pair(theirs[n])} there" for n in bad[:5])
        raise DisagreementError(f"{len(bad)} of {len(rows)} numbers differ: {'; '.join(said)}")
    by = {k: max(rows, key=lambda n: rows[n][i]) for i, k in enumerate(("mean", "spread"))}
    found = {k: {"of": n, "differs": round(rows[n][i], 3)} for i, (k, n) in enumerate(by.items())}
    return {"numbers": len(rows), **found}


def _differences(ours: dict[str, float], theirs: dict[str, float]) -> tuple[float, float, tuple[float, float]]:
    """Difference of means in sds, ratio of sds less 1, and what chance alone would explain of each."""
    sd = ours["sd"]
    errors = [side["sd"] / np.sqrt(side["ess"]) for side in (ours, theirs)]
    noise = [1 / np.sqrt(2 * side["ess"]) for side in (ours, theirs)]
    chance = SURE * float(np.hypot(*errors)) / sd, SURE * float(np.hypot(*noise))
    return abs(ours["mean"] - theirs["mean"]) / sd, abs(theirs["sd"] / sd - 1), chance


def _pair(side: dict[str, float]) -> str:
    return f"{side['mean']:.3f} (sd {side['sd']:.3f})"
