"""Calibration here and in simuk: the same model, priors, data size and sampler, in turns in one process.

    python benchmarks/sbc.py                       # everything; a quarter of an hour
    python benchmarks/sbc.py eight_schools workers # some parts

simuk compiles the model for every simulation; here it is compiled once and data are swapped in. Each part stores its
numbers in `measured.json`, from which the table of `README.md` is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import eight_schools
import loyalty
import page
import parts
import pymc as pm
from clock import CLOCKS, Lap, lap, machine, summary
from peer import simulation

from largesse import models
from largesse.calibration import Subject, calibrate, workers
from largesse.provenance import engines
from largesse.replicate import SAMPLER, data
from largesse.sampling import TARGET_ACCEPT, compiled, fit

CERTIFICATE: Final = 500  # replicates that one compilation serves
WARM: Final = 10_000  # number of a replicate that warms caches and is not timed
SAME: Final = {"nuts_sampler": "nutpie", "draws": SAMPLER.draws, "tune": SAMPLER.tune, "chains": SAMPLER.chains,
               "cores": SAMPLER.chains, "quiet": True, "nuts": {"target_accept": TARGET_ACCEPT}}  # fmt: skip
WORKERS: Final = 2


@dataclass(frozen=True)
class Contest:
    """One model on both sides.

    Attributes
    ----------
    title : for the table.
    subject : what is calibrated here.
    prepare : compiles its model, as its first replicate would.
    sample : draws from the posterior of replicate n and does nothing else.
    peer : the model that simuk calibrates; `sampler` is what simuk hands to `pm.sample`.
    each : replicates here for one simulation of simuk.
    """

    title: str
    subject: Subject
    prepare: Callable[[], Any]
    sample: Callable[[int], Lap]
    peer: Callable[[], pm.Model]
    sampler: Mapping[str, Any]
    each: int


def schools() -> Contest:
    """Eight schools, without centring."""
    subject = eight_schools.EightSchools()
    return Contest("eight schools", subject, eight_schools.compiled, subject.timed, eight_schools.model, SAME, 15)


def reported_loyalty(items: int) -> Contest:
    """`reported_loyalty` at the design of the certificates, with this many items.

    Errors
    ------
    ValueError
        when the single-item model on rows has not the density of the one on cells.
    """
    spec, model = loyalty.specification(items), models.get(loyalty.MODEL)
    cells = loyalty.cells_of(spec)
    peer = loyalty.by_rows(cells, spec.priors)
    if items == 1:
        loyalty.agree(cells, spec.priors, peer)

    def sample(number: int) -> Lap:
        read = data(spec, number).inputs.cells[loyalty.MODEL]
        with lap() as took:
            fit(model, read, spec.priors, SAMPLER, seed=number)
        return took

    title = f"reported_loyalty, {items} item{'s' * (items > 1)}"
    same = {**SAME, "nuts": {"adaptation": model.adaptation, "target_accept": TARGET_ACCEPT}}
    return Contest(title, spec, lambda: compiled(model, cells, spec.priors), sample, lambda: peer, same, 3)


CONTESTS: Final[Mapping[str, Callable[[], Contest]]] = {
    "eight_schools": schools,
    "loyalty_1": lambda: reported_loyalty(1),
    "loyalty_3": lambda: reported_loyalty(3),
}


def compared(contest: Contest, rounds: int) -> dict[str, Any]:
    """Both sides in turns, after a first round that is not counted: one simulation of simuk, some replicates here."""
    with lap() as compilation:
        contest.prepare()
    ours: list[Lap] = []
    theirs: list[Lap] = []
    ranks: list[Lap] = []
    with TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            fitted, ranked = simulation(contest.peer(), contest.sampler, turn)
            numbers = range(turn * contest.each, (turn + 1) * contest.each) if turn else range(WARM, WARM + 1)
            made = [_replicate(contest.subject, n, Path(folder)) for n in numbers]
            if turn:
                ours += made
                ranks.append(ranked)
                theirs.append(Lap(fitted.wall + ranked.wall, fitted.cpu + ranked.cpu))
                parts.say(
                    f"{contest.title}: simuk {theirs[-1].cpu:.2f} s CPU, here {summary(made)['cpu']['mean']:.3f} s CPU"
                )
    sampling = summary([contest.sample(turn) for turn in range(1, rounds + 1)])
    found = {"title": contest.title, "simulations": len(theirs), "replicates": len(ours), "sampling": sampling}
    found |= {"simuk": summary(theirs), "simuk_ranks": summary(ranks), "here": summary(ours)}
    return found | {"compilation": summary([compilation]), "ratio": _ratio(theirs, ours, compilation)}


def _replicate(subject: Subject, number: int, folder: Path) -> Lap:
    with lap() as took:
        calibrate(subject, range(number, number + 1), folder, progress=False)
    return took


def _ratio(theirs: list[Lap], ours: list[Lap], compilation: Lap) -> dict[str, dict[str, float]]:
    """Clock -> how many times faster it is here, with a share of the compilation and without."""
    them, here, once = summary(theirs), summary(ours), summary([compilation])
    return {
        clock: {
            "whole": round(them[clock]["median"] / (here[clock]["mean"] + once[clock]["mean"] / CERTIFICATE), 1),
            "compiled": round(them[clock]["median"] / here[clock]["mean"], 1),
        }
        for clock in CLOCKS
    }


def shared(rounds: int) -> dict[str, Any]:
    """The same replicates by one process and by two, in turns; compilation and start left out."""
    found = {}
    for name in ("eight_schools", "loyalty_1"):
        contest = CONTESTS[name]()
        contest.prepare()
        number = rounds * contest.each
        with TemporaryDirectory() as one, TemporaryDirectory() as two, workers(WORKERS) as pool:
            _block(contest.subject, range(WARM, WARM + WORKERS), Path(two), pool)  # each compiles
            _block(contest.subject, range(WARM, WARM + 1), Path(one), None)
            halves = (range(number), range(number, 2 * number))
            turns = [
                (_block(contest.subject, h, Path(one), None), _block(contest.subject, h, Path(two), pool))
                for h in halves
            ]
        alone, together = (sum(turn[k].wall for turn in turns) for k in (0, 1))
        busy = sum(turn[0].cpu for turn in turns) / alone
        found[name] = {"title": contest.title, "replicates": 2 * number, "faster": round(alone / together, 2),
                       "one": round(alone / 2 / number, 4), "two": round(together / 2 / number, 4),
                       "busy": round(busy, 2)}  # fmt: skip
        parts.say(f"{contest.title}: {WORKERS} workers are {alone / together:.2f} times as fast as one")
    return {"subjects": found}


def _block(subject: Subject, numbers: range, folder: Path, executor: Executor | None) -> Lap:
    with lap() as took:
        calibrate(subject, numbers, folder, executor, progress=False)
    return took


def measured(part: str, rounds: int) -> dict[str, Any]:
    """One part, and what it was measured on."""
    about = {"machine": machine(), "engines": engines()}
    return about | (shared(rounds) if part == "workers" else compared(CONTESTS[part](), rounds))


def main() -> None:
    """Measure the parts that were asked for, store their numbers, and write the page."""
    known = [*CONTESTS, "workers"]
    parser = parts.command(__doc__, known, "simulations of simuk that are timed for each model")
    asked = parts.asked(parser, known)
    for part in asked.parts or known:
        page.keep(part, measured(part, asked.rounds))
    sys.stdout.write(page.table())


if __name__ == "__main__":
    main()
