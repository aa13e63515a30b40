"""A mutant: one attribute of the package replaced by a wrong version of it, and what is expected of the fault."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from mutants.worlds import DESIGNS

from largesse import replicate, sampling
from largesse.provenance import meaning
from largesse.replicate import Specification
from largesse.store import fingerprint

JUDGES: Final = ("mutant.py", "catchers.py", "crowd.py")  # what is behind a row beside its mutant
_compiled_by: dict[str, dict[str, Any]] = {}  # mutant -> models compiled under it, kept apart from the right ones


class Catcher(StrEnum):
    """What may see a fault."""

    RANKS = "ranks"
    PRIOR = "prior transform"
    EQUALITY = "NumPy/PyMC equality"
    ORACLE = "estimand oracle"
    NONE = "none: equivalent"


class Size(NamedTuple):
    """The smallest fault of a kind that is found with probability .9; named before anything is judged.

    `shift`: posteriors off by so many sd; `narrow`, `wide`: z-scores as if posteriors (or priors) were too narrow or
    too wide by that factor; `relative`: difference of log-likelihoods; `standard errors`: of the people simulated.
    """

    kind: str
    value: float


@dataclass(frozen=True)
class Mutant:
    """One wrong version of the package, or an equivalent one.

    Attributes
    ----------
    wrong : (the right object) -> the wrong one. Its name is the mutant's, its docstring says what is wrong.
    at : the attribute that it replaces, below `largesse`. One side alone is patched: a fault that simulator and model
        share leaves ranks uniform.
    design : key of `DESIGNS`.
    expected : the catcher named beforehand.
    smallest : what that catcher can find.
    replicates : how many are judged; 0 where neither ranks nor truths are asked.
    recompiles : whether the graph that PyMC compiles is another one, not only its data.
    """

    wrong: Callable[[Any], Any]
    at: str
    design: str
    expected: Catcher
    smallest: Size | None = None
    replicates: int = 0
    recompiles: bool = False

    @property
    def name(self) -> str:
        """That of the function."""
        return self.wrong.__name__

    @property
    def fault(self) -> str:
        """The first line of the function's docstring."""
        return (self.wrong.__doc__ or "").strip().splitlines()[0]

    @property
    def equivalent(self) -> bool:
        """Whether nothing is wrong."""
        return self.expected is Catcher.NONE

    @cached_property
    def source(self) -> str:
        """What it replaces by what, without comments and docstrings."""
        return f"{self.at}\n{meaning(inspect.getsource(self.wrong))}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The package with this fault in it."""
        module, _, attribute = self.at.rpartition(".")
        home = import_module(f"largesse.{module}")
        right, compiled = getattr(home, attribute), sampling._compiled
        setattr(home, attribute, self.wrong(right))
        if self.recompiles:
            sampling._compiled = _compiled_by.setdefault(self.name, {})
        try:
            yield
        finally:
            setattr(home, attribute, right)
            sampling._compiled = compiled


@dataclass(frozen=True)
class Trial:
    """A design with a mutant in it, or with none: a subject that `calibrate` makes replicates of.

    Attributes
    ----------
    fitted : whether data are fitted; without it a record holds only where the truths lie in their priors.
    """

    design: str
    mutant: Mutant | None = None
    fitted: bool = True

    @classmethod
    def of(cls, mutant: Mutant) -> Trial:
        """Its own; data are fitted where ranks are asked."""
        return cls(mutant.design, mutant, mutant.expected in (Catcher.RANKS, Catcher.NONE))

    @property
    def spec(self) -> Specification:
        """The design's."""
        return DESIGNS[self.design]

    @property
    def model(self) -> str:
        """What its folder and progress bar are called."""
        return self.mutant.name if self.mutant else f"right_{self.design}"

    @property
    def fingerprint(self) -> str:
        """Of the right model on this kind of processor, and of the fault."""
        return fingerprint(self.spec.fingerprint, self.mutant.source if self.mutant else "", self.fitted)

    @property
    def binding(self) -> str:
        """What its row of results holds for, on any processor: the right model, the fault, and those who judge."""
        judges = [meaning(Path(__file__).with_name(name).read_text(encoding="utf-8")) for name in JUDGES]
        about = [self.mutant.source, self.mutant.expected, self.mutant.replicates] if self.mutant else []
        return fingerprint(self.spec.binding, about, judges)

    def described(self) -> dict[str, Any]:
        """The design and the fault in words."""
        return {**self.spec.described(), "mutant": self.model, "at": self.mutant.at if self.mutant else ""}

    def replicate(self, number: int) -> dict[str, Any]:
        """Replicate `number` under the fault."""
        with self.mutated():
            if self.fitted:
                return self.spec.replicate(number)
            drawn = replicate.data(self.spec, number)
            return {"number": number, "status": "done", "redrawn": drawn.redrawn, "prior": drawn.prior}

    def mutated(self) -> Any:
        """The package with the fault, or as it is."""
        return self.mutant.applied() if self.mutant else nullcontext()
