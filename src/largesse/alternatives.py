"""Alternatives: what the effects on reported loyalty would be, did people face something else than the fit's exposure.

Exposure is data of the compiled model, so one compile serves every map. All effects compare the two shares that the
fit's own effects compare.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from largesse import findings
from largesse.fits import Fit
from largesse.inputs import Inputs, assemble
from largesse.models.contract import NODES, Model
from largesse.sensitivity import SAMPLER, told
from largesse.store import write_json
from largesse.study import MapName, Sampler

log = logging.getLogger(__name__)

OUTCOME: Final = "loyalty"
SHOWN: Final = ("direct", "spillover", "total", "overall")


@dataclass(frozen=True)
class Under:
    """What the fit under one map of exposure says.

    Attributes
    ----------
    map : its name in `study.toml`.
    effects : contrast -> `mean`, `sd`, `lower`, `upper`, as shares of the outcome's range, and `extrapolation`: why it
        needs a share that nobody faced, or nothing.
    reliability : of what people face; see :func:`largesse.exposure.reliability`.
    alone : how many respondents have no other of their group, and face their district's rate instead.
    settled : whether the chains agree on the effects.
    """

    map: MapName
    effects: Mapping[str, Mapping[str, Any]]
    reliability: float
    alone: int
    settled: bool


@dataclass(frozen=True)
class Alternatives:
    """The effects under each further map that a study names.

    Attributes
    ----------
    maps : in the study's order.
    """

    maps: tuple[Under, ...]

    def save(self, path: Path) -> None:
        """Write JSON, atomically, readable by the owner alone."""
        write_json(path, asdict(self), private=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was stored."""
        table = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(Under(**row) for row in table["maps"]))


def alternatives(
    model: Model,
    inputs: Inputs,
    sample: Callable[..., Fit],
    nodes: int = NODES[0],
    sampler: Sampler = SAMPLER,
) -> Alternatives:
    """Fit a model under each further map of exposure that its study names.

    Parameters
    ----------
    model, inputs : a model of reported loyalty, and the study.
    sample : what draws from a posterior, called like :func:`largesse.sampling.fit`.
    nodes : points of the quadrature over the disposition, as many as the fit itself needed.
    """
    found = []
    for name in inputs.study.exposure.also:
        log.info("%s: exposure %r in place of %r", model.name, name, inputs.study.exposure.map)
        here = facing(name, model, inputs)
        cells, priors, seed = here.cells[model.name], here.priors[model.name], inputs.study.seed
        fit = sample(model, cells, priors, sampler, seed=seed, nodes=nodes, attempt=1)
        found.append(under(fit, model, here))
    return Alternatives(tuple(found))


def facing(name: MapName, model: Model, inputs: Inputs) -> Inputs:
    """The study with another map of exposure, its effects at the shares that they are at under the study's own map."""
    compared, study = findings.Compared.of(inputs, inputs.cells[model.name]), inputs.study
    exposure = study.exposure.model_copy(update={"map": name})
    estimands = study.estimands.model_copy(update={"coverage": (compared.low, compared.high)})
    asked = study.model_copy(update={"exposure": exposure, "estimands": estimands})
    return assemble(asked, inputs.survey, inputs.models, inputs.priors, None)


def under(fit: Fit, model: Model, inputs: Inputs) -> Under:
    """What a fit says of everyone's reported loyalty, under the map of its study."""
    compared = findings.Compared.of(inputs, inputs.cells[model.name])
    found, settled = told(fit, model, inputs, [f"{OUTCOME}.{contrast}" for contrast in SHOWN])
    contrasts = {name.partition(".")[2]: numbers for name, numbers in found.items()}
    effects = {c: {**numbers, "extrapolation": compared.extrapolation(c)} for c, numbers in contrasts.items()}
    exposure = inputs.design.exposure
    name, reliability = inputs.study.exposure.map, float(exposure.coverage.reliability)
    return Under(name, effects, reliability, exposure.alone, settled)
