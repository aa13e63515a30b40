"""One side in a process of its own, with empty caches of compiled code, that can be stopped when it takes too long."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

LIMIT: Final = 600.0  # seconds that preparing, and each fit, may take
PLACES: Final[Mapping[str, tuple[str, str]]] = {  # key -> module and class; imported where it runs
    "here": ("entrants", "Here"),
    "pymc": ("entrants", "Rows"),
    "bambi": ("entrants", "Bambi"),
    "brms": ("brms", "Brms"),
}
TITLES: Final = {"here": "here", "pymc": "PyMC on rows", "bambi": "Bambi", "brms": "brms"}


class TooLongError(RuntimeError):
    """A side did not answer in time, and was stopped."""


class FailedError(RuntimeError):
    """A side failed; the message holds its traceback."""


def absent(key: str) -> str:
    """Why a side cannot run here; nothing where it can."""
    if key == "bambi":
        return "" if find_spec("bambi") else "Bambi is not installed here"
    return str(import_module("brms").absent()) if key == "brms" else ""


def versions(keys: Iterable[str]) -> dict[str, str]:
    """Of what is behind these sides beyond the engines of the package itself."""
    of_bambi = {"bambi": version("bambi")} if "bambi" in keys else {}
    return of_bambi | (import_module("brms").versions() if "brms" in keys else {})


class Worker:
    """The process of one side. Use as a context; :meth:`ask` runs a method there and waits for what it returns."""

    def __init__(self, key: str, limit: float = LIMIT) -> None:
        self._key, self._limit, self._caches = key, limit, TemporaryDirectory(prefix="peers-")
        folder = self._caches.name
        new = {"PYTENSOR_FLAGS": f"base_compiledir={folder}", "NUMBA_CACHE_DIR": folder, "TMPDIR": folder}
        before = {name: os.environ.get(name) for name in new}
        os.environ.update(new)  # a child inherits the environment that its parent has when it starts
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=_serve, args=(key, theirs), daemon=False)
        self._process.start()
        theirs.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError, OSError):
            self._pipe.send(None)
        self._process.join(10)
        self._stop()
        self._caches.cleanup()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def ask(self, method: str, *arguments: Any) -> Any:
        """What the side's method returns.

        Errors
        ------
        TooLongError
            when it takes longer than the limit; the side and all that it started are stopped.
        FailedError
            when the method failed, or its process died.
        """
        self._pipe.send((method, arguments))
        try:
            if not self._pipe.poll(self._limit):
                self._stop()
                raise TooLongError(f"{TITLES[self._key]}: more than {self._limit:.0f} s")
            good, found = self._pipe.recv()
        except EOFError:
            raise FailedError(f"{TITLES[self._key]}: its process died") from None
        if not good:
            raise FailedError(f"{TITLES[self._key]}: {found}")
        return found

    def _stop(self) -> None:
        if self._process.is_alive() and self._process.pid:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # R and its chains are of the same group
            self._process.kill()
            self._process.join()


def _serve(key: str, pipe: Connection) -> None:
    """Answer until nothing more is asked."""
    os.setsid()
    module, name = PLACES[key]
    side = getattr(import_module(module), name)()
    while asked := pipe.recv():
        method, arguments = asked
        try:
            pipe.send((True, getattr(side, method)(*arguments)))
        except Exception:  # noqa: BLE001 (whatever it was, the other side is told)
            pipe.send((False, traceback.format_exc()))
