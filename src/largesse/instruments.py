"""Instruments: what the questions on support say by themselves, before any model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from largesse import belief
from largesse.cells import Cells, part
from largesse.disclosure import rounded
from largesse.inputs import Inputs
from largesse.lists import Counts, Held, Placebo
from largesse.results import SMALLEST
from largesse.seeds import generator
from largesse.simulators.sincere_support import DIRECT, LIST, RANDOMISED, asked, control_items

Array = np.ndarray[Any, Any]
Rounding = Mapping[tuple[str, str], tuple[float, bool]]  # question and group: what to round to, and whether sizes show

GROUPS: Final = {"everyone": (0, 1), "without a gift": (0,), "with a gift": (1,)}


def counts(cells: Cells, gifts: tuple[int, ...] = (0, 1)) -> Counts:
    """How many people, of those with one of these gifts, gave each count of a list."""
    among = np.isin(cells["gift"].to_numpy(), gifts)
    answer = part(cells, LIST)["answer"].to_numpy()[:, 0]
    return Counts.of(answer[among], cells["people"].to_numpy()[among], control_items(cells))


def held(inputs: Inputs, model: str) -> Held:
    """Whether the design of a study's list held, by the cells of a model that reads it: one answer, whoever asks."""
    return counts(inputs.cells[model]).held(generator(inputs.study.seed, "instruments"))


def placebo(inputs: Inputs) -> Placebo | None:
    """What the longer placebo list of a study loses, over all who answered it; None without one, or of few people."""
    table, asked = inputs.design.table, inputs.study.instruments
    if "placebo_count" not in table or asked.placebo_items is None:
        return None
    codes = table["placebo_count"].cat.codes.to_numpy()
    people = Counts.of(codes, np.ones(len(codes)), asked.placebo_items)
    few = min(people.control.sum(), people.treated.sum()) < 2 * SMALLEST
    return None if few else people.placebo(asked.placebo_share)


def reading(effects: Mapping[str, xr.Dataset]) -> str | None:
    """The first model with effects on support, of those of a study; None where there is none."""
    return next((n for n, drawn in effects.items() if {"sincere.level.0", "said.level.0"} & {*drawn.data_vars}), None)


def told(inputs: Inputs, model: str, effects: xr.Dataset, rounding: Rounding) -> dict[str, Any]:
    """What a page says of the questions on support.

    Parameters
    ----------
    model : one that reads them; effects : of it, as `findings.estimate` gives them.
    rounding : question and group -> how its shares are told; see :class:`largesse.headcount.Headcount`.

    Returns
    -------
    `asked`, the roles of the questions; `groups`: for everyone, and those with and without a gift, what each question
    says by itself (`step`: what the share of a yes is rounded to; `se` None where it would tell how many answered); of
    a list also `held` (the test of its design), `negative` (whether some type of people has a negative share), and
    where they may be told `types` (shares and standard errors) and `ends` (shares of counts that give an answer away),
    both rounded to `step`; of a placebo list beside it `placebo`, what it loses, and prevalence by the difference in
    means with that made good; `parts`, of each effect on what is said (:func:`belief.told`). No group in which fewer
    than ten people were asked in some arm.
    """
    cells = inputs.cells[model]
    roles = [role for role in (LIST, DIRECT, RANDOMISED) if asked(cells, role)]
    about: dict[str, Any] = {"asked": roles, "groups": list(_groups(cells, roles, rounding))}
    if LIST in roles:
        about |= _list(counts(cells), held(inputs, model), rounding.get((LIST, "everyone")))
        about |= {"placebo": _made_good(counts(cells), found)} if (found := placebo(inputs)) else {}
    return about | {"parts": belief.told(effects, inputs.study.estimands.interval)}


def _groups(cells: Cells, roles: list[str], rounding: Rounding) -> Iterator[dict[str, Any]]:
    for name, gifts in GROUPS.items():
        said = {role: found for role in roles if (found := SAYS[role](cells, gifts, rounding.get((role, name))))}
        if said:
            yield {"group": name, **said}


def _counted(cells: Cells, gifts: tuple[int, ...], _how: tuple[float, bool] | None) -> dict[str, Any]:
    """Prevalence by the difference in means; one number of two lists, which pins no count of either."""
    people = counts(cells, gifts)
    if min(people.control.sum(), people.treated.sum()) < 2 * SMALLEST:
        return {}
    found = people.difference()
    return {"mean": round(found.mean, 3), "se": round(found.se, 3), "detectable": round(found.detectable, 3)}


def _share(cells: Cells, gifts: tuple[int, ...], how: tuple[float, bool] | None, role: str = DIRECT) -> dict[str, Any]:
    """Share of a yes, and the standard error of the share as it is rounded: that of the exact one would tell it."""
    answer, people = part(cells, role)["answer"].to_numpy()[:, 0], cells["people"].to_numpy()
    among = np.isin(cells["gift"].to_numpy(), gifts) & (answer >= 0)
    n = people[among].sum()
    if n < 2 * SMALLEST or how is None:
        return {}
    (step, sized), yes = how, float(people[among] @ answer[among] / n)
    mean = rounded(yes, step)
    se = round(float(np.sqrt(mean * (1 - mean) / n)), 4) if sized else None
    return {"mean": mean, "se": se, "step": step}


def _randomised(cells: Cells, gifts: tuple[int, ...], how: tuple[float, bool] | None) -> dict[str, Any]:
    """Prevalence by the share of a yes, less what the design makes people say."""
    no, yes = map(float, cells["yes"].to_numpy())
    said = _share(cells, gifts, how, RANDOMISED)
    if not said:
        return {}
    se = None if said["se"] is None else round(said["se"] / abs(yes - no), 4)
    return {"mean": round((said["mean"] - no) / (yes - no), 4), "se": se, "step": said["step"]}


SAYS: Final[Mapping[str, Callable[[Cells, tuple[int, ...], tuple[float, bool] | None], dict[str, Any]]]] = {
    LIST: _counted,
    DIRECT: _share,
    RANDOMISED: _randomised,
}


def _made_good(people: Counts, found: Placebo) -> dict[str, Any]:
    """What a placebo list loses, and what the list of the sensitive item would tell, did it lose as much."""
    plain = people.difference()
    made_good = {"mean": round(plain.mean + found.lost, 3), "se": round(float(np.hypot(plain.se, found.se)), 3)}
    return {"lost": round(found.lost, 3), "se": round(found.se, 3), "p": round(found.p, 4), "made_good": made_good}


def _list(people: Counts, design: Held, how: tuple[float, bool] | None) -> dict[str, Any]:
    """What a list says of its own design; standard errors in whole points, for finer ones would tell the shares."""
    types = people.types()
    about = {"held": {name: round(value, 4) for name, value in design._asdict().items()},
             "negative": bool((types.share.round(2) < 0).any())}  # fmt: skip
    if how is None:
        return about
    step, _ = how
    shares = {"share": [[rounded(v, step) for v in row] for row in types.share.tolist()],
              "se": types.se.round(2).tolist()}  # fmt: skip
    return about | {
        "step": step,
        "types": shares,
        "ends": {name: rounded(value, step) for name, value in people.ends().items()},
    }
