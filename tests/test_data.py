"""Data of the repository: each file registered, whole, and marked for what it is."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path


def test_every_data_file_is_registered_and_whole(repo: Path) -> None:
    """The files under data/ are those of the registry, with its digests, each with a licence and a source."""
    folder = repo / "data"
    registry = tomllib.loads((folder / "registry.toml").read_text(encoding="utf-8"))
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {"registry.toml"}
    assert files == set(registry)
    for name, row in registry.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row["sha256"], name
        assert row["licence"]
        assert row["source"]


def test_all_committed_data_are_synthetic(repo: Path) -> None:
    """Nothing under data/ was answered by a real person."""
    registry = tomllib.loads((repo / "data" / "registry.toml").read_text(encoding="utf-8"))
    assert {row["kind"] for row in registry.values()} == {"synthetic"}
    assert all(name.startswith("synthetic/") for name in registry)
