"""Judgement: what the replicates of a calibration say of every quantity, all together.

A model is calibrated when the places of simulated truths among its draws are uniform, for every parameter, every
estimand and the joint log-likelihood (Talts et al. 2018; Modrak et al. 2023). Passing does not show that a quantity is
identified: a posterior that equals its prior passes too; its contraction is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from largesse import uniformity
from largesse.calibration import Record
from largesse.results import Answer

Array = np.ndarray[Any, np.dtype[np.float64]]

TOLERATED: Final = 0.02  # share of failed replicates beyond which nothing is concluded
CONTENTS: Final = (0.5, 0.8, 0.95)  # of the central intervals whose coverage is reported
REPORTED: Final = 0.5  # a quantity is judged where at least this share of replicates reports it
RANKED: Final = ("place", "truth", "mean", "sd")  # columns of a record, by quantity
FEWEST: Final = 20  # replicates from which a quantity is judged at all


@dataclass(frozen=True)
class Judgement:
    """What the replicates say of one quantity.

    Attributes
    ----------
    quantity : a parameter's scalar, an estimand's key, or the log-likelihood.
    replicates : how many reported it.
    p, adjusted : of uniformity, by itself and after Holm over all quantities.
    covered : content -> share of central intervals that held the truth.
    bias, spread : mean and sd of the z-score, (posterior mean minus truth) / posterior sd; 0 and about 1 when right.
    contraction : 1 - mean posterior variance / variance of the truths; near 0 the data said nothing.
    """

    quantity: str
    replicates: int
    p: float
    adjusted: float
    covered: Mapping[str, float]
    bias: float
    spread: float
    contraction: float

    @property
    def red(self) -> bool:
        """Whether uniformity is rejected at the family-wise level."""
        return self.adjusted < uniformity.FAMILYWISE


def judge(records: Iterable[Record]) -> tuple[Answer, list[Judgement]]:
    """Judge the places of all quantities together.

    Returns
    -------
    `passed` when none is red and the truths lie in their priors as drawn from them; `failed` when not, which is to be
    confirmed at a new seed with twice the replicates; `not run` (inconclusive) when more than 2 % of replicates
    failed. And the judgement of each quantity, least p first.
    """
    every = list(records)
    found = judgements(every)
    return _verdict(every, found, in_prior(every)), found


def judgements(records: list[Record]) -> list[Judgement]:
    """The judgement of each quantity that enough replicates report, least p first."""
    done = [r for r in records if r["status"] == "done"]
    columns = {what: table(done, what) for what in RANKED}
    tested = _tested(columns["place"], max(FEWEST, REPORTED * len(done)))
    found = [_judged(name, {what: of[name] for what, of in columns.items()}, p) for name, p in tested.items()]
    return sorted(found, key=lambda j: j.p)


def _judged(name: str, column: Mapping[str, Array], p: tuple[float, float]) -> Judgement:
    place, truth, mean, sd = (column[what] for what in RANKED)
    covered = {f"{c:g}": float(uniformity.covered(place[:, None], c)[0]) for c in CONTENTS}
    contraction = 1 - float((sd**2).mean() / truth.var()) if truth.var() > 0 else 0.0
    z = (mean - truth) / sd
    return Judgement(name, len(place), *p, covered, float(z.mean()), float(z.std()), contraction)


def in_prior(records: Iterable[Record]) -> dict[str, float]:
    """Scalar parameter -> p-value, adjusted by Holm, that its truths were drawn from the declared prior."""
    return {name: adjusted for name, (_, adjusted) in _tested(table(list(records), "prior"), FEWEST).items()}


def _tested(places: Mapping[str, Array], fewest: float) -> dict[str, tuple[float, float]]:
    """Quantity -> p-value of uniformity, by itself and after Holm over all those with at least `fewest` places."""
    names = [n for n, values in places.items() if len(values) >= fewest]
    p = np.array([uniformity.uniformity(places[n][:, None])[0] for n in names])
    return {n: (float(a), float(b)) for n, a, b in zip(names, p, uniformity.holm(p), strict=True)}


def _verdict(records: list[Record], found: list[Judgement], prior: Mapping[str, float]) -> Answer:
    if sum(r["status"] != "done" for r in records) > TOLERATED * len(records):
        return Answer.NOT_RUN
    return Answer.FAILED if _red(found, prior) else Answer.PASSED


def _red(found: list[Judgement], prior: Mapping[str, float]) -> list[str]:
    """The quantities that are not uniform, and the scalars that do not lie in their priors as drawn from them."""
    return [j.quantity for j in found if j.red] + [
        f"prior of {name}" for name, adjusted in prior.items() if adjusted < uniformity.FAMILYWISE
    ]


def table(records: list[Record], what: str) -> dict[str, Array]:
    """Quantity -> [replicate that reports it] of one column of the records: `place`, `truth`, `mean`, `sd`, `prior`."""
    columns: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.get(what, {}).items():
            columns.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in columns.items()}


def summarised(records: list[Record]) -> dict[str, Any]:
    """The verdict with its counts, its judgements, and the smallest miscalibration that would have been found."""
    found, prior = judgements(records), in_prior(records)
    done = sum(r["status"] == "done" for r in records)
    level = uniformity.FAMILYWISE / max(1, len(found))
    return {
        "verdict": _verdict(records, found, prior).value,
        "red": _red(found, prior),
        "replicates": len(records),
        "failed": len(records) - done,
        "retried": sum(r.get("attempt", 1) > 1 for r in records),
        "redrawn": sum(r.get("redrawn", 0) for r in records),
        "level": level,
        "detectable": uniformity.detectable(done, level),
        "prior": {"quantities": len(prior), "least": min(prior, key=prior.__getitem__, default=""),
                  "adjusted": min(prior.values(), default=1.0)},
        "quantities": [{**vars(j), "covered": dict(j.covered)} for j in found],
    }  # fmt: skip


def lines(summary: Mapping[str, Any]) -> list[str]:
    """A summary for a terminal: the verdict, what it rests on, what it could not have seen, and the least uniform."""
    found = ", ".join(f"{kind} {size:g}" for kind, size in summary["detectable"].items() if size is not None)
    refits = f"{summary['failed']} failed, {summary['retried']} drawn again, {summary['redrawn']} data sets refused"
    prior = summary["prior"]
    worst = [
        f"  {j['quantity']:<36} p {j['p']:.4f}, adjusted {j['adjusted']:.3f}, bias {j['bias']:+.2f} sd"
        for j in summary["quantities"][:5]
    ]
    truths = f"least {prior['least']}, adjusted p {prior['adjusted']:.3f}" if prior["quantities"] else "none declared"
    return [
        f"{summary['verdict']}: {len(summary['quantities'])} quantities, {summary['replicates']} replicates ({refits})",
        f"a fault would have been found from these sizes on: {found or 'none of those tried'}",
        f"truths of {prior['quantities']} scalars in their priors: {truths}",
        "least uniform:",
        *worst,
    ]
