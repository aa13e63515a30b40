"""Figures draw what the results say: every interval, every mark of status, and the mark of synthetic data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from report import invented

from largesse import figures
from largesse.figures import Picture
from largesse.figures.canvas import fitted
from largesse.results import Results

DRAWN: dict[str, Callable[[Results], Picture]] = {
    "effects": figures.effects,
    "districts": lambda r: figures.districts(r, "loyalty.direct"),
    "coverage": figures.coverage,
    "answers": lambda r: figures.predictive(r, "reported_loyalty"),
    "market": lambda r: figures.predictive(r, "market_participation"),
    "learning": figures.learning,
    "recovery": figures.recovery,
}
every_figure = pytest.mark.parametrize("name", DRAWN)


def words(picture: Picture) -> list[str]:
    """Every text of a figure."""
    return [text.get_text() for text in picture.findobj(lambda artist: hasattr(artist, "get_text"))]


def segments(picture: Picture) -> set[tuple[float, float]]:
    """The ends of every horizontal line, rounded."""
    lines = [line for axes in picture.axes for line in axes.lines]
    return {
        tuple(np.round(np.asarray(line.get_xdata(), dtype=float), 6)) for line in lines if len(line.get_xdata()) == 2
    }


@every_figure
def test_every_figure_is_marked_where_data_are_synthetic_and_only_there(name: str) -> None:
    """The mark is in the picture and in its words."""
    made = invented.results()
    real = replace(made, study={**made.study, "synthetic": False})
    assert "SYNTHETIC DATA" in words(DRAWN[name](made))
    assert DRAWN[name](made).alt.startswith("Synthetic data. ")
    assert "SYNTHETIC DATA" not in words(DRAWN[name](real))
    assert "ynthetic" not in DRAWN[name](real).alt


@every_figure
def test_the_same_results_give_the_same_bytes(name: str) -> None:
    """A figure has no date, no random identifiers, and none of the user's own settings."""
    made = invented.results()
    first = DRAWN[name](made).svg()
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9}):
        again = DRAWN[name](made).svg()
    assert first == again


@every_figure
def test_a_figure_refers_to_nothing_outside_itself(name: str) -> None:
    """No style sheet, image or font is fetched; names of vocabularies are no addresses to fetch."""
    svg = DRAWN[name](invented.results()).svg().decode()
    assert re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)[^\"')\s]+", svg) == []


def test_every_effect_is_drawn_with_its_interval_and_its_truth() -> None:
    """Each estimate is a line from its lower to its upper end; each truth a cross."""
    made = invented.results()
    picture = figures.effects(made)
    for e in figures.contrasts(made):
        assert (round(100 * e.lower, 6), round(100 * e.upper, 6)) in segments(picture)
        assert f"{figures.points(e.mean)} ({figures.span(e.lower, e.upper)})" in words(picture)
    crosses = [line for line in picture.axes[0].lines if line.get_marker() == "x"]
    assert sorted(float(line.get_xdata()[0]) for line in crosses) == pytest.approx(
        sorted(100 * e.truth for e in figures.contrasts(made) if e.truth is not None)
    )


def test_the_status_of_an_effect_can_be_seen_without_colour() -> None:
    """Marker and fill differ for identified, conditional and prior-driven effects, and all are named."""
    shapes = {(mark["marker"], mark["markerfacecolor"] == "white") for mark in figures.MARKS.values()}
    assert len(shapes) == len(figures.STATUS)
    made = invented.results()
    mixed = tuple(replace(e, status="prior_driven") if e.contrast == "overall" else e for e in made.estimates)
    picture = figures.effects(replace(made, estimates=mixed))
    assert {figures.STATUS["conditional"], figures.STATUS["prior_driven"]} <= set(words(picture))
    assert figures.STATUS["identified"] not in words(picture)


