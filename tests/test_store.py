"""Files that are whole or absent, and fingerprints that tell inputs apart."""

from __future__ import annotations

import json
import math
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largesse.store import DIGITS, atomic, file_digest, fingerprint, reuse, write_json

OLD, NEW = "old", "new"


def mode(path: Path) -> int:
    """Who may read, write and run a file."""
    return stat.S_IMODE(path.stat().st_mode)


# --- files -----------------------------------------------------------------------------------------------------


def test_a_file_takes_its_name_when_the_block_ends(tmp_path: Path) -> None:
    """Until the block ends the old file is there; then the new one, and nothing beside it."""
    path = tmp_path / "made" / "results.json"
    with atomic(path) as part:
        part.write_text(OLD)
        assert not path.exists()
    with atomic(path) as part:
        part.write_text(NEW)
        assert path.read_text() == OLD
    assert path.read_text() == NEW
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_changes_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    """An error, a Ctrl-C or an exit in the middle of writing leaves the old file, and no other."""
    path = tmp_path / "fit.nc"
    path.write_text(OLD)

    def write_half() -> None:
        with atomic(path) as part:
            part.write_text(NEW)
            raise interruption

    with pytest.raises(interruption):
        write_half()
    assert path.read_text() == OLD
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import sys, time
from pathlib import Path
from largesse.store import atomic
with atomic(Path(sys.argv[1]), private=True) as part, part.open("w") as handle:
    handle.write("half")
    handle.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    """A process killed while it writes leaves the old file whole; its private leftover disturbs no later run."""
    path = tmp_path / "fit.nc"
    path.write_text(OLD)
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == OLD
    (left,) = tmp_path.glob(".fit.nc.*.part")
    assert (left.read_text(), mode(left)) == ("half", 0o600)
    path.unlink()
    assert not reuse(path, lambda part: part.write_text(NEW) and None)
    assert path.read_text() == NEW
    assert left.read_text() == "half"


@pytest.mark.parametrize(("private", "finished"), [(True, 0o600), (False, 0o644)])
def test_private_files_are_their_owners_alone(tmp_path: Path, private: bool, finished: int) -> None:
    """A private file is closed to others from its first byte; so is every file until it is finished."""
    path = tmp_path / "made" / "cells.nc"
    with atomic(path, private=private) as part:
        assert mode(part) == 0o600
        part.write_text(NEW)
    assert mode(path) == finished
    assert bool(mode(path.parent) & 0o077) is not private


def test_a_part_lies_beside_its_file_and_is_hidden(tmp_path: Path) -> None:
    """The part is in the file's own folder, where a rename is atomic, under a name that no reader looks for."""
    with atomic(tmp_path / "fit.nc") as one, atomic(tmp_path / "fit.nc") as other:
        assert one.parent == other.parent == tmp_path
        assert one != other
        assert all(part.name.startswith(".fit.nc.") and part.suffix == ".part" for part in (one, other))


def test_a_file_is_made_once(tmp_path: Path) -> None:
    """What is there is not made again; a maker that fails leaves nothing to be taken for it."""
    path = tmp_path / "fit.nc"

    def fail(part: Path) -> None:
        part.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        reuse(path, fail)
    assert list(tmp_path.iterdir()) == []
    assert not reuse(path, lambda part: part.write_text(NEW) and None, private=True)
    assert reuse(path, fail)
    assert (path.read_text(), mode(path)) == (NEW, 0o600)


