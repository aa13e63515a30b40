"""The picture of a plan: every size a point with its error, lines in grey as well as in colour, labels apart."""

from __future__ import annotations

from itertools import pairwise, product

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from largesse import planning
from largesse.figures import plan
from largesse.figures.style import Picture

KEYS = {
    "loyalty.direct": "reported loyalty: effect of a gift on who receives it",
    "loyalty.spillover": "reported loyalty: effect of more coverage on those passed over",
    "receipt.selectivity": "top less bottom quarter of standing",
}
VARY = {"districts": (12, 24, 48), "respondents": (20, 50, 100), "items": (1, 3)}


def frame(*names: str) -> pd.DataFrame:
    """A made-up plan over the sizes of `names`."""
    rows = []
    for sizes in product(*(VARY[name] for name in names)):
        for lag, (key, label) in enumerate(KEYS.items()):
            people = float(np.prod(sizes))
            settled = people / (people + 400 * (1 + lag))
            numbers = {"width": 2 / people**0.5, "settled": settled, "settled_se": 0.03, "replicates": 200, "failed": 1}
            rows.append(dict(zip(names, sizes, strict=True)) | {"key": key, "label": label} | numbers)
    return pd.DataFrame(rows)


def pairs(picture: Picture) -> list[tuple[Axes, Axes]]:
    """The two panels of each estimand, that of chances first."""
    lower, upper = picture.axes[::2], picture.axes[1::2]
    return list(zip(upper, lower, strict=True))


def curves(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """The lines with marks."""
    marked = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    return [(np.asarray(m.get_xdata()).tolist(), np.asarray(m.get_ydata()).tolist()) for m in marked]


@pytest.mark.parametrize("names", [("respondents",), ("districts", "respondents"), tuple(VARY)])
def test_every_size_is_a_point_of_its_estimands_panels(names: tuple[str, ...]) -> None:
    """What is settled and how wide intervals are, in points of 100, over the second varied size (or the only one)."""
    table = frame(*names)
    along = names[min(1, len(names) - 1)]
    for (upper, lower), key in zip(pairs(plan.chances(table)), KEYS, strict=True):
        rows = table[table["key"] == key]
        for axes, what in ((upper, "settled"), (lower, "width")):
            seen = sorted(point for x, y in curves(axes) for point in zip(x, y, strict=True))
            wanted = sorted(zip(rows[along], 100 * rows[what], strict=True))
            assert np.array(seen) == pytest.approx(np.array(wanted))
            assert len(curves(axes)) == len(rows) / len(VARY[along])


def test_chances_carry_the_error_of_the_simulation() -> None:
    """Each point has a bar of 1.96 Monte Carlo errors to each side, within 0 and 100."""
    table = frame("districts", "respondents")
    upper, _ = pairs(plan.chances(table))[0]
    bars = [seg[:, 1] for lines in upper.collections for seg in lines.get_segments()]
    rows = table[table["key"] == "loyalty.direct"]
    half = 100 * 1.96 * rows["settled_se"]
    wanted = [np.clip(100 * rows["settled"] - half, 0, 100), np.clip(100 * rows["settled"] + half, 0, 100)]
    assert np.sort(bars, axis=0) == pytest.approx(np.sort(np.transpose(wanted), axis=0))


def test_lines_are_named_at_their_ends_in_their_order() -> None:
    """The label of a higher line stands higher, and no two are nearer than a label is high."""
    upper, lower = pairs(plan.chances(frame("districts", "respondents")))[0]
    for axes, order in ((upper, ["12", "24", "48"]), (lower, ["48", "24", "12"])):
        labels = {text.get_text(): text.xy[1] for text in axes.texts if text.get_text() in order}
        assert sorted(labels, key=labels.__getitem__) == order
        heights = [labels[name] for name in order]
        assert all(high - low >= plan.APART - 1e-9 for low, high in pairwise(heights))


def test_labels_that_have_room_are_not_moved() -> None:
    """Only what would touch is pushed apart, evenly to both sides."""
    assert plan.apart([0.9, 0.1, 0.5], gap=0.1) == pytest.approx([0.9, 0.1, 0.5])
    assert plan.apart([0.5, 0.5, 0.1], gap=0.1) == pytest.approx([0.45, 0.55, 0.1])
    assert plan.apart([]) == []


def test_lines_can_be_told_apart_without_colour() -> None:
    """Marks differ in shape, and shades darken from the smallest size to the largest."""
    upper, _ = pairs(plan.chances(frame("districts", "respondents")))[0]
    marked = [line for line in upper.lines if line.get_marker() not in ("None", "", None)]
    assert len({line.get_marker() for line in marked}) == 3
    grey = [float(np.dot((0.2126, 0.7152, 0.0722), line.get_color()[:3])) for line in marked]
    assert all(light - dark > 0.15 for light, dark in pairwise(grey))


def test_a_size_at_which_no_fit_stands_leaves_a_hole() -> None:
    """Its width is not known and not drawn; the figure stands."""
    table = frame("districts", "respondents")
    table.loc[table["respondents"] == 20, "width"] = np.nan
    _, lower = pairs(plan.chances(table))[0]
    assert all(np.isnan(y[0]) and np.isfinite(y[1:]).all() for _, y in curves(lower))


def test_the_picture_of_a_plan_is_the_same_bytes_each_time_and_marked() -> None:
    """Whatever the user's settings; and it says that its surveys are made up."""
    first = plan.chances(frame("districts", "respondents"))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert plan.chances(frame("districts", "respondents")).svg() == first.svg()
    assert first.alt.startswith("Synthetic data. ")
    assert "SYNTHETIC DATA" in [text.get_text() for text in first.texts]


def test_the_dotted_line_is_the_chance_that_plans_are_after() -> None:
    """The picture and the advice in words have one aim."""
    assert plan.WANTED == planning.WANTED
