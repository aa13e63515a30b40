"""Dossier: everything that a page about models may print: how their calibration stands, and what their priors say.

A page about models reads its dossier and nothing else, as a study's page reads `results.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from largesse import certificate
from largesse.errors import InputError
from largesse.implied import FILE, Implied, Limits, implied
from largesse.models.contract import Model
from largesse.parameters import Parameter
from largesse.priors import Prior, PriorSet
from largesse.results import Results
from largesse.uniformity import covered

PRIOR_FIELDS: Final = ("distribution", "arguments", "unit", "statement", "by", "date", "source", "alternatives")
LEARNT: Final = ("key", "mean", "sd", "lower", "upper", "prior_sd", "contraction", "symbol")
ROUNDED: Final = 1e-9  # shares are counts over replicates: one place that moved moves them by more


def calibrated(chosen: Iterable[Model]) -> dict[str, Any]:
    """How the calibration of models stands: every certificate of each, of the usual design first.

    Errors
    ------
    InputError
        when a certificate is not what its own ranks say: a coverage of it was altered, or a rank.
    """
    return {
        "largesse": version("largesse"),
        "models": {
            m.name: {"question": m.question, "certificates": [_proof(folder, worth) for folder, worth in _held(m)]}
            for m in chosen
        },
    }


def _held(model: Model) -> list[tuple[Path, dict[str, Any]]]:
    return [(folder, worth) for folder, worth in certificate.every(model.resources / "calibration")
            if worth["state"] != "none"]  # fmt: skip


def _proof(folder: Path, worth: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate: what it is worth now, its design, its summary, and all places in bins."""
    summary, spec = certificate.stored(folder, "summary"), certificate.stored(folder, "specification")
    _agree(folder, summary)
    rows = certificate.read_rows(folder / certificate.KINDS["place"])
    return {
        **worth,
        "seed": spec["seed"],
        "binding": summary["binding"],
        "world": spec["world"],
        "summary": {**summary, "renewed": [{"data": r["data"], "fits": r["fits"]} for r in summary.get("renewed", ())]},
        "diverging": sum(int(row["diverging"] or 0) > 0 for row in rows),
        **certificate.binned(folder),
    }


def _agree(folder: Path, summary: Mapping[str, Any]) -> None:
    """Refuse a summary whose coverages are not those of the ranks beside it."""
    places = certificate.read_places(folder / certificate.KINDS["place"])
    for row in summary["quantities"]:
        values = places.get(row["quantity"], np.array([]))
        found = {content: float(covered(values[:, None], float(content))[0]) for content in row["covered"]}
        if any(abs(found[content] - share) > ROUNDED for content, share in row["covered"].items()):
            said = ", ".join(f"{share:g}" for share in row["covered"].values())
            expected = f"{', '.join(f'{share:g}' for share in found.values())}, as the places in ranks.csv say"
            raise InputError.one(folder / "summary.json", f"coverage of '{row['quantity']}'", said, expected)


def believed(
    chosen: Iterable[Model], sets: Mapping[str, PriorSet], limits: Mapping[str, Limits], results: Results | None = None
) -> dict[str, Any]:
    """What the priors of models say: in words, with their sources, in shares and points, and against a posterior.

    Parameters
    ----------
    sets, limits : by model: its priors, of a study where one has its own, and what they may imply.
    results : of a study, whose posterior stands beside its priors.
    """
    return {
        "largesse": version("largesse"),
        "study": None if results is None else {**results.study, "date": results.made["date"]},
        "models": {
            m.name: {
                "question": m.question,
                "priors": [_prior(p, sets[m.name][p.name]) for p in m.parameters],
                "implied": [_implied(row) for row in implied(m, sets[m.name], limits[m.name])],
                "world": limits[m.name].world.model_dump(mode="json"),
                "posterior": _posterior(m.name, results),
            }
            for m in chosen
        },
    }


def _prior(p: Parameter, prior: Prior) -> dict[str, Any]:
    about = prior.model_dump(mode="json")
    named = {"parameter": p.name, "symbol": p.symbol, "meaning": p.meaning, "status": p.status, "reason": p.reason}
    return named | {name: about[name] for name in PRIOR_FIELDS}


def _implied(row: Implied) -> dict[str, Any]:
    ends = {"median": row.median, "lower": row.lower, "upper": row.upper}
    return row.limit.model_dump(mode="json") | {name: round(value, 4) for name, value in ends.items()} | {
        "wrong": row.wrong, "file": FILE}  # fmt: skip


def _posterior(model: str, results: Results | None) -> list[dict[str, Any]]:
    """What a study's fit says of each scalar beside its prior; nothing where there is no study."""
    rows = (results.models.get(model) or {}).get("parameters", ()) if results else ()
    return [{name: row[name] for name in LEARNT} for row in rows if row["population"]]
