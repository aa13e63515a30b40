"""The rules of the house, executed: layers, sizes, names and documents that must agree with the code."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import largesse
from largesse.inputs import lenders

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "largesse"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 450, 80, 7
HEAVY = {"arviz_base", "arviz_stats", "matplotlib", "numba", "numpy", "nutpie", "pandas", "polars", "pydantic", "pymc"}
SAMPLERS = {"nutpie", "pymc", "pytensor"}
WITH_MODELS = {  # what knows the registry of models, whose files are written in PyMC
    *("models", "synthetic", "template", "inputs", "fits", "programmes", "audit", "findings", "sensitivity"),
    *("alternatives", "checks", "ledger", "lending", "meta_analysis", "transfer", "reweighting"),
    *("instruments", "plain", "vignettes", "population"),
    *("dossier", "headcount", "record", "machine_code", "sampling", "workflow"),
    *(
        "replicate",
        "identification",
        "implied",
        "certificate",
        "renewal",
        "proposal",
        "planning",
        "repeated_sampling",
        "vicinity",
    ),
    *("cli", "__main__"),
}


def module_name(path: Path) -> str:
    """`src/largesse/report/source.py` -> `largesse.report.source`."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [module_name(path) for path in FILES]
every_file = pytest.mark.parametrize("path", FILES, ids=MODULES)


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and nested ones too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names a caller may fill in: positional, keyword-only and starred, without self and cls."""
    spec = function.args
    stars = [arg for arg in (spec.vararg, spec.kwarg) if arg]
    names = [arg.arg for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *stars)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def fresh(code: str) -> str:
    """What `code` prints in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_go_down_only() -> None:
    """The layers and the other import contracts of pyproject.toml hold."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_file
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """Every module has a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@every_file
def test_no_file_is_long(path: Path) -> None:
    """No file has more than 450 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@every_file
def test_no_function_is_long(path: Path) -> None:
    """No function has more than 80 lines."""
    lengths = {f.name: (f.end_lineno or 0) - f.lineno + 1 for f in functions(path)}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


@every_file
def test_no_function_takes_many_parameters(path: Path) -> None:
    """No function has more than 7 parameters, keyword-only ones counted, self and cls not; a command takes options."""
    if path.parent.name == "cli":
        return
    counts = {f.name: len(parameters(f)) for f in functions(path)}
    assert {name: n for name, n in counts.items() if n > MOST_PARAMETERS} == {}


def test_no_module_is_a_drawer() -> None:
    """No module is called utils, helpers, common or misc."""
    drawers = {"utils", "util", "helpers", "common", "misc"}
    assert [name for name in MODULES if drawers & set(name.lower().strip("_").split("."))] == []


def test_public_names_survive_the_import_of_every_module() -> None:
    """A public name is the same object before and after every submodule is imported: no module takes its place."""
    before = {name: getattr(largesse, name) for name in largesse.__all__}
    for name in MODULES:
        importlib.import_module(name)
    assert {name: getattr(largesse, name) for name in largesse.__all__} == before
    # On first use, too: a name not yet asked for must not be answered by a submodule that was imported before.
    code = (
        "import importlib, largesse\n"
        f"for module in {MODULES!r}: importlib.import_module(module)\n"
        "print([n for n in largesse.__all__ if type(getattr(largesse, n)).__name__ == 'module'])"
    )
    assert fresh(code).strip() == "[]"


def test_no_public_name_is_a_module() -> None:
    """No public name equals the name of a module of the package, which would take its place once imported."""
    top = {name.split(".")[1] for name in MODULES if "." in name}
    assert top & set(largesse.__all__) == set()


def test_type_checkers_see_the_public_names() -> None:
    """The imports that type checkers read are the table by which names are found."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in guarded for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: str(node.module).removeprefix("largesse.") for node in imports for alias in node.names}
    assert seen == dict(largesse.HOME)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    """A typo in a public name is an AttributeError that quotes it, as in any module."""
    with pytest.raises(AttributeError, match="'fitt'"):
        _ = largesse.fitt


def test_the_version_is_the_projects() -> None:
    """`largesse.__version__`, pyproject.toml and CITATION.cff agree."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert largesse.__version__ == declared
    assert f"\nversion: {declared}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import largesse` alone loads no numerical library, so that `largesse --help` answers at once."""
    loaded = fresh("import sys, largesse; print(' '.join(sys.modules))").split()
    assert HEAVY & set(loaded) == set()


def test_what_does_not_sample_never_loads_a_sampler() -> None:
    """Reading, simulating, judging draws and rendering work without PyMC, PyTensor or nutpie being loaded."""
    free = [name for name in MODULES if "." in name and name.split(".")[1] not in WITH_MODELS]
    code = f"import importlib, sys\nfor m in {free!r}: importlib.import_module(m)\nprint(' '.join(sys.modules))"
    assert SAMPLERS & set(fresh(code).split()) == set()


def test_the_map_of_modules_is_complete() -> None:
    """ARCHITECTURE.md lists every module that exists, and none that does not."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(largesse[\w.]*)` \|", text, flags=re.MULTILINE)) == sorted(MODULES)


def test_the_example_of_the_readme_is_python_with_names_that_exist() -> None:
    """The README's Python compiles, and every name it takes from the package is public."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        tree = ast.parse(block)
        used = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
        assert {n.attr for n in used if n.value.id == "largesse"} <= set(largesse.__all__)  # type: ignore[attr-defined]


def test_every_published_prior_is_in_the_bibliography() -> None:
    """Each `source.key` of models/*/priors.toml is an entry of references.bib, and no entry is there twice."""
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(keys) == len(set(keys))
    used = set()
    for path in sorted((ROOT / "models").glob("*/priors.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        used |= {row["source"].get("key", "") for row in table.values() if isinstance(row, dict)}
    assert used - {""} <= set(keys)


def test_the_tables_of_the_readme_are_valid() -> None:
    """The README's study is one that `Study` takes, its prior one of the prior set, its borrowing a file."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```toml\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    study, override, borrowing = (tomllib.loads(block) for block in blocks)
    assert largesse.Study.from_table(study, ROOT / "README.md").models
    borrower = largesse.Study.from_table({**study, "models": [*borrowing["priors"]], **borrowing}, ROOT / "README.md")
    assert lenders(borrower) == {"reported_loyalty": "next.toml"}
    for model, entries in override["priors"].items():
        shipped = largesse.PriorSet.read(ROOT / "models" / model / "priors.toml")
        changed = shipped.overridden(entries, "README.md")
        for name, entry in entries.items():
            assert changed[name].distribution == entry["distribution"]
            assert changed[name].unit == shipped[name].unit
