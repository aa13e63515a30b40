"""What a model is: a frozen record of tables and functions; and how its priors become PyMC variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from largesse import centring, dims
from largesse.cells import QUESTIONS, Cells, lacks, part
from largesse.models import blocks
from largesse.parameters import SUFFIX, Parameter, Together, active
from largesse.priors import Prior, PriorSet
from largesse.provenance import meaning
from largesse.resources import models_folder
from largesse.results import DroppedTerm
from largesse.store import fingerprint

Array = np.ndarray[Any, Any]
Data = Mapping[str, Any]
Variables = Mapping[str, Any]

FEW: Final = 100  # people behind each element of a pooled effect, up to which standard deviates are sampled
CENTRING: Final = "_centring"  # after the name of an effect: the datum that says how far it is centred
NODES: Final = (21, 31, 61)  # quadrature starts at the first and rises by rule; see `diagnostics.quadrature`


class Twin(Protocol):
    """The NumPy side of a model: a module of `largesse.simulators`. Draws come first, [draw, row]."""

    def loglik(self, theta: Mapping[str, Array], cells: xr.Dataset, nodes: tuple[Array, Array]) -> Array:
        """[draw, cell] log-likelihood of one respondent of each cell."""

    def predict(
        self, theta: Mapping[str, Array], rows: xr.Dataset, gift: Array, coverage: Array, nodes: tuple[Array, Array]
    ) -> dict[str, Array]:
        """Outcome -> [draw, row] expected outcome under own gift and centred coverage."""

    def answer(self, theta: Mapping[str, Array], rows: xr.Dataset, rng: np.random.Generator) -> dict[str, Array]:
        """Column -> [row] simulated answers."""

    def answers(self, cells: xr.Dataset) -> dict[str, tuple[int, ...]]:
        """Dimension of cutpoints -> number of answers of each item behind it."""


class Allocation(Twin, Protocol):
    """The twin of a model that explains who receives."""

    def receipt(self, theta: Mapping[str, Array], rows: xr.Dataset, nodes: tuple[Array, Array]) -> Array:
        """[draw, row] probability of receiving."""

    def standing(self, theta: Mapping[str, Array], rows: xr.Dataset) -> Array:
        """[draw, row] standing x'gamma."""


@dataclass(frozen=True)
class Model:
    """One model, shipped or third-party.

    Attributes
    ----------
    name : of its file, its folder under `models/` and its twin.
    question : what it answers, in one sentence.
    outcomes : the study roles whose columns it explains, and cannot do without.
    predicts : outcome name -> label, as `twin.predict` returns them.
    prefixes : outcome name -> what the names of its parameters begin with; nothing unless given.
    parameters : every unknown it can have; a design may inform fewer (:meth:`active`).
    arrays : (cells, nodes) -> everything that is `pm.Data`, swappable without compiling.
    likelihood : (variables, data, cells) -> log probability of one respondent of each cell.
    twin : the NumPy implementation.
    optional : further roles whose columns it explains where a study has them.
    assumes : settings of `[effects]` that it reads as data (see :class:`~largesse.study.Effects`).
    adaptation : how nutpie learns the scales of the posterior: `low_rank`, or `diag`.
    folder : its resources (card, priors, certificate).
    """

    name: str
    question: str
    outcomes: tuple[str, ...]
    predicts: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    arrays: Callable[[Cells, int], dict[str, Array]]
    likelihood: Callable[[Variables, Data, Cells], Any]
    twin: Twin
    sources: tuple[str, ...]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    adaptation: str = "low_rank"  # twice the effective draws per second of "diag" on ordinal models with districts
    folder: Path | None = None

    @property
    def resources(self) -> Path:
        """The folder of `card.md` and `priors.toml`."""
        return self.folder or models_folder() / self.name

    def priors(self) -> PriorSet:
        """The shipped prior set, held against `parameters`."""
        shipped = PriorSet.read(self.resources / "priors.toml")
        shipped.check(self.parameters)
        return shipped

    def active(self, cells: Cells) -> tuple[tuple[Parameter, ...], tuple[DroppedTerm, ...]]:
        """The parameters this design informs, and those it cannot with the reason."""
        return active(self.name, self.parameters, lacks(cells))

    def centring(self, cells: Cells) -> dict[str, float]:
        """Pooled effect -> how far to centre it when nothing was drawn yet, where enough people tell it.

        None are among them that others are mixed with.
        """
        kept, _ = self.active(cells)
        mixed = {name for p in kept if p.together for name in p.together.effects}
        behind = {p.name: _people_behind(p, cells) for p in kept if p.construct == "pooled" and p.name not in mixed}
        return {name: centring.guess(people) for name, people in behind.items() if people > FEW}

    def realised(self, cells: Cells) -> tuple[Parameter, ...]:
        """The parameters that this design informs, as they are sampled."""
        centred, (kept, _) = self.centring(cells), self.active(cells)
        return tuple(replace(p, construct="partly_centred") if p.name in centred else p for p in kept)

    def data(self, cells: Cells, nodes: int = NODES[0]) -> dict[str, Array]:
        """All data of a built model but what its priors bring."""
        shares = {name + CENTRING: np.asarray(share) for name, share in self.centring(cells).items()}
        return {**self.arrays(cells, nodes), **shares}

    def build(self, cells: Cells, priors: PriorSet, nodes: int = NODES[0]) -> pm.Model:
        """A plain `pm.Model` of these cells, free for anyone to extend.

        Every count, index and covariate is `pm.Data`; no stored variable has a cell-shaped dimension; the
        likelihood is the observed variable `answers`, whose log probability is count times log p, cell by cell. What is
        borrowed is one potential beside the priors; nothing is added where nothing is.
        """
        kept = self.realised(cells)
        with pm.Model(coords=coords(cells, self.twin)) as model:
            data = {name: pm.Data(name, values) for name, values in self.data(cells, nodes).items()}
            variables = realise(kept, priors, self.twin.answers(cells))
            blocks.lend(kept, priors, variables)
            logp = self.likelihood(variables, data, cells)
            pm.CustomDist("answers", logp, logp=_count_logp, observed=data["count"])
        return model

    @property
    def fingerprint(self) -> str:
        """Of everything that defines the posterior: its source without comments and docstrings."""
        return fingerprint([meaning(Path(source).read_text(encoding="utf-8")) for source in self.sources])


