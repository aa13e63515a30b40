"""Population: effects averaged over some of the people, and over a population known no better than its sample.

Effects of groups come from one fit: they differ by the terms that its modifiers give it, by how far the answers of a
group can still move, and by the districts that its people live in. That the frame is a sample's is worked out by
drawing its profiles anew: within an office, Dirichlet shares of as many people as its weights are worth (Rubin 1981).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from largesse import dims, estimands
from largesse.cells import Frame, effective_size
from largesse.findings import Compared, few, surface
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Model
from largesse.seeds import generator

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]

DRAWS: Final = 500  # a mean is then known to a twentieth of its sd
FRAMES: Final = 200  # populations drawn for each of them
ALIKE: Final = 1e-9  # coordinates of one level of a covariate
ACCESS: Final = "market_access"  # a column of the district file
SHOWN: Final = ("direct", "spillover")


def by_group(fit: Fit, model: Model, inputs: Inputs) -> list[dict[str, Any]]:
    """Effects of each group of people, by covariate and by the market access of their district.

    Returns
    -------
    A row per group: `by` and `level`, whether the effect of a gift `varies` by a term of its own, and `effects`, by
    `outcome.contrast`, each with `mean`, `lower`, `upper` as shares of the outcome's range. Nothing of a group of fewer
    than 10 respondents, or fewer than 5 with or without a gift.
    """
    frame = inputs.frames[model.name]
    groups = {key: mask for key, mask in _groups(inputs, frame).items() if mask.any()}
    masks = {f"{by}: {level}": mask for (by, level), mask in groups.items()}
    drawn = _effects(fit.thinned(DRAWS), fit.nodes, model, inputs, masks)
    names = [name for name in drawn if name.partition(".")[2] in SHOWN]
    tails = _tails(inputs)
    return [
        {"by": by, "level": level, "varies": by in inputs.study.effects.modifiers,
         "effects": {name: _told(drawn[name][:, g], tails) for name in names}}
        for g, (by, level) in enumerate(groups)
    ]  # fmt: skip


def uncertain(fit: Fit, model: Model, inputs: Inputs) -> dict[str, dict[str, float]]:
    """Effects on everyone over populations drawn by what the sample says of them.

    Returns
    -------
    `outcome.contrast` -> `mean`, `lower`, `upper`, as shares of the outcome's range: over draws and populations.
    """
    frame, rng = inputs.frames[model.name], generator(inputs.study.seed, "population", model.name)
    drawn = _effects(fit.thinned(DRAWS), fit.nodes, model, inputs, _populations(inputs, frame, rng))
    names = [name for name in drawn if name.partition(".")[2] in SHOWN]
    return {name: _told(drawn[name].ravel(), _tails(inputs)) for name in names}


def worth(inputs: Inputs) -> dict[str, float]:
    """How many equal respondents the weights leave (`effective`), and by what they inflate variances (`design`)."""
    weight = inputs.survey.table["weight"].to_numpy(dtype=float)
    effective = effective_size(weight)
    return {"effective": effective, "design": len(weight) / effective}


def _effects(theta: Theta, nodes: int, model: Model, inputs: Inputs, masks: Mapping[str, Array]) -> dict[str, Array]:
    """`outcome.contrast` -> [draw, group]; a mask may count rows more or less, and not only in or out."""
    compared = Compared.of(inputs, inputs.cells[model.name])
    predicted = surface(theta, nodes, model, inputs.frames[model.name], masks)
    drawn = estimands.effects(predicted, compared.high, compared.low, varies=compared.varies)
    return {str(name): values.to_numpy() for name, values in drawn.data_vars.items()}


def _told(draws: Array, tails: Array) -> dict[str, float]:
    lower, upper = np.quantile(draws, tails)
    return {"mean": float(draws.mean()), "lower": float(lower), "upper": float(upper)}


def _tails(inputs: Inputs) -> Array:
    tail = (1 - inputs.study.estimands.interval) / 2
    return np.array([tail, 1 - tail])


# Groups -----------------------------------------------------------------------------------------------------------


def _groups(inputs: Inputs, frame: Frame) -> dict[tuple[str, str], Array]:
    """(covariate, level) -> [row] which people are of it, of the groups that may be shown."""
    gift = inputs.design.table["gift"].to_numpy()
    return {
        (by, level): row
        for by, level, row, respondent in _levels(inputs, frame)
        if not few(np.array([(respondent & (gift == g)).sum() for g in (0, 1)]))
    }


def _levels(inputs: Inputs, frame: Frame) -> Iterator[tuple[str, str, Array, Array]]:
    """Covariate, level, and which rows of the frame and which respondents are of it."""
    table, codebook = inputs.design.table, inputs.survey.codebook
    for name, column in codebook.items():
        if column.role == "categorical":
            for level in map(str, column.levels):
                yield name, level, _at(inputs, frame, name, level), (table[name].astype(str) == level).to_numpy()
        elif column.role == "continuous":
            values = table[name].to_numpy(dtype=float)
            cut = float(f"{np.median(values):.2g}")  # rounded: the median itself may be what one respondent said
            ((j, middle),) = inputs.design.coordinates({name: cut}).items()
            rows = frame["x"].to_numpy()[:, j] > middle + ALIKE
            yield name, f"up to {cut:g}", ~rows, values <= cut
            yield name, f"above {cut:g}", rows, values > cut
    yield from _access(inputs, frame)


def _at(inputs: Inputs, frame: Frame, name: str, level: str) -> Array:
    """[row] which rows are of one level of a categorical covariate."""
    x, wanted = frame["x"].to_numpy(), inputs.design.coordinates({name: level})
    return np.all([np.abs(x[:, j] - coordinate) < ALIKE for j, coordinate in wanted.items()], axis=0)


def _access(inputs: Inputs, frame: Frame) -> Iterator[tuple[str, str, Array, Array]]:
    """Districts of poor and of good access to markets, where the district file says so of each; halves of districts."""
    known, where = inputs.survey.districts, inputs.design.table[dims.DISTRICT].cat
    if known is None or ACCESS not in known:
        return
    access = known[ACCESS].groupby(level=0).mean().reindex(where.categories.astype(str)).to_numpy(dtype=float)
    if np.isnan(access).any() or len(np.unique(access)) < 2:
        return
    good = access > np.median(access)
    for level, of in (("poor", ~good), ("good", good)):
        yield "access to markets", level, of[frame["in_district"].to_numpy()], of[where.codes.to_numpy()]


# Populations ------------------------------------------------------------------------------------------------------


def _populations(inputs: Inputs, frame: Frame, rng: np.random.Generator) -> dict[str, Array]:
    """Number -> [row] how many times as many people a drawn population has of each row as the frame has."""
    office = frame["in_district"].to_numpy() * frame.sizes[dims.WAVE] + frame["in_wave"].to_numpy()
    within = np.eye(office.max() + 1)[office]  # [row, office]
    weight = frame["weight"].to_numpy()
    share = weight / (weight @ within)[office]
    drawn = rng.standard_gamma(np.broadcast_to(share * _sizes(inputs)[office], (FRAMES, len(share))))
    told = drawn / (drawn @ within)[:, office]
    return {str(b): ratio for b, ratio in enumerate(told / share)}


def _sizes(inputs: Inputs) -> Array:
    """[office] how many equal respondents the weights of a district and wave are worth."""
    table = inputs.design.table
    district, wave = (table[name].cat for name in (dims.DISTRICT, dims.WAVE))
    office = district.codes.to_numpy() * len(wave.categories) + wave.codes.to_numpy()
    weight, most = table["weight"].to_numpy(dtype=float), len(district.categories) * len(wave.categories)
    total, square = (np.bincount(office, weight**power, most) for power in (1, 2))
    return np.divide(total**2, square, out=np.zeros(most), where=square > 0)
