"""The portable subset of Quarto: what is outside it is named with its line, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import largesse.report
from largesse.errors import InputError
from largesse.report.source import read

FRONT = "---\ntitle: A page\n---\n"
TEMPLATE = Path(largesse.report.__file__).parent / "study.qmd"


def written(folder: Path, text: str) -> Path:
    """The text as a source."""
    path = folder / "page.qmd"
    path.write_text(text, encoding="utf-8")
    return path


def flaws(folder: Path, text: str) -> list[tuple[int, str]]:
    """The line and the finding of everything that is wrong with a source."""
    with pytest.raises(InputError) as caught:
        read(written(folder, text))
    return [(int(p.key.removeprefix("line ")), p.found) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("body", "line", "found"),
    [
        ("Text.\n\n{{< include other.qmd >}}\n", 6, "a shortcode"),
        ("![a](https://example.org/a.png)\n", 4, "an image from the network"),
        ("![a](//example.org/a.png)\n", 4, "an image from the network"),
        ("`<b>`{=html}\n", 4, "a raw block"),
        ("Some <b>bold</b> words.\n", 4, "raw HTML"),
        ("::: {.callout-danger}\nx\n:::\n", 4, "an unknown callout"),
        ("::: {.column-margin}\nx\n:::\n", 4, "a div outside the subset"),
        ("::: {#fig-x layout-ncol=2}\nx\n:::\n", 4, "a layout"),
        ("```{r}\n1\n```\n", 4, "a block of 'r'"),
        ("  ```{python}\n1\n  ```\n", 4, "'  ```{python}'"),
        ("```{python, echo=False}\n1\n```\n", 4, "'```{python, echo=False}'"),
        ("````\n```{python}\n1\n```\n````\n", 5, "a cell inside another fence"),
        ("```{python}\n1\n", 4, "a fence that is not closed"),
        ("```{python}\n#| fig-width: 3\n1\n```\n", 5, "cell option 'fig-width: 3'"),
        ("```{python}\n#| echo: yes\n1\n```\n", 5, "cell option 'echo: yes'"),
        ("```{python}\n#| fig-cap: @x: y\n1\n```\n", 5, "cell option 'fig-cap: @x: y'"),
        ("```{python}\n#|echo: true\n1\n```\n", 5, "'#|echo: true'"),
        ("```{python}\n1\n#| echo: true\n```\n", 6, "'#| echo: true' after code"),
        ("```{python}\n1 +\n```\n", 5, "a cell that is not Python"),
        ("```{python}\n%matplotlib inline\n```\n", 5, "a cell that is not Python"),
        ("```{python}\n#| label: fig-a\n#| fig-cap: A\n1\n```\n", 5, "label 'fig-a' without fig-alt"),
        ("```{python}\n#| label: tbl-a\n1\n```\n", 5, "label 'tbl-a' without tbl-cap"),
        ("Value `{python} x = 1`.\n", 4, "'`{python} x = 1`'"),
        ("Value `{r} x`.\n", 4, "'`{r} x`'"),
        ("# A {#sec-a}\n\n# B {#sec-a}\n", 6, "label 'sec-a' for the second time"),
    ],
)
def test_what_is_outside_the_subset_is_named_with_its_line(tmp_path: Path, body: str, line: int, found: str) -> None:
    """Each construct that Quarto and this renderer would read differently is an error at its own line."""
    assert any(n == line and f.startswith(found) for n, f in flaws(tmp_path, FRONT + body))


@pytest.mark.parametrize(
    ("front", "found"),
    [
        ("theme: cosmo", "front matter 'theme'"),
        ("date: today", "'date: today'"),
        ("subtitle: '`{python} 1`'", "'subtitle: '`{python} 1`''"),
        ("execute:\n  cache: true", "execute option 'cache: true'"),
        ("execute:\n  echo: perhaps", "execute option 'echo: perhaps'"),
    ],
)
def test_front_matter_is_fixed_and_known(tmp_path: Path, front: str, found: str) -> None:
    """A theme (it would fetch fonts), a date of today (never the same page twice) or an unknown key is refused."""
    assert found in [f for _, f in flaws(tmp_path, f"---\ntitle: A\n{front}\n---\n")]


def test_a_page_without_a_title_or_front_matter_is_refused(tmp_path: Path) -> None:
    """A title is required."""
    assert "no title" in [f for _, f in flaws(tmp_path, "---\nlang: en\n---\n")]
    assert "no front matter" in [f for _, f in flaws(tmp_path, "Words.\n")]


def test_every_flaw_is_reported_in_the_order_of_the_lines(tmp_path: Path) -> None:
    """One run shows all that is wrong, first line first."""
    found = flaws(tmp_path, FRONT + "<br>\n\n{{< x >}}\n\n```{python}\n#| nope: 1\n1\n```\n")
    assert [n for n, _ in found] == [4, 6, 9]


def test_signs_in_code_and_mathematics_are_not_markup(tmp_path: Path) -> None:
    """What stands in code spans, mathematics or verbatim fences is never taken for markup."""
    body = "`{{< x >}}` and `<b>` and $a<b>c$\n\n```\n{{< x >}} <b>\n```\n"
    assert [b.kind for b in read(written(tmp_path, FRONT + body)).blocks] == ["text", "verbatim"]


def test_blocks_know_their_lines_and_options(tmp_path: Path) -> None:
    """Lines are counted in the file, options override the page's defaults, long options go on."""
    head = "---\ntitle: A\nexecute:\n  echo: false\n---\n"
    cell = "Words.\n\n```{python}\n#| fig-cap: one\n#|   two\n#| warning: false\n1\n```\n"
    text, block = read(written(tmp_path, head + cell)).blocks
    assert (text.line, block.line) == (6, 9)
    assert block.options["fig-cap"] == "one two"
    assert (block.on("echo"), block.on("warning"), block.on("output")) == (False, False, True)


def test_a_source_that_is_not_text_is_an_input_error(tmp_path: Path) -> None:
    """A missing file and a file that is not UTF-8 are named as such."""
    for path in (tmp_path / "none.qmd", tmp_path):
        with pytest.raises(InputError, match="no such text file"):
            read(path)
    (tmp_path / "latin.qmd").write_bytes(FRONT.encode() + b"caf\xe9")
    with pytest.raises(InputError, match="no such text file"):
        read(tmp_path / "latin.qmd")


def test_the_pages_of_all_studies_are_the_template_with_a_title_of_their_own(repo: Path) -> None:
    """Apart from their front matter, reports/*/report.qmd and the template of the package are one text."""

    def body(path: Path) -> str:
        return path.read_text(encoding="utf-8").split("---\n", 2)[2]

    pages = sorted((repo / "reports").glob("*/report.qmd"))
    assert {p.parent.name for p in pages} == {"hyesan", "panes"}
    assert {body(p) for p in pages} == {body(TEMPLATE)}
    assert all(read(p).blocks for p in (*pages, TEMPLATE))


def test_the_template_types_no_number(repo: Path) -> None:
    """No digit stands in the prose of a page: every number comes from the results."""
    for path in (TEMPLATE, *(repo / "reports").glob("*/report.qmd")):
        prose = [block.code for block in read(path).blocks if block.kind == "text"]
        assert re.findall(r"\d", "".join(prose)) == []
