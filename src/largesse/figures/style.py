"""The one visual system of every figure: colours, marks, letters, and a figure that can be saved and read aloud.

Drawn for the width of a telephone and enlarged on a page, so that letters stay legible. Colours follow Okabe and Ito
(2008) and never carry a meaning alone: what a colour says, a shape or a fill says too.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.style import context

from largesse.results import Status

INK, MUTED, RULE, BAND = "#1c1e21", "#5d6168", "#d5d2cb", "#e9e6df"
BLUE, VERMILLION, ORANGE = "#0072b2", "#d55e00", "#e69f00"
STATUS: Final[Mapping[Status, str]] = {
    "identified": "identified",
    "conditional": "under an assumption",
    "prior_driven": "driven by the prior",
}
MARKS: Final[Mapping[Status, dict[str, Any]]] = {  # filled, open, and another shape: legible without colour
    "identified": {"marker": "o", "color": BLUE, "markerfacecolor": BLUE},
    "conditional": {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
    "prior_driven": {"marker": "D", "color": MUTED, "markerfacecolor": "white", "linestyle": (0, (1, 1.2))},
}
STYLE: Final[dict[Any, Any]] = {
    **dict.fromkeys(("text.color", "legend.labelcolor"), INK),
    **dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 7.5),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
    **dict.fromkeys(("axes.edgecolor", "grid.color"), RULE),
    **dict.fromkeys(("legend.frameon", "text.parse_math"), False),
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 8.0,
    "grid.linewidth": 0.5,
    "lines.markersize": 5.0,
    "lines.markeredgewidth": 1.2,
    "svg.hashsalt": "largesse",
}


class Picture(Figure):
    """A matplotlib figure that says in words what it shows.

    Attributes
    ----------
    synthetic : whether what it shows was made up; then it is marked so, and its words say so first.
    alt : the figure in words, with its numbers, for those who do not see it.
    """

    synthetic: bool = False
    alt: str = ""

    def tell(self, what: str, sentences: Iterable[str]) -> None:
        """Put the figure in words: what it is, then its numbers."""
        mark = "Synthetic data. " if self.synthetic else ""
        self.alt = f"{mark}{what} {'; '.join(sentences)}."

    def svg(self) -> bytes:
        """The figure as SVG, the same bytes each time; letters no font here has are left to the reader's."""
        outlines, complete = self._saved("path")
        return outlines if complete else self._saved("none")[0]

    def _saved(self, letters: str) -> tuple[bytes, bool]:
        out = io.BytesIO()
        with context(["default", STYLE, {"svg.fonttype": letters}]), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        missing = any("missing from" in str(warning.message) for warning in said)
        return out.getvalue(), not missing


def styled[**P](draw: Callable[P, Picture]) -> Callable[P, Picture]:
    """Draw in this style, whatever the user's settings are."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Picture:
        with context(["default", STYLE]):
            return draw(*args, **kwargs)

    return drawn
