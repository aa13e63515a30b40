"""A new study: the files to start from, and the study record of a synthetic survey."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import tomli_w

from largesse.errors import InputError
from largesse.resources import PACKAGE, bibliography
from largesse.store import atomic
from largesse.study import Study
from largesse.synthetic import ARM, DONT_KNOW, MARKET_QUESTION, REFUSED, World

IGNORED: Final = "# what may identify a respondent, and what is generated from it\n_private/\nresults.json\n*.html\n"


def start(folder: Path, study: str | None = None) -> list[Path]:
    """Lay out a new study in `folder`: `study.toml`, `report.qmd`, the bibliography and a `.gitignore`.

    Parameters
    ----------
    study : the text of `study.toml`; the commented template unless given.

    Errors
    ------
    InputError
        when one of the files is there already; nothing is written then.
    """
    name = _named(folder)
    template = (PACKAGE / "templates" / "study.toml").read_text(encoding="utf-8").replace("NAME", name)
    texts = {"study.toml": study or template, ".gitignore": IGNORED}
    copies = {"report.qmd": PACKAGE / "report" / "study.qmd", "references.bib": bibliography()}
    taken = [n for n in (*texts, *copies) if (folder / n).exists()]
    if taken:
        raise InputError.one(folder, "", f"{', '.join(taken)}, already there", "a folder without them")
    for file, text in texts.items():
        with atomic(folder / file) as part:
            part.write_text(text, encoding="utf-8")
    for file, origin in copies.items():
        with atomic(folder / file) as part:
            shutil.copyfile(origin, part)
    return [folder / n for n in (*texts, *copies)]


def _named(folder: Path) -> str:
    """The name of a study in a folder."""
    name = re.sub(r"\W+", "_", folder.resolve().name.lower()).strip("_") or "study"
    return name if name[0].isalpha() else f"study_{name}"


def related(folder: Path, past: Study) -> list[Path]:
    """Lay out a study that asks in `folder` what a past one asked: its columns, levels, models and estimands.

    Of the past study's own priors those stay that it chose; what it learnt is borrowed by a line of its own. A truth
    was of the past survey alone, and is left behind.

    Errors
    ------
    InputError
        when one of the files is there already; nothing is written then.
    """
    record = past.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    record |= {"name": _named(folder), "title": f"After {past.title}", "synthetic": False}
    record["survey"].pop("truth", None)
    said = f"# Started from the study {past.name}: the same questions of other people. Put their survey here.\n"
    return start(folder, said + tomli_w.dumps(record))


def study_of(world: World, models: tuple[str, ...]) -> str:
    """The text of a `study.toml` that reads a synthetic survey of `world`."""
    record: dict[str, Any] = {
        "name": world.name,
        "title": f"A synthetic survey of {world.respondents:,} people in {world.districts} districts",
        "question": "Nobody in this survey exists: what do the models recover of the truth beside it?",
        "synthetic": True,
        "seed": world.seed,
        "models": list(models),
        "survey": {"file": "survey.csv", "districts": "districts.csv", "truth": "truth.json"},
        "columns": {
            "district": "district",
            "wave": "wave",
            "gift": "gift",
            "loyalty": list(world.items),
            **({"vignettes": list(world.vignettes)} if world.vignettes else {}),
            **({"loyalty_before": list(world.before)} if world.before else {}),
            **({"market": MARKET_QUESTION} if world.market else {}),
            **{name: name for name in world.support},
            **({"list_arm": ARM} if world.control_items is not None else {}),
            "categorical": list(world.categorical),
            "continuous": list(world.continuous),
            **({"weight": "weight"} if world.weights else {}),
        },
        "levels": {
            **{name: list(levels) for name, levels in world.items.items()},
            **({MARKET_QUESTION: list(world.market)} if world.market else {}),
            **{name: list(levels) for name, levels in world.before.items()},
            **{name: list(shares) for name, shares in world.categorical.items()},
        },
        "missing": {"dont_know": [DONT_KNOW], "refused": [REFUSED]},
        **({"instruments": instruments} if (instruments := _instruments(world)) else {}),
        "effects": {
            "modifiers": list(world.modifiers),
            **({"over": world.over} if world.over else {}),
            **({"favour": world.favour} if world.favour is not None else {}),
        },
    }
    return "# A synthetic survey: nobody in it exists. The truth it was drawn from is in truth.json.\n" + tomli_w.dumps(
        record
    )


def _instruments(world: World) -> dict[str, Any]:
    """`[instruments]` of a world that asks about support indirectly."""
    listed = {} if world.control_items is None else {"control_items": world.control_items}
    chances = world.forced and dict(zip(("yes", "no"), world.forced, strict=True))
    return listed | ({"forced": chances} if chances else {})
