"""Provenance: what this package and its engines are, so that results can say what made them."""

from __future__ import annotations

import ast
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec, resolve_name
from io import StringIO
from pathlib import Path
from token import COMMENT, DEDENT, INDENT, NEWLINE, NL, STRING, tok_name
from tokenize import generate_tokens
from typing import Final

from llvmlite import binding as llvm

from largesse.resources import PACKAGE
from largesse.store import fingerprint

TWINS: Final = "largesse.simulators"
STRUCTURE: Final = (NEWLINE, INDENT, DEDENT)  # told by name: how deep an indent is changes nothing
ENGINES: Final = ("pymc", "pytensor", "nutpie", "numba", "numpy")


def engines() -> dict[str, str]:
    """Engine -> version installed."""
    return {engine: version(engine) for engine in ENGINES}


def processor() -> str:
    """The kind of processor that code is compiled for: another kind gives other draws in the last digits."""
    return str(llvm.get_host_cpu_name())


def source(*modules: str | Path) -> str:
    """What modules of this package, by file name, or other files do (:func:`meaning` of their text)."""
    return "\n".join(meaning((PACKAGE / module).read_text(encoding="utf-8")) for module in modules)


def lineage(module: str) -> tuple[Path, ...]:
    """The files of a module and of all that it is written with, by their import statements, sorted.

    Of its own package, and of the twins shipped here, which somebody else's twin may be written with.
    """
    packages, found, names = {module.rpartition(".")[0], TWINS} - {""}, set[Path](), [module]
    while names:
        name = names.pop()
        file = _file(name)
        if file is None or file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                origin = resolve_name("." * node.level + (node.module or ""), name.rpartition(".")[0])
                if origin in packages:
                    names += [f"{origin}.{alias.name}" for alias in node.names]
                elif origin.startswith(tuple(f"{package}." for package in packages)):
                    names.append(origin)
    return tuple(sorted(found))


def _file(module: str) -> Path | None:
    """Where a module's text is."""
    spec = find_spec(module)
    return Path(spec.origin) if spec and spec.origin else None


@cache  # every fit asks it of the same few files, and tokens take 5 ms a file
def meaning(text: str) -> str:
    """Python source without what changes nothing: comments, docstrings, blank lines and line breaks within statements.

    Rewording a docstring then neither refits a model nor makes a certificate stale.
    """
    kept: list[tuple[int, str]] = []
    for token in generate_tokens(StringIO(text).readline):
        if token.type in (COMMENT, NL):
            continue
        if token.type == NEWLINE and _is_docstring(kept):
            kept.pop()
        elif token.type in STRUCTURE:
            kept.append((token.type, tok_name[token.type]))
        else:
            kept.append((token.type, token.string))
    return " ".join(word for _, word in kept)


def _is_docstring(kept: list[tuple[int, str]]) -> bool:
    """Whether the statement that has just ended is a string by itself."""
    return bool(kept) and kept[-1][0] == STRING and (len(kept) == 1 or kept[-2][0] in STRUCTURE)


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
