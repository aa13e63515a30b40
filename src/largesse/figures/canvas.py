"""Empty figures in inches, with the mark of synthetic data, and words at their places."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Any, Final
from unicodedata import east_asian_width

from matplotlib.axes import Axes

from largesse.figures.style import INK, VERMILLION, Picture
from largesse.results import Results

WIDTH: Final = 4.9  # inches: of pictures that stand by themselves, in a model card or beside a certificate
COLUMN: Final = 3.9  # inches: of figures of a page; a telephone enlarges them by a fourth, a wide screen doubles them
ROW: Final = 0.36  # inches for a label with its interval below
TOP, BOTTOM = 0.32, 0.62  # inches for the mark of synthetic data; for scale and key
MARK: Final = "SYNTHETIC DATA"
NAME: Final = 20  # letters of a name at a row
LETTER: Final = 0.063  # inches that one of them takes


def blank(height: float, bottom: float = BOTTOM, *, synthetic: bool, width: float = WIDTH) -> Picture:
    """An empty figure `height` inches high between its margins, marked where the data are synthetic."""
    figure = Picture(figsize=(width, height + bottom + TOP))
    figure.synthetic = synthetic
    if synthetic:
        frame = {"boxstyle": "square,pad=0.25", "facecolor": "none", "edgecolor": VERMILLION, "linewidth": 0.8}
        figure.text(0.985, 1 - 0.13 / figure.get_figheight(), MARK, ha="right", va="center", bbox=frame,
                    fontsize=6.5, color=VERMILLION, weight="bold")  # fmt: skip
    return figure


def canvas(results: Results, height: float, *, left: float = 0.08, right: float = 0.14) -> tuple[Picture, Axes]:
    """A figure of a page with one set of axes; measures in inches."""
    figure = blank(height, synthetic=results.study["synthetic"], width=COLUMN)
    tall = figure.get_figheight()
    axes = figure.add_axes((left / COLUMN, BOTTOM / tall, 1 - (left + right) / COLUMN, height / tall))
    axes.set_yticks([])
    return figure, axes


def fitted(name: str, letters: int = NAME, lines: int = 1) -> str:
    """A name on so many lines of so many letters, wide ones counted twice; a longer one ends in an ellipsis."""
    width = letters // (1 + any(east_asian_width(letter) in "WF" for letter in name))
    wrapped = wrap(name, width) or [""]
    if len(wrapped) > lines:
        wrapped[lines - 1] = f"{wrapped[lines - 1][: width - 1].rstrip()}…"
    return "\n".join(wrapped[:lines])


def margin(names: Iterable[str]) -> float:
    """Inches left of the axes for names, as they are fitted, at its rows."""
    return 0.12 + LETTER * max((min(NAME, len(name)) for name in names), default=0)


def beside(axes: Axes, y: float, words: str, *, right: bool = False, **style: Any) -> None:
    """Words at the height `y` of the data, at the left or right edge of the axes."""
    place = {"transform": axes.get_yaxis_transform(), "ha": "right" if right else "left", "va": "center"}
    axes.text(float(right), y, words, **{**place, "color": INK, **style})


def above(axes: Axes, words: str, offset: tuple[float, float], **style: Any) -> None:
    """Words at an offset in points from the upper left corner of the axes."""
    axes.annotate(words, (0, 1), offset, xycoords="axes fraction", textcoords="offset points", **style)
