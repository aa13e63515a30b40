"""Prose takes its numbers from results: one that somebody typed is found, and what is no result is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from largesse.errors import InputError
from largesse.report.source import read
from largesse.report.typed import typed

FRONT = "---\ntitle: A page\n---\n"


@pytest.mark.parametrize(
    "text",
    [
        "In 2017 offices took over, as in 2016-17 and the 1990s.",
        "On 12 March 2020, September 8, 2017 and 2026-11-24.",
        "See Section 2.3, Table 4, pages 3-5, p. 7, waves 1 and 2, § 3.",
        "COVID-19, F16 and R2 in the 19th century.",
        "1. First",
        "  2) second",
        "## 2. Data",
        "### 3.1 Model",
        "`{python} e.mean` points, and `0.5`.",
        r"$\alpha = 0.5$",
        "$$\nx = 2\n$$ {#eq-1}",
        "[see](x_2.html), @manacorda2011 [^1], <https://example.org/2>",
        "A [7]{.given}-point scale.",
        '::: {#fig-2 title="By group"}',
    ],
)
def test_what_is_no_result_may_be_typed(text: str) -> None:
    """Years, dates, places, names, lists, headings, code, mathematics, links, and what is marked as given."""
    assert list(typed(text)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It rose by 6.1 points.", "6.1"),
        ("It rose by 6.", "6"),
        ("6. It rose by 5 %.", "5 %"),
        ("Of 1,234 people 12% did.", "1,234"),
        ("## A gift raises it by 6 points", "6"),
        ("p 0.03", "0.03"),
        ("p = .03", ".03"),
        ("It fell by \N{MINUS SIGN}2.5.", "\N{MINUS SIGN}2.5"),
        ("n=5", "5"),
        ("| a | 5.0 |", "5.0"),
        ("[6.1 points](x.html)", "6.1"),
        ('::: {.callout-note title="It is 6.1"}', "6.1"),
        ('![](x.svg){fig-alt="It is 4"}', "4"),
    ],
)
def test_a_number_that_looks_like_a_result_is_found(text: str, found: str) -> None:
    """Decimals, counts, shares and differences; in headings, tables, links, titles and alternative texts too."""
    assert next(typed(f"Words.\n{text}")) == (1, found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{FRONT}Words.\n\nIt rose by 6.1 points.\n", 6),
        ("---\ntitle: A page\nsubtitle: An effect of 6.1 points\n---\nWords.\n", 3),
        (f"{FRONT}```{{python}}\n#| fig-cap: An effect of 6.1 points\n#| fig-alt: Words\nx = 6.1\n```\n", 5),
    ],
)
def test_a_typed_result_is_an_error_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """In prose, in a subtitle, in a caption; the numbers of code are its own."""
    (tmp_path / "page.qmd").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "page.qmd")
    (problem,) = caught.value.problems
    assert (problem.key, problem.found) == (f"line {line}", "the number '6.1' in prose")
    assert "[6.1]{.given}" in problem.expected
