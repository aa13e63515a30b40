"""Effects under other maps of exposure, as a page tells them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report import invented

from largesse.report import tables, words
from largesse.report.contents import Page
from largesse.results import Results


def row(name: str, mean: float, **about: Any) -> dict[str, Any]:
    """What the fit under a map found, by hand: the same for each effect."""
    effect = {"mean": mean, "sd": 0.01, "lower": mean - 0.02, "upper": mean + 0.02, "extrapolation": ""}
    known = {"map": name, "label": f"{name} of their district", "reliability": 1.0, "alone": 0, "settled": True}
    return {**known, "effects": {"direct": effect, "spillover": effect | {"mean": -mean}}, **about}


def told(*rows: dict[str, Any]) -> Results:
    """A study of these maps."""
    made = invented.results()
    return replace(made, figures={**made.figures, "maps": {"label": rows[0]["label"], "rows": list(rows)}})


def test_maps_stand_side_by_side_with_their_intervals() -> None:
    """A column for each map, a row for each effect, in points of 100; an effect that a map cannot have is a dash."""
    other = row("others", 0.05)
    del other["effects"]["spillover"]
    lines = tables.maps(told(row("rate", 0.06), other)).splitlines()
    header = next(line for line in lines if "Effect" in line)
    assert header.index("Rate of their district") < header.index("Others of their district")
    assert any("direct | 6.0 (4.0 to 8.0) | 5.0 (3.0 to 7.0)" in line for line in lines)
    assert any("spillover | \N{MINUS SIGN}6.0 (4.0 to 8.0) | –" in line for line in lines)


def test_what_nobody_faced_under_a_map_is_marked() -> None:
    """An effect at a share beyond what was faced under a map is called extrapolated there, and nowhere else."""
    beyond = row("neighbours", 0.05)
    beyond["effects"]["direct"]["extrapolation"] = "coverage 60% lies outside"
    beyond["effects"]["spillover"] = {**beyond["effects"]["spillover"], "extrapolation": ""}
    assert tables.maps(told(row("rate", 0.06), beyond)).count("(extrapolated)") == 1


def test_a_single_map_has_no_table() -> None:
    """One map beside nothing is a sentence; without `[exposure]` that no other was asked for."""
    assert tables.maps(told(row("others", 0.06))) == ""
    assert "others of their district" in str(Page(told(row("others", 0.06))).maps())
    made = invented.results()
    plain = replace(made, figures={**made.figures, "maps": None})
    assert words.exposure(plain) == [
        "People are taken to face the receipt rate of their district; no other map of exposure was asked for."
    ]


def test_what_a_map_lacks_is_said_once_of_that_map() -> None:
    """People alone in their group, noise of rates, chains that did not settle: each in a sentence of its own."""
    poor = row("own_group", 0.05, alone=3, reliability=0.61, settled=False)
    said = words.exposure(told(row("rate", 0.06), poor))
    assert len(said) == 4
    assert "3 respondents without another" in said[1]
    assert "reliability is 0.61" in said[2]
    assert "did not settle" in said[3]


def test_where_policies_have_no_answer_under_a_map_the_page_says_why() -> None:
    """Without estimates of policies the place of their figure holds the reason that the results give."""
    made = told(row("others", 0.06))
    kept = tuple(e for e in made.estimates if e.contrast in ("direct", "spillover", "total", "overall"))
    why = {"joint": {"eligible": 0.05, "unanswered": {"selectivity": "not answerable by this model: only the rate is"}}}
    page = Page(replace(made, estimates=kept, figures={**made.figures, "programmes": why}))
    assert "Selectivity is not answerable by this model" in str(page.policies()).replace("\\", "")
