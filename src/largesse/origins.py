"""Origins: where each number of `results.json` comes from: which files, worked out by which modules, and as what.

A place in the file is a JSON pointer (RFC 6901): `/estimates/5/mean`, `/survey/kept`. Pages carry the pointers of their
numbers; :func:`find` also knows estimates by key (`loyalty.direct`) and parameters by model and key (`joint.direct`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Final, NamedTuple

from largesse.errors import InputError
from largesse.results import Dropped, DroppedTerm, Estimate, Results, Verdict

PRIVATE, DATA = r"_private/", r"(?!_private/|models/|study\.toml|references\.bib).*"
FILES: Final[Mapping[str, str]] = {  # what a number is made from -> a pattern of names of artefacts
    "study": r"study\.toml",
    "data": DATA,
    "fit": PRIVATE + r"fit-{model}-.*",
    "audit": PRIVATE + r"audit-{model}-.*",
    "curve": PRIVATE + r"tipping-.*",
    "short fits": PRIVATE + r"(maps|terms|places|borrowed)-.*",
    "card": r"models/{model}/card\.md",
    "priors": r"models/\w+/priors\.toml",
    "certificate": r"models/{model}/calibration/.*",
}


class Origin(NamedTuple):
    """What is at places of a kind: how their pointers begin, what it is made from, by which module, and as what."""

    at: str
    files: tuple[str, ...]
    by: str
    how: str

    @property
    def place(self) -> str:
        """How the pointers begin, as people write it."""
        return self.at.replace("[^/]+", "…").replace(r"\d+", "…")


DRAWS: Final = ("fit", "data")
ORIGINS: Final = (  # the first that fits counts
    Origin("/study/coverage", ("study", "data"), "findings", "the two shares compared: the study's, else quantiles"),
    Origin("/study", ("study",), "study", "as the study says"),
    Origin("/made", ("study",), "provenance", "this package, its engines, the day, and the fingerprint of all inputs"),
    Origin("/survey", ("study", "data"), "survey", "counts and words of the survey as it was read"),
    Origin(r"/models/[^/]+/parameters/\d+/prior", ("priors", "study"), "priors", "as the prior set says"),
    Origin(r"/models/[^/]+/parameters/\d+/prior_sd", ("priors",), "record", "sd of 1,000 joint draws from the priors"),
    Origin(r"/models/[^/]+/parameters/\d+/contraction", ("priors", "fit"), "record",
           "share of the prior's variance that the data removed"),
    Origin("/models/[^/]+/parameters", ("fit",), "record", "all draws of one unknown, summarised"),
    Origin("/models/[^/]+/certificate", ("certificate",), "certificate", "as calibration left it"),
    Origin("/models/[^/]+/loo", ("audit",), "audit", "leave-one-out, by Pareto-smoothed importance sampling"),
    Origin("/models/[^/]+/(equations|not_identified|would_break)", ("card",), "record", "as the model card says"),
    Origin("/models/[^/]+/respondents", ("data",), "cells", "respondents whom the likelihood reads"),
    Origin("/models", ("fit",), "record", "what made the draws"),
    Origin("/verdicts", ("audit",), "audit", "a gate asked of the fit"),
    Origin("/estimates", DRAWS, "findings", "for every draw, averaged over the frame and the disposition"),
    Origin("/dropped", ("data", "study"), "survey", "answers that did not enter"),
    Origin("/dropped_terms", ("data", "study"), "parameters", "terms that the design cannot inform"),
    Origin("/figures/predictive", ("audit",), "predictive", "shares observed, and in data drawn from the fit"),
    Origin("/figures/coverage", ("data",), "exposure", "share receiving, by district and wave"),
    Origin("/figures/plain", ("data",), "comparison", "a weighted regression with a design-based standard error"),
    Origin("/figures/tipping", ("curve", "data"), "sensitivity", "the headline at each favour, by short fits"),
    Origin("/figures/alternatives/own", DRAWS, "alternatives", "the effects as the study takes things"),
    Origin("/figures/(alternatives|borrowed)", ("short fits", "fit"), "alternatives",
           "the effects were one thing taken otherwise, by short fits"),
    Origin("/figures/priors", (*DRAWS, "priors"), "reweighting", "effects under other priors, by weighting draws"),
    Origin("/figures", DRAWS, "record", "worked out from draws and data"),
    Origin("/truth", DRAWS, "record", "true values of a synthetic study, against intervals of the draws"),
    Origin("/artefacts", (), "store", "SHA-256 of the file's bytes"),
)  # fmt: skip
CONTRASTS: Final[Mapping[str, str]] = {  # Y(z; c): mean outcome over the frame, own gift z, coverage c
    "direct": "Y(1; high) \N{MINUS SIGN} Y(0; high)",
    "spillover": "Y(0; high) \N{MINUS SIGN} Y(0; low)",
    "total": "Y(1; high) \N{MINUS SIGN} Y(0; low)",
    "overall": "[c Y(1; c) + (1 \N{MINUS SIGN} c) Y(0; c)] at c = high, less the same at c = low",
    "level": "Y(0; high) or Y(1; high); of receipt, the chance of a gift",
    "top": "mean chance of a gift in the quarter with most standing",
    "bottom": "mean chance of a gift in the quarter with least standing",
    "selectivity": "under offices' own choice, less under lots for the same gifts; of receipt, top less bottom",
    "gini": "Gini coefficient of the chances of a gift",
    "policy": "under the policy, less under that it is compared with, as many gifts in each office",
}


@dataclass(frozen=True)
class Traced:
    """A place in `results.json`, and where what stands there comes from.

    Attributes
    ----------
    pointer, value : the place, and what stands there.
    how : what it is, in words or as an expression.
    by : the module that works it out.
    artefacts : name -> SHA-256 of each file behind it, as the results have them.
    """

    pointer: str
    value: Any
    how: str
    by: str
    artefacts: Mapping[str, str]


def trace(results: Results, key: str) -> Traced:
    """Where one number, or a row of them, comes from.

    Errors
    ------
    InputError
        when nothing in the results has that key or pointer; names the nearest key.
    """
    pointer = find(results, key)
    found, model = _at(results, pointer), _model(results, pointer)
    value = asdict(found) if isinstance(found, Estimate | Verdict | Dropped | DroppedTerm) else found
    origin = next(row for row in ORIGINS if re.match(rf"{row.at}(/|$)", pointer))
    patterns = [FILES[kind].format(model=re.escape(model) if model else r"\w+") for kind in origin.files]
    behind = {n: sha for n, sha in results.artefacts.items() if any(re.fullmatch(p, n) for p in patterns)}
    return Traced(pointer, value, _how(results, pointer, origin), f"largesse.{origin.by}", behind)


def held(results: Results) -> list[Origin]:
    """The origins of what these results hold."""
    filled = {f"/{f.name}": getattr(results, f.name) for f in fields(results)}
    filled |= {f"/figures/{name}": table for name, table in results.figures.items()}
    places = [place for place, table in filled.items() if table]
    return [row for row in ORIGINS if any(re.match(f"{_head(row.at)}$", place) for place in places)]


def _head(at: str) -> str:
    """How a pattern begins: two steps of figures, one of all else."""
    steps = at.split("/")
    return "/".join(steps[: 3 if steps[1] == "figures" else 2])


def find(results: Results, key: str) -> str:
    """The pointer of a key: an estimate's, `<model>.<parameter>`, or a pointer already."""
    if key.startswith("/"):
        _at(results, key)
        return key
    places = {e.key: f"/estimates/{n}" for n, e in enumerate(results.estimates)}
    for model, about in results.models.items():
        places |= {f"{model}.{row['key']}": f"/models/{model}/parameters/{n}" for n, row in
                   enumerate(about["parameters"])}  # fmt: skip
    if key not in places:
        near = difflib.get_close_matches(key, places, n=3) or list(places)[:3]
        raise InputError.one("results.json", f"key '{key}'", "nothing of that name", f"perhaps {', '.join(near)}")
    return places[key]


