"""The pictures of a certificate: every quantity in its panel, the least uniform by name, faults beyond the band."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from scipy.stats import norm

from largesse import judgement, replicate
from largesse.figures import calibration
from largesse.figures.band import band
from largesse.figures.style import Picture
from largesse.seeds import generator

QUANTITIES = ("direct", "cutpoint[0]", "market_any.direct", "loyalty.level.1", "loyalty.direct.district 03",
              "log-likelihood")  # fmt: skip
REPLICATES = 200


def records(shift: float = 0.0) -> list[dict[str, Any]]:
    """Replicates of a calibration with standard normal posteriors, that of `direct` shifted by so many sds."""
    rng = generator(21, "certificate")
    made = []
    for number in range(REPLICATES):
        z = {name: float(rng.normal()) for name in QUANTITIES}  # (posterior mean - truth) / sd
        mean = {name: float(rng.normal()) for name in QUANTITIES}
        off = {name: z[name] + shift * (name == "direct") for name in QUANTITIES}
        made.append({
            "number": number, "status": "done", "attempt": 1, "redrawn": 0, "mean": mean,
            "place": {name: float(norm.cdf(-value)) for name, value in off.items()},
            "truth": {name: mean[name] - off[name] for name in QUANTITIES}, "sd": dict.fromkeys(QUANTITIES, 1.0),
            "prior": {name: float(rng.random()) for name in QUANTITIES[:2]},
        })  # fmt: skip
    return made


def drawn(shift: float = 0.0, bins: int = calibration.BINS) -> tuple[Picture, dict[str, Any]]:
    """The picture of such a calibration, and its summary."""
    made = records(shift)
    summary = judgement.summarised(made)
    places, prior = (judgement.table(made, what) for what in ("place", "prior"))
    return calibration.ranks(places, summary, prior, bins), summary


def words(axes: Axes) -> list[str]:
    """Every text of a panel."""
    return [text.get_text() for text in axes.texts]


def panels(picture: Picture) -> dict[str, Axes]:
    """Panels by title."""
    return {axes.texts[0].get_text(): axes for axes in picture.axes if axes.texts}


def test_every_quantity_has_a_line_in_the_panel_it_belongs_to() -> None:
    """Parameters, then outcomes in their order, the log-likelihood, and at last truths in their priors."""
    picture, _ = drawn()
    counts = {title: sum(len(line.get_xdata()) == calibration.BINS + 1 for line in axes.lines)
              for title, axes in panels(picture).items()}  # fmt: skip
    assert list(counts.items()) == [
        ("Parameters", 2),
        ("Reported loyalty", 2),
        ("Taking part in the market", 1),
        ("Log-likelihood", 1),
        ("Truths in their priors", 2),
    ]


def test_the_least_uniform_of_a_panel_is_named_and_stands_out() -> None:
    """The darkest, thickest line of a panel is the one with the least p, which its label says."""
    picture, summary = drawn()
    order = [row["quantity"] for row in summary["quantities"]]
    least = min((name for name in QUANTITIES if name.startswith("loyalty.")), key=order.index)
    axes = panels(picture)["Reported loyalty"]
    assert any(text.startswith(f"{calibration.named(least)}: p ") for text in words(axes))
    widths = [line.get_linewidth() for line in axes.lines if len(line.get_xdata()) > 2]
    assert sum(width == calibration.LEAST["linewidth"] for width in widths) == 1


def test_a_fault_is_red_leaves_the_band_and_is_told() -> None:
    """A parameter whose posterior is shifted is drawn in another colour and dash, beyond the outer band."""
    picture, summary = drawn(shift=0.7)
    assert summary["red"] == ["direct"]
    axes = panels(picture)["Parameters"]
    red = [line for line in axes.lines if to_hex(line.get_color()) == calibration.VERMILLION and line.is_dashed()]
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in red if len(line.get_xdata()) > 2]
    lower, upper = band(REPLICATES, calibration.BINS, 1 - summary["level"])
    assert len(lines) == 1
    assert ((lines[0] < lower) | (lines[0] > upper)).any()
    assert "not uniform: direct" in picture.alt
    assert "not uniform" in [text.get_text() for text in picture.legends[0].get_texts()]


def test_a_right_model_has_no_red_line_and_no_key_for_one() -> None:
    """Nothing is called not uniform where nothing is."""
    picture, summary = drawn()
    assert summary["red"] == []
    assert "not uniform" not in [text.get_text() for text in picture.legends[0].get_texts()]
    assert "not uniform" not in picture.alt


@pytest.mark.parametrize("what", ["ranks", "contraction"])
def test_the_picture_of_a_certificate_is_the_same_bytes_each_time(what: str) -> None:
    """No date, no random identifier, none of the user's settings: a certificate made twice is the same files."""

    def made() -> bytes:
        picture, summary = drawn()
        return (picture if what == "ranks" else calibration.contraction(summary)).svg()

    first = made()
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert made() == first


def test_pictures_of_simulated_surveys_are_marked() -> None:
    """What a certificate shows was made up, and the picture says so, and its words say so first."""
    picture, summary = drawn()
    for each in (picture, calibration.contraction(summary)):
        assert "SYNTHETIC DATA" in [text.get_text() for text in each.texts]
        assert each.alt.startswith("Synthetic data. ")


def test_a_certificate_without_truths_in_priors_has_no_panel_of_them() -> None:
    """The panel is there only where the places are."""
    made = records()
    picture = calibration.ranks(judgement.table(made, "place"), judgement.summarised(made))
    assert "Truths in their priors" not in panels(picture)


def test_the_log_likelihood_is_called_as_in_the_ranks() -> None:
    """The name by which the picture finds the log-likelihood is the one that replicates store."""
    assert calibration.LOGLIK == replicate.LOGLIK


def test_contraction_and_bias_are_where_the_summary_puts_them() -> None:
    """Each quantity is a mark at its contraction and bias, its kind told by shape and fill."""
    _, summary = drawn()
    axes = calibration.contraction(summary).axes[0]
    marks = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    seen = sorted((float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in marks)
    assert seen == sorted((row["contraction"], row["bias"]) for row in summary["quantities"])
    assert len({(mark["marker"], mark.get("markerfacecolor")) for mark in calibration.KINDS.values()}) == 3
