"""Files of borrowed priors: they come back as they were written, and say what is wrong with them, file and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import designs
import lent
import numpy as np
import pytest
import tomli_w

from largesse import models
from largesse.borrowed import Borrowed, Shape
from largesse.errors import InputError

MODEL = "reported_loyalty"


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    """The table of a file with nothing wrong."""
    spread = {"effect": "direct_district", "along": "district", "groups": 12, "locations": ["direct"]}
    made = lent.table(models.get(MODEL), designs.cells(designs.FULL, MODEL))
    return made | {"power": 0.7, "spreads": [spread | {"covariance": [[0.09]]}]}


def test_a_file_comes_back_as_it_was_written(good: dict[str, Any], tmp_path: Path) -> None:
    """Read, written and read again it has the same fingerprint, to the last digit of every number."""
    made = Borrowed.model_validate(good)
    made.write(tmp_path / "next.toml")
    again = Borrowed.read(tmp_path / "next.toml")
    assert again == made
    again.write(tmp_path / "again.toml")
    assert Borrowed.read(tmp_path / "again.toml").fingerprint == made.fingerprint
    assert (tmp_path / "again.toml").read_bytes() == (tmp_path / "next.toml").read_bytes()


def without(*keys: str) -> Callable[[dict[str, Any]], Any]:
    """Take a key away."""

    def change(table: dict[str, Any]) -> None:
        inner: Any = table
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


def put(value: Any, *keys: Any) -> Callable[[dict[str, Any]], Any]:
    """Put something in the place of a key."""

    def change(table: dict[str, Any]) -> None:
        inner: Any = table
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


WRONG = {
    "no model": (without("model"), "key 'model'", "required"),
    "no origin": (without("origin"), "key 'origin'", "required"),
    "nobody who lends": (without("origin", "by"), "key 'origin.by'", "required"),
    "no fit": (without("origin", "fit"), "key 'origin.fit'", "required"),
    "no date": (without("origin", "date"), "key 'origin.date'", "required"),
    "an empty statement": (put("", "origin", "statement"), "key 'origin.statement'", "at least 1 character"),
    "an unknown key": (put(1, "wieght"), "key 'wieght'", ""),
    "an unknown key of a coordinate": (put(1, "coordinates", 0, "median"), "key 'coordinates.0.median'", ""),
    "an unknown scale": (put("logit", "coordinates", 0, "scale"), "key 'coordinates.0.scale'", "'as it is'"),
    "a negative sd": (put(-1.0, "coordinates", 0, "sd"), "key 'coordinates.0.sd'", "greater than 0"),
    "a weight beyond one": (put(1.5, "weights", "direct"), "key 'weights.direct'", "less than or equal to 1"),
    "a weight that is missing": (without("weights", "direct"), "key 'weights'", "a weight for each of"),
    "a power of nothing": (put(0.0, "power"), "key 'power'", "greater than 0"),
    "a power beyond one": (put(2.0, "power"), "key 'power'", "less than or equal to 1"),
    "a block of strangers": (put("direct", "coordinates", 0, "block"), "key 'coordinates'", "side by side"),
    "a correlation too many": (put([0.5], "correlation", 0), "key 'correlation'", "the lower triangle"),
    "correlations of no normal": (put([1.5], "correlation", 1), "key 'correlation'", "the correlations of a normal"),
    "a spread of nothing": (put(["nowhere"], "spreads", 0, "locations"), "key 'spreads.0.locations'", "a coordinate"),
    "a negative variance": (put([[-1.0]], "spreads", 0, "covariance"), "key 'spreads.0.covariance'", "in their order"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_file_and_key(name: str, good: dict[str, Any], tmp_path: Path) -> None:
    """Each fault names the file, the key and what was expected."""
    change, key, expected = WRONG[name]
    path = tmp_path / "next.toml"
    Borrowed.model_validate(good).write(path)
    table = Borrowed.read(path).model_dump(mode="json", exclude_none=True)
    table["correlation"] = [list(row) for row in table["correlation"]]
    change(table)
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        Borrowed.read(path)
    assert {p.where for p in refused.value.problems} == {str(path)}
    assert any(p.key == key and expected in p.expected for p in refused.value.problems), str(refused.value)


def test_a_discount_widens_and_another_average_does_too(good: dict[str, Any]) -> None:
    """Half the power is twice the covariance; a location differs by the spread of the districts of both studies."""
    made = Borrowed.model_validate(good | {"power": 1.0})
    place, many = made.names.index("direct"), {"district": 10**9, "wave": 1}
    plain = made.covariance(many)[place, place] - 0.09 / 12
    assert plain == pytest.approx(made.coordinates[place].sd ** 2)
    assert made.covariance({"district": 6, "wave": 1})[place, place] == pytest.approx(plain + 0.09 / 12 + 0.09 / 6)
    np.testing.assert_allclose(made.counting(power=0.5).covariance(many), 2 * made.covariance(many), atol=1e-9)


def test_a_change_of_scale_goes_both_ways() -> None:
    """Back from the normal scale it is the same number; the derivative is the slope."""
    shape, x = Shape.model_validate(lent.SHAPE), np.linspace(-4.0, 1.5, 40)
    z, slope = shape.forward(x)
    np.testing.assert_allclose(shape.backward(z), x, rtol=1e-9, atol=1e-9)
    up, down = (shape.forward(x + step)[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(np.exp(slope), (up - down) / 2e-6, rtol=1e-6)
