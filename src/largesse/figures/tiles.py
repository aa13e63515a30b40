"""A map of tiles: the effect in each district where the district lies, if the district file says where that is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from largesse.figures.canvas import BOTTOM, COLUMN, TOP, blank, fitted
from largesse.figures.printed import DIRECTIONS, by_district, points, span
from largesse.figures.style import INK, MUTED, RULE, Picture, styled
from largesse.results import Estimate, Results, direction

LARGEST, SMALLEST = 0.78, 0.42  # inches: a tile, and one that still holds its words
SIDE: Final = 0.08  # inches left and right of the map
GAP: Final = 0.06  # of a tile, between two
DARK: Final = 0.35  # of the scale, below which letters are white
LETTER: Final = 0.052  # inches that a small letter of a name takes


def mapped(results: Results, name: str) -> bool:
    """Whether the effect `name` can be drawn on a map: tiles for all of its districts, none too small for its words."""
    return _tile(results, name) >= SMALLEST


@styled
def tiles(results: Results, name: str) -> Picture:
    """The effect `name` in each district as a tile; hatched where it may be too small to matter."""
    shown, places, side = by_district(results, name), _places(results, name), _tile(results, name)
    low, high = ([pick(place[n] for place in places.values()) for n in (0, 1)] for pick in (min, max))
    wide, tall = (high[n] - low[n] + 1 for n in (0, 1))
    figure = blank(side * tall, synthetic=results.study["synthetic"], width=COLUMN)
    height = figure.get_figheight()
    axes = figure.add_axes((SIDE / COLUMN, BOTTOM / height, side * wide / COLUMN, 1 - (BOTTOM + TOP) / height))
    axes.set(xlim=(low[0] - 0.5, high[0] + 0.5), ylim=(low[1] - 0.5, high[1] + 0.5))
    axes.set_axis_off()
    least, most = min(e.lower for e in shown), max(e.upper for e in shown)  # else chance would look like a pattern
    for e in shown:
        share = (e.mean - least) / (most - least or 1)
        _draw(axes, e, places[e.group], share, side, unsure=_unsure(e, results.study["rope"]))
    words = f"points of 100; {points(least)} dark, {points(most)} light, the ends of all intervals"
    figure.supxlabel(words, fontsize=7.5, color=MUTED, y=0.34 / height)
    hatched = Patch(facecolor="white", edgecolor=INK, hatch="////", linewidth=0.5)
    label = f"interval overlaps {span(-results.study['rope'], results.study['rope'])}: may be too small to matter"
    figure.legend([hatched], [label], loc="lower center", fontsize=7.5)
    figure.tell(f"{results.estimate(name).label}, by district on a map, in points of 100.", map(_said, shown))
    return figure


def _places(results: Results, name: str) -> Mapping[str, tuple[float, float]]:
    """Where each district of the effect lies, in tiles; empty where that is not known of all."""
    known = (results.figures.get("coverage") or {}).get("places") or {}
    wanted = [e.group for e in by_district(results, name)]
    if len(wanted) < 2 or not set(wanted) <= set(known):
        return {}
    at = {group: known[group] for group in wanted}
    near = min(max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in combinations(at.values(), 2))
    return {group: (x / near, y / near) for group, (x, y) in at.items()} if near else {}


def _tile(results: Results, name: str) -> float:
    """Inches that a tile may take; 0 where there is no map."""
    places = _places(results, name)
    if not places:
        return 0.0
    wide = max(x for x, _ in places.values()) - min(x for x, _ in places.values()) + 1
    return min(LARGEST, (COLUMN - 2 * SIDE) / wide)


def _unsure(e: Estimate, rope: float) -> bool:
    return e.lower < rope and e.upper > -rope


def _draw(axes: Axes, e: Estimate, place: tuple[float, float], share: float, side: float, *, unsure: bool) -> None:
    """One district: its name and number on a colour that grows lighter with the effect."""
    (x, y), extent = place, 1 - GAP
    colour = mpl.colormaps["cividis"](0.25 + 0.75 * share)
    corner = (x - extent / 2, y - extent / 2)
    axes.add_patch(Rectangle(corner, extent, extent, facecolor=colour, edgecolor="none", zorder=1))
    letters = INK if share > DARK else "white"
    if unsure:  # the hatch leaves the place of the letters free
        edge = Rectangle(corner, extent, 0.2 * extent, facecolor="white", edgecolor=INK, hatch="//////", linewidth=0)
        axes.add_patch(edge)
        axes.plot([corner[0], corner[0] + extent], [corner[1] + 0.2 * extent] * 2, color=RULE, linewidth=0.4, zorder=2)
    name = fitted(e.group, int(side / LETTER))
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": letters, "zorder": 3}
    axes.text(x, y + 0.24, name, fontsize=6.5, **style)
    axes.text(x, y - 0.06, points(e.mean), fontsize=8.5, weight="bold", **style)


def _said(e: Estimate) -> str:
    return f"{e.group}: {points(e.mean)}, {span(e.lower, e.upper)}, {DIRECTIONS[direction(e)]}"
