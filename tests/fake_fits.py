"""Fits that nobody sampled: draws put around known values by NumPy, and made-up studies to put them in."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
import xarray as xr

from largesse import models
from largesse.audit import Audit
from largesse.cells import Cells, sizes
from largesse.fits import Fit
from largesse.inputs import Inputs, gather
from largesse.models.contract import Model, coords
from largesse.parameters import Parameter
from largesse.record import record
from largesse.results import Answer, Results, Verdict
from largesse.study import Study
from largesse.synthetic import World, simulate
from largesse.template import study_of
from largesse.workflow import Workflow

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]

SPREAD = 0.15  # sd of the draws around their centre: about what a few hundred respondents teach


def fake(
    model: Model, cells: Cells, center: Theta, shape: tuple[int, int] = (4, 50), seed: int = 1, spread: float = SPREAD
) -> Fit:
    """A fit of `shape` (chains, draws per chain) whose draws lie around `center`, each parameter within its support."""
    rng = np.random.default_rng(seed)
    kept, _ = model.active(cells)
    names, answers = coords(cells, model.twin), model.twin.answers(cells)
    how = (shape, spread)
    drawn = {p.name: (("chain", "draw", *p.dims), around(p, center[p.name], answers, how, rng)) for p in kept}
    posterior = xr.Dataset(drawn, coords={d: names[d] for p in kept for d in p.dims})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": quiet(shape, rng)})
    tree.attrs = {"model": model.name, "nodes": 21, "seed": seed, "fingerprint": "made up", "attempt": 1}
    return Fit(tree)


def around(
    p: Parameter, center: Array, answers: Mapping[str, tuple[int, ...]], how: tuple[tuple[int, int], float],
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """[chain, draw, ...] draws around a value: positive stay positive, sums of zero zero, cutpoints in order."""
    shape, spread = how
    center = np.asarray(center, dtype=float)
    noise = spread * rng.normal(size=(*shape, *center.shape))
    if p.construct == "cutpoints":
        first = np.cumsum([0, *(n - 1 for n in answers[p.dims[0]][:-1])])
        gaps = np.diff(center, prepend=0.0)
        gaps[first] = center[first]
        moved = gaps * np.exp(noise)
        moved[..., first] = center[first] + noise[..., first]
        return np.concatenate([np.cumsum(part, axis=-1) for part in np.split(moved, first[1:], axis=-1)], axis=-1)
    if p.construct == "discrimination":
        noise[..., 0] = 0.0
    if p.construct == "zero_sum":
        noise -= noise.mean(axis=-1, keepdims=True)
    if p.support == "correlation":
        return np.tanh(np.arctanh(center) + noise)
    return np.asarray(center * np.exp(noise) if p.support == "positive" else center + noise)


def quiet(shape: tuple[int, int], rng: np.random.Generator) -> xr.Dataset:
    """What a sampler that met no trouble says of its draws."""
    never = np.zeros(shape, dtype=bool)
    stats = {"diverging": never, "maxdepth_reached": never, "energy": rng.normal(size=shape)}
    return xr.Dataset({name: (("chain", "draw"), values) for name, values in stats.items()})


def study(
    folder: Path,
    world: World | None = None,
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
    asked: tuple[str, ...] = (),
    **tables: Any,
) -> Inputs:
    """A synthetic study written to `folder` and read back; `tables` take the place of those of its `study.toml`.

    `change` edits the survey before it is written; `asked` are its models, those that the world is drawn from unless
    given.
    """
    world = world or World(name="made_up", seed=7)
    made = simulate(world)
    made.write(folder)
    change(made.survey).to_csv(folder / "survey.csv", index=False)
    record = tomllib.loads(study_of(world, asked or world.models))
    return gather(Study.from_table(record | tables, folder / "study.toml"))


def fits(inputs: Inputs, shape: tuple[int, int] = (4, 50), spread: float = SPREAD) -> dict[str, Fit]:
    """A fake fit of every model of a synthetic study, around its truth; around a prior draw where none is known."""
    return {m.name: fake(m, inputs.cells[m.name], center(inputs, m), shape, spread=spread) for m in inputs.models}


def center(inputs: Inputs, model: Model) -> Theta:
    """The truth, or a value from the priors."""
    cells = inputs.cells[model.name]
    known = (inputs.truth or {}).get(model.name, {})
    drawn = inputs.priors[model.name].draw(
        model.active(cells)[0], sizes(cells), model.twin.answers(cells), np.random.default_rng(5)
    )
    return drawn | known


def audits(inputs: Inputs) -> dict[str, Audit]:
    """Audits nobody made: one gate passed, nothing predicted."""
    return {
        m.name: Audit((Verdict("R-hat", m.name, Answer.PASSED, "the chains agree", 1.0, 1.01),), {"elpd": -1.0}, ())
        for m in inputs.models
    }


def recorded(inputs: Inputs, made: Mapping[str, Audit] | None = None) -> Results:
    """Results of a study on fake fits."""
    return record(inputs, fits(inputs), made or audits(inputs), inputs.files, "fingerprint")


def stored(folder: Path, world: World, asked: str, **tables: Any) -> Inputs:
    """The study of one model of a world, with a made-up fit stored where its own would be; `tables` as in `study`."""
    study(folder, world, asked=(asked,))
    record = tomllib.loads(study_of(world, (asked,))) | tables
    (folder / "study.toml").write_text(tomli_w.dumps(record), encoding="utf-8")
    inputs = gather(Study.read(folder))
    path = Workflow(inputs).fit_paths[asked]
    path.parent.mkdir()
    made = known(inputs, asked)
    made.tree.attrs["fingerprint"] = path.stem.rpartition("-")[2]
    made.save(path)
    return inputs


def known(inputs: Inputs, asked: str) -> Fit:
    """Two thousand draws of one model around the truth."""
    model = models.get(asked)
    return fake(model, inputs.cells[asked], center(inputs, model), (4, 500))