def test_colours_that_stand_together_differ_in_grey() -> None:
    """Estimate and truth, bar and interval, prior and posterior keep apart when printed without colour."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear))

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    # 3 to 1 is what WCAG 2.1 asks of graphics; truth and miss differ from estimates in shape, so less will do there.
    assert contrast(figures.ORANGE, figures.INK) > 3
    assert contrast(figures.RULE, figures.BLUE) > 3
    assert contrast(figures.BAND, figures.BLUE) > 3
    assert contrast(figures.VERMILLION, figures.BLUE) > 1.3
    assert all(
        contrast(colour, "#f6f4ef") > 3 for colour in (figures.BLUE, figures.VERMILLION, figures.INK, figures.MUTED)
    )


def test_an_extrapolated_effect_is_called_one() -> None:
    """The figure says which estimate reaches beyond what was observed."""
    assert any("(extrapolated)" in text for text in words(figures.effects(invented.bare())))
    assert not any("(extrapolated)" in text for text in words(figures.effects(invented.results())))


def test_districts_stand_in_order_with_their_names_and_intervals() -> None:
    """The smallest effect is at the bottom; each district has a line."""
    made = invented.results()
    picture = figures.districts(made, "loyalty.direct")
    shown = figures.by_district(made, "loyalty.direct")
    labels = [text.get_text() for text in picture.axes[0].get_yticklabels()]
    assert labels == [e.group for e in shown]
    assert [e.mean for e in shown] == sorted(e.mean for e in shown)
    assert {(round(100 * e.lower, 6), round(100 * e.upper, 6)) for e in shown} <= segments(picture)


def test_coverage_that_is_not_known_leaves_a_hole() -> None:
    """A district and wave without a rate has no mark; a district without any has no row."""
    made = invented.results()
    rate = [list(row) for row in made.figures["coverage"]["rate"]]
    rate[0][1], rate[1] = None, [None] * len(rate[1])
    holes = replace(made, figures={**made.figures, "coverage": {**made.figures["coverage"], "rate": rate}})
    picture = figures.coverage(holes)
    labels = {text.get_text() for text in picture.axes[0].get_yticklabels()}
    assert labels == set(invented.DISTRICTS) - {invented.DISTRICTS[1]}


def test_shares_of_answers_are_bars_with_the_interval_of_the_fit() -> None:
    """Every answer of every item and arm is a bar, in percent, with its predictive interval over it."""
    made = invented.results()
    picture = figures.predictive(made, "reported_loyalty")
    widths = sorted(bar.get_width() for axes in picture.axes for bar in axes.patches)
    rows = [row for row in made.figures["predictive"] if row["model"] == "reported_loyalty"]
    assert widths == pytest.approx(sorted(100 * share for row in rows for share in row["observed"]))
    drawn = [seg[:, 0] for axes in picture.axes for lines in axes.collections for seg in lines.get_segments()]
    wanted = [(100 * a, 100 * b) for row in rows for a, b in zip(row["lower"], row["upper"], strict=True)]
    assert np.sort(drawn, axis=0) == pytest.approx(np.sort(wanted, axis=0))


def test_one_arm_alone_is_drawn_too() -> None:
    """A panel that was too small to be shown leaves its place empty, with the answers still named."""
    made = invented.results()
    received = [row for row in made.figures["predictive"] if row["gift"] == 1]
    picture = figures.predictive(replace(made, figures={"predictive": received}), "reported_loyalty")
    assert set(invented.ANSWERS) <= set(words(picture))


def test_a_parameter_outside_its_interval_stands_out() -> None:
    """Misses are drawn in another colour and shape, and named in the words of the figure."""
    made = invented.results()
    assert made.truth is not None
    picture = figures.recovery(made)
    (missed,) = [line for line in picture.axes[0].lines if line.get_marker() == "D"]
    assert sorted(missed.get_xdata()) == sorted(row["truth"] for row in made.truth["outside"])
    assert all(row["key"] in picture.alt for row in made.truth["outside"])


def test_letters_without_a_font_are_left_to_the_reader() -> None:
    """Hangul, for which matplotlib brings no font, stays text in the picture; other figures are outlines."""
    made = invented.results()
    renamed = tuple(
        replace(e, group="혜산", key="loyalty.direct.혜산") if e.group == "Fir" else e for e in made.estimates
    )
    svg = figures.districts(replace(made, estimates=renamed), "loyalty.direct").svg().decode()
    assert re.search(r"<text[^>]*>혜산</text>", svg)
    assert "<text" not in figures.districts(made, "loyalty.direct").svg().decode()


def test_a_name_that_is_too_long_is_cut_and_keeps_its_place() -> None:
    """Twenty letters, ten of Hangul, an ellipsis for the rest; the words of the figure keep the whole name."""
    long = "Unaccountably-long-name-of-a-district near nowhere"
    made = invented.results()
    renamed = tuple(
        replace(e, group=long, key=f"loyalty.direct.{long}") if e.key == "loyalty.direct.Fir" else e
        for e in made.estimates
    )
    picture = figures.districts(replace(made, estimates=renamed), "loyalty.direct")
    picture.draw_without_rendering()
    labels = [text for text in picture.axes[0].get_yticklabels() if text.get_text().endswith("…")]
    assert [len(text.get_text()) <= 20 for text in labels] == [True]
    assert labels[0].get_window_extent().x0 >= 0
    assert long in picture.alt
    assert fitted("혜산시 위연동 사무소 관할 구역") == "혜산시 위연동…"
    assert fitted("one two three four", 9, 2) == "one two\nthree…"


def test_dollar_signs_in_names_are_no_mathematics() -> None:
    """A district called `$x$` is drawn as it is called."""
    made = invented.results()
    renamed = tuple(
        replace(e, group="$x$", key="loyalty.direct.$x$") if e.group == "Fir" else e for e in made.estimates
    )
    picture = figures.districts(replace(made, estimates=renamed), "loyalty.direct")
    assert not any(text.get_parse_math() for text in picture.axes[0].get_yticklabels())
    assert "$x$" in picture.alt
