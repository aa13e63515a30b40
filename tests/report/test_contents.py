"""The contents of a page adapt to a study, print its numbers, and say when they are out of date."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report import invented

from largesse.figures import points, span
from largesse.origins import trace
from largesse.report.contents import Page
from largesse.report.markdown import Markdown, code, figure, literal, math, table, traced
from largesse.results import Results
from largesse.store import file_digest

EVERY = (
    *(
        "status",
        "headline",
        "question",
        "data",
        "coverage",
        "models",
        "learning",
        "checks",
        "receipts",
        "effects",
        "plain",
    ),
    *(
        "tipping",
        "policies",
        "belief",
        "anchors",
        "transfer",
        "ledger",
        "priors",
        "alternatives",
        "beside",
        "groups",
        "districts",
        "predictive",
        "certificates",
        "recovery",
        "limits",
        "parameters",
        "provenance",
        "citation",
    ),
)
STUDIES = ("hyesan", "panes")
CASES = {"full": invented.results, "unreportable": invented.unreportable, "bare": invented.bare}


def stripped(markdown: Markdown) -> str:
    """The text without its pictures."""
    return re.sub(r"base64,[\w+/=]+", "", str(markdown))


def whole(results: Results) -> str:
    """The whole page as text."""
    return "\n".join(stripped(getattr(Page(results), name)()) for name in EVERY)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", EVERY)
def test_every_section_of_every_study_says_something(case: str, name: str) -> None:
    """No section is empty, and none prints what is missing as if it were a value."""
    said = stripped(getattr(Page(CASES[case]()), name)())
    assert said.strip()
    assert not re.search(r"\b(nan|None|inf)\b", said)


@pytest.mark.parametrize("source", ["src/largesse/report/study.qmd", *(f"reports/{n}/report.qmd" for n in STUDIES)])
def test_a_page_leads_with_the_answer_and_the_curve_over_favour(repo: Path, source: str) -> None:
    """After the question one sentence, then the tipping curve; conditions and other effects come below it."""
    text = (repo / source).read_text(encoding="utf-8")
    assert re.findall(r"page\.(\w+)\(", text)[1:5] == ["question", "headline", "tipping", "beside"]


def test_the_template_shows_every_section_once(repo: Path) -> None:
    """Each method of the contents is called by the template, and nothing else is."""
    template = (repo / "src/largesse/report/study.qmd").read_text(encoding="utf-8")
    assert sorted(re.findall(r"page\.(\w+)\(\)", template)) == sorted(EVERY)


def test_what_a_study_does_not_have_is_said() -> None:
    """No receipt model, one district, no coverage, no truth, no regression: each section says so."""
    page = Page(invented.bare())
    assert "does not model who receives" in str(page.receipts())
    assert "by district are not estimated" in str(page.districts())
    assert "is not followed" in str(page.coverage())
    assert "truth of this study is not known" in str(page.recovery())
    assert "No plain regression" in str(page.plain())
    assert "Beyond what was observed" in str(page.limits())


def test_a_study_that_is_not_synthetic_never_says_that_it_is() -> None:
    """The marks of synthetic data are on every synthetic page, and on no other."""
    assert "synthetic" not in whole(invented.bare()).lower()
    made = Page(invented.results())
    assert "{.synthetic-mark}" in str(made.status())
    for name in ("coverage", "learning", "effects", "districts", "predictive", "recovery"):
        pictures = re.findall(r"^:+ \{#fig-.*?^:+$", str(getattr(made, name)()), flags=re.MULTILINE | re.DOTALL)
        assert pictures
        assert all("(synthetic data)" in each for each in pictures)


def test_every_estimate_is_printed_with_its_interval() -> None:
    """Mean, interval and status of every estimate stand in the table of all estimates."""
    made = invented.results()
    rows = [row for row in str(Page(made).parameters()).splitlines() if row.startswith("| ")]
    gini = made.estimate("receipt.gini")
    assert any(f"| {gini.mean:.2f} | {gini.lower:.2f} to {gini.upper:.2f} |" in row for row in rows)  # no points of 100
    for e in (e for e in made.estimates if e.contrast != "gini"):
        assert any(
            points(e.mean) in row and span(e.lower, e.upper) in row and e.status in row and literal(e.group) in row
            for row in rows
        )


def test_every_parameter_is_printed_with_its_prior_and_its_checks() -> None:
    """One row for each parameter of each model."""
    made = invented.results()
    text = str(Page(made).parameters())
    for name, model in made.models.items():
        for n, row in enumerate(model["parameters"]):
            named = traced(literal(row["key"]), f"/models/{name}/parameters/{n}")
            assert f"| {named} | {row['mean']:.2f} | {row['sd']:.2f} |" in text


def test_every_prior_has_its_words_and_its_source() -> None:
    """A prior stands with distribution, statement and source; a key that the bibliography lacks is no citation."""
    made = invented.results()
    known = Page(made, cited=frozenset({"manacorda2011"}))
    assert "[@manacorda2011]" in str(known.models())
    assert "@manacorda2011" not in str(Page(made).models())
    assert "Normal(0, 0.7)" in str(known.models())
    assert literal("95% sure of less than 30 points") in str(known.models())


def test_what_was_dropped_is_counted_but_not_to_the_person() -> None:
    """A count that is kept back is a dash, and the caption says what that means; so are numbers of respondents."""
    said = str(Page(invented.results()).data())
    assert "| 57 |" in said
    assert "| – |" in said
    assert "kept back, for it would tell of few people" in said
    assert "2,003 of 2,060 respondents entered" in said
    made = invented.results()
    alone = replace(made, survey={**made.survey, "rows": None})
    assert "2,003 respondents entered" in str(Page(alone).data())


def test_a_file_that_changed_makes_the_page_stale(tmp_path: Path) -> None:
    """Results whose inputs were edited or are gone say so at the top; untouched inputs say nothing."""
    (tmp_path / "study.toml").write_text("name = 'x'\n", encoding="utf-8")
    (tmp_path / "survey.csv").write_text("gift\n1\n", encoding="utf-8")
    made = invented.results()
    fresh = {name: file_digest(tmp_path / name) for name in ("study.toml", "survey.csv")}
    replace(made, artefacts=fresh).write(tmp_path / "results.json")
    page = Page.read(tmp_path / "results.json")
    assert page.standing.stale == ()
    assert "**Stale.**" not in str(page.status())
    assert page.digest in str(page.provenance())
    (tmp_path / "study.toml").write_text("name = 'y'\n", encoding="utf-8")
    stale = Page.read(tmp_path / "results.json")
    assert "**Stale.** Changed since these results were made: study\\.toml" in str(stale.status())
    (tmp_path / "survey.csv").unlink()
    assert "Gone since these results were made: survey\\.csv" in str(Page.read(tmp_path / "results.json").status())


def test_the_answer_and_every_row_carry_their_place_in_the_results() -> None:
    """The pointers of a page lead to what it prints there, and the page lists what stands where."""
    made = invented.results()
    page = Page(made)
    (answer,) = re.findall(r"data-from=\"([^\"]+)\"", str(page.headline()))
    assert trace(made, answer).value["key"] == "loyalty.direct"
    rows = re.findall(r"\[([^|]+)\]\{data-from=\"([^\"]+)\"\} \| (\S+) \|", str(page.parameters()))
    assert len(rows) == len(made.estimates) + sum(len(m["parameters"]) for m in made.models.values())
    for _, pointer, mean in rows:
        value = trace(made, pointer).value
        assert mean.replace("\N{MINUS SIGN}", "-") in (
            f"{value['mean']:.2f}",
            points(value["mean"]).replace("\N{MINUS SIGN}", "-"),
        )
    assert "/figures/tipping" in str(page.provenance()).replace("\\", "")


def test_results_that_travel_alone_are_not_stale(tmp_path: Path) -> None:
    """Without the study beside them nothing can be held against the results, and the page says which files it was."""
    invented.results().write(tmp_path / "results.json")
    page = Page.read(tmp_path / "results.json")
    assert "**Stale" not in str(page.status())
    assert "not held against these: study\\.toml, survey\\.csv" in str(page.provenance())


def test_the_order_of_models_is_the_study_s(tmp_path: Path) -> None:
    """Results are written with sorted keys; the page goes by the study's list of models all the same."""
    made = invented.results()
    made.write(tmp_path / "results.json")
    tabs = re.findall(r"^### (.*)$", str(Page.read(tmp_path / "results.json").models()), flags=re.MULTILINE)
    assert [tab.lower().replace(" ", "_") for tab in tabs] == made.study["models"]


