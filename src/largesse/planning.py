"""Planning: how large a survey must be before it is paid for.

For each size, surveys are simulated and fitted as a user's would be, and what the study would then know is held against
the truth: the width of its intervals, their coverage, bias, and how often the question would be settled. Truths that
nobody states are drawn from the study's priors, so that a plan averages over what is believed beforehand (assurance).

Respondents count alike: survey weights are not planned for. What a size cannot identify is answered by the priors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from largesse import belief, findings, models
from largesse.calibration import Record, calibrate, folder_of
from largesse.errors import InputError
from largesse.estimands import CONTRASTS
from largesse.findings import Compared
from largesse.inputs import Inputs, assemble
from largesse.models.contract import NODES, Model
from largesse.proposal import Proposal, named, sizes
from largesse.provenance import engines, processor
from largesse.replicate import GATES, REDRAWS, SAMPLER, as_read, by_rule, code
from largesse.seeds import integer
from largesse.settings import Estimands
from largesse.store import fingerprint
from largesse.synthetic import Synthetic, simulate

Array = np.ndarray[Any, Any]
log = logging.getLogger(__name__)

HEADLINE: Final = ("direct", "spillover", "total", "overall")  # of every outcome; of receipt, its selectivity
AGAINST: Final = ("truth", "mean", "lower", "upper")  # of a record: what an estimate is held against
BEYOND: Final = ("p_positive_beyond", "p_negative_beyond", "p_negligible")  # the three ways to settle a question
SETTLED: Final = 0.95  # posterior probability from which it counts as settled
WANTED: Final = 0.8  # probability of settling it that a plan is after


@dataclass(frozen=True)
class Planned:
    """One model at one size: the subject whose replicates :func:`largesse.calibration.calibrate` makes and keeps."""

    model: str
    proposal: Proposal

    @property
    def seed(self) -> int:
        """Root of all random numbers."""
        return self.proposal.world.seed

    @cached_property
    def fingerprint(self) -> str:
        """Of everything that could change a record, this module too."""
        return fingerprint(
            *(self.described(), models.get(self.model).fingerprint, code(self.proposal.world.models, "planning.py")),
            {name: priors.fingerprint for name, priors in self.proposal.priors.items()},
            *(SAMPLER.model_dump(), GATES.model_dump(), NODES[0], engines(), processor()),
        )

    def described(self) -> dict[str, Any]:
        """As plain values."""
        proposal = self.proposal
        return {
            "model": self.model,
            "world": proposal.world.model_dump(mode="json"),
            "estimands": proposal.estimands.model_dump(mode="json"),
            "overrides": dict(proposal.overrides),
            "administrative": proposal.administrative,
        }

    def replicate(self, number: int) -> dict[str, Any]:
        """Survey `number`, fitted; the same numbers whoever computes it, and when.

        Returns
        -------
        `number`, `status` (done or failed), `redrawn`, `attempt`, `diverging`, `gates` as in
        :func:`largesse.replicate.replicate`; and by headline estimand what :func:`summary` finds.
        """
        model, drawn = models.get(self.model), self.data(number)
        fit, record = by_rule(model, drawn.seen, self.seed, number)
        record |= {"number": number, "redrawn": drawn.redrawn}
        if fit is None:
            return record | {"status": "failed"}
        truth = {name: np.asarray(value)[None] for name, value in (drawn.known.truth or {})[model.name].items()}
        true = findings.quantities(truth, fit.nodes, model, drawn.known)
        draws = findings.quantities(fit.theta, fit.nodes, model, drawn.seen)
        found = {
            key: summary(draws[key], float(true[key][0]), self.proposal.estimands)
            for key in headline(model)
            if key in draws and key in true
        }
        names = dict.fromkeys(name for numbers in found.values() for name in numbers)
        return record | {"status": "done"} | {name: {k: v[name] for k, v in found.items()} for name in names}

    def data(self, number: int) -> Drawn:
        """The data of a replicate; those that the reader refuses are drawn again and counted.

        Errors
        ------
        InputError
            when a size gives nothing but data that are refused.
        """
        for redrawn in range(REDRAWS):
            seed = integer(self.seed, "plan", number, redrawn)
            synthetic = simulate(self.proposal.world.model_copy(update={"seed": seed}), self.proposal.priors)
            try:
                return Drawn(*self.read(synthetic), redrawn)
            except InputError:
                continue
        raise InputError.one("plan", f"replicate {number}", f"{REDRAWS} unusable surveys", "a larger survey")

    def read(self, synthetic: Synthetic) -> tuple[Inputs, Inputs]:
        """A survey as its makers would see it, and as it is: with the coverage that gifts were given under."""
        asked = self.proposal.estimands
        if self.proposal.administrative:
            seen = self._as_asked(synthetic, asked)
            return seen, seen
        places = synthetic.districts.drop(columns="coverage")
        seen = self._as_asked(replace(synthetic, districts=places), asked)
        compared = Compared.of(seen, seen.cells[self.model])
        shares = (compared.low, compared.high) if compared.varies else asked.coverage
        return seen, self._as_asked(synthetic, asked.model_copy(update={"coverage": shares}))

    def _as_asked(self, synthetic: Synthetic, asked: Estimands) -> Inputs:
        inputs = as_read(synthetic, models.get(self.model), self.proposal.priors[self.model])
        study = inputs.study.model_copy(update={"estimands": asked})
        return assemble(study, inputs.survey, inputs.models, inputs.priors, inputs.truth)


class Drawn(NamedTuple):
    """A simulated survey as it is seen and as it is, and how many were refused before it."""

    seen: Inputs
    known: Inputs
    redrawn: int


def headline(model: Model) -> dict[str, str]:
    """Key -> label of what a plan is about: study-level contrasts, for everyone.

    Selectivity compares quarters that standing itself puts in order, so it is never negative: that it exceeds the ROPE
    is soon settled, and its width says more.
    """
    receipt = {"receipt.selectivity": findings.LABELS["selectivity"]} if "receipt" in model.predicts else {}
    return receipt | {
        f"{outcome}.{contrast}": f"{label}: {CONTRASTS[contrast].label}"
        for outcome, label in model.predicts.items()
        for contrast in HEADLINE
        if outcome != "receipt" and (outcome not in belief.PARTS or contrast in belief.CONTRASTS)
    }


def summary(draws: Array, truth: float, asked: Estimands) -> dict[str, float]:
    """[draw] values of an estimand against its truth and the ROPE, as shares of the outcome's range.

    Returns
    -------
    `truth`, `mean`, `sd`, `lower`, `upper` (equal tails), and the probabilities that the effect lies above the ROPE
    (`p_positive_beyond`), below it (`p_negative_beyond`), and within it (`p_negligible`).
    """
    tail = (1 - asked.interval) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail])
    numbers = {
        "truth": truth,
        "mean": draws.mean(),
        "sd": draws.std(ddof=1),
        "lower": lower,
        "upper": upper,
        "p_positive_beyond": (draws > asked.rope).mean(),
        "p_negative_beyond": (draws < -asked.rope).mean(),
        "p_negligible": (np.abs(draws) < asked.rope).mean(),
    }
    return {name: round(float(value), 6) for name, value in numbers.items()}


def plan(
    proposal: Proposal,
    vary: Mapping[str, Sequence[int]],
    replicates: int,
    folder: Path,
    executor: Executor | None = None,
    *,
    progress: bool = True,
) -> pd.DataFrame:
    """Simulate and fit surveys of every size, and say what each would have found.

    Parameters
    ----------
    vary : name of :data:`VARIED` -> sizes.
    replicates : surveys of each size; the same random numbers start each size, so that sizes compare well.
    folder : under which records are kept, one folder for each model and size; what was begun is gone on with.
    executor : any `concurrent.futures.Executor`; each of its processes compiles once for each number of districts,
        waves and items. This process alone unless given.
    progress : show a bar for each size with the time left.

    Returns
    -------
    pandas.DataFrame, one row per size and headline estimand: the varied names (`respondents` per district), `key`,
    `label`, the columns of :func:`appraised`, and `interviews` (people asked), `interval`, `rope`.

    Errors
    ------
    InputError
        with every size that cannot be simulated, before anything is.
    """
    rows: list[dict[str, Any]] = []
    tried = sizes(proposal.world, vary)
    for i, (settings, world) in enumerate(tried, start=1):
        for name in proposal.models:
            log.info("size %d of %d (%s): %s, %d surveys", i, len(tried), named(settings), name, replicates)
            subject = Planned(name, replace(proposal, world=world))
            records = calibrate(
                subject, range(replicates), folder / f"plan-{folder_of(subject)}", executor, progress=progress
            )
            about = {"interviews": world.respondents, **proposal.estimands.model_dump(include={"interval", "rope"})}
            reported = {key for r in records for key in r.get("mean", {})}
            rows += [
                {**settings, "key": key, "label": label, **appraised(records, key), **about}
                for key, label in headline(models.get(name)).items()
                if key in reported or not reported
            ]
    return pd.DataFrame(rows)


def appraised(records: Sequence[Record], key: str) -> dict[str, float]:
    """What replicates say of one estimand; widths and bias as shares of the outcome's range.

    Returns
    -------
    `width` of the interval, `bias` (posterior mean minus truth) and `coverage`, over the fits that stand. `settled`:
    the share of all surveys, failed ones too, in which the effect lies beyond the ROPE on one side, or within it, with
    probability .95. Each but the first with its Monte Carlo error, `_se`: of a share it is never 0, even where all
    surveys agree (Jeffreys). `replicates`, how many of them `failed`, and how many data sets were refused and
    `redrawn`. NaN where no fit stands.
    """
    done = [r for r in records if key in r.get("mean", {})]
    failed = sum(r["status"] == "failed" for r in records)
    value = {name: np.array([r[name][key] for r in done]) for name in (*AGAINST, *BEYOND)}
    error = value["mean"] - value["truth"]
    held = (value["lower"] <= value["truth"]) & (value["truth"] <= value["upper"])
    sure = np.max([value[name] for name in BEYOND], axis=0) >= SETTLED
    return {
        "width": _mean(value["upper"] - value["lower"]),
        "bias": _mean(error),
        "bias_se": float(error.std(ddof=1) / np.sqrt(len(error))) if len(error) > 1 else np.nan,
        "coverage": _mean(held),
        "coverage_se": _share_se(int(held.sum()), len(done)),
        "settled": float(sure.sum() / max(1, len(done) + failed)),
        "settled_se": _share_se(int(sure.sum()), len(done) + failed),
        "replicates": len(records),
        "failed": failed,
        "redrawn": sum(r["redrawn"] for r in records),
    }


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _share_se(yes: int, n: int) -> float:
    """The posterior sd of a share under Jeffreys' prior, Beta(1/2, 1/2)."""
    middle = (yes + 0.5) / (n + 1)
    return float(np.sqrt(middle * (1 - middle) / (n + 2)))


