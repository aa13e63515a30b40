"""What is lost when a posterior travels as a file: one synthetic survey, whole and in two halves.

    python benchmarks/transfer.py     # half an hour on two cores

The districts of one survey are halved, by turns. The posterior of the first half, written to a file and read again, is
borrowed by the second; what then is known of people and offices at large is held against the fit of the whole survey.
District effects are independent and coverage is in the district file, so the halves share nothing else. Locations are
those of the average district: the whole survey's are taken at the districts of the second half.

Then the file is made to be wrong in one block, so far that borrowing in full would be 3 sds off, and borrowed with an
even chance that each block holds. Numbers go to `benchmarks/transfer.json`; `tests/test_transfer_run.py` holds them to
limits.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from arviz_stats.base import array_stats
from clock import machine

from largesse import dims, lending, models
from largesse.blocks import coordinate, normal_scale
from largesse.borrowed import Borrowed
from largesse.comparability import centred
from largesse.fits import Fit
from largesse.inputs import Inputs, assemble, cells_of
from largesse.models.contract import coords
from largesse.priors import PriorSet
from largesse.provenance import engines, source
from largesse.sampling import fit
from largesse.settings import Sampler
from largesse.store import fingerprint, write_json
from largesse.study import Study
from largesse.survey import validate
from largesse.synthetic import ITEM, World, simulate
from largesse.template import study_of
from largesse.travelling import Number, numbers

log = logging.getLogger(__name__)
ROOT: Final = Path(__file__).parents[1]
MODEL: Final = models.get("reported_loyalty")
WORLD: Final = World(
    name="transfer",
    seed=20171012,
    respondents=2400,
    districts=40,
    waves=("first",),  # waves are shared by the halves, and no wave travels
    continuous={},
    modifiers=("songbun",),
    items={"pride": ITEM, "trust": ITEM},
    market=(),
    truth={"reported_loyalty": {"direct": 0.5, "direct_sd": 0.3, "district_sd": 0.5, "disposition_sd": 1.2}},
)
SAMPLER: Final = Sampler(draws=28_000, tune=1000, chains=4)  # 20,000 effective draws of what mixes worst
QUICK: Final = Sampler(draws=2500, tune=1000, chains=4)  # where a tenth of an sd is no matter
POWERS: Final = (1.0, 0.5, 0.25)
WRONG: Final = ("direct", "covariate_effect[songbun: core]", "district_sd", "cutpoint[pride: 2|3]")  # one block each
OFF: Final = 3.0
STORED: Final = ROOT / "benchmarks" / "transfer.json"
CODE: Final = (
    *("blocks.py", "borrowed.py", "travelling.py", "comparability.py", "lending.py", "inputs.py"),
    *("models/blocks.py", "models/mixture.py", "sampling.py", "synthetic.py", "cells.py", "exposure.py"),
)
Theta = Mapping[str, np.ndarray[Any, Any]]


def binding() -> str:
    """Of everything that the numbers depend on."""
    parts = (MODEL.fingerprint, MODEL.priors().fingerprint, source(*CODE), source(Path(__file__)))
    return fingerprint(*parts, WORLD.model_dump(mode="json"), engines())


class Halves:
    """One survey, whole and in two halves by districts."""

    def __init__(self) -> None:
        self._made = simulate(WORLD)
        record = tomllib.loads(study_of(WORLD, (MODEL.name,)))
        del record["survey"]["truth"]
        self._study = Study.from_table(record, Path("transfer"))
        self.second = np.arange(WORLD.districts) % 2 == 1

    def inputs(self, which: np.ndarray[Any, Any], priors: PriorSet) -> Inputs:
        """The study of some districts."""
        names = np.array(WORLD.district_names)[which]
        survey, districts = (
            table[table[dims.DISTRICT].isin(names)] for table in (self._made.survey, self._made.districts)
        )
        read = validate(survey, self._study, "transfer", districts)
        return assemble(self._study, read, (MODEL,), {MODEL.name: priors}, None)

    def borrowing(self, borrowed: Borrowed) -> Inputs:
        """The second half, borrowing."""
        return self.inputs(self.second, replace(MODEL.priors(), lender=borrowed))

    def whole(self, borrowed: Borrowed) -> Fit:
        """The fit of the whole survey, centred where the first half was."""
        everything = self.inputs(np.ones(WORLD.districts, dtype=bool), MODEL.priors())
        design = centred(everything.design, borrowed.setting, "the first half")
        return drawn(cells_of(MODEL, self._study, everything.survey, design), MODEL.priors(), 3, SAMPLER)


def drawn(cells: Any, priors: PriorSet, seed: int, sampler: Sampler) -> Fit:
    """A fit."""
    return fit(MODEL, cells, priors, sampler, seed=seed)


def values(theta: Theta, cells: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Number that travels -> [draw] its values: of sds and gaps themselves, not their logs."""
    every = numbers(MODEL.active(cells)[0], coords(cells, MODEL.twin))
    return {n.name: _plain(n, theta) for n in every}


def _plain(number: Number, theta: Theta) -> np.ndarray[Any, Any]:
    x = coordinate(number.place, theta)
    return np.exp(x) if number.place.scale.startswith("log") else x


