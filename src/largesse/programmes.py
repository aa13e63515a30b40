"""Programmes: what a study asks of policies that give the same gifts to other people, and what it finds.

Every policy leaves each office the number of gifts that its observed coverage amounts to, unless it gives to nobody or
to everybody. Standing is x'gamma; the disposition is the population's, the same under every policy compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

import numpy as np
import xarray as xr

from largesse import targeting
from largesse.estimands import EVERYONE, Surface
from largesse.inputs import Inputs
from largesse.models.contract import Model
from largesse.policies import EVERYBODY, NOBODY, AsObserved, ByLot, ByNeed, ByStanding, Policy
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]

OBSERVED, LOT, STANDING, NEED, NONE, ALL = "observed", "lottery", "standing", "need", "none", "everyone"


class Question(NamedTuple):
    """One thing asked of policies: its label, what it rests on, and where it stands in what `targeting` found.

    Attributes
    ----------
    label : in words; `rests_on` : the parameters that decide what identifies it.
    of : (found, outcome) -> [draw]; a KeyError where the study does not ask it or the model cannot answer.
    coverage : the share receiving that it needs somewhere, where that is no office's own.
    ranked : whether a calibration ranks it: not where draws may have nobody to ask it of.
    """

    label: str
    rests_on: tuple[str, ...]
    of: Callable[[xr.Dataset, str], Array]
    coverage: float | None = None
    ranked: bool = True


def _on(group: str) -> Callable[[xr.Dataset, str], Array]:
    return lambda found, outcome: _one(found[f"{outcome}.{group}"], OBSERVED)


def _part(part: str, policy: str = OBSERVED) -> Callable[[xr.Dataset, str], Array]:
    return lambda found, outcome: _one(found[f"{outcome}.{part}"], policy)


def _against(policy: str, other: str) -> Callable[[xr.Dataset, str], Array]:
    return lambda found, outcome: _one(found[f"{outcome}.mean"], policy) - _one(found[f"{outcome}.mean"], other)


def _one(values: xr.DataArray, policy: str) -> Array:
    return np.asarray(values.sel(policy=policy, group=EVERYONE))


MOVES: Final = ("direct", "spillover", "spillover_received")
DIFFERS: Final = ("direct", "direct_by")
QUESTIONS: Final[Mapping[str, Question]] = {
    "receivers": Question("effect of their own gift on those whom offices choose", ("direct",), _on("receivers")),
    "passed_over": Question(
        "effect of their office's coverage on those eligible and passed over, against low coverage",
        ("spillover",), _on("passed_over"), ranked=False),
    "never_eligible": Question(
        "effect of their office's coverage on those hardly ever chosen, against low coverage",
        ("spillover",), _on("never_eligible"), ranked=False),
    "selectivity": Question(
        "offices' choice of receivers, against lots drawn for the same gifts", DIFFERS, _part("whole")),
    "selectivity.reach": Question(
        "of that: because gifts do more, or less, to those chosen", DIFFERS, _part("reach")),
    "selectivity.curvature": Question(
        "of that: because those chosen stand elsewhere on the scale of answers", DIFFERS, _part("curvature")),
    "policy.standing": Question(
        "choice by standing alone, against lots drawn for the same gifts", DIFFERS, _part("whole", STANDING)),
    "policy.need": Question(
        "choice by need, against lots drawn for the same gifts", DIFFERS, _part("whole", NEED)),
    "policy.none": Question("gifts as they are, against none at all", MOVES, _against(OBSERVED, NONE), 0.0),
    "policy.everyone": Question("a gift for everyone, against gifts as they are", MOVES, _against(ALL, OBSERVED), 1.0),
}  # fmt: skip


SHARES: Final = {
    "passed_over": "share of people who are eligible and passed over",
    "never_eligible": "share of people who are hardly ever chosen",
}


def asked(inputs: Inputs) -> dict[str, Policy]:
    """The policies of a study, by name; need only where the study says what need is."""
    need = inputs.study.estimands.need
    policies: dict[str, Policy] = {
        OBSERVED: AsObserved(),
        LOT: ByLot(),
        STANDING: ByStanding(),
        NONE: NOBODY,
        ALL: EVERYBODY,
    }
    return policies | ({NEED: ByNeed(need)} if need else {})


def found(theta: Theta, nodes: int, model: Model, inputs: Inputs, low: float) -> xr.Dataset:
    """What :func:`targeting.programmes` finds for everyone, each office keeping the coverage it was observed with.

    Parameters
    ----------
    low : the coverage that effects on people without a gift are measured from.
    """
    twin, frame, points = cast("targeting.Twin", model.twin), inputs.frames[model.name], standard_normal_nodes(nodes)

    def predict(part: Theta, rows: xr.Dataset, gift: Array, coverage: Array) -> Mapping[str, Array]:
        return model.twin.predict(part, rows, gift, coverage, points)

    quota = frame["coverage_rate"].to_numpy()
    return targeting.programmes(
        twin, Surface(predict, theta, frame), points, targeting.Asked(asked(inputs), low, quota=quota)
    )


def answers(told: xr.Dataset) -> dict[tuple[str, str], Array]:
    """(outcome, question) -> [draw], of what :func:`found` tells; questions that cannot be answered are left out."""
    outcomes = [str(name).removesuffix(".mean") for name in told.data_vars if str(name).endswith(".mean")]
    out: dict[tuple[str, str], Array] = {}
    for outcome in outcomes:
        for name, question in QUESTIONS.items():
            try:
                draws = question.of(told, outcome)
            except KeyError:
                continue
            if np.isfinite(draws).any():
                out[outcome, name] = draws
    return out


def shares(told: xr.Dataset) -> dict[str, Array]:
    """Group of people without a gift, as offices choose -> [draw] its share of all."""
    return {group: _one(told[f"share.{group}"], OBSERVED) for group in SHARES}


ELSEWHERE: Final = targeting.NotAnswerable(
    "what people would face under another policy is worked out for the receipt rate of their district alone"
)


def answerable(inputs: Inputs) -> bool:
    """Whether exposure under a policy is known: an office's quota is what its people face under the receipt rate."""
    return inputs.study.exposure.map == "rate"


def about(theta: Theta, inputs: Inputs) -> dict[str, Any]:
    """What a page says beside the numbers: from which chance of a gift people count as eligible; what has no answer."""
    unanswered = "" if targeting.varies(theta) else str(targeting.ALIKE)
    unanswered = unanswered if answerable(inputs) else str(ELSEWHERE)
    return {"eligible": targeting.Asked.eligible, "unanswered": {"selectivity": unanswered} if unanswered else {}}
