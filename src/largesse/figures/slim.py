"""SVG in few bytes: most of what matplotlib writes is digits, blanks and names that nobody sees.

Places are kept to a hundredth of a point, a fiftieth of a pixel on a page. What could be seen (a colour, an opacity, a
scale) stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from string import ascii_lowercase
from typing import Final
from xml.etree import ElementTree as ET

SVG: Final = "{http://www.w3.org/2000/svg}"
LINK: Final = "{http://www.w3.org/1999/xlink}href"
REFERENCE: Final = re.compile(r"#([\w.-]+)")
MOVE: Final = re.compile(r"translate\((\S+?)[ ,]+(\S+?)\)")
COMMAND: Final = re.compile(r"([A-Za-z])([^A-Za-z]*)")


def slim(svg: bytes) -> bytes:
    """The same picture in fewer bytes; the same input gives the same bytes."""
    ET.register_namespace("", SVG.strip("{}"))
    root = ET.fromstring(svg)  # noqa: S314  (what matplotlib has just written)
    names = _names(root)
    for element in root.iter():
        _tidy(element, names)
    _thin(root)
    _class(root)
    return bytes(ET.tostring(root, encoding="utf-8")).replace(b" />", b"/>")


def _names(root: ET.Element) -> dict[str, str]:
    """A short name for each identifier that something refers to."""
    values = (value for element in root.iter() for value in element.attrib.values())
    known = {element.get("id") for element in root.iter()}
    used = dict.fromkeys(name for value in values for name in REFERENCE.findall(value) if name in known)
    return dict(zip(used, _short(), strict=False))


def _short() -> Iterator[str]:
    """The names a, b, ..., z, aa, ab, ..."""
    for number in count(1):
        name = ""
        while number:
            number, letter = divmod(number - 1, len(ascii_lowercase))  # noqa: PLW2901  (its digits, one by one)
            name = ascii_lowercase[letter] + name
        yield name


def _tidy(element: ET.Element, names: Mapping[str, str]) -> None:
    """Rename what is referred to, round places, drop blanks between elements."""
    if (name := element.attrib.pop("id", None)) in names:
        element.set("id", names[str(name)])
    if target := element.attrib.pop(LINK, None):
        element.set("href", f"#{names[target[1:]]}")
    for key, value in list(element.attrib.items()):
        match key:
            case "d":
                element.set(key, _path(value))
            case "x" | "y" | "width" | "height" if not value.endswith(("pt", "%")):
                element.set(key, _number(value))
            case "transform":
                element.set(key, MOVE.sub(lambda at: f"translate({_number(at[1])} {_number(at[2])})", value))
            case "clip-path":
                element.set(key, REFERENCE.sub(lambda to: f"#{names[to[1]]}", value))
            case "style":
                element.set(key, re.sub(r"\s*([;:])\s+", r"\1", value))
    _place(element)
    element.text, element.tail = ((text if (text or "").strip() else None) for text in (element.text, element.tail))


def _place(element: ET.Element) -> None:
    """A letter or mark that is only moved stands at a place instead."""
    if element.tag == f"{SVG}use" and (at := MOVE.fullmatch(element.get("transform", ""))):
        del element.attrib["transform"]
        element.attrib.update({key: value for key, value in zip("xy", at.groups(), strict=True) if value != "0"})


def _path(places: str) -> str:
    """A path of absolute commands as one of relative ones, in whole hundredths so that no error adds up."""
    said, last, here, start = "", "", (0, 0), (0, 0)
    for letter, numbers in COMMAND.findall(places):
        if letter == "z":
            said, last, here = f"{said}z", letter, start
            continue
        flat = [round(100 * float(number)) for number in numbers.split()]
        points = list(zip(flat[::2], flat[1::2], strict=True))
        steps = [(x - here[0], y - here[1]) for x, y in points]
        text = " ".join(_number(str(step / 100)) for pair in steps for step in pair).replace(" -", "-")
        command = letter if not said else letter.lower()  # the first place of all has none before it
        joint = ("" if text.startswith("-") else " ") if command == last and letter != "M" else command
        said, last, here = f"{said}{joint}{text}", command, points[-1]
        start = here if letter == "M" else start
    return said


def _number(text: str) -> str:
    """A number to hundredths, without what it can do without."""
    short = f"{float(text):.2f}".rstrip("0").rstrip(".")
    return "0" if short in ("-0", "") else short.replace("0.", ".", 1) if short.lstrip("-").startswith("0.") else short


def _class(root: ET.Element) -> None:
    """A style that stands at many elements is written once."""
    counted = Counter(element.get("style") for element in root.iter() if element.get("style"))
    often = [style for style, times in counted.items() if times > 1]
    classes = dict(zip(often, _short(), strict=False))
    for element in root.iter():
        if name := classes.get(element.get("style")):
            del element.attrib["style"]
            element.set("class", name)
    sheet = root.find(f".//{SVG}style")
    if sheet is not None:
        sheet.text = f"{sheet.text}{''.join(f'.{name}{{{style}}}' for style, name in classes.items())}"


def _thin(parent: ET.Element) -> None:
    """Drop metadata and empty groups; what a group without attributes holds goes into its parent."""
    for child in list(parent):
        _thin(child)
        at = list(parent).index(child)
        if child.tag == f"{SVG}metadata" or (child.tag in (f"{SVG}g", f"{SVG}defs") and not len(child)):
            parent.remove(child)
        elif child.tag == f"{SVG}g" and not child.attrib:
            parent[at : at + 1] = list(child)