def test_json_is_the_same_for_the_same_table(tmp_path: Path) -> None:
    """Keys are sorted, letters are kept, and numbers come back to the last bit."""
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    write_json(one, {"b": (1, 0.1 + 0.2), "a": "혜산"})
    write_json(other, {"a": "혜산", "b": [1, 0.1 + 0.2]})
    assert one.read_bytes() == other.read_bytes()
    assert json.loads(one.read_text(encoding="utf-8")) == {"a": "혜산", "b": [1, 0.1 + 0.2]}
    assert "혜산" in one.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": [1.0, math.nan]}, "a.json, a, 1 is nan"),
        ({"a": {"b": -math.inf}}, "a.json, a, b is -inf"),
        ({"a": np.float64("nan")}, "a.json, a is nan"),
        ({"a": np.int64(1)}, "a.json, a is of the type int64"),
        ({"a": np.zeros(2)}, "a.json, a is of the type ndarray"),
        ({"a": {1: 2}}, "a.json, a has the key 1, which is not text"),
    ],
)
def test_what_json_cannot_hold_is_refused(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    """A number that is not finite or a value that is not plain is named, and nothing is written."""
    with pytest.raises(ValueError, match=said):
        write_json(tmp_path / "a.json", table)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    """The digest is what any other program calls the SHA-256 of the file."""
    (tmp_path / "a").write_bytes(b"abc")
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "a") == published


# --- fingerprints ----------------------------------------------------------------------------------------------


SAME: dict[str, tuple[Any, Any]] = {
    "order of keys": ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
    "kind of mapping": ({"a": 1}, MappingProxyType({"a": 1})),
    "kind of sequence": ((1, [2, 3]), [1, (2, 3)]),
    "NumPy scalar": (np.float64(0.1), 0.1),
    "layout of an array": (np.arange(6.0).reshape(2, 3).T, np.arange(6.0).reshape(2, 3).T.copy()),
    "part of an array": (np.arange(10.0)[::2], np.array([0.0, 2.0, 4.0, 6.0, 8.0])),
}
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "value": (1, 2),
    "number and text": (1, "1"),
    "number and truth": (1, True),
    "nothing and zero": (None, 0),
    "key": ({"a": 1}, {"b": 1}),
    "owner of a key": ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "c": 2}}),
    "grouping": ([1, [2, 3]], [[1, 2], 3]),
    "text cut elsewhere": (["ab", "c"], ["a", "bc"]),
    "order of a list": ([1, 2], [2, 1]),
    "last bit": (0.3, 0.1 + 0.2),
    "value of an array": (np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    "type of an array": (np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.float64)),
    "width of an array": (np.zeros(2, dtype=np.int32), np.zeros(1, dtype=np.int64)),
    "shape of an array": (np.zeros((2, 3)), np.zeros((3, 2))),
    "dims of an array": (np.zeros((1, 2)), np.zeros(2)),
    "array and list": (np.array([1, 2]), [1, 2]),
    "empty and absent": ([[]], []),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_equal_inputs_have_one_fingerprint(one: Any, other: Any) -> None:
    """What holds the same values has the same fingerprint, however it is laid out in memory."""
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different_inputs_have_two_fingerprints(one: Any, other: Any) -> None:
    """A change of value, type, shape or structure changes the fingerprint."""
    assert fingerprint(one) != fingerprint(other)


def test_a_fingerprint_is_a_short_word() -> None:
    """A fingerprint is hexadecimal and fits a file name; things and their list are told apart."""
    assert len(fingerprint("a")) == DIGITS
    assert int(fingerprint("a"), 16) >= 0
    assert fingerprint("a", "b") != fingerprint(["a", "b"])


def test_a_fingerprint_outlives_the_process() -> None:
    """Another process with another hash seed has the same fingerprint of the same table."""
    code = "from largesse.store import fingerprint; print(fingerprint({'b': 1.5, 'a': ['x', None, True]}))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == fingerprint({"a": ["x", None, True], "b": 1.5})


plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(one=plain, other=plain)
def test_fingerprints_agree_with_json(one: Any, other: Any) -> None:
    """Two plain tables have one fingerprint exactly when they are the same JSON with sorted keys."""
    texts = [json.dumps(thing, sort_keys=True) for thing in (one, other)]
    assert (fingerprint(one) == fingerprint(other)) == (texts[0] == texts[1])


def test_what_has_no_plain_form_has_no_fingerprint() -> None:
    """An object without a plain form is an error, not a fingerprint of its address."""
    with pytest.raises(TypeError):
        fingerprint({"a": object()})
