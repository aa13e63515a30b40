"""One gradient of a model, as its sampler asks for it, against the likelihood written by hand for the same cells.

    python benchmarks/gradient.py     # two minutes, most of it compiling

The two are held against one another first: the log-likelihood by hand is that of the NumPy twin, and its derivatives
are those that finite differences of the twin give. By hand there are no priors and no transforms: that counts against
the models. Numbers go to `gradient.json`, from which the table of `README.md` is written.
"""

from __future__ import annotations

import ctypes
import sys
import timeit
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import favour
import numpy as np
from by_hand import Problem, Slopes, by_hand
from clock import machine
from ready import ready
from section import measured_on, put, row

from largesse import models
from largesse.cells import Cells
from largesse.inputs import Inputs
from largesse.models import graded
from largesse.models.contract import NODES, Model
from largesse.provenance import engines
from largesse.replicate import as_read
from largesse.simulators.graded import standard_normal_nodes
from largesse.store import write_json
from largesse.synthetic import ITEM, World, simulate

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]

SCRIPT: Final = Path(__file__).name
STORED: Final = Path(__file__).with_suffix(".json")
HEAD: Final = (
    "| model | cells | us per gradient | by hand | times as long (lowest to highest round) |\n|---|---|---|---|---|"
)
ITEMS: Final = ("pride", "trust", "future")
ROUNDS: Final = 15
CALLS: Final = 100  # in a round
STEP: Final = 1e-6  # of finite differences, central: their error is about its square
TOLERANCE: Final = 1e-5  # of a derivative, in terms of the largest


def survey(respondents: int, items: int) -> World:
    """40 districts in two waves, songbun and age groups, one item or several."""
    groups = {
        "songbun": {"wavering": 0.55, "core": 0.25, "hostile": 0.2},
        "age": {"young": 0.3, "middle": 0.3, "older": 0.25, "old": 0.15},
    }
    asked = dict.fromkeys(ITEMS[:items], ITEM)
    return World(seed=7, respondents=respondents, districts=40, categorical=groups, continuous={}, items=asked)


CASES: Final[Mapping[str, tuple[str, World]]] = {
    "reported_loyalty, 1 item, 5,000 people": ("reported_loyalty", survey(5_000, 1)),
    "reported_loyalty, 1 item, 20,000 people": ("reported_loyalty", survey(20_000, 1)),
    "reported_loyalty, 3 items, 5,000 people": ("reported_loyalty", survey(5_000, 3)),
    "joint, 4 items and the market, 2,000 people": ("joint", favour.WORLD),
}


# --- the same problem by hand ----------------------------------------------------------------------------------

OUTCOME: Final[Mapping[str, Callable[[Mapping[str, Array]], tuple[Array | None, Array | None]]]] = {
    # term -> which of its coefficients a cell has (None: every one, by the columns of x), and what it counts
    "intercept": lambda d: (0 * d["in_district"], np.ones(len(d["gift"]))),
    "district_effect": lambda d: (d["in_district"], np.ones(len(d["gift"]))),
    "wave_effect": lambda d: (d["in_wave"], np.ones(len(d["gift"]))),
    "district_wave": lambda d: (d["in_district"] * (d["in_wave"].max() + 1) + d["in_wave"], np.ones(len(d["gift"]))),
    "standing": lambda _d: (None, None),
    "covariate_effect": lambda _d: (None, None),
    "direct": lambda d: (0 * d["in_district"], d["gift"]),
    "direct_district": lambda d: (d["in_district"], d["gift"]),
    "spillover": lambda d: (0 * d["in_district"], (1 - d["gift"]) * d["coverage"]),
    "spillover_received": lambda d: (0 * d["in_district"], d["gift"] * d["coverage"]),
    "between": lambda d: (0 * d["in_district"], d["coverage_between"][d["in_district"]]),
}


