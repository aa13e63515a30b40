"""Faults between a survey and the likelihood: people are as the model says, what is read of them is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from largesse.cells import Cells
from largesse.inputs import Inputs
from largesse.synthetic import DONT_KNOW


def missing_as_lowest(right: Any) -> Any:
    """Who does not know is counted among those who gave the lowest answer."""

    def read(synthetic: Any, *rest: Any) -> Inputs:
        lowest = {item: {DONT_KNOW: levels[0]} for item, levels in synthetic.world.items.items()}
        return right(replace(synthetic, survey=synthetic.survey.replace(lowest)), *rest)

    return read


def passed_over_as_denominator(right: Any) -> Any:
    """Coverage is receivers by those passed over, not by all."""

    def divided(cells: Cells) -> Cells:
        center = cells.attrs["coverage_center"]
        rate = cells["coverage"] + center
        return cells.assign(coverage=rate / (1 - rate) - center)

    return lambda *given: _with_cells(right(*given), divided)


def own_gift_left_in(right: Any) -> Any:
    """Coverage is the sample's receipt rate with the respondent's own gift in it, though the district file has it."""

    def read(synthetic: Any, *rest: Any) -> Inputs:
        rate = synthetic.survey.groupby(["district", "wave"])["gift"].mean().rename("coverage")
        places = synthetic.districts.drop(columns="coverage").join(rate, on=["district", "wave"])
        return right(replace(synthetic, districts=places), *rest)

    return read


def _with_cells(inputs: Inputs, change: Callable[[Cells], Cells]) -> Inputs:
    return replace(inputs, cells={model: change(cells) for model, cells in inputs.cells.items()})


# --- nothing wrong ---------------------------------------------------------------------------------------------------


def districts_relabelled(right: Any) -> Any:
    """Districts bear one another's names, and the truth with them."""

    def read(synthetic: Any, *rest: Any) -> Inputs:
        names = synthetic.world.district_names
        other = {"district": dict(zip(names, reversed(names), strict=True))}
        truth = {
            model: {p: v[::-1] if p.startswith("district_") and np.ndim(v) else v for p, v in theta.items()}
            for model, theta in synthetic.truth.items()
        }
        survey, places = synthetic.survey.replace(other), synthetic.districts.replace(other)
        return right(replace(synthetic, survey=survey, districts=places, truth=truth), *rest)

    return read


def zero_counts_kept(right: Any) -> Any:
    """Patterns of answers that nobody gave are listed with count 0, where the reader omits them."""

    def padded(cells: Cells) -> Cells:
        nobody = {name: cells[name] * 0 for name in ("count", "people")}
        others = cells.assign(**nobody, answer=(cells["answer"] + 1) % cells["answers"])
        per_cell = [name for name, values in cells.data_vars.items() if "cell" in values.dims]
        doubled = {
            name: (cells[name].dims, np.concatenate([cells[name].to_numpy(), others[name].to_numpy()]))
            for name in per_cell
        }
        return cells.drop_vars(per_cell).assign(doubled)

    return lambda *given: _with_cells(right(*given), padded)
