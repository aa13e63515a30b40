"""Machine code kept on disk: the same draws without compiling, nothing of a survey in it, and never the wrong code."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import designs
import numpy as np
import nutpie
import pymc as pm
import pytest

from largesse import machine_code, models

AT = np.array([1.234567891, -0.5, 0.25, 0.75, 2.5])  # data that are found in a file if they are in it
NAMED = [(d, m) for d, m in designs.DROPPED if d in {"one wave", "two items", "vignettes and nothing else"}]
SAMPLED = """
import hashlib, json, sys
import numpy as np, nutpie
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_machine_code as here
from largesse import machine_code
machine_code.folder = lambda: Path(sys.argv[1])
compile_pymc_model = nutpie.compile_pymc_model
def counted(*arguments, **options):
    print("compiled", file=sys.stderr)
    return compile_pymc_model(*arguments, **options)
nutpie.compile_pymc_model = None if sys.argv[3] == "reuse" else counted  # whoever compiles fails, or says so
print(here.drawn(here.model()))
"""


def model(sd: float = 1.0, groups: int = 2, slope: bool = False) -> pm.Model:
    """A few lines with all that matters: data, groups and how many they are, a transform, a term that may be there."""
    with pm.Model(coords={"group": [f"county {i}" for i in range(groups)]}) as made:
        y, x = pm.Data("y", AT), pm.Data("x", AT[::-1].copy())
        scale = pm.HalfNormal("scale", sd)
        level = pm.Normal("level", 0.0, 1.0, dims="group")
        mean = level.sum() / made.dim_lengths["group"] + (pm.Normal("slope", 0.0, 1.0) if slope else 0.1) * x
        pm.Potential("data", -0.5 * (((y - mean) / scale) ** 2).sum() - y.shape[0] * pm.math.log(scale))
    return made


def drawn(made: pm.Model) -> str:
    """The bytes of some draws, as text."""
    ready = machine_code.compiled(made, ["scale", "level"]).with_data(y=AT, x=AT)
    tree = nutpie.sample(ready, draws=100, tune=100, chains=2, cores=1, seed=3, progress_bar=False, save_warmup=False)
    values = (v.to_numpy().tobytes() for _, v in sorted(tree["posterior"].data_vars.items()))
    return hashlib.sha256(b"".join(values)).hexdigest()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of its own with one compiled model, and what it draws."""
    folder = tmp_path_factory.mktemp("code")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(machine_code, "folder", lambda: folder)
        yield folder, drawn(model())


def elsewhere(folder: Path, how: str) -> str:
    """What another process draws with the code of a folder."""
    return subprocess.run(_asked(folder, how), check=True, capture_output=True, text=True).stdout.strip()


def _asked(folder: Path, how: str) -> list[str]:
    return [sys.executable, "-c", SAMPLED, str(folder), str(Path(__file__).parent), how]


@pytest.mark.slow
def test_another_process_draws_the_same_without_compiling(kept: tuple[Path, str]) -> None:
    """Code read from disk gives the draws of the process that compiled it, bit for bit."""
    folder, here = kept
    assert elsewhere(folder, "reuse") == here


@pytest.mark.slow
def test_of_two_processes_that_ask_at_once_one_compiles(kept: tuple[Path, str], tmp_path: Path) -> None:
    """The other waits, and both draw the same."""
    both = [subprocess.Popen(_asked(tmp_path, "compile"), stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert [out.strip() for out, _ in told] == [kept[1]] * 2
    assert sum(error.splitlines().count("compiled") for _, error in told) == 1


@pytest.mark.slow
def test_nothing_of_a_survey_is_kept(kept: tuple[Path, str]) -> None:
    """No value of the data is in the file, nor the name of a group; and only its owner may read it."""
    (file,) = kept[0].glob("*.code")
    held = file.read_bytes()
    assert AT[:1].tobytes() not in held
    assert b"county" not in held
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_damaged_file_is_compiled_anew(kept: tuple[Path, str], caplog: pytest.LogCaptureFixture) -> None:
    """A byte that changed is noticed, named, and the file is made again as it was meant."""
    folder, here = kept
    (file,) = folder.glob("*.code")
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(bytes(whole))
    assert drawn(model()) == here
    assert "damaged" in caplog.text
    assert elsewhere(folder, "reuse") == here


def test_a_name_is_of_all_that_a_density_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another constant, number of groups, term, level of optimisation, or other draws to store: another name."""
    names = ["scale", "level"]
    others = [model(sd=2.0), model(groups=3), model(slope=True)]
    each = [machine_code.name(model(), names), *(machine_code.name(m, names) for m in others)]
    each.append(machine_code.name(model(), ["scale"]))
    monkeypatch.setattr(machine_code, "LEVEL", 3)
    each.append(machine_code.name(model(), names))
    assert len({*each}) == len(each)


@pytest.mark.parametrize(("design", "shipped"), NAMED)
def test_every_model_has_a_name(design: str, shipped: str) -> None:
    """Also where a graph holds what is no array, as with one wave or without districts; built again, the same."""
    chosen = models.get(shipped)
    kept = [p.name for p in chosen.active(designs.cells(design, shipped))[0]]
    built = [chosen.build(designs.cells(design, shipped), chosen.priors()) for _ in range(2)]
    assert len({machine_code.name(made, kept) for made in built}) == 1


def test_a_name_is_not_of_data() -> None:
    """Other data, in another number, are put into the same code."""
    changed = model()
    changed["y"].set_value(np.zeros(9))
    assert machine_code.name(changed, ["scale"]) == machine_code.name(model(), ["scale"])


def test_a_model_keeps_its_data_when_it_is_compiled() -> None:
    """The zeros that a model is compiled with are gone afterwards."""
    made = model()
    with machine_code._emptied(made):
        assert made["y"].get_value().tolist() == [0.0]
    assert made["y"].get_value().tolist() == AT.tolist()


def test_old_code_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the number that is kept, the file that was not used for longest goes."""
    for i in range(4):
        (tmp_path / f"{i}.code").write_bytes(b"")
    monkeypatch.setattr(machine_code, "FILES", 2)
    machine_code._trim(tmp_path)
    assert len(list(tmp_path.glob("*.code"))) == 2
