"""What a browser finds of a page: whom it asks, what its policy refuses, which rules of axe-core it breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pages.browser import Browser

from largesse.provenance import meaning
from largesse.store import fingerprint

REPO: Final = Path(__file__).parents[2]
STUDY: Final = Path("reports/hyesan")
STORED: Final = Path(__file__).with_name("audit.json")
README: Final = STUDY / "page.png"
MAKERS: Final = ("src/largesse/report/*.*", "src/largesse/figures/*.py", "tests/pages/*.py", f"{STUDY}/report.qmd")
WIDTHS: Final = (390, 1280)
IMPACTS: Final = ("critical", "serious", "moderate", "minor")
OPEN: Final = "document.querySelectorAll('details').forEach(part => part.open = true)"
ASK: Final = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
Row = dict[str, Any]


def makers(repo: Path = REPO) -> str:
    """The fingerprint of all that a page is made with and looked at by; rewording a docstring changes nothing."""
    files = sorted(path for pattern in MAKERS for path in repo.glob(pattern))
    texts = {str(path.relative_to(repo)): path.read_text(encoding="utf-8") for path in files}
    return fingerprint({name: meaning(text) if name.endswith(".py") else text for name, text in texts.items()})


def audited(browser: Browser, page: Path, axe: str) -> Row:
    """Of one page at each width, light and dark and with everything unfolded: requests, complaints, violations."""
    asked, said, views = list[str](), list[str](), list[Row]()
    for width in WIDTHS:
        for dark in (False, True):
            browser.open(page, width, dark=dark)
            asked, said = [*asked, *browser.asked], [*said, *browser.said]
            wider = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            browser.evaluate(OPEN)
            browser.evaluate(f"{axe}\n;0")
            found = _counted(browser.evaluate(ASK))
            views.append({"width": width, "dark": dark, "sideways": wider, **found})
    return {"bytes": page.stat().st_size, "asked": sorted({*asked}), "complaints": sorted({*said}), "views": views}


def proved(browser: Browser, page: Path, axe: str) -> None:
    """Put a picture from elsewhere and without words into a page: who looks must see both faults.

    Errors
    ------
    AssertionError
        when the policy lets it through in silence, or axe-core misses it.
    """
    browser.open(page, WIDTHS[-1])
    browser.evaluate(
        "document.querySelector('main').append(Object.assign(new Image(), {src: 'https://example.org/a.png'}))"
    )
    browser.evaluate(f"{axe}\n;0")
    found = _counted(browser.evaluate(ASK))
    assert "image-alt" in found["rules"], found
    assert any("example.org" in said for said in (*browser.said, *browser.asked)), browser.said


def _counted(violations: Iterable[Mapping[str, Any]]) -> Row:
    """Elements that break a rule, by impact, and the rules with one of the elements."""
    rules = list(violations)
    counts = Counter[str]()
    for rule in rules:
        counts[rule["impact"]] += len(rule["nodes"])
    broken = {rule["id"]: rule["nodes"][0]["html"][:200] for rule in rules}
    return {"violations": {impact: counts[impact] for impact in IMPACTS}, "rules": broken}
