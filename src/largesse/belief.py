"""Belief and words: how much of an effect on what people say is a change of mind.

Of people alike, pi (1 - u) + (1 - pi) o say yes when asked: pi support sincerely, and u of them say no; of the others o
say yes. From one state (0) to another (1), with a = 1 - u - o, what is said changes by

    belief = (pi_1 - pi_0) (a_0 + a_1) / 2
    words = (o_1 - o_0) + (a_1 - a_0) (pi_0 + pi_1) / 2

person by person (of one profile and one disposition), then averaged. Each is the mean of both orders in which minds and
words may change; together they are the whole effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import numpy as np
import xarray as xr

from largesse import dims
from largesse.estimands import Surface, blocks
from largesse.results import SURE
from largesse.simulators.sincere_support import Said

Array = np.ndarray[Any, np.dtype[np.float64]]
State = tuple[int, str]  # a gift of one's own, and which of the two coverages compared

CONTRASTS: Final[Mapping[str, tuple[State, State]]] = {  # from one state to another
    "direct": ((0, "high"), (1, "high")),
    "spillover": ((0, "low"), (0, "high")),
    "total": ((0, "low"), (1, "high")),
}
PARTS: Final = ("belief", "words")
SEEN: Final = ("said",)  # an answer itself, whatever is not seen behind it
CLEAR: Final = 0.03  # an effect on what is said that is surely no larger has no parts worth telling


class Speaking(Protocol):
    """The twin of a model that tells what people say from what they think."""

    def spoken(
        self, theta: Mapping[str, Array], rows: xr.Dataset, gift: Array, coverage: Array, nodes: tuple[Array, Array]
    ) -> Iterator[tuple[float, Said]]:
        """Who supports, and what each kind says, [draw, row]; of people alike in turn, with their share of all."""


def split(
    surface: Surface, twin: Speaking, nodes: tuple[Array, Array], high: float, low: float, *, varies: bool
) -> xr.Dataset:
    """The parts of each effect on what is said.

    Parameters
    ----------
    surface : whose draws, rows and groups are used.
    twin : of the model that is asked; nodes : points and weights of its disposition.
    high, low : the two coverages compared; `direct` is at `high`.
    varies : whether coverage plays a part; without it only effects at one coverage are returned.

    Returns
    -------
    xarray.Dataset with variables `belief.contrast` and `words.contrast`, dims (sample, group), as shares of people; the
    two add up to `said.contrast`.
    """
    asked = {n: ends for n, ends in CONTRASTS.items() if varies or {c for _, c in ends} == {"high"}}
    states = list(dict.fromkeys(state for ends in asked.values() for state in ends))
    rows, coverage = surface.frame.sizes[dims.ROW], {"high": high, "low": low}
    found: dict[str, list[Array]] = {f"{part}.{name}": [] for name in asked for part in PARTS}
    for draws in blocks(surface.theta, rows):
        spoken = [
            twin.spoken(
                draws,
                surface.frame,
                np.full(rows, float(gift)),
                np.full(rows, coverage[c] - surface.frame.attrs["coverage_center"]),
                nodes,
            )
            for gift, c in states
        ]
        total: dict[str, Any] = dict.fromkeys(found, 0.0)
        for alike in zip(*spoken, strict=True):
            said = {state: each for state, (_, each) in zip(states, alike, strict=True)}
            for name, (before, after) in asked.items():
                for part, change in zip(PARTS, changes(said[before], said[after]), strict=True):
                    total[f"{part}.{name}"] = total[f"{part}.{name}"] + alike[0][0] * (change @ surface.share.T)
        for name, values in total.items():
            found[name].append(np.asarray(values))
    return xr.Dataset({n: ((dims.DRAW, "group"), np.concatenate(values)) for n, values in found.items()})


def changes(before: Said, after: Said) -> tuple[Array, Array]:
    """[draw, row] the change in what is said that is belief, and the one that is words."""
    honest_0, honest_1 = (1 - s.under - s.over for s in (before, after))
    belief = (after.sincere - before.sincere) * (honest_0 + honest_1) / 2
    words = (after.over - before.over) + (honest_1 - honest_0) * (before.sincere + after.sincere) / 2
    return belief, words


def told(drawn: xr.Dataset, interval: float, whole: str = "said", minds: str = "belief") -> dict[str, dict[str, Any]]:
    """By contrast: whether an effect on what is said is mostly belief or mostly words, for everyone.

    Parameters
    ----------
    drawn : the effects, with their parts.
    interval : probability content of intervals.
    whole, minds : the outcome that is seen, and the one that is its part of minds.

    Returns
    -------
    `clear`: the probability that the effect exceeds 3 points of 100. `mostly`: the part that is the larger with a
    probability of 95 %, or `cannot tell`, also where the effect is not clear. Where it is, `share`: the median and
    interval of belief over the whole effect.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in (n for n in CONTRASTS if f"{minds}.{n}" in drawn):
        belief, said = (drawn[f"{what}.{name}"].isel(group=0).to_numpy() for what in (minds, whole))
        clear = float((np.abs(said) > CLEAR).mean())
        found[name] = {"clear": round(clear, 3), "mostly": "cannot tell"}
        if clear > SURE:
            share = belief / said
            tail = (1 - interval) / 2
            lower, median, upper = (round(float(q), 2) for q in np.quantile(share, [tail, 0.5, 1 - tail]))
            found[name] |= {"mostly": larger(share), "share": {"lower": lower, "median": median, "upper": upper}}
    return found


def larger(share: Array) -> str:
    """Which part of an effect is the larger, where [draw] shares of belief are sure of it."""
    most = float((share > 0.5).mean())
    return "belief" if most > SURE else "words" if most < 1 - SURE else "cannot tell"
