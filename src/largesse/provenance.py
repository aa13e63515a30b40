"""Provenance: what this package and its engines are, so that results can say what made them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Final

from llvmlite import binding as llvm

from largesse.resources import PACKAGE
from largesse.store import fingerprint

ENGINES: Final = ("pymc", "pytensor", "nutpie", "numba", "numpy")


def engines() -> dict[str, str]:
    """Engine -> version installed."""
    return {engine: version(engine) for engine in ENGINES}


def processor() -> str:
    """The kind of processor that code is compiled for: another kind gives other draws in the last digits."""
    return str(llvm.get_host_cpu_name())


def source(*modules: str) -> str:
    """The source text of modules of this package, by file name."""
    return "\n".join((PACKAGE / module).read_text(encoding="utf-8") for module in modules)


@cache
def code() -> str:
    """The fingerprint of the package's whole source, fixed when it is first asked for in a process."""
    return fingerprint(
        {
            str(path.relative_to(PACKAGE)): path.read_bytes().hex()
            for path in sorted(PACKAGE.rglob("*.*"))
            if path.suffix != ".pyc"
        }
    )