def _count_logp(count: Any, logp: Any) -> Any:
    return count * logp


def coords(cells: Cells, twin: Twin) -> dict[str, list[str]]:
    """Coordinates of every parameter: districts, waves, covariates, items, cutpoints. Never cells."""
    named = (dims.DISTRICT, dims.WAVE, dims.COVARIATE, dims.MODIFIER)
    out = {d: [str(v) for v in cells[d].to_numpy()] for d in named if cells.sizes[d]}
    items = {d: [str(v) for v in part(cells, role)[dims.ITEM].to_numpy()] for d, role in QUESTIONS.items()}
    out |= {d: names for d, names in items.items() if names}
    owners = {dims.CUT: items[dims.ITEM], f"before_{dims.CUT}": items[dims.BEFORE]}
    for dim, answers in twin.answers(cells).items():
        named_by = owners.get(dim) or [dim.removesuffix(f"_{dims.CUT}")] * len(answers)
        out[dim] = [f"{item}: {c}|{c + 1}" for item, n in zip(named_by, answers, strict=True) for c in range(1, n)]
    out["free_item"] = items[dims.ITEM][1:]
    return out


DISTRIBUTIONS: Final[Mapping[str, Any]] = {
    "Normal": pm.Normal,
    "StudentT": pm.StudentT,
    "ZeroSumNormal": pm.ZeroSumNormal,
    "HalfNormal": pm.HalfNormal,
    "Exponential": pm.Exponential,
    "Gamma": pm.Gamma,
    "LogNormal": pm.LogNormal,
}


def realise(parameters: tuple[Parameter, ...], priors: PriorSet, answers: Mapping[str, tuple[int, ...]]) -> Variables:
    """The PyMC variables of `parameters` under `priors`, by name; call inside a `pm.Model`."""
    made: dict[str, Any] = {}
    for p in parameters:
        made[p.name] = CONSTRUCTS[p.construct](p, priors[p.name], made, answers)
    return made


STANDARD: Final = {"mu": 0.0, "sigma": 1.0}  # where deviates stand before they are given their place and scale


