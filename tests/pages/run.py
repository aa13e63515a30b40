"""Open the pages of a good and of a failed study in a browser; write `audit.json` and pictures of what is seen.

From the top of the checkout: `make pages`, which makes the results of `reports/hyesan` first, and fetches axe-core.
Chromium must be installed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
from pathlib import Path
from typing import Final

from pages.audit import README, REPO, STORED, STUDY, audited, makers, proved
from pages.browser import Browser
from report import invented
from rich.console import Console

from largesse import report
from largesse.report.render import render
from largesse.store import atomic, file_digest

PICTURES: Final = {  # name -> page, width, height in CSS pixels, dark, medium
    "phone": ("hyesan", 390, 2000, False, "screen"),
    "screen": ("hyesan", 1280, 1500, False, "screen"),
    "dark": ("hyesan", 1280, 1500, True, "screen"),
    "print": ("hyesan", 680, 1500, False, "print"),  # the width of an A4 sheet between its margins
    "failed": ("failed", 1280, 900, False, "screen"),
}


def main() -> None:
    """Render, look, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axe", type=Path, required=True, help="axe.min.js")
    axe = parser.parse_args().axe.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch, Browser() as browser:
        pages, seconds = rendered(Path(scratch))
        proved(browser, pages["hyesan"], axe)
        found = {name: {"seconds": seconds[name], **audited(browser, page, axe)} for name, page in pages.items()}
        files = [photographed(browser, name, pages) for name in PICTURES]
        files.append(shown(browser, pages["hyesan"]))
        about = {"browser": browser.order("Browser.getVersion")["product"], "axe": axe.split()[2].lstrip("v")}
    kept = {str(file.relative_to(REPO)): file_digest(file) for file in files}
    made = {"makers": makers(), **about, "pages": found, "pictures": kept}
    with atomic(STORED) as part:
        part.write_text(f"{json.dumps(made, indent=1, sort_keys=True)}\n", encoding="utf-8")
    for name, page in found.items():
        worst = [view["rules"] for view in page["views"] if view["rules"]]
        said = f"{page['bytes']:,} bytes in {page['seconds']} s; asked for {page['asked'] or 'nothing'}"
        Console().print(f"{name}: {said}; breaks {worst or 'no rule'}", highlight=False)


def rendered(scratch: Path) -> tuple[dict[str, Path], dict[str, float]]:
    """The page of the demonstration, and that of a study with a failed gate; with the processor time of each."""
    failed = scratch / "report.qmd"
    shutil.copy(Path(report.__file__).with_name("study.qmd"), failed)
    shutil.copy(REPO / "references.bib", scratch)
    invented.unreportable().write(scratch / "results.json")
    pages, seconds = {}, {}
    for name, source in (("hyesan", REPO / STUDY / "report.qmd"), ("failed", failed)):
        begun = processor_seconds()
        pages[name] = render(source, scratch / f"{name}.html")
        seconds[name] = round(processor_seconds() - begun, 1)
    return pages, seconds


def processor_seconds() -> float:
    """Of this process and of those that it waited for: on an idle machine the clock shows little more."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


def photographed(browser: Browser, name: str, pages: dict[str, Path]) -> Path:
    """The beginning of a page as a small picture beside this file."""
    which, width, height, dark, medium = PICTURES[name]
    browser.open(pages[which], width, dark=dark, medium=medium, sharpness=2 if width < 600 else 1)
    file = STORED.with_name(f"{name}.webp")
    file.write_bytes(browser.picture(height, quality=70))
    return file


def shown(browser: Browser, page: Path) -> Path:
    """README's picture."""
    browser.open(page, 1180, sharpness=1)
    file = REPO / README
    file.write_bytes(browser.picture(1600, form="png"))
    return file


if __name__ == "__main__":
    main()
