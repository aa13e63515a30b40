"""Resources: where the model records (cards, priors, certificates) and the bibliography lie, however installed.

A wheel carries them inside the package; a checkout keeps them at the top, where people edit them.
"""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parents[1]  # src/largesse -> the repository's root


def models_folder() -> Path:
    """The folder that holds one folder per model, each with `card.md` and `priors.toml`."""
    return _shipped("_models", "models")


def bibliography() -> Path:
    """`references.bib`, where every published prior's `source.key` is found."""
    return _shipped("_references.bib", "references.bib")


def entries(path: Path) -> frozenset[str]:
    """The keys of a bibliography's entries."""
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", path.read_text(encoding="utf-8"), flags=re.MULTILINE))


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    inside = PACKAGE / in_wheel
    return inside if inside.exists() else CHECKOUT / in_checkout
