"""Artefacts: where the files behind results lie, and whether they are still what the results were made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from largesse.resources import models_folder
from largesse.store import file_digest

STUDY: Final = "study.toml"
MODELS: Final = "models"  # the folder that names of a model's own files begin with


@dataclass(frozen=True)
class Standing:
    """How the files behind results stand now, by name.

    Attributes
    ----------
    changed : no longer what the results were made from.
    missing : of the study, and no longer there.
    elsewhere : not at hand: of results that travel without their study, or of a model of another package.
    """

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def stale(self) -> tuple[str, ...]:
        """What makes a page stale: the files that changed, and those that are gone."""
        return (*self.changed, *self.missing)

    def of(self, name: str) -> str:
        """How one file stands, in a word."""
        places = {"changed": self.changed, "gone": self.missing, "elsewhere": self.elsewhere}
        return next((word for word, names in places.items() if name in names), "unchanged")


def named(path: Path, folder: Path) -> str:
    """The name in results of a file below the study's `folder`."""
    return path.relative_to(folder).as_posix()


def place(name: str, folder: Path) -> Path:
    """Where the file of a name lies: a model's own with the package, all others from the study's `folder` on."""
    top, _, rest = name.partition("/")
    shipped = top == MODELS and (models_folder() / rest.partition("/")[0]).is_dir()
    return models_folder() / rest if shipped else folder / name


def digests(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of each file that is there."""
    places = {name: place(name, folder) for name in names}
    return {name: file_digest(path) for name, path in places.items() if path.is_file()}


def standing(artefacts: Mapping[str, str], folder: Path) -> Standing:
    """How the files that results name stand, seen from the folder that the results lie in.

    Where `study.toml` lies beside the results, all files must be there but those of another package's models.
    """
    found = digests(artefacts, folder)
    gone = [name for name in artefacts if name not in found]
    at_home = (folder / STUDY).is_file()
    lost = {name for name in gone if at_home and not _foreign(name, folder)}
    return Standing(
        changed=tuple(name for name, digest in found.items() if digest != artefacts[name]),
        missing=tuple(name for name in gone if name in lost),
        elsewhere=tuple(name for name in gone if name not in lost),
    )


def _foreign(name: str, folder: Path) -> bool:
    """Whether a file is of a model that another package brings."""
    return name.startswith(f"{MODELS}/") and place(name, folder) == folder / name
