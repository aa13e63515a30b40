"""What priors imply on scales that people know: shipped sets keep their limits, wide and shifted ones do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from largesse import implied, models
from largesse.cli import app
from largesse.errors import InputError
from largesse.implied import Limit, Limits, quantities
from largesse.models.contract import Model
from largesse.priors import PriorSet

FEW = 300  # draws: an end is known to a tenth of the interval's width, within the room that limits leave
LEADING = {  # by model: the prior of what its limits are about
    "gift_allocation": "intercept",
    "reported_loyalty": "direct",
    "anchored_loyalty": "style_direct",
    "market_participation": "any_direct",
    "sincere_support": "sincere_intercept",
    "joint": "loyalty_direct",
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer draws than the command takes."""
    monkeypatch.setattr(implied, "DRAWS", FEW)


def changed(model: Model, **arguments: float) -> PriorSet:
    """A model's priors with other arguments of the leading one."""
    shipped, name = model.priors(), LEADING[model.name]
    entry = shipped[name]
    other = entry.model_copy(update={"arguments": {**entry.arguments, **arguments}})
    return replace(shipped, entries={**shipped.entries, name: other})


def wrong(model: Model, priors: PriorSet) -> Mapping[str, str]:
    """Quantity -> what is wrong with it, of those with anything."""
    return {row.limit.quantity: row.wrong for row in implied.implied(model, priors, Limits.of(model)) if row.wrong}


@pytest.mark.parametrize("name", models.SHIPPED)
def test_a_shipped_set_keeps_its_limits_and_a_wide_a_narrow_and_a_shifted_one_do_not(name: str) -> None:
    """Six times as wide it goes beyond them; a twentieth as wide, or moved, it rules out what may well be."""
    model = models.get(name)
    sigma = float(model.priors()[LEADING[name]].arguments["sigma"])
    assert wrong(model, model.priors()) == {}
    assert any("goes beyond" in said for said in wrong(model, changed(model, sigma=6 * sigma)).values())
    assert any("rules out" in said for said in wrong(model, changed(model, sigma=sigma / 20)).values())
    assert wrong(model, changed(model, mu=3.0))


def test_a_limit_of_nothing_that_is_estimated_is_named() -> None:
    """A typo in a quantity names the file, what was found and the keys there are."""
    model = models.get("gift_allocation")
    typo = Limit(quantity="receipt.levels", covers=(0.2, 0.5), within=(0.0, 1.0), reason="a test")
    with pytest.raises(InputError, match=r"gift_allocation/limits\.toml, quantity 'receipt\.levels'"):
        implied.implied(model, model.priors(), Limits(limits=(typo,)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "limits"),
        ("[[limits]]\nquantity = 'a'\ncovers = [0.2, 0.5]\nwithin = [0.3, 0.9]\nreason = 'b'\n", "holds"),
        ("[[limits]]\nquantity = 'a'\ncovers = [0.2, 0.5]\nwithin = [0.1, 0.9]\n", "reason"),
        ("[[limits]]\nquantity = 'a'\ncovers = [0.2, 0.5]\nwithin = [0.1, 0.9]\nreason = 'b'\nwhy = 'c'\n", "why"),
    ],
)
def test_a_wrong_file_of_limits_is_refused(text: str, found: str, tmp_path: Path) -> None:
    """Nothing in it, intervals that are not nested, no reason, an unknown key: the file and the key are named."""
    (tmp_path / "limits.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"limits\.toml.*{found}"):
        Limits.of(replace(models.get("gift_allocation"), folder=tmp_path))


def test_only_what_is_of_everyone_is_implied() -> None:
    """No quantity of a single district: which ones a world has says nothing of the priors."""
    model = models.get("reported_loyalty")
    found = quantities(model, model.priors(), Limits.of(model).world, 1)
    assert "loyalty.level.0" in found
    assert not any("district" in key for key in found)


def test_the_command_tells_and_leaves_one_where_a_limit_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each quantity with its interval; exit code 1 as for any check that failed."""
    done = CliRunner().invoke(app, ["priors", "check", "reported_loyalty"])
    assert done.exit_code == 0
    assert "loyalty.direct" in done.stdout
    monkeypatch.setattr(implied, "CONTENT", 0.01)  # an interval so narrow rules much out
    assert CliRunner().invoke(app, ["priors", "check", "reported_loyalty"]).exit_code == 1
