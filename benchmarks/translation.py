"""Draws of a peer under the names of `reported_loyalty`, and what is told of draws: mean, sd, effective draws.

A formula's group effects are free, here they sum to zero: their means belong to the cutpoints and to the effect of the
gift in the average district. Its covariates are indicators, here centred: the difference belongs to the cutpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from arviz_stats.base import array_stats

Array = np.ndarray[Any, Any]
Theta = Mapping[str, Array]
Told = dict[str, dict[str, float]]


@dataclass(frozen=True)
class FormulaDraws:
    """Draws of a formula's parameters, [chain, draw, ...], whatever the tool calls them.

    Attributes
    ----------
    effects : term -> [chain, draw] of `gift`, `passed`, `received` and `between`.
    wave : [chain, draw, waves - 1] against the first.
    covariate : [chain, draw, covariate] in the order of the cells.
    cutpoint : [chain, draw, cut].
    sd, gift_sd : [chain, draw] of intercepts and of gift effects.
    level, gift_level : [chain, draw, district] the group effects.
    """

    effects: Theta
    wave: Array
    covariate: Array
    cutpoint: Array
    sd: Array
    gift_sd: Array
    level: Array
    gift_level: Array

    def own(self) -> dict[str, Array]:
        """Every number that the tool's user looks at."""
        groups = {"wave": self.wave, "covariate": self.covariate, "cutpoint": self.cutpoint}
        groups |= {"sd": self.sd, "gift_sd": self.gift_sd, "district": self.level, "gift by district": self.gift_level}
        return {**self.effects, **groups}

    def ours(self, centre: Array) -> dict[str, Array]:
        """The same draws as parameters of `reported_loyalty`; `centre` [covariate] is what its indicators lack."""
        waves = np.concatenate([np.zeros((*self.wave.shape[:2], 1)), self.wave], axis=2)
        level, gift, wave = (x.mean(axis=2, keepdims=True) for x in (self.level, self.gift_level, waves))
        return {
            "district_sd": self.sd,
            "district_effect": self.level - level,
            "wave_effect": waves - wave,
            "covariate_effect": self.covariate,
            "direct": self.effects["gift"] + gift[..., 0],
            "direct_sd": self.gift_sd,
            "direct_district": self.gift_level - gift,
            "spillover": self.effects["passed"],
            "spillover_received": self.effects["received"],
            "between": self.effects["between"],
            "cutpoint": self.cutpoint - level - wave - (self.covariate @ centre)[..., None],
        }


def of_rows(posterior: Theta, answers: Sequence[int]) -> dict[str, Array]:
    """Draws of the `pm.Model` on rows (`loyalty.by_rows`) as parameters; `answers` is the number of each item's.

    What is drawn as deviates is multiplied by its sd, sticks become cutpoints. Dispositions, one for each respondent,
    are left out.
    """
    made = {n: x for n, x in posterior.items() if n not in {"u", "cutpoint_stick", "discrimination_free"}}
    for name, sd in (("district_effect", "district_sd"), ("direct_district", "direct_sd")):
        made[name] = made.pop(f"{name}_z") * made[sd][..., None]
    sticks = np.split(posterior["cutpoint_stick"], np.cumsum([n - 1 for n in answers])[:-1], axis=2)
    made["cutpoint"] = np.concatenate([_cutpoints(stick) for stick in sticks], axis=2)
    if "discrimination_free" in posterior:
        free = posterior["discrimination_free"]
        made["discrimination"] = np.concatenate([np.ones((*free.shape[:2], 1)), free], axis=2)
    return made


def _cutpoints(stick: Array) -> Array:
    """Cutpoints [..., cut] of one item's sticks: log((1 - S) / S), S the share above."""
    return np.asarray(np.log(np.expm1(-np.cumsum(np.log1p(-stick), axis=-1))))


def of_brms(table: Mapping[str, Array], levels: Mapping[str, Sequence[str]], waves: Sequence[str]) -> FormulaDraws:
    """Draws of brms, column -> [chain, draw], under the names that it gives them."""
    districts = sum(name.startswith("r_district[") and name.endswith(",Intercept]") for name in table)
    cuts = sum(name.startswith("b_Intercept[") for name in table)

    def stacked(*names: str) -> Array:
        return np.stack([table[name] for name in names], axis=2)

    def groups(kind: str) -> Array:
        return stacked(*(f"r_district[{d},{kind}]" for d in range(1, districts + 1)))

    return FormulaDraws(
        {term: table[f"b_{term}"] for term in ("gift", "passed", "received", "between")},
        stacked(*(f"b_wave{_squeezed(w)}" for w in waves[1:])),
        stacked(*(f"b_{name}{_squeezed(level)}" for name, every in levels.items() for level in every[1:])),
        stacked(*(f"b_Intercept[{k}]" for k in range(1, cuts + 1))),
        table["sd_district__Intercept"],
        table["sd_district__gift"],
        groups("Intercept"),
        groups("gift"),
    )


def _squeezed(level: str) -> str:
    """A level as brms puts it into a name."""
    return level.replace(" ", "")


def of_bambi(posterior: Theta, covariates: Sequence[str]) -> FormulaDraws:
    """Draws of Bambi, variable -> [chain, draw, ...], under the names that it gives them."""
    return FormulaDraws(
        {term: posterior[term] for term in ("gift", "passed", "received", "between")},
        posterior["wave"],
        np.concatenate([posterior[name] for name in covariates], axis=2),
        posterior["threshold"],
        posterior["1|district_sigma"],
        posterior["gift|district_sigma"],
        posterior["1|district"],
        posterior["gift|district"],
    )


def told(theta: Theta) -> Told:
    """Scalar -> mean, sd and bulk ESS of its draws; a number that never moves is left out."""
    found: Told = {}
    for name, values in theta.items():
        flat = values.reshape(*values.shape[:2], -1)
        for j in range(flat.shape[2]):
            x = flat[:, :, j]
            if np.ptp(x) > 0:
                ess = float(array_stats.ess(x, method="bulk", chain_axis=0, draw_axis=1))
                key = name if values.ndim == 2 else f"{name}[{j}]"
                found[key] = {"mean": float(x.mean()), "sd": float(x.std(ddof=1)), "ess": ess}
    return found


def smallest(of: Told) -> tuple[str, float]:
    """The number with the fewest effective draws, and how many."""
    name = min(of, key=lambda n: of[n]["ess"])
    return name, of[name]["ess"]
