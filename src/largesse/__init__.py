"""largesse: Bayesian models of selective gift distribution.

Public names are imported from their modules when first used, so that `import largesse` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # the same names as in HOME, for type checkers and editors; a test compares the two
    from largesse.calibration import calibrate as calibrate
    from largesse.cells import Cells as Cells
    from largesse.cells import collapse as collapse
    from largesse.diagnostics import diagnose as diagnose
    from largesse.errors import InputError as InputError
    from largesse.errors import LargesseError as LargesseError
    from largesse.errors import Problem as Problem
    from largesse.errors import StaleError as StaleError
    from largesse.findings import estimate as estimate
    from largesse.fits import Fit as Fit
    from largesse.inputs import Inputs as Inputs
    from largesse.judgement import judge as judge
    from largesse.planning import plan as plan
    from largesse.priors import Prior as Prior
    from largesse.priors import PriorSet as PriorSet
    from largesse.replicate import Specification as Specification
    from largesse.report.render import render as render
    from largesse.results import Estimate as Estimate
    from largesse.results import Results as Results
    from largesse.results import Verdict as Verdict
    from largesse.sampling import fit as fit
    from largesse.study import Study as Study
    from largesse.survey import Survey as Survey
    from largesse.survey import read_survey as read_survey
    from largesse.synthetic import World as World
    from largesse.synthetic import simulate as simulate
    from largesse.workflow import check as check
    from largesse.workflow import run as run

    __version__: str

HOME: Final = {
    "Cells": "cells",
    "Estimate": "results",
    "Fit": "fits",
    "InputError": "errors",
    "Inputs": "inputs",
    "LargesseError": "errors",
    "Prior": "priors",
    "PriorSet": "priors",
    "Problem": "errors",
    "Results": "results",
    "StaleError": "errors",
    "Specification": "replicate",
    "Study": "study",
    "Survey": "survey",
    "Verdict": "results",
    "World": "synthetic",
    "calibrate": "calibration",
    "check": "workflow",
    "collapse": "cells",
    "diagnose": "diagnostics",
    "estimate": "findings",
    "fit": "sampling",
    "judge": "judgement",
    "plan": "planning",
    "read_survey": "survey",
    "render": "report.render",
    "run": "workflow",
    "simulate": "synthetic",
}
"""Each public name and the module it lives in. No name may equal a module's: the module would take its place."""

__all__ = [*HOME, "__version__"]  # noqa: PLE0604  (names are strings, which ruff cannot see through HOME)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("largesse")
    if name not in HOME:
        raise AttributeError(f"module 'largesse' has no attribute {name!r}")
    value = getattr(import_module(f"largesse.{HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