# --- for a terminal ------------------------------------------------------------------------------------------


def lines(frame: pd.DataFrame) -> list[str]:
    """A plan for a terminal: for each estimand a table in points of 100, and the smallest size that would settle it."""
    names = list(frame.columns[: frame.columns.get_loc("key")])
    interval, rope = (100 * float(frame[name].iloc[0]) for name in ("interval", "rope"))
    out = [
        f"Width of {interval:g} % intervals and bias in points of 100; +- is the error of the simulation.",
        f"Settled: probability {SETTLED:g} that the effect is beyond +-{rope:g} points on one side, or within.",
    ]
    for _, rows in frame.groupby("key", sort=False):
        out += ["", str(rows["label"].iloc[0]), *_table(rows, names), _advice(rows, names)]
    return out


def _table(rows: pd.DataFrame, names: list[str]) -> Iterator[str]:
    yield "  " + "".join(f"{name:>13}" for name in names) + f"{'width':>8}{'bias':>14}{'coverage':>15}{'settled':>15}"
    for row in rows.to_dict("records"):
        sized = "".join(f"{row[name]:>13,}" for name in names)
        bias = f"{100 * row['bias']:+.1f} +- {100 * row['bias_se']:.1f}"
        shares = "".join(f"{row[n]:>7.2f} +- {row[f'{n}_se']:.2f}" for n in ("coverage", "settled"))
        failed = f"   {row['failed']} of {row['replicates']} fits failed" if row["failed"] else ""
        yield f"  {sized}{100 * row['width']:>8.1f}{bias:>14}{shares}{failed}"


def _advice(rows: pd.DataFrame, names: list[str]) -> str:
    """The smallest size tried that settles the question often enough; never more than was seen."""
    enough = rows[rows["settled"] >= WANTED].sort_values("interviews", kind="stable")
    best = (rows.sort_values(["settled", "interviews"], ascending=[False, True]) if enough.empty else enough).iloc[0]
    where = f"{named({n: best[n] for n in names})} ({best['interviews']:,} people)"
    odds = f"{best['settled']:.2f} +- {best['settled_se']:.2f}"
    if enough.empty:
        return f"  No size tried settles this with probability {WANTED:g}; most does {where}: {odds}."
    close = best["settled"] - 2 * best["settled_se"] < WANTED
    doubt = " Too near to tell: make more replicates." if close else ""
    return f"  Of the sizes tried the smallest that settles this with probability {WANTED:g}: {where}, {odds}.{doubt}"
