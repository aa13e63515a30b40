"""A model of this package as nutpie is given it: compiled, with the data of a survey in the place of its zeros."""

from __future__ import annotations

from typing import Any

from largesse.cells import Cells
from largesse.models.contract import Model
from largesse.priors import PriorSet
from largesse.sampling import _swappable, compiled


def ready(model: Model, cells: Cells, priors: PriorSet) -> Any:
    """Compiled, with what a fit puts in before its short run: pooled effects are centred as far as is guessed."""
    made = compiled(model, cells, priors)
    known = {v.name for v in made.shared_var_keys}
    return made.with_data(**_swappable({**model.data(cells), **priors.data}, known))