def sparse(theta: Theta, data: Mapping[str, Array], prefixes: list[str]) -> tuple[Array, Array, Array, Array]:
    """Coefficients of all equations in a row, and their predictors: where each begins, which coefficient, by what."""
    coefficient: list[Array] = []
    size, rows = 0, []
    for prefix in prefixes:
        terms: list[tuple[Array, Array]] = []
        for name, told in OUTCOME.items():
            if (value := theta.get(prefix + name)) is None:
                continue
            which, weight = told(data)
            columns = [(which, weight)] if which is not None else [
                (np.full(len(data["gift"]), j), data["x"][:, j]) for j in range(np.size(value))
            ]  # fmt: skip
            terms += [(size + at, by) for at, by in columns]
            coefficient.append(np.ravel(value))
            size += np.size(value)
        rows += [np.stack([np.stack([at, by]) for at, by in terms], axis=1)]  # [2, term, cell]
    lengths = np.concatenate([np.full(r.shape[2], r.shape[1]) for r in rows])
    first = np.concatenate([[0], np.cumsum(lengths)])
    term, value = (np.concatenate([r[part].T.ravel() for r in rows]) for part in (0, 1))
    return np.concatenate(coefficient), first, term.astype(np.int64), value


def measures(theta: Theta, data: Mapping[str, Array], joint: bool) -> Iterator[tuple[str, Array, Array, Array, Any]]:
    """Of each answer: its equation's prefix, the boundaries around it and their table, its sharpness and its scale."""
    one = theta.get("loyalty_disposition_sd" if joint else "disposition_sd", np.zeros(()))
    if joint:
        received = data["gift"].astype(np.int64)
        office = theta["favour"] + theta["favour_district"]
        yield "receipt_", received, received + 1, np.array([0.0]), (1.0, office)
    for prefix, edges in (("loyalty_", ""), ("before_", "before_")) if joint else (("", ""),):
        below, above = data[f"{edges}below"], data[f"{edges}above"]
        sharp = np.broadcast_to(theta.get(f"{prefix}discrimination", 1.0), below.shape[1])
        for k in range(below.shape[1]):
            yield prefix, below[:, k], above[:, k], theta[f"{prefix}cutpoint"], (sharp[k], sharp[k] * one)
    for prefix in ("any_", "much_") if joint else ():
        edges = (data[f"{prefix}below"][:, 0], data[f"{prefix}above"][:, 0])
        yield prefix, *edges, theta[f"{prefix}cutpoint"], (1.0, theta[f"{prefix}disposition"])


def written(theta: Theta, model: Model, cells: Cells) -> tuple[Problem, tuple[Array, ...]]:
    """A model's likelihood as :func:`by_hand` takes it: what is data, and what is not."""
    joint = model.name == "joint"
    edges = model.arrays(cells, NODES[0])
    data = edges | graded.cell_arrays(cells)
    each = list(measures(theta, data, joint))
    prefixes = list(dict.fromkeys(m[0] for m in each))
    coefficient, first, term, value = sparse(theta, data, prefixes)
    bound, scale, below, above, group = [], [], [], [], []
    at = moved = 0
    for _, low, high, cut, (_, by) in each:
        bound.append(np.concatenate([[-graded.FAR], np.ravel(cut), [graded.FAR]]))
        scale.append(np.ravel(by))
        below.append(low + at)
        above.append(high + at)
        group.append(moved + (data["in_district"] if np.size(by) > 1 else 0 * data["in_district"]))
        at, moved = at + len(bound[-1]), moved + np.size(by)
    nodes = standard_normal_nodes(NODES[0]) if "node" in edges else graded.ALONE
    places = (np.array(x, dtype=np.int64) for x in (below, above, group))
    of = np.array([prefixes.index(m[0]) for m in each])
    problem = Problem(data["count"], first, term, value, of, *places, *nodes)
    sharp = np.array([float(s) for *_, (s, _) in each])
    return problem, (coefficient, np.concatenate(bound), sharp, np.concatenate(scale))