def _effect(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    return DISTRIBUTIONS[prior.distribution](p.name, **prior.resolved(made), dims=p.dims or None)


def _people_behind(p: Parameter, cells: Cells) -> float:
    """How many respondents each element of a parameter has, were they spread evenly."""
    return float(cells["count"].sum()) / prod(cells.sizes[dim] for dim in p.dims)


def _pooled(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    """Standard deviates times their sd: what few data inform mixes best this way (Betancourt & Girolami 2015)."""
    arguments = prior.resolved(made)
    deviates = _deviates(p, prior, made)
    return pm.Deterministic(p.name, arguments.get("mu", 0.0) + arguments["sigma"] * deviates, dims=p.dims)


def _partly_centred(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    """Deviates that keep a power of their sd, times what is left of it: see :mod:`largesse.centring`."""
    arguments, share = prior.resolved(made), pm.modelcontext(None)[p.name + CENTRING]
    kept = arguments | {"mu": 0.0, "sigma": arguments["sigma"] ** share}
    known = {name: kept[name] for name in prior.arguments}
    deviates = DISTRIBUTIONS[prior.distribution](p.free, **known, dims=p.dims)
    rest = arguments["sigma"] ** (1 - share)
    return pm.Deterministic(p.name, arguments.get("mu", 0.0) + rest * deviates, dims=p.dims)


def _deviates(p: Parameter, prior: Prior, made: Variables) -> Any:
    standard = prior.resolved(made) | STANDARD
    known = {name: standard[name] for name in prior.arguments}
    return DISTRIBUTIONS[prior.distribution](p.free, **known, dims=p.dims)


def _correlated(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    """Standard deviates, mixed with those of the effects before by a row of a Cholesky factor (Joe 2006), times an sd.

    The standard deviates are what is sampled: 24 districts of 80 people say little of a correlation, and sampling the
    mixed deviates needed as many draws for the same precision and a distribution of our own.
    """
    together, model = cast("Together", p.together), pm.modelcontext(None)
    mean, left = 0.0, 1.0
    for effect, name in zip(together.effects, together.partials[-1], strict=True):
        mean = mean + left * made[name] * model[effect + SUFFIX[p.construct]]
        left = left * pt.sqrt(1 - made[name] ** 2)
    mixed = mean + left * _deviates(p, prior, made)
    return pm.Deterministic(p.name, prior.resolved(made)["sigma"] * mixed, dims=p.dims)


def _correlation(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    a = prior.resolved(made)["concentration"]
    return pm.Deterministic(p.name, 2 * pm.Beta(p.free, alpha=a, beta=a) - 1)


def _cutpoints(p: Parameter, prior: Prior, _made: Variables, answers: Mapping[str, tuple[int, ...]]) -> Any:
    """Cutpoints of a respondent whose answers have Dirichlet probabilities at predictor 0.

    Stick-breaking: the share of answer j among answers j and above is Beta(a, a (n - j)), independently; so one
    flat vector serves items with different numbers of answers. With S the share above a cut, cut = log((1 - S) / S).
    """
    sizes = answers[p.dims[0]]
    a = prior.resolved({})["concentration"]
    rest = np.concatenate([np.arange(n - 1, 0, -1) for n in sizes])
    stick = pm.Beta(p.free, alpha=a, beta=a * rest, dims=p.dims)
    log_above = pt.matmul(_running(sizes), pt.log1p(-stick))
    return pm.Deterministic(p.name, pt.log(pt.expm1(-log_above)), dims=p.dims)


def _running(sizes: tuple[int, ...]) -> Array:
    """[cut, cut] matrix of running sums within each item."""
    item = np.repeat(np.arange(len(sizes)), np.asarray(sizes) - 1)
    return np.asarray(np.tril(item[:, None] == item[None, :]), dtype=float)


def _discrimination(p: Parameter, prior: Prior, made: Variables, _answers: Any) -> Any:
    """The first item sets the scale: its discrimination is 1."""
    free = DISTRIBUTIONS[prior.distribution](p.free, **prior.resolved(made), dims="free_item")
    whole = pt.concatenate([np.ones(1), free])  # type: ignore[no-untyped-call]  # PyTensor has types for half its functions
    return pm.Deterministic(p.name, whole, dims=p.dims)


CONSTRUCTS: Final = {
    "effect": _effect,
    "zero_sum": _effect,
    "pooled": _pooled,
    "partly_centred": _partly_centred,
    "correlated": _correlated,
    "correlation": _correlation,
    "cutpoints": _cutpoints,
    "discrimination": _discrimination,
}