def at_second(theta: Theta, second: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """The whole survey's draws with locations at the average district of the second half."""
    level, gift = (theta[n][:, second].mean(axis=1) for n in ("district_effect", "direct_district"))
    moved = {"direct": theta["direct"] + gift, "cutpoint": theta["cutpoint"] - level[:, None]}  # two items: alike sharp
    return {**theta, **moved}


def summary(x: np.ndarray[Any, Any]) -> dict[str, float]:
    """Mean, sd and effective draws."""
    ess = array_stats.ess(x.reshape(SAMPLER.chains, -1), method="bulk", chain_axis=0, draw_axis=1)  # as many in all
    return {"mean": round(float(x.mean()), 5), "sd": round(float(x.std(ddof=1)), 5), "ess": round(float(ess))}


def told(fitted: Theta, cells: Any) -> dict[str, dict[str, float]]:
    """Number -> summary."""
    return {name: summary(x) for name, x in values(fitted, cells).items()}


def main() -> None:
    """Run all fits and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    halves = Halves()
    first = halves.inputs(~halves.second, MODEL.priors())
    past = drawn(first.cells[MODEL.name], first.priors[MODEL.name], 1, SAMPLER)
    says = "what the first half says"
    terms = lending.Terms(by="benchmarks/transfer.py", date=date(2026, 11, 26), statement=says, weight=1.0)
    borrowed = _through_a_file(lending.lend(past, MODEL, first, terms))
    cells = halves.borrowing(borrowed).cells[MODEL.name]
    alone = drawn(cells, MODEL.priors(), 4, QUICK)
    whole = halves.whole(borrowed)
    table = {
        "binding": binding(),
        "machine": machine(),
        "left": [left.model_dump() for left in borrowed.left],
        "whole": told(at_second(whole.theta, halves.second), cells),
        "first": told(past.theta, first.cells[MODEL.name]),
        "alone": told(alone.theta, cells),
        "powers": [_counting(power, halves, borrowed) for power in POWERS],
        "agreed": _weighing(0.5, halves, borrowed, alone),
        "conflicts": [_conflict(block, halves, borrowed, alone) for block in WRONG],
    }
    write_json(STORED, table)


def _through_a_file(borrowed: Borrowed) -> Borrowed:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "next.toml"
        borrowed.write(path)
        return Borrowed.read(path)


def _counting(power: float, halves: Halves, borrowed: Borrowed) -> dict[str, Any]:
    """The second half, with the first counting as all or some of itself."""
    lent = borrowed.counting(power=power)
    inputs = halves.borrowing(lent)
    cells, priors = inputs.cells[MODEL.name], inputs.priors[MODEL.name]
    rows = lending.worth(lent, MODEL, priors, cells)
    found = told(drawn(cells, priors, 2, SAMPLER if power == 1 else QUICK).theta, cells)
    worth = {row.block: round(row.respondents, 1) for row in rows}
    return {"power": power, "found": found, "worth": worth, "all": round(lending.whole(rows, lent), 1)}


def _conflict(block: str, halves: Halves, borrowed: Borrowed, alone: Fit) -> dict[str, Any]:
    """One block of the file made wrong: with every block held for certain, and with even chances."""
    wrong = _wrong(borrowed, block, halves, alone)
    return {"block": block} | {f"{weight:g}": _weighing(weight, halves, wrong, alone) for weight in (1.0, 0.5)}


def _weighing(weight: float, halves: Halves, wrong: Borrowed, alone: Fit) -> dict[str, Any]:
    """`off`: sds from the answer without the file, on the scale on which a number is normal; `held`: by block."""
    inputs = halves.borrowing(wrong.counting(weight=weight))
    priors = inputs.priors[MODEL.name]
    fitted, off = drawn(inputs.cells[MODEL.name], priors, 5, QUICK), {}
    for c, place in zip(wrong.coordinates, priors.borrowed.places if priors.borrowed else (), strict=True):
        found, own = (normal_scale(place, each.theta)[0] for each in (fitted, alone))
        off[c.name] = {"block": c.block, "off": round(float((found.mean() - own.mean()) / own.std()), 4)}
    return {"off": off, "held": {name: round(h, 4) for name, h in lending.held(fitted, priors).items()}}


def _wrong(borrowed: Borrowed, block: str, halves: Halves, alone: Fit) -> Borrowed:
    """The file with one block so wrong that borrowing it in full ends `OFF` sds from the answer without it.

    By normals: precisions of answers and file add, those of answers being what the half's own fit has beyond the
    model's own prior.
    """
    inputs = halves.borrowing(borrowed)
    priors, cells = inputs.priors[MODEL.name], inputs.cells[MODEL.name]
    lent = priors.borrowed
    if lent is None:
        raise RuntimeError
    z = np.stack([normal_scale(place, alone.theta)[0] for place in lent.places], axis=1)
    own = lending.own_draws(lent, MODEL, replace(priors, borrowed=None), cells)
    answers = np.linalg.inv(np.cov(z.T)) - np.linalg.inv(np.diag(own.var(axis=0)))
    file = np.linalg.inv(lent.covariance)
    share = np.linalg.solve(answers + file, file)  # of what the file says, in the mean of both
    off = share @ (lent.mean - z.mean(axis=0))
    at = np.array([c.block == block for c in borrowed.coordinates])
    more = np.linalg.solve(share[np.ix_(at, at)], OFF * z.std(axis=0)[at] - off[at])
    mean = lent.mean.copy()
    mean[at] += more
    rows = [c.model_dump() | {"mean": float(m)} for c, m in zip(borrowed.coordinates, mean, strict=True)]
    return Borrowed.model_validate(borrowed.model_dump() | {"coordinates": rows})


if __name__ == "__main__":
    main()
