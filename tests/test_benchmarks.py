"""Both sides of the benchmark run one model, and its page shows the numbers that were measured."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from largesse.calibration import calibrate
from largesse.uniformity import FAMILYWISE, holm, uniformity


@pytest.fixture
def benchmark(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the folder by name, as its script does."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    return import_module


@pytest.mark.slow
def test_a_single_item_on_rows_has_the_density_of_the_model_on_cells(benchmark: Any) -> None:
    """Whoever changes a prior or a term changes both sides, or the benchmark stops."""
    loyalty = benchmark("loyalty")
    spec = loyalty.specification(1)
    cells = loyalty.cells_of(spec)
    assert loyalty.agree(cells, spec.priors, loyalty.by_rows(cells, spec.priors)) < loyalty.TOLERANCE
    wider = spec.priors["direct"].model_copy(update={"arguments": {"mu": 0.0, "sigma": 0.8}})
    other = replace(spec.priors, entries={**spec.priors.entries, "direct": wider})
    with pytest.raises(ValueError, match="the models differ"):
        loyalty.agree(cells, spec.priors, loyalty.by_rows(cells, other))


@pytest.mark.slow
def test_eight_schools_in_numpy_is_eight_schools_in_pymc(benchmark: Any) -> None:
    """The truth's log-likelihood is that of the graph, at truths and data drawn in NumPy."""
    schools = benchmark("eight_schools")
    model = schools.model()
    logp = model.compile_logp(vars=model.observed_RVs, mode="FAST_COMPILE")
    for number in range(3):
        theta, y = schools.drawn(np.random.default_rng(number))
        model.set_data("schools", y)
        found = logp({"mu": theta["mu"], "tau_log__": np.log(theta["tau"]), "z": theta["z"]})
        assert schools.loglik({n: v[None] for n, v in theta.items()}, y)[0] == pytest.approx(float(found), rel=1e-10)


@pytest.mark.slow
def test_eight_schools_is_calibrated(benchmark: Any, tmp_path: Path) -> None:
    """What is timed is a calibration that holds: every place is uniform, family-wise .01."""
    subject = benchmark("eight_schools").EightSchools()
    records = calibrate(subject, range(100), tmp_path, progress=False)
    places = np.array([list(r["place"].values()) for r in records if r["status"] == "done"])
    assert len(places) >= 98  # 2 % may fail
    assert min(holm(uniformity(places))) > FAMILYWISE


def test_the_page_shows_the_stored_numbers(benchmark: Any) -> None:
    """A table edited by hand, or numbers measured anew without it, would differ."""
    page = benchmark("page")
    assert page.table() == benchmark("section").shown(page.SCRIPT)
