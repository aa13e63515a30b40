"""One model, one survey: fitted here and in what a user would pick instead, in turns; effective draws per second.

    python benchmarks/peers.py                      # all sizes
    python benchmarks/peers.py rows_400 --rounds 1  # one part
    python benchmarks/peers.py growth               # peers alone on many rows; only when asked for

Each side lives in a process with empty caches of compiled code. A round is one fit by each side, with a seed of its own
for every round. After the first round the posteriors are compared, and the command stops with an error where they
disagree. Each part stores its numbers in `peers.json`, from which README's table and picture are made.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any, Final

import parts
import standings
from agreement import SHOWN, DisagreementError, compared
from clock import machine
from contest import Contest
from entrants import Sampled
from translation import smallest
from worker import LIMIT, TITLES, FailedError, TooLongError, Worker, absent, versions

from largesse.provenance import engines

CONTESTS: Final[Mapping[str, Contest]] = {
    "rows_400": Contest(400, 8),
    "rows_5000": Contest(5_000, 40),
    "rows_20000": Contest(20_000, 40, chains=2),  # half the chains: brms takes minutes for each
    "items_3": Contest(5_000, 40, items=3, chains=2),
}
SIDES: Final[Mapping[str, tuple[str, ...]]] = {"items_3": ("here", "pymc")}  # elsewhere all
GROWTH: Final = tuple(Contest(100_000, 40, chains=2, times=times) for times in (1, 10, 100))
WORDS: Final = {"prepare": "getting ready", "sample": "a fit", "gradient": "a short chain"}
SAME: Final = ("pymc",)  # sides whose density is the one here, number for number


def contested(contest: Contest, keys: Sequence[str], rounds: int, limit: float = LIMIT) -> dict[str, Any]:
    """Every side in turns.

    Errors
    ------
    DisagreementError
        when a side's first posterior is another than the one here.
    """
    left_out = {key: why for key in keys if (why := absent(key))}
    agreement: dict[str, Any] = {}
    fits: dict[str, list[Sampled]] = {key: [] for key in keys if key not in left_out}
    with ExitStack() as stack:
        workers = {key: stack.enter_context(Worker(key, limit)) for key in fits}
        ready, gradients = _asked(workers, left_out, "prepare", contest), {}
        for seed in range(1, rounds + 1):
            for key, found in _asked(_left(workers, left_out), left_out, "sample", seed).items():
                fits[key].append(found)
                name, ess = smallest(found.own)
                parts.say(f"{contest.title}, {TITLES[key]}: {ess:.0f} of {name} in {found.seconds:.1f} s")
            if seed == 1 and "here" in fits:
                agreement = _agreed(fits)
        gradients = _asked(_left(workers, left_out), left_out, "gradient")
    sides = {k: side(ready[k], fits[k], gradients[k]["seconds"], contest) for k in gradients if fits[k]}
    return {**_about(contest), "agreement": agreement, "sides": sides, "left_out": left_out}


def _left(workers: Mapping[str, Worker], left_out: Mapping[str, str]) -> dict[str, Worker]:
    return {key: worker for key, worker in workers.items() if key not in left_out}


def _asked(workers: Mapping[str, Worker], left_out: dict[str, str], method: str, *with_: Any) -> dict[str, Any]:
    """What each side answers, one after another; one that takes too long is left out from then on."""
    found = {}
    for key, worker in workers.items():
        try:
            found[key] = worker.ask(method, *with_)
        except TooLongError as error:
            left_out[key] = f"{WORDS[method]} took {str(error).partition(': ')[2]}"
            parts.say(f"{error}")
    return found


def _agreed(fits: Mapping[str, Sequence[Sampled]]) -> dict[str, Any]:
    """Each peer's first posterior against the one here."""
    ours, found = fits["here"][0].ours, {}
    for key, made in fits.items():
        if key != "here" and made:
            try:
                found[key] = compared(ours, made[0].ours, None if key in SAME else SHOWN)
            except DisagreementError as error:
                raise DisagreementError(f"{TITLES[key]}: {error}") from None
    return found


def side(ready: Mapping[str, float], fits: Sequence[Sampled], gradient: float, contest: Contest) -> dict[str, Any]:
    """One side's numbers: speed over its own numbers and over those named here, seconds, and what draws took."""
    own, ours = ([smallest(of) for of in each] for each in ([f.own for f in fits], [f.ours for f in fits]))
    compilation = ready.get("compilation", fits[0].compiled or 0.0)
    kept = contest.chains * contest.draws
    return {
        "speed": spread([ess / f.seconds for (_, ess), f in zip(own, fits, strict=True)]),
        "speed_ours": spread([ess / f.seconds for (_, ess), f in zip(ours, fits, strict=True)]),
        "ess": spread([ess for _, ess in own]),
        "of": [name for name, _ in own],
        "seconds": spread([f.seconds for f in fits]),
        "preparation": round(ready["preparation"], 3),
        "compilation": round(compilation, 2),
        "first": round(ready["preparation"] + compilation + fits[0].seconds, 2),
        "gradient": round(1e6 * gradient, 2),
        "gradients": spread([f.effort["gradients"] for f in fits]),
        "gradients_per_effective": spread(
            [f.effort["gradients"] * kept / ess for (_, ess), f in zip(own, fits, strict=True)]
        ),
        "depth": round(median(f.effort["depth"] for f in fits), 2),
        "diverging": round(max(f.effort["diverging"] for f in fits), 5),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {name: round(float(of(values)), 3) for name, of in (("median", median), ("lowest", min), ("highest", max))}


def growing(limit: float = LIMIT) -> dict[str, Any]:
    """Peers alone on copies of one survey, one fit each, until one takes too long."""
    found: dict[str, Any] = {}
    for key in ("pymc", "bambi", "brms"):
        found[key] = rows = {}
        for contest in GROWTH:
            try:
                one = contested(contest, (key,), 1, limit)
            except FailedError as error:  # most likely it wanted more memory than there is
                one = {"sides": {}, "left_out": {key: "it failed"}}
                parts.say(str(error))
            rows[str(contest.rows)] = one["sides"].get(key) or {"left_out": one["left_out"][key]}
            if key in one["left_out"]:
                break
    return {"peers": found, "respondents": GROWTH[0].respondents, "chains": GROWTH[0].chains}


def _about(contest: Contest) -> dict[str, Any]:
    kept = ("respondents", "districts", "items", "chains", "draws", "tune")
    return {"title": contest.title, "rows": contest.rows} | {name: getattr(contest, name) for name in kept}


def main() -> None:
    """Measure the parts that were asked for, store their numbers, and write table and picture."""
    known = [*CONTESTS, "growth"]
    parser = parts.command(__doc__, known, "fits of each side")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds that a compilation or a fit may take")
    asked = parts.asked(parser, known)
    for part in asked.parts or CONTESTS:
        present = [key for key in SIDES.get(part, tuple(TITLES)) if not absent(key)]
        about = {"machine": machine(), "engines": engines() | versions(present)}
        if part == "growth":
            found = growing(asked.limit)
        else:
            found = contested(CONTESTS[part], SIDES.get(part, tuple(TITLES)), asked.rounds, asked.limit)
        standings.keep(part, about | found)
    sys.stdout.write(standings.table())


if __name__ == "__main__":
    main()