def _at(results: Results, pointer: str) -> Any:
    """What stands at a pointer."""
    found: Any = results
    for step in pointer.split("/")[1:]:
        inside: Any = {f.name: getattr(found, f.name) for f in fields(found)} if is_dataclass(found) else found
        try:
            found = inside[int(step)] if isinstance(inside, list | tuple) else inside[_unescaped(step)]
        except (KeyError, IndexError, ValueError, TypeError):
            names = ", ".join(map(str, inside)) if isinstance(inside, Mapping) else "a place in a list"
            raise InputError.one("results.json", f"pointer '{pointer}'", f"no {step!r}", names) from None
    return found


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _model(results: Results, pointer: str) -> str:
    """The model that a place is of; empty where it is of all."""
    top, *rest = pointer.split("/")[1:]
    if top == "models":
        return rest[0] if rest else ""
    if top in ("estimates", "verdicts") and rest:
        return str(_at(results, f"/{top}/{rest[0]}/model"))
    return ""


def _how(results: Results, pointer: str, origin: Origin) -> str:
    if not (match := re.match(r"/estimates/(\d+)", pointer)):
        return origin.how
    e: Estimate = results.estimates[int(match[1])]
    formula = CONTRASTS.get(e.contrast.partition(".")[0], "")
    low, high = results.study["coverage"] or (None, None)
    at = f", with low = {low:g} and high = {high:g}" if high is not None and "high" in formula else ""
    return "; ".join(part for part in (e.label, f"{formula}{at}" if formula else "", origin.how) if part)
