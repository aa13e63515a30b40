"""Every number of results has an origin: a place, the files behind it, the module that worked it out, and as what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from report import invented

from largesse.errors import InputError
from largesse.origins import CONTRASTS, ORIGINS, find, trace
from largesse.results import Results

FILES = (
    *("study.toml", "survey.csv", "_private/terms-0.json", "references.bib"),
    *(f"_private/{what}-{model}-0" for what in ("fit", "audit") for model in (*invented.MODELS, "joint")),
    *(f"models/{m}/{file}" for m in invented.MODELS for file in ("card.md", "priors.toml", "calibration/ranks.csv")),
)


@pytest.fixture(scope="module")
def results() -> Results:
    """Invented results with a file of each kind behind them."""
    return replace(invented.results(), artefacts=dict.fromkeys(FILES, "ab" * 32))


def numbers(thing: Any, at: str = "") -> Iterator[str]:
    """The pointer of every number."""
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from numbers(value, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(thing, list | tuple):
        for n, value in enumerate(thing):
            yield from numbers(value, f"{at}/{n}")
    elif isinstance(thing, int | float) and not isinstance(thing, bool):
        yield at


def test_every_number_leads_to_a_file(results: Results) -> None:
    """Whatever number stands in the results, some file is behind it, of its own model where it is of one."""
    every = list(numbers(asdict(results)))
    assert len(every) > 500
    for pointer in every[:: len(every) // 300]:  # evenly over all of them: the places of one list are alike
        found = trace(results, pointer)
        assert found.artefacts, pointer
        assert find_spec(found.by), found.by


def test_an_estimate_leads_to_its_own_model_s_fit_and_to_its_formula(results: Results) -> None:
    """By its key: the place in the file, the contrast with the coverages it compares, the fit, and no other fit."""
    found = trace(results, "market_any.spillover")
    assert trace(results, found.pointer) == found
    assert found.value["key"] == "market_any.spillover"
    assert "Y(0; high)" in found.how
    assert "low = 0.2 and high = 0.5" in found.how
    assert set(found.artefacts) == {"_private/fit-market_participation-0", "survey.csv"}


def test_a_parameter_is_found_by_model_and_key(results: Results) -> None:
    """What a fit says of it comes from the fit, its prior from the prior sets and the study."""
    at = find(results, "reported_loyalty.direct")
    assert set(trace(results, f"{at}/mean").artefacts) == {"_private/fit-reported_loyalty-0"}
    assert "models/reported_loyalty/priors.toml" in trace(results, f"{at}/prior/arguments").artefacts


def test_every_contrast_has_a_formula_or_its_label(results: Results) -> None:
    """No contrast of the formulas is one that nobody estimates."""
    families = {e.contrast.partition(".")[0] for e in results.estimates}
    assert set(CONTRASTS) <= families | {"policy"}


def test_what_is_not_there_is_an_input_error(results: Results) -> None:
    """A misspelled key names the nearest, a pointer to nothing what there is instead."""
    with pytest.raises(InputError, match=r"perhaps loyalty\.direct"):
        trace(results, "loyalty.dirict")
    with pytest.raises(InputError, match=r"expected .*kept"):
        trace(results, "/survey/kapt")
    with pytest.raises(InputError, match="a place in a list"):
        trace(results, "/estimates/9999")


def test_no_origin_is_out_of_reach() -> None:
    """Each row of the table is the first that fits of some place: none is hidden by one above it."""
    kept = [row.at for row in ORIGINS]
    assert len(kept) == len(set(kept))
    assert all(not later.startswith(f"{early}/") for n, early in enumerate(kept) for later in kept[n + 1 :])


def test_the_table_names_modules_that_there_are(repo: Path) -> None:
    """A module that was renamed is noticed."""
    assert [row.by for row in ORIGINS if not (repo / "src" / "largesse" / f"{row.by}.py").is_file()] == []
