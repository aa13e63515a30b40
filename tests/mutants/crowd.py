"""The oracle of the estimands: people simulated one by one, each gift given and each coverage faced in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from largesse import dims, findings
from largesse.findings import Compared
from largesse.inputs import Inputs
from largesse.models.contract import Model

Array = np.ndarray[Any, Any]
Moments = tuple[float, float]  # a mean, and the variance of that mean

PEOPLE: Final = 300_000  # simulated for each gift and coverage: a standard error of a tenth of a point
NODES: Final = 61
STRONG: Final = {"direct": 0.9, "spillover": -1.5, "any_direct": 0.9, "much_direct": -0.9}  # logits


def farthest(model: Model, inputs: Inputs) -> tuple[str, float]:
    """The estimand farthest from what people simulated under a known truth do, and how many standard errors."""
    theta = {name: np.asarray(v)[None] for name, v in (inputs.truth or {})[model.name].items()}
    theta |= {name: np.array([value]) for name, value in STRONG.items() if name in theta}
    told = findings.quantities(theta, NODES, model, inputs)
    seen = dict((_receipt if "gift" in model.outcomes else _effects)(Crowd(model, theta, inputs)))
    shared = [key for key in told if key in seen]
    distance = [abs(float(told[key][0]) - seen[key][0]) / np.sqrt(seen[key][1]) for key in shared]
    worst = int(np.argmax(distance))
    return shared[worst], float(distance[worst])


class Crowd:
    """The people of a population table, and what each would answer."""

    def __init__(self, model: Model, theta: Mapping[str, Array], inputs: Inputs) -> None:
        self.model, self.theta, self.inputs = model, theta, inputs
        self.rows, self.rng = inputs.frames[model.name], np.random.default_rng(17)
        where = self.rows["in_district"].to_numpy()
        named = {f".{name}": where == d for d, name in enumerate(self.rows[dims.DISTRICT].to_numpy())}
        self.groups = {"": where >= 0} | {name: mask for name, mask in named.items() if mask.any()}

    def mean(self, chance: float, coverage: float) -> dict[str, dict[str, Moments]]:
        """Outcome -> group -> moments, where each person receives with this chance under this coverage."""
        rows, size = self.rows, self.rows.sizes[dims.ROW]
        each = PEOPLE // size
        crowd = rows.isel({dims.ROW: np.repeat(np.arange(size), each)})
        gift = (self.rng.uniform(size=size * each) < chance).astype(int)
        faced = np.full(size * each, coverage - rows.attrs["coverage_center"])
        crowd = crowd.assign(gift=(dims.ROW, gift), coverage=(dims.ROW, faced))
        said = self.model.twin.answer(self.theta, crowd, self.rng)
        return {name: self._averaged(score.reshape(size, each)) for name, score in self._scores(said)}

    def _averaged(self, score: Array) -> dict[str, Moments]:
        """Group -> moments of [row, person] scores."""
        shares = {name: self.rows["weight"].to_numpy() * mask for name, mask in self.groups.items()}
        mean, variance = score.mean(axis=1), score.var(axis=1) / score.shape[1]
        return {n: (float(w @ mean / w.sum()), float(w**2 @ variance / w.sum() ** 2)) for n, w in shares.items()}

    def _scores(self, said: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Outcomes of answers, as a survey would score them."""
        if "market" in self.model.outcomes:
            yield "market_any", (said["market"] > 0).astype(float)
            yield "market_much", np.concatenate([[0.0], self.rows["band_share"].to_numpy()])[said["market"]]
        else:
            counts = dict(zip(map(str, self.rows[dims.ITEM].to_numpy()), self.rows["answers"].to_numpy(), strict=True))
            yield "loyalty", np.mean([said[item] / (n - 1) for item, n in counts.items()], axis=0)


def _effects(crowd: Crowd) -> Iterator[tuple[str, Moments]]:
    """Every contrast of crowds alike in all else."""
    at = Compared.of(crowd.inputs, crowd.inputs.cells[crowd.model.name])
    y = {(z, c): crowd.mean(z, c) for z in (0, 1) for c in {at.high, at.low}}
    lottery = {c: crowd.mean(c, c) for c in {at.high, at.low}}
    for outcome in y[0, at.high]:
        for group in crowd.groups:
            none, own, low = (y[key][outcome][group] for key in ((0, at.high), (1, at.high), (0, at.low)))
            overall = [lottery[c][outcome][group] for c in (at.high, at.low)]
            pairs = {"direct": (own, none), "spillover": (none, low), "total": (own, low), "overall": overall}
            for name, ((a, noise), (b, other)) in pairs.items():
                yield f"{outcome}.{name}{group}", (a - b, noise + other)
            yield f"{outcome}.level.0{group}", none
            yield f"{outcome}.level.1{group}", own


def _receipt(crowd: Crowd) -> Iterator[tuple[str, Moments]]:
    """The share that receives, and that of the quarters of people with most and least standing."""
    rows, rng = crowd.rows, crowd.rng
    weight = rows["weight"].to_numpy()
    people = rng.choice(len(weight), size=PEOPLE, p=weight / weight.sum())
    received = crowd.model.twin.answer(crowd.theta, rows.isel({dims.ROW: people}), rng)["gift"]
    for group, mask in crowd.groups.items():
        yield f"receipt.level{group}", _share(received[mask[people]])
    standing = rows["x"].to_numpy()[people] @ crowd.theta["standing"][0]
    order, quarter = np.argsort(standing, kind="stable"), PEOPLE // 4  # drawn in random order: ties are broken by lot
    (bottom, low), (top, high) = _share(received[order[:quarter]]), _share(received[order[-quarter:]])
    yield from {"receipt.bottom": (bottom, low), "receipt.top": (top, high)}.items()
    yield "receipt.selectivity", (top - bottom, low + high)


def _share(received: Array) -> Moments:
    return float(received.mean()), float(received.var() / len(received))
