"""A benchmark in parts: which of them a command asks for, and their numbers, stored one beside the other."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from largesse.store import write_json


def command(about: str | None, parts: Sequence[str], rounds: str) -> argparse.ArgumentParser:
    """The command line of a benchmark: `parts`, and how many `rounds` of what."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--rounds", type=int, default=3, help=rounds)
    return parser


def asked(parser: argparse.ArgumentParser, parts: Sequence[str]) -> argparse.Namespace:
    """What the command asks for; it ends where a part is not one of `parts`."""
    found = parser.parse_args()
    if strange := set(found.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(strange))}")
    return found


def stored(path: Path) -> dict[str, Any]:
    """Part -> its numbers; none where nothing was measured yet."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def add(path: Path, part: str, numbers: Mapping[str, Any]) -> None:
    """Store the numbers of one part beside those of the others."""
    write_json(path, {**stored(path), part: numbers})


def say(line: str) -> None:
    """Tell how far a benchmark is."""
    sys.stderr.write(f"{line}\n")