def test_markdown_says_exactly_what_it_is_given() -> None:
    """Text is literal, a cell holds no second column, code holds its own fences, alternative text is one attribute."""
    assert literal("a|b *c*\n$d$") == r"a\|b \*c\* \$d\$"
    assert literal("-1.5") == "-1.5"
    assert math(r"\alpha_d") == r"$\alpha_d$"
    assert math("a$b") == r"a\$b"
    assert code("x\n````\ny").startswith("````` {.text}\n")
    assert '"' not in figure(b"<svg/>", 'a "b" [c](d)', "caption", "x").split('fig-alt="')[1].split('"}')[0]
    assert table(("A", "B"), [("1", "2")], "words", "t", "-r").splitlines()[1] == "| --- | --: |"


def certified(state: str) -> Results:
    """Results whose first model has a certificate with its picture."""
    made = invented.results()
    name = next(iter(made.models))
    counts = np.random.default_rng(4).multinomial(500, np.full(20, 0.05), size=3).tolist()
    places = dict(zip(("standing[0]", "receipt.gini", "log-likelihood"), counts, strict=True))
    picture = {
        "verdict": state, "red": [], "replicates": 500, "failed": 0, "level": 0.01 / 3, "places": places,
        "quantities": [{"quantity": quantity, "adjusted": 1.0} for quantity in places],
        "truths": {"standing[0]": counts[0]}, "prior": {"quantities": 1, "least": "standing[0]", "adjusted": 1.0},
    }  # fmt: skip
    held = {"state": state, "replicates": 500, "failed": 0, "quantities": 3, "respondents": 400, "districts": 8,
            "items": 2, "detectable": {"shift": 0.3, "narrow": 0.75, "wide": None}}  # fmt: skip
    held |= {"picture": picture} if state == "passed" else {}
    return replace(made, models={**made.models, name: {**made.models[name], "certificate": held}})


def test_a_certificate_is_shown_with_what_it_could_not_have_missed() -> None:
    """The section has the picture of a certificate that holds, and the smallest fault that it would have shown."""
    said = stripped(Page(certified("passed")).certificates())
    assert "least uniform" in said  # the words of the picture
    assert "500 simulated surveys" in said
    assert "shifted by 0.3 of their sd, or an sd 0.75 times the right one" in said


def test_a_certificate_that_is_stale_or_not_there_is_not_shown() -> None:
    """What no longer counts has words and no picture."""
    for made in (certified("stale"), invented.results()):
        said = str(Page(made).certificates())
        assert "does not count" in said
        assert "base64" not in said
