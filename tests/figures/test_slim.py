"""A slim picture is the same picture: same shapes at the same places in the same styles, in half the bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from report import invented

from largesse import figures
from largesse.figures import Picture
from largesse.figures.slim import slim
from largesse.results import Results

SVG = "{http://www.w3.org/2000/svg}"
DRAWN: dict[str, Callable[[Results], Picture]] = {
    "lines and crosses": figures.effects,
    "bars": lambda r: figures.predictive(r, "reported_loyalty"),
    "many intervals": figures.recovery,
    "a filled curve": lambda r: figures.curve(r, "loyalty.direct"),
}
every_picture = pytest.mark.parametrize("name", DRAWN)


def shapes(svg: bytes) -> Iterator[ET.Element]:
    """What is drawn, in order."""
    return (element for element in ET.fromstring(svg).iter() if element.tag in (f"{SVG}path", f"{SVG}use"))


def places(path: str) -> np.ndarray:
    """[place, 2] every point of a path, controls of its curves too, of absolute and of relative commands."""
    found, here, start = [], np.zeros(2), np.zeros(2)
    for letter, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        flat = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        each = {"L": 1, "M": 1, "Q": 2, "C": 3, "Z": 1}[letter.upper()]
        if letter in "zZ":
            here = start
        for at in range(0, len(flat), 2 * each):
            points = np.reshape(flat[at : at + 2 * each], (each, 2)) + (here if letter.islower() else 0)
            found += list(points)
            here = points[-1]
        start = here if letter in "mM" else start
    return np.array(found)


def styles(svg: bytes) -> Counter[str]:
    """How often each style is used, wherever it is written."""
    root = ET.fromstring(svg)
    written = dict(re.findall(r"\.(\w+)\{([^}]*)\}", root.findtext(f".//{SVG}style", "")))
    each = (element.get("style") or written.get(element.get("class", ""), "") for element in root.iter())
    return Counter(re.sub(r"\s", "", style) for style in each if style)


@every_picture
def test_every_shape_stays_within_a_hundredth_of_a_point(name: str) -> None:
    """No point of a path moves by more than rounding does, however many relative steps lead there."""
    svg = DRAWN[name](invented.results()).svg()
    outlines = zip(shapes(svg), shapes(slim(svg)), strict=True)
    pairs = [(a.get("d"), b.get("d")) for a, b in outlines if a.get("d")]  # the outline of a blank has none
    assert len(pairs) > 20
    for before, after in pairs:
        assert np.abs(places(str(before)) - places(str(after))).max() <= 0.005 + 1e-9


@every_picture
def test_every_style_is_used_as_often(name: str) -> None:
    """A style that is written once for many shapes is still that of each."""
    svg = DRAWN[name](invented.results()).svg()
    assert styles(slim(svg)) == styles(svg)


@every_picture
def test_every_reference_leads_somewhere(name: str) -> None:
    """Letters, marks and clips are found under their short names, and names are given once."""
    made = slim(DRAWN[name](invented.results()).svg())
    known = [element.get("id") for element in ET.fromstring(made).iter() if element.get("id")]
    assert len(known) == len(set(known))
    assert set(re.findall(r'(?:href="|url\()#([\w.-]+)', made.decode())) == set(known)


@every_picture
def test_a_slim_picture_has_half_the_bytes_and_the_same_each_time(name: str) -> None:
    """What is left is mostly the outlines of letters."""
    svg = DRAWN[name](invented.results()).svg()
    made = slim(svg)
    assert made == slim(svg)
    assert len(made) < 0.6 * len(svg)


def test_letters_that_are_text_stay_text() -> None:
    """What no font here has is the reader's to draw, letter for letter."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><text x="1.2345" y="2">혜산 &amp; &lt;x&gt;</text></svg>'.encode()
    (text,) = ET.fromstring(slim(svg)).iter(f"{SVG}text")
    assert text.text == "혜산 & <x>"
