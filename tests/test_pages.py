"""What a browser and axe-core found of the pages is of the pages as they are made today, and holds what is promised.

The looking is done by `make pages`, where there is a browser; here its record is held against today's source.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pages.audit import REPO, STORED, WIDTHS, makers

from largesse.store import file_digest

LIMIT_BYTES, LIMIT_SECONDS = 2_000_000, 12
PICTURES_BYTES = 1_000_000  # of pictures in the repository, beside README's own


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    """What `make pages` stored."""
    return dict(json.loads(STORED.read_bytes()))


def test_the_record_is_of_the_pages_of_today(record: dict[str, Any]) -> None:
    """Any change of what makes a page asks for another look."""
    assert record["makers"] == makers(), "the source of pages changed since they were looked at: run `make pages`"


def test_a_good_and_a_failed_page_were_looked_at_narrow_and_wide_light_and_dark(record: dict[str, Any]) -> None:
    """Four views of each."""
    assert set(record["pages"]) == {"hyesan", "failed"}
    for page in record["pages"].values():
        seen = {(view["width"], view["dark"]) for view in page["views"]}
        assert seen == {(width, dark) for width in WIDTHS for dark in (False, True)}


def test_no_page_breaks_a_rule_of_accessibility_that_matters(record: dict[str, Any]) -> None:
    """Nothing serious or critical, with everything unfolded; and nothing makes the page itself scroll sideways."""
    for page in record["pages"].values():
        for view in page["views"]:
            assert view["violations"]["critical"] == view["violations"]["serious"] == 0, view
            assert view["sideways"] == 0


def test_no_page_asks_anyone_for_anything(record: dict[str, Any]) -> None:
    """Not one request, and nothing that the page's own policy had to refuse."""
    assert all(page["asked"] == page["complaints"] == [] for page in record["pages"].values())


def test_a_page_is_small_and_quickly_made(record: dict[str, Any]) -> None:
    """From stored results; the seconds are processor time of the machine that looked."""
    assert all(page["bytes"] < LIMIT_BYTES for page in record["pages"].values())
    assert all(page["seconds"] <= LIMIT_SECONDS for page in record["pages"].values())


def test_the_pictures_are_those_of_the_record(record: dict[str, Any]) -> None:
    """Telephone, screen, dark, print, a failed study, and the one that README shows; no other, none by hand."""
    beside = {str(path.relative_to(REPO)) for path in STORED.parent.glob("*.webp")}
    assert set(record["pictures"]) == {*beside, "reports/hyesan/page.png"}
    assert {name: file_digest(REPO / name) for name in record["pictures"]} == record["pictures"]
    assert sum((REPO / name).stat().st_size for name in beside) < PICTURES_BYTES


def test_readme_shows_the_picture_of_the_record(repo: Path) -> None:
    """The page that README shows is the one that was looked at."""
    assert "](reports/hyesan/page.png)" in (repo / "README.md").read_text(encoding="utf-8")
