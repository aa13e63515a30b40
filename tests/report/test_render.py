"""A page is one self-contained file, whole or absent, the same each time; what others wrote on it is inert."""

from __future__ import annotations

import base64
import re
import shutil
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from report import invented

import largesse.report
from largesse.errors import InputError
from largesse.report.render import render
from largesse.resources import bibliography
from largesse.results import Answer, Dropped, Results, Verdict

pytestmark = pytest.mark.slow

TEMPLATE = Path(largesse.report.__file__).parent / "study.qmd"
HOSTILE = (
    "<script>alert(1)</script>",
    r"$\input{/etc/passwd}$ \\(x\\)",
    "![](https://example.org/x.png)",
    "a | b\n\n# c {.d}",
    "{{< include /etc/passwd >}} @manacorda2011",
    "`code` ``` ~~~ ::: **bold**",
    "혜산 <b onload='x'> مرحبا <img src=x onerror=alert(1)> שלום",
    '" onerror="x" {#fig-x} ' + "말" * 90 + "w" * 90,
)
TURNED = "혜산\u202e 5 points of 100"  # an override would set what follows from right to left


@dataclass
class Seen(HTMLParser):
    """Elements and attributes of a page, and its text on one line."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def seen(page: Path) -> Seen:
    """A page as a parser reads it."""
    parser = Seen()
    parser.feed(page.read_text(encoding="utf-8"))
    parser.text = " ".join(parser.text.split())
    return parser


def rendered(folder: Path, results: Results) -> Path:
    """The template's page of some results."""
    folder.mkdir(exist_ok=True)
    results.write(folder / "results.json")
    shutil.copy(TEMPLATE, folder / "report.qmd")
    shutil.copy(bibliography(), folder / "references.bib")
    return render(folder / "report.qmd", folder / "report.html")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a synthetic study with everything."""
    return rendered(tmp_path_factory.mktemp("study"), invented.results())


@pytest.fixture(autouse=True)
def _built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """These are tests of the built-in renderer, whether or not quarto is installed."""
    monkeypatch.setattr("largesse.report.render.shutil.which", lambda _name: None)


def small(folder: Path, body: str) -> Path:
    """A source of a few lines; its front matter takes the first three."""
    (folder / "page.qmd").write_text(f"---\ntitle: A page\n---\n{body}", encoding="utf-8")
    return folder / "page.qmd"


def refused(folder: Path, body: str) -> str:
    """What is said of a page that cannot be rendered."""
    with pytest.raises(InputError) as caught:
        render(small(folder, body), folder / "page.html")
    return str(caught.value)


def test_a_page_needs_no_other_file_and_no_network(page: Path) -> None:
    """No script, frame, style sheet or picture from elsewhere; a policy in the page forbids what was overlooked."""
    found = seen(page)
    assert {"script", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in found.elements} == set()
    pictures = found.of("img")
    assert pictures
    assert all(str(picture["src"]).startswith("data:image/svg+xml;base64,") for picture in pictures)
    assert not re.search(r"(@import|url\(\s*['\"]?(?!data:))", page.read_text(encoding="utf-8"))
    policy = next(meta for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")


def test_a_link_leads_to_the_page_itself_or_to_a_reference(page: Path) -> None:
    """Every place linked to exists once; links outward are those of the bibliography."""
    found = seen(page)
    marks = [str(attributes["id"]) for _, attributes in found.elements if attributes.get("id")]
    assert len(marks) == len(set(marks))
    for link in found.of("a"):
        target = str(link.get("href", "#main"))
        assert target.startswith(("#", "https://", "http://"))
        assert not target.startswith("#") or target[1:] in marks


def test_every_picture_has_words_with_its_numbers(page: Path) -> None:
    """Alternative text is computed from the results, and says first that data are synthetic."""
    alts = [str(picture.get("alt")) for picture in seen(page).of("img")]
    assert all(alt.startswith("Synthetic data. ") and len(alt) > 60 for alt in alts)
    assert any("6.0, 4.0 to 8.0" in alt for alt in alts)


def test_headings_go_down_one_level_at_a_time(page: Path) -> None:
    """One title, and no level is skipped, so that a screen reader can walk the page."""
    levels = [int(tag[1]) for tag, _ in seen(page).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_order_of_the_page_is_answer_first(page: Path) -> None:
    """Status, answer, data, models, checks, effects, predictive check, calibration, limits, appendix."""
    text = seen(page).text
    order = (
        *("Reportable.", "In this synthetic study", "respondents entered", "Priors of", "All checks"),
        *("Effects, posterior mean", "observed and drawn from the fit", "its certificate is of an earlier model"),
        *("What people say", "Made on", "@misc{"),
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_the_same_results_give_the_same_page(page: Path, tmp_path: Path) -> None:
    """Byte for byte, from another folder at another time."""
    assert rendered(tmp_path / "again", invented.results()).read_bytes() == page.read_bytes()


def test_nothing_is_left_beside_a_page(page: Path) -> None:
    """Sources, results and the page: no scratch file, no notebook, no picture."""
    assert sorted(p.name for p in page.parent.iterdir()) == [
        "references.bib",
        "report.html",
        "report.qmd",
        "results.json",
    ]


def test_a_page_that_may_not_be_reported_says_so_before_any_number(tmp_path: Path) -> None:
    """The strip at the top is red, and nothing is claimed below it."""
    found = seen(rendered(tmp_path, invented.unreportable()))
    text = found.text
    assert text.index("Not reportable.") < text.index("points of 100")
    assert not re.search(r"\b(raises|lowers|hardly changes)\b", text)
    assert any("status-failed" in str(a.get("class")) for a in found.of("div"))
    assert not any("status-ok" in str(a.get("class")) for a in found.of("div"))


def test_a_page_of_real_data_bears_no_mark_of_synthetic_data(tmp_path: Path) -> None:
    """The band across the page is there for synthetic studies alone; a small study renders too."""
    found = seen(rendered(tmp_path, invented.bare()))
    assert not any("synthetic-mark" in str(a.get("class")) for a in found.of("div"))
    assert "extrapolated" in found.text


def _hostile() -> Results:
    """Districts, items, answers and labels called whatever might do harm."""
    made = invented.results()
    names = dict(zip(invented.DISTRICTS, HOSTILE, strict=True))
    estimates = tuple(
        replace(e, group=names[e.group], key=e.key.replace(e.group, names[e.group])) if e.group in names else e
        for e in made.estimates
    )
    figures = {
        **made.figures,
        "coverage": {**made.figures["coverage"], "districts": list(HOSTILE)},
        "predictive": [
            {**row, "label": HOSTILE[0], "levels": list(HOSTILE[:4])} for row in made.figures["predictive"][:2]
        ],
    }
    survey = {
        **made.survey,
        "items": [{"name": "x", "label": HOSTILE[1], "levels": list(HOSTILE)}],
        "covariates": list(HOSTILE),
    }
    models = {
        name: {
            **model,
            "not_identified": HOSTILE[4],
            "equations": "```\n<script>x</script>",
            "parameters": [
                {**row, "key": f"p[{HOSTILE[k % 8]}]", "meaning": HOSTILE[k % 8]}
                for k, row in enumerate(model["parameters"])
            ],
        }
        for name, model in made.models.items()
    }
    study = {**made.study, "question": HOSTILE[2], "author": HOSTILE[7]}
    dropped = (*made.dropped, *(Dropped(TURNED, name, HOSTILE[0], 9) for name in HOSTILE))
    verdicts = (*made.verdicts, *(Verdict(name, HOSTILE[3], Answer.FLAGGED, name) for name in HOSTILE))
    kept = {"figures": figures, "survey": survey, "models": models, "study": study}
    return replace(made, estimates=estimates, dropped=dropped, verdicts=verdicts, **kept)


def test_what_others_wrote_is_shown_and_does_nothing(tmp_path: Path) -> None:
    """Names with HTML, LaTeX, Markdown, shortcodes, citations, Hangul, Arabic and Hebrew appear letter by letter.

    No element and no attribute comes from a name, and none turns the direction of what stands beside it.
    """
    path = rendered(tmp_path, _hostile())
    found, plain_ = seen(path), seen(rendered(tmp_path / "plain", invented.results()))
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in plain_.elements} | {"aside", "hr"}
    kinds = {name for _, attributes in plain_.elements for name in attributes}
    assert {name for _, attributes in found.elements for name in attributes} <= kinds
    assert all(str(picture["src"]).startswith("data:") for picture in found.of("img"))
    assert not re.search("[\u202a-\u202e]", path.read_text(encoding="utf-8"))
    text = re.sub("[\u2068\u2069]", "", found.text)
    for name in (*HOSTILE, TURNED.replace("\u202e", "")):
        assert " ".join(name.split()) in text
    assert found.text.count("\u2068") == found.text.count("\u2069") > 0


def test_a_cell_that_raises_is_named_by_its_line_and_leaves_the_old_page(tmp_path: Path) -> None:
    """The error points into the source; a page that was there before stays as it was."""
    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    said = refused(tmp_path, "Words.\n\n```{python}\n#| label: x\n\nx = 1\nx / 0\n```\n")
    assert f"{tmp_path / 'page.qmd'}, line 10: found ZeroDivisionError: division by zero" in said
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.html", "page.qmd"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("Words.\n\nSee @fig-none.\n", "line 6: found @fig-none"),
        ("Words.\n\nSee [@nobody1999].\n", "line 6: found @nobody1999"),
        ("![A](x.svg)\n", "line 4: found an image without fig-alt"),
        ("[x](javascript:alert)\n", "line 4: found a link to 'javascript:'"),
        ("## A\n\n#### B\n", "line 6: found heading 'B' skips a level"),
        ("Value `{python} 1 / 0`.\n", "line 4: found ZeroDivisionError"),
        ("```{python}\nobject()\n```\n", "line 5: found the address '<object at 0x"),
        (
            "```{python}\nimport matplotlib.pyplot as plt\nplt.plot([1]);\n```\n",
            "line 5: found a figure without fig-alt",
        ),
    ],
)
def test_what_cannot_be_rendered_is_named_with_its_line(tmp_path: Path, body: str, found: str) -> None:
    """References to nothing, figures without words, links that run code, results that change each time."""
    (tmp_path / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    assert found in refused(tmp_path, body)
    assert not (tmp_path / "page.html").exists()


def test_parameters_replace_what_the_page_sets(tmp_path: Path) -> None:
    """Given values come after the tagged cell; a page without one, or a name Python cannot have, is refused."""
    source = small(tmp_path, "```{python}\n#| tags: [parameters]\nx = 1\n```\n\nIt is `{python} x`.\n")
    out = tmp_path / "page.html"
    assert "It is 7." in seen(render(source, out, parameters={"x": 7})).text
    assert "It is 1." in seen(render(source, out)).text
    with pytest.raises(InputError, match="names that Python can have"):
        render(source, out, parameters={"x y": 7})
    with pytest.raises(InputError, match="no cell tagged parameters"):
        render(small(tmp_path, "Words.\n"), out, parameters={"x": 7})


def test_figures_callouts_tabs_and_references_are_numbered(tmp_path: Path) -> None:
    """What pandoc lacks of Quarto: captions with numbers, references to them, callouts, tabs."""
    picture = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
    body = f"""
See @fig-a, @tbl-a and @eq-a.

::: {{#fig-a}}
![](data:image/svg+xml;base64,{picture}){{fig-alt="nothing"}}

A caption
:::

| a |
|---|
| b |

: A table {{#tbl-a}}

$$ x $$ {{#eq-a}}

::: {{.callout-note title="T" collapse="true"}}
Folded.
:::

::: {{.panel-tabset}}
## One
First.

## Two
Second.
:::
"""
    found = seen(render(small(tmp_path, body), tmp_path / "page.html"))
    text = found.text
    assert "See Figure 1, Table 1 and Equation 1." in text
    assert "Figure 1: A caption" in text
    assert "Table 1: A table" in text
    assert len(found.of("details")) == 1 + len([a for a in found.of("nav") if a])
    assert [a["type"] for a in found.of("input")] == ["radio", "radio"]