def agree(theta: Theta, model: Model, cells: Cells, problem: Problem, at: tuple[Array, ...]) -> None:
    """Nothing, if the likelihood by hand is the twin's.

    Errors
    ------
    ValueError
        when the values are not the same, or derivatives are not those of finite differences.
    """
    slopes = Slopes(*(np.zeros_like(a) for a in at))
    found = by_hand(problem, *at, slopes)
    one = {name: np.asarray(value)[None] for name, value in theta.items()}
    nodes = standard_normal_nodes(NODES[0])
    told = float((model.twin.loglik(one, cells, nodes) @ cells["count"].to_numpy())[0])
    if not np.isclose(found, told, rtol=1e-10):
        raise ValueError(f"{model.name}: {found} by hand, {told} by its twin")
    rng, scratch = np.random.default_rng(0), Slopes(*(np.zeros_like(a) for a in at))
    for part, (values, slope) in enumerate(zip(at, slopes, strict=True)):
        free = np.flatnonzero(np.abs(values) < graded.FAR)
        for j in rng.choice(free, min(5, len(free)), replace=False):
            ends = []
            for sign in (1, -1):
                moved = [a.copy() for a in at]
                moved[part][j] += sign * STEP
                ends.append(by_hand(problem, *moved, scratch))
            if abs((ends[0] - ends[1]) / (2 * STEP) - slope[j]) > TOLERANCE * max(1.0, np.abs(slope).max()):
                raise ValueError(f"{model.name}: a derivative by hand is not that of its value")


# --- both on one clock -----------------------------------------------------------------------------------------


def gradient(model: Model, inputs: Inputs) -> Callable[[], int]:
    """One value and gradient of a model's density, called as the sampler calls it."""
    made = ready(model, inputs.cells[model.name], inputs.priors[model.name])
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)
    point, slopes, value = made.initial_point_func(0), np.empty(made.n_dim), np.empty(())
    call, held = kind(made.compiled_logp_func.address), (made, point, slopes, value)
    addresses = [a.ctypes.data for a in (point, slopes, value, made.user_data)]
    return lambda: call(len(point), *addresses) if held else 0


def timed(call: Callable[[], Any]) -> float:
    """Microseconds of one call, the mean of a round."""
    return 1e6 * timeit.timeit(call, number=CALLS) / CALLS


def measured(name: str) -> dict[str, Any]:
    """Microseconds of both sides, and their ratio round by round.

    Errors
    ------
    RuntimeError
        when the model's density is not finite where it is measured.
    """
    model_name, world = CASES[name]
    model = models.get(model_name)
    drawn = simulate(world)
    inputs = as_read(drawn, model, model.priors())
    cells = inputs.cells[model_name]
    theta = {n: np.asarray(v) for n, v in (inputs.truth or {})[model_name].items()}
    theta = {p.name: theta[p.name] for p in model.active(cells)[0]}
    problem, at = written(theta, model, cells)
    agree(theta, model, cells, problem, at)
    slopes, ours = Slopes(*(np.zeros_like(a) for a in at)), gradient(model, inputs)
    if ours() != 0:
        raise RuntimeError(f"{name}: no finite density")
    took: dict[str, list[float]] = {"model": [], "by hand": []}
    for _ in range(ROUNDS):
        took["model"].append(timed(ours))
        took["by hand"].append(timed(lambda: by_hand(problem, *at, slopes)))
    ratios = sorted(m / h for m, h in zip(took["model"], took["by hand"], strict=True))
    about = {"cells": int(cells.sizes["cell"]), "machine": machine(), "engines": engines()}
    return about | {
        "model": round(median(took["model"]), 1),
        "by_hand": round(median(took["by hand"]), 1),
        "ratio": round(median(ratios), 2),
        "lowest": round(ratios[0], 2),
        "highest": round(ratios[-1], 2),
    }


def table(found: Mapping[str, Any]) -> str:
    """The stored numbers in Markdown."""
    lines = [
        row(name, f"{n['cells']:,}", f"{n['model']:g}", f"{n['by_hand']:g}",
            f"**{n['ratio']:g}** ({n['lowest']:g} to {n['highest']:g})")
        for name, n in found.items()
    ]  # fmt: skip
    return "\n".join([HEAD, *lines, "", f"- {measured_on(next(iter(found.values())))}"]) + "\n"


def main() -> None:
    """Measure every case, store the numbers and show them."""
    found = {name: measured(name) for name in CASES}
    write_json(STORED, found)
    put(SCRIPT, table(found))
    for name, numbers in found.items():
        sys.stdout.write(f"{name}: {numbers['model']} us, {numbers['by_hand']} by hand, ratio {numbers['ratio']}\n")


if __name__ == "__main__":
    main()
