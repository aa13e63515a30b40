"""Findings: from fits to estimates, each a summary with its status, on the outcome scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import xarray as xr

from largesse import belief, dims, estimands, programmes, targeting
from largesse.belief import Speaking
from largesse.cells import Cells, Design, Frame
from largesse.estimands import CONTRASTS, EVERYONE, Surface, blocks
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import Allocation, Model
from largesse.policies import Lottery
from largesse.results import SMALLEST, Estimate, Status
from largesse.settings import At
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

GRID: Final = 12  # coverages at which breaking even is looked for
PROGRAMME_DRAWS: Final = 400  # a policy is solved for each draw; their mean is then known to a twentieth of its sd
POOLED: Final = "small districts, pooled"
RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {  # the parameters that decide what identifies a contrast
    "direct": ("direct",),
    "spillover": ("spillover",),
    "total": ("direct", "spillover"),
    "overall": ("direct", "spillover", "spillover_received"),
    "level": ("direct",),
}
RECEIPT_RESTS_ON: Final = {"level": "intercept"}  # what else there is of receipt rests on `standing`
WEAKEST: Final[tuple[Status, ...]] = ("prior_driven", "conditional", "identified")
BY_DISTRICT: Final = ("direct", "level.0", "level.1")
LABELS: Final = {
    "level": "share of people who receive",
    "top": "chance of a gift in the quarter of people with most standing",
    "bottom": "chance of a gift in the quarter of people with least standing",
    "selectivity": "difference between the top and the bottom quarter of standing",
    "gini": "concentration of the chance of a gift (Gini)",
}


@dataclass(frozen=True)
class Compared:
    """The two coverages that effects compare, and the range that was observed."""

    high: float
    low: float
    center: float
    observed: tuple[float, float]
    varies: bool

    @classmethod
    def of(cls, inputs: Inputs, cells: Cells) -> Compared:
        """What the study asks for, or the 10 % and 90 % quantiles of observed coverage in whole percents.

        Where those are no two different shares within the observed range: its quantiles, or its ends, as they are.
        """
        rate = cells["coverage_rate"].to_numpy()
        seen = rate[np.isfinite(rate)]
        observed = (float(seen.min()), float(seen.max()))
        varies = observed[1] - observed[0] > 1e-9 and cells.sizes[dims.DISTRICT] > 1
        center = float(cells.attrs["coverage_center"])
        low, high = inputs.study.estimands.coverage or _usual(seen)
        return (
            cls(float(high), float(low), center, observed, True)
            if varies
            else cls(center, center, center, observed, False)
        )

    def extrapolation(self, contrast: str) -> str:
        """Why a contrast needs a coverage nobody has seen, or nothing."""
        used = (self.high, self.low) if CONTRASTS[contrast].needs_coverage else (self.high,)
        found = (Lottery(c).extrapolates(self.observed) for c in used)
        return next(filter(None, found), "") if self.varies else ""


def _usual(seen: Array) -> tuple[float, float]:
    """A low and a high coverage, of those that were seen: never one and the same, which would have no effect."""
    quantiles = np.quantile(seen, [0.1, 0.9])
    for low, high in (quantiles.round(2), quantiles):
        if seen.min() <= low < high <= seen.max():
            return float(low), float(high)
    return float(seen.min()), float(seen.max())


def estimate(fit: Fit, model: Model, inputs: Inputs) -> xr.Dataset:
    """Every effect of one fitted outcome model, for everyone and by district, with every draw kept.

    Parameters
    ----------
    fit, model : draws of an outcome model, and that model.
    inputs : what the study was read to; its frame is what effects are averaged over.

    Returns
    -------
    xarray.Dataset with variables `outcome.contrast` (see :mod:`largesse.estimands`; Hudgens & Halloran 2008), dims
    (sample, group), as shares of the outcome's range (0.01 is one point of 100); group "" is everyone.
    """
    return _effects(fit.theta, fit.nodes, model, inputs, inputs.frames[model.name])


def estimates(fit: Fit, model: Model, inputs: Inputs, drawn: xr.Dataset | None = None) -> Iterator[Estimate]:
    """The summaries of one fitted model: effects, levels, profiles that the study asks for; or who receives.

    `drawn` is what :func:`estimate` gives, where it was asked already: it takes half a minute of thousands of draws.
    """
    if "gift" in model.outcomes:
        yield from _receipt(fit, model, inputs)
    if {*model.predicts} != {"receipt"}:
        yield from _outcomes(fit, model, inputs, estimate(fit, model, inputs) if drawn is None else drawn)
        if "gift" in model.outcomes and programmes.answerable(inputs):
            yield from _programmes(fit, model, inputs)


def quantities(theta: Mapping[str, Array], nodes: int, model: Model, inputs: Inputs) -> dict[str, Array]:
    """Key of every estimate that a study reports for everyone or a district -> [draw], for draws or a truth."""
    found: dict[str, Array] = {}
    if "gift" in model.outcomes:
        receipts = _receipts(theta, nodes, model, inputs).items()
        found = {_key(f"receipt.{c}", g): draws for (c, g), draws in receipts if g != POOLED}
    if {*model.predicts} == {"receipt"}:
        return found
    drawn = _effects(theta, nodes, model, inputs, inputs.frames[model.name])
    found |= {
        _key(name, group): drawn[name].sel(group=group).to_numpy()
        for name in map(str, drawn.data_vars)
        for group in map(str, drawn["group"].to_numpy())
        if group == EVERYONE or (group != POOLED and name.partition(".")[2] in BY_DISTRICT)
    }
    if "gift" in model.outcomes and programmes.answerable(inputs):
        low = Compared.of(inputs, inputs.cells[model.name]).low
        told = programmes.answers(programmes.found(theta, nodes, model, inputs, low)).items()
        found |= {f"{outcome}.{name}": draws for (outcome, name), draws in told if programmes.QUESTIONS[name].ranked}
    return found


def _key(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def _outcomes(fit: Fit, model: Model, inputs: Inputs, drawn: xr.Dataset) -> Iterator[Estimate]:
    frame, truth = inputs.frames[model.name], _stacked(inputs, model)
    compared = Compared.of(inputs, inputs.cells[model.name])
    true = _effects(truth, fit.nodes, model, inputs, frame) if truth else None
    for name in map(str, drawn.data_vars):
        outcome, _, contrast = name.partition(".")
        for group in map(str, drawn["group"].to_numpy()):
            if group == EVERYONE or contrast in BY_DISTRICT:
                about = _about(model, inputs, outcome, contrast, compared)
                value = None if true is None else float(true[name].sel(group=group)[0])
                yield _summary(drawn[name].sel(group=group).to_numpy(), inputs, about, group, value)
    for at in inputs.study.estimands.at:
        yield from _at(fit, model, inputs, at)


def _programmes(fit: Fit, model: Model, inputs: Inputs) -> Iterator[Estimate]:
    """What policies that choose receivers otherwise would do; draws that have nobody to ask it of are left out."""
    compared, truth = Compared.of(inputs, inputs.cells[model.name]), _stacked(inputs, model)
    told = programmes.found(fit.thinned(PROGRAMME_DRAWS), fit.nodes, model, inputs, compared.low)
    drawn = programmes.answers(told)
    yield from _shares(told, model, inputs)
    true = programmes.answers(programmes.found(truth, fit.nodes, model, inputs, compared.low)) if truth else {}
    for (outcome, name), draws in drawn.items():
        question = programmes.QUESTIONS[name]
        status, reason = _rests_on(model, inputs.cells[model.name], outcome, question.rests_on)
        beyond = Lottery(question.coverage).extrapolates(compared.observed) if question.coverage is not None else ""
        about = {
            "key": f"{outcome}.{name}",
            "label": f"{model.predicts[outcome]}: {question.label}",
            "outcome": outcome,
            "contrast": name,
            "model": model.name,
            "status": status,
            "reason": reason,
            "extrapolation": "; ".join(filter(None, [inputs.study.estimands.extrapolates or "", beyond])),
        }
        value = float(true[outcome, name][0]) if (outcome, name) in true else None
        yield _summary(draws[np.isfinite(draws)], inputs, about, EVERYONE, value)


def _shares(told: xr.Dataset, model: Model, inputs: Inputs) -> Iterator[Estimate]:
    """How many people are eligible and passed over, or hardly ever chosen."""
    status, reason = _rests_on(model, inputs.cells[model.name], "receipt", ("intercept", "standing"))
    for group, draws in programmes.shares(told).items():
        about = {"key": f"receipt.{group}", "label": programmes.SHARES[group], "outcome": "receipt", "contrast": group,
                 "model": model.name, "status": status, "reason": reason}  # fmt: skip
        yield _summary(draws, inputs, about, EVERYONE)


def _at(fit: Fit, model: Model, inputs: Inputs, at: At) -> Iterator[Estimate]:
    """The direct effect on every outcome at one profile."""
    there = at_profile(inputs.frames[model.name], inputs.design, at.values)
    compared, truth = Compared.of(inputs, inputs.cells[model.name]), _stacked(inputs, model)
    drawn = _effects(fit.theta, fit.nodes, model, inputs, there, by_district=False)
    true = _effects(truth, fit.nodes, model, inputs, there, by_district=False) if truth else None
    for name in (n for n in map(str, drawn.data_vars) if n.endswith(".direct")):
        about = _about(model, inputs, name.partition(".")[0], "direct", compared)
        beyond = filter(None, [compared.extrapolation("direct"), unseen(inputs, at)])
        about |= {"key": f"{name}.at.{at.name}", "group": at.label, "extrapolation": "; ".join(beyond)}
        value = None if true is None else float(true[name][0, 0])
        yield _summary(drawn[name].to_numpy()[:, 0], inputs, about, at.label, value)


def _effects(
    theta: Mapping[str, Array], nodes: int, model: Model, inputs: Inputs, frame: Frame, *, by_district: bool = True
) -> xr.Dataset:
    compared = Compared.of(inputs, inputs.cells[model.name])
    predicted = surface(theta, nodes, model, frame, groups(inputs, frame) if by_district else None)
    found = estimands.effects(predicted, compared.high, compared.low, varies=compared.varies)
    if not {"sincere", "said"} <= predicted.outcomes(0, compared.high).keys():
        return found
    twin = cast("Speaking", model.twin)
    points = standard_normal_nodes(nodes)
    return found.merge(belief.split(predicted, twin, points, compared.high, compared.low, varies=compared.varies))


def surface(
    theta: Mapping[str, Array], nodes: int, model: Model, frame: Frame, masks: Mapping[str, Array] | None
) -> Surface:
    """What a model predicts of a frame, averaged over masks (or all of it): see :class:`largesse.estimands.Surface`."""
    points = standard_normal_nodes(nodes)

    def predict(part: Mapping[str, Array], rows: Frame, gift: Array, coverage: Array) -> Mapping[str, Array]:
        return model.twin.predict(part, rows, gift, coverage, points)

    return Surface(predict, theta, frame, masks)


def groups(inputs: Inputs, frame: Frame) -> dict[str, Array]:
    """[row] masks of everyone, of each district that may be shown, and of the others pooled."""
    where, names = frame["in_district"].to_numpy(), frame[dims.DISTRICT].to_numpy()
    masks = {EVERYONE: np.ones(len(where), dtype=bool)}
    if len(names) < 2:
        return masks
    pool = pooled(inputs)
    masks |= {str(name): where == d for d, name in enumerate(names) if not pool[d] and (where == d).any()}
    rest = pool[where]
    return masks | ({POOLED: rest} if rest.any() and not rest.all() else {})


def pooled(inputs: Inputs) -> Array:
    """[district] which are not shown by themselves, the same in every table (k = 5).

    A district with fewer than 2k respondents to some model, or fewer than k in either gift arm, is pooled. A pool that
    would itself be so small, or would be one district, takes in the smallest of the others: what is left of everyone
    when the districts shown are subtracted is then no small district either.
    """
    counts = np.min([_respondents(cells) for cells in inputs.cells.values()], axis=0)
    hidden = few(counts)
    for d in np.argsort(counts.sum(axis=1), kind="stable"):
        if not hidden.any() or not few(counts[hidden].sum(axis=0)):
            break
        hidden[d] = True
    return hidden


def _respondents(cells: Cells) -> Array:
    """[district, gift] how many people answered."""
    counts = np.zeros((cells.sizes[dims.DISTRICT], 2), dtype=int)
    np.add.at(counts, (cells["in_district"].to_numpy(), cells["gift"].to_numpy()), cells["people"].to_numpy())
    return counts


def few(counts: Array) -> Array:
    """[...] whether [..., gift] respondents are too few to be shown."""
    return np.asarray((counts.sum(axis=-1) < 2 * SMALLEST) | (counts.min(axis=-1) < SMALLEST))


def unseen(inputs: Inputs, at: At) -> str:
    """Why a profile was hardly observed, or nothing."""
    table, alike, beyond = inputs.design.table, np.ones(len(inputs.design.table), dtype=bool), []
    for name, value in at.values.items():
        if isinstance(value, str):
            alike &= (table[name] == value).to_numpy()
        elif not table[name].min() <= value <= table[name].max():
            beyond.append(f"{name} {value:g} lies outside what was observed")
    few = f"fewer than {SMALLEST} respondents are of this profile" if alike.sum() < SMALLEST else ""
    return "; ".join(filter(None, [*beyond, few]))


def at_profile(frame: Frame, design: Design, values: Mapping[str, Any]) -> Frame:
    """The frame with some covariates set, for everyone, to the values of one profile."""
    x = frame["x"].to_numpy().copy()
    for j, coordinate in design.coordinates(values).items():
        x[:, j] = coordinate
    return frame.assign(x=(frame["x"].dims, x))


def side_by_side(drawn: xr.Dataset, fit: Fit, model: Model, inputs: Inputs) -> dict[str, Any]:
    """What needs several outcomes or coverages at once: loyalty up and the market down; where gifts break even.

    Parameters
    ----------
    drawn : the effects, as :func:`estimate` gives them.

    Returns
    -------
    `up_and_down`: by district that is shown, the probability that more coverage raises loyalty and lowers taking part
    in the market; `break_even`: the probability that some coverage in the observed range does no more for loyalty than
    the lowest, and the quantiles of the smallest such coverage. Nothing of what the study cannot ask.
    """
    compared = Compared.of(inputs, inputs.cells[model.name])
    told: dict[str, Any] = {}
    if {"loyalty.overall", "market_any.overall"} <= set(drawn.data_vars):
        both = targeting.up_and_down(drawn["loyalty.overall"].to_numpy(), drawn["market_any.overall"].to_numpy())
        groups_ = map(str, drawn["group"].to_numpy())
        told["up_and_down"] = {g or "everyone": round(float(p), 2) for g, p in zip(groups_, both, strict=True)}
    if compared.varies:
        told["break_even"] = _break_even(fit, model, inputs, compared)
    return told


def _break_even(fit: Fit, model: Model, inputs: Inputs, compared: Compared) -> dict[str, Any]:
    """Of reported loyalty, gifts by lottery, over the observed range of coverage."""
    low, high = compared.observed
    grid = np.linspace(low, high, GRID + 1)[1:]
    predicted = surface(fit.thinned(PROGRAMME_DRAWS), fit.nodes, model, inputs.frames[model.name], None)
    change = targeting.lottery_changes(predicted, "loyalty", low, grid)
    found = targeting.break_even(change, grid)
    tail = (1 - inputs.study.estimands.interval) / 2
    lower, middle, upper = (round(float(q), 3) for q in found.quantiles(np.array([tail, 0.5, 1 - tail]))[:, 0])
    exists = float(found.exists[0])
    numbers = {"lower": lower, "median": middle, "upper": upper} if exists else {}
    return {"low": round(low, 3), "high": round(high, 3), "exists": round(exists, 3), **numbers}


def _receipt(fit: Fit, model: Model, inputs: Inputs) -> Iterator[Estimate]:
    """Who receives: the share of people, by district too, and how much standing counts."""
    truth, prefix = _stacked(inputs, model), model.prefixes.get("receipt", "")
    true = _receipts(truth, fit.nodes, model, inputs) if truth else {}
    named = {p.name: p for p in model.active(inputs.cells[model.name])[0]}
    for (contrast, group), draws in _receipts(fit.theta, fit.nodes, model, inputs).items():
        rests_on = named[prefix + RECEIPT_RESTS_ON.get(contrast, "standing")]
        about = {
            "key": f"receipt.{contrast}",
            "label": LABELS[contrast],
            "outcome": "receipt",
            "contrast": contrast,
            "model": model.name,
            "status": rests_on.status,
            "reason": rests_on.reason,
        }
        value = float(true[contrast, group][0]) if true else None
        yield _summary(draws, inputs, about, group, value)


def _receipts(theta: Mapping[str, Array], nodes: int, model: Model, inputs: Inputs) -> dict[tuple[str, str], Array]:
    """(contrast, group) -> [draw]."""
    frame, twin = inputs.frames[model.name], cast("Allocation", model.twin)
    weight, masks = frame["weight"].to_numpy(), groups(inputs, frame)
    chosen = f"{model.prefixes.get('receipt', '')}standing" in theta
    parts: list[dict[tuple[str, str], Array]] = []
    for part in blocks(theta, len(weight)):
        chance = twin.receipt(part, frame, standard_normal_nodes(nodes))
        levels = {("level", g): chance @ (weight * m) / (weight @ m) for g, m in masks.items()}
        spread = estimands.selectivity(chance, twin.standing(part, frame), weight) if chosen else {}
        parts.append(levels | {(name, EVERYONE): draws for name, draws in spread.items()})
    return {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}


def _stacked(inputs: Inputs, model: Model) -> dict[str, Array]:
    """The truth of a synthetic study as one draw, or nothing."""
    return {p: v[None] for p, v in (inputs.truth or {}).get(model.name, {}).items()}


def _about(model: Model, inputs: Inputs, outcome: str, contrast: str, compared: Compared) -> dict[str, Any]:
    """What an estimate is, and what identifies it: the weakest of the parameters it rests on, and all they need."""
    kind = contrast.partition(".")[0]
    status, reason = _rests_on(model, inputs.cells[model.name], outcome, RESTS_ON[kind])
    frozen = inputs.study.estimands.extrapolates or ""
    return {
        "key": f"{outcome}.{contrast}",
        "label": f"{model.predicts[outcome]}: {CONTRASTS[contrast].label}",
        "outcome": outcome,
        "contrast": kind,
        "model": model.name,
        "status": status,
        "reason": reason,
        "extrapolation": "; ".join(filter(None, [frozen, compared.extrapolation(contrast)])),
    }


def _rests_on(model: Model, cells: Cells, outcome: str, parameters: tuple[str, ...]) -> tuple[Status, str]:
    """What identifies a contrast that rests on these parameters, the weakest first."""
    prefix = model.prefixes.get(outcome, "")
    declared = {p.name: p for p in model.parameters}
    named = {p.name: declared[p.name] if outcome in belief.SEEN else p for p in model.active(cells)[0]}
    found = [named[prefix + name] for name in parameters if prefix + name in named]
    found.sort(key=lambda p: WEAKEST.index(p.status))
    return found[0].status, "; ".join(dict.fromkeys(p.reason for p in found))


def _summary(
    draws: Array, inputs: Inputs, about: Mapping[str, Any], group: str, truth: float | None = None
) -> Estimate:
    """The summary of [draw] values that results carry; intervals have equal tails."""
    asked = inputs.study.estimands
    tail = (1 - asked.interval) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail])
    numbers: dict[str, Any] = {
        "mean": draws.mean(),
        "sd": draws.std(ddof=1),
        "lower": lower,
        "upper": upper,
        "p_positive": (draws > 0).mean(),
        "p_negligible": (np.abs(draws) < asked.rope).mean(),
    }
    described = {**about, "group": group}
    if group and ".at." not in about["key"]:
        described["key"] = f"{about['key']}.{group}"
    rounded = {name: float(value) for name, value in numbers.items()}
    return Estimate(**{"interval": asked.interval, "truth": truth, **rounded, **described})
