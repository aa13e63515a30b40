"""Mutants: the table is whole, its patches leave nothing behind, and the committed results are of these mutants."""

from __future__ import annotations

import csv
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from mutants.catchers import from_code, from_records
from mutants.mutant import Catcher, Mutant, Trial
from mutants.run import RESULTS
from mutants.table import MUTANTS, right
from mutants.worlds import DESIGNS

from largesse import sampling
from largesse.calibration import calibrate
from largesse.judgement import TOLERATED
from largesse.uniformity import FAMILYWISE, detectable

QUANTITIES = 50  # no design here has more, so that Holm leaves at least this level to the least uniform
ENOUGH = 40  # replicates for a fault as gross as a swapped arm
BY_NAME = {m.name: m for m in MUTANTS}
TRIALS = {t.model: (t, n) for t, n in [*map(right, DESIGNS), *((Trial.of(m), m.replicates) for m in MUTANTS)]}

every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=[m.name for m in MUTANTS])


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, str]]:
    """The committed results, by mutant."""
    with RESULTS.open(encoding="utf-8", newline="") as handle:
        return {row["mutant"]: row for row in csv.DictReader(handle)}


def test_the_table_has_faults_of_every_kind() -> None:
    """At least 18 faults, 12 of them for ranks within 200 replicates, each catcher needed; three equivalents."""
    expected = Counter(m.expected for m in MUTANTS)
    assert len(BY_NAME) == len(MUTANTS)
    assert sum(not m.equivalent for m in MUTANTS) >= 18
    assert expected[Catcher.RANKS] >= 12
    assert expected[Catcher.NONE] == 3
    assert set(expected) == set(Catcher)
    assert max(m.replicates for m in MUTANTS) <= 200


@every_mutant
def test_every_mutant_says_what_is_wrong_and_what_could_be_found(mutant: Mutant) -> None:
    """A sentence, a design, and a smallest size unless nothing is wrong; one fault is the work of one function."""
    assert len(mutant.fault.split()) > 4
    assert mutant.fault.endswith(".")
    assert mutant.design in DESIGNS
    assert (mutant.smallest is None) == mutant.equivalent
    assert (mutant.replicates > 0) == (mutant.expected not in (Catcher.EQUALITY, Catcher.ORACLE))


def test_the_smallest_sizes_are_not_wished_for() -> None:
    """What a row says can be found is no finer than simulation finds at its replicates, after Holm."""
    stated = {(m.replicates, *m.smallest) for m in MUTANTS if m.smallest and m.replicates}
    for replicates in sorted({n for n, _, _ in stated}):
        found = detectable(replicates, FAMILYWISE / QUANTITIES)
        for kind, value in [(kind, value) for n, kind, value in stated if n == replicates]:
            least = found[kind]
            assert least is not None
            assert value <= least if kind == "narrow" else value >= least, (replicates, kind, value, least)


@every_mutant
def test_a_patch_replaces_one_thing_and_puts_it_back(mutant: Mutant) -> None:
    """Inside, the attribute is another; outside it is the same object again, whatever happened, and so is the cache."""
    module, _, attribute = mutant.at.rpartition(".")
    home = import_module(f"largesse.{module}")
    before, compiled = getattr(home, attribute), sampling._compiled

    def fails() -> None:
        with mutant.applied():
            assert getattr(home, attribute) is not before
            assert (sampling._compiled is compiled) != mutant.recompiles
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert getattr(home, attribute) is before
    assert sampling._compiled is compiled


def test_results_are_of_this_table_and_current(rows: dict[str, dict[str, str]]) -> None:
    """One row for each mutant and each right model, made by the code as it is: `make mutants` renews them."""
    assert set(rows) == set(TRIALS)
    stale = [name for name, (trial, _) in TRIALS.items() if rows[name]["fingerprint"] != trial.binding]
    assert stale == []
    assert {name: row["replicates"] for name, row in rows.items()} == {name: str(n) for name, (_, n) in TRIALS.items()}


def test_every_fault_was_caught_by_the_catcher_named_beforehand(rows: dict[str, dict[str, str]]) -> None:
    """The expected catcher is among those that saw it, and at least 12 faults were seen by ranks."""
    faults = {m.name: m.expected.value for m in MUTANTS if not m.equivalent}
    assert [n for n, catcher in faults.items() if catcher not in rows[n]["caught by"].split("; ")] == []
    assert {rows[n]["verdict"] for n in faults} == {"caught"}
    assert sum(Catcher.RANKS.value in rows[n]["caught by"] for n in faults) >= 12


def test_where_nothing_is_wrong_nobody_sees_anything(rows: dict[str, dict[str, str]]) -> None:
    """Right models, at the seeds of the mutants, and equivalent mutants are green to all four catchers."""
    sound = [n for n, (trial, _) in TRIALS.items() if trial.mutant is None or trial.mutant.equivalent]
    for name in sound:
        assert rows[name]["verdict"] == "green", name
        assert all(rows[name][c.value] for c in Catcher if c is not Catcher.NONE), name
        assert int(rows[name]["failed"]) <= TOLERATED * int(rows[name]["replicates"]), name


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("zero_sum_dropped", Catcher.EQUALITY),
        ("quota_broken", Catcher.ORACLE),
        ("constant_factor", None),
    ],
)
def test_catchers_that_need_no_sampling_see_what_they_should(name: str, seen: Catcher | None) -> None:
    """A prior on another space and a lottery that gives to the others are seen; a constant factor is no fault."""
    assert [f.catcher for f in from_code(Trial.of(BY_NAME[name])) if f.caught] == ([seen] if seen else [])


@pytest.mark.slow
def test_a_swapped_arm_is_caught_and_its_true_twin_is_not(tmp_path: Path) -> None:
    """Forty replicates of the same seeds: with the arms swapped ranks are far from uniform, as they are they pass."""

    def seen(trial: Trial) -> dict[Catcher, Any]:
        made = calibrate(trial, range(ENOUGH), tmp_path / trial.model, progress=False)
        return {f.catcher: f for f in from_records(made, fitted=True)}

    wrong, sound = seen(Trial.of(BY_NAME["swapped_arm"])), seen(Trial("answers"))
    assert wrong[Catcher.RANKS].caught
    assert not any(f.caught for f in (*sound.values(), wrong[Catcher.PRIOR]))
