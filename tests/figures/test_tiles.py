"""The map of tiles: every district where it lies, its number on it, and what may be too small to matter marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from report import invented

from largesse import figures
from largesse.figures import Picture
from largesse.results import Results

EFFECT = "loyalty.direct"


def at(places: dict[str, tuple[float, float]]) -> Results:
    """The invented study with districts at these places."""
    made = invented.results()
    return replace(made, figures={**made.figures, "coverage": {**made.figures["coverage"], "places": places}})


def squares(picture: Picture) -> list[Rectangle]:
    """The tiles, without the strips that mark what is unsure."""
    found = [patch for patch in picture.axes[0].patches if isinstance(patch, Rectangle)]
    return [patch for patch in found if patch.get_hatch() is None]


def test_every_district_has_a_tile_with_its_name_and_number_where_it_lies() -> None:
    """A square for each; the words of each stand within it."""
    made = invented.results()
    picture = figures.tiles(made, EFFECT)
    said = {text.get_text(): text.get_position() for text in picture.axes[0].texts}
    for e in figures.by_district(made, EFFECT):
        x, y = made.figures["coverage"]["places"][e.group]
        assert any(abs(s.get_x() + s.get_width() / 2 - x) < 1e-9 for s in squares(picture))
        assert said[e.group] == pytest.approx((x, y), abs=0.5)
        assert figures.points(e.mean) in said
        assert f"{e.group}: {figures.points(e.mean)}, {figures.span(e.lower, e.upper)}" in picture.alt
    assert len(squares(picture)) == len(invented.DISTRICTS)


def test_what_may_be_too_small_to_matter_is_hatched_and_nothing_else() -> None:
    """As many hatched strips as intervals that overlap the band."""
    made = invented.results()
    rope = made.study["rope"]
    unsure = [e for e in figures.by_district(made, EFFECT) if e.lower < rope and e.upper > -rope]
    strips = [patch for patch in figures.tiles(made, EFFECT).axes[0].patches if patch.get_hatch()]
    assert 0 < len(unsure) < len(invented.DISTRICTS)
    assert len(strips) == len(unsure)


def test_coordinates_of_any_unit_give_the_same_map() -> None:
    """Tiles touch where the nearest two districts lie, whatever a degree or a mile is."""
    made = invented.results()
    known = made.figures["coverage"]["places"]
    scaled = at({name: (0.25 * x, 0.25 * y) for name, (x, y) in known.items()})
    first, second = (squares(figures.tiles(each, EFFECT)) for each in (made, scaled))
    assert np.array([s.get_xy() for s in first]) == pytest.approx(np.array([s.get_xy() for s in second]))


def test_no_map_is_drawn_where_it_could_not_be_read() -> None:
    """A district without a place, two at one place, and places so far apart that no word fits on a tile."""
    known = invented.results().figures["coverage"]["places"]
    first, second, *_ = invented.DISTRICTS
    assert figures.mapped(invented.results(), EFFECT)
    assert not figures.mapped(at({}), EFFECT)
    assert not figures.mapped(at({name: place for name, place in known.items() if name != first}), EFFECT)
    assert not figures.mapped(at({**known, first: known[second]}), EFFECT)
    assert not figures.mapped(at({**known, first: (40.0, 0.0)}), EFFECT)
