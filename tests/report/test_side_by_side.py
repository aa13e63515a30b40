"""Effects were one thing taken otherwise, as a page tells them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report import invented

from largesse.report import alternatives
from largesse.report.contents import Page
from largesse.results import Results


def row(name: str, mean: float, **about: Any) -> dict[str, Any]:
    """What the fit under an alternative found, by hand: the same for each effect."""
    effect = {"mean": mean, "sd": 0.01, "lower": mean - 0.02, "upper": mean + 0.02, "extrapolation": ""}
    known = {"name": name, "label": f"{name} of their district", "reliability": 1.0, "alone": 0, "settled": True}
    return {**known, "effects": {"direct": effect, "spillover": effect | {"mean": -mean}}, **about}


def told(own: dict[str, Any], **kinds: list[dict[str, Any]]) -> Results:
    """A study of these alternatives."""
    made = invented.results()
    return replace(made, figures={**made.figures, "alternatives": {"own": own, **kinds}})


def test_alternatives_stand_side_by_side_with_their_intervals() -> None:
    """A row for each, the study's own first, in points of 100; an effect that one cannot have is a dash."""
    other = row("others", 0.05)
    del other["effects"]["spillover"]
    shown = told(row("rate", 0.06), maps=[other], terms=[row("between", 0.07)])
    lines = alternatives.table(shown).splitlines()
    (first,) = (n for n, x in enumerate(lines) if "As above | 6.0 (4.0 to 8.0) | \N{MINUS SIGN}6.0" in x)
    assert "Others of their district | 5.0 (3.0 to 7.0) | –" in lines[first + 1]
    assert "Between of their district | 7.0 (5.0 to 9.0)" in lines[first + 2]


def test_what_nobody_faced_under_a_map_is_marked() -> None:
    """An effect at a share beyond what was faced under a map is called extrapolated there, and nowhere else."""
    beyond = row("neighbours", 0.05)
    beyond["effects"]["direct"]["extrapolation"] = "coverage 60% lies outside"
    beyond["effects"]["spillover"] = {**beyond["effects"]["spillover"], "extrapolation": ""}
    assert alternatives.table(told(row("rate", 0.06), maps=[beyond])).count("(extrapolated)") == 1


def test_a_study_with_nothing_beside_it_has_no_table() -> None:
    """One map beside nothing is a sentence; a study without loyalty says that nothing was held against anything."""
    assert alternatives.table(told(row("others", 0.06))) == ""
    assert "others of their district" in str(Page(told(row("others", 0.06))).alternatives())
    made = invented.results()
    plain = replace(made, figures={**made.figures, "alternatives": None})
    assert alternatives.said(plain) == ["No effect of this study was held against alternatives."]


def test_what_an_alternative_lacks_is_said_once_of_it() -> None:
    """People alone in their group, noise of rates, chains that did not settle: each in a sentence of its own."""
    poor = row("own_group", 0.05, alone=3, reliability=0.61, settled=False)
    said = alternatives.said(told(row("rate", 0.06), maps=[poor]))
    assert len(said) == 4
    assert "3 respondents without another" in said[1]
    assert "reliability is 0.61" in said[2]
    assert "did not settle" in said[3]


def test_the_places_between_whose_absence_the_effect_lies_are_named() -> None:
    """Of all places left out, those without which the direct effect is least and most; all stand in a folded table."""
    gone = [row(f"district {d}", mean, label=f"without district {d}") for d, mean in ((1, 0.07), (2, 0.03), (3, 0.05))]
    shown = told(row("rate", 0.06), places=gone)
    (sentence,) = alternatives.said(shown)[1:]
    assert "from 3.0 (without district 2) to 7.0 (without district 1) points of 100" in sentence.replace("\\", "")
    assert "3 places" in sentence
    assert sum("Without district" in line for line in alternatives.places(shown).splitlines()) == 3
    assert str(Page(shown).alternatives()).count("Without each place") == 1


def test_where_policies_have_no_answer_under_a_map_the_page_says_why() -> None:
    """Without estimates of policies the place of their figure holds the reason that the results give."""
    made = told(row("others", 0.06))
    kept = tuple(e for e in made.estimates if e.contrast in ("direct", "spillover", "total", "overall"))
    why = {"joint": {"eligible": 0.05, "unanswered": {"selectivity": "not answerable by this model: only the rate is"}}}
    page = Page(replace(made, estimates=kept, figures={**made.figures, "programmes": why}))
    assert "Selectivity is not answerable by this model" in str(page.policies()).replace("\\", "")
