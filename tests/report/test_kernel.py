"""A page's code runs in one fresh kernel of the running interpreter, the same way every time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from largesse.report.kernel import CodeError, run

pytestmark = pytest.mark.slow


def texts(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The plain text of each output."""
    return [o["text"] if o["output_type"] == "stream" else o["data"]["text/plain"] for o in outputs]


def test_codes_run_in_order_in_the_folder_of_the_page(tmp_path: Path) -> None:
    """Later code sees earlier names, paths are relative to the page, and the interpreter is the running one."""
    (tmp_path / "note.txt").write_text("here", encoding="utf-8")
    codes = ["x = 20", "import sys; print(open('note.txt').read(), sys.executable)", "x + 1", "hash('a')"]
    first, again = run(codes, tmp_path), run([*codes[1:2], "'x' in globals()", codes[3]], tmp_path)
    assert texts(first[1]) == [f"here {sys.executable}\n"]
    assert texts(first[2]) == ["21"]
    assert texts(again[1]) == ["False"]  # nothing is left of the run before
    assert texts(first[3]) == texts(again[2])  # sets and hashes come in the same order each time
    assert sorted(p.name for p in tmp_path.iterdir()) == ["note.txt"]


def test_a_failure_names_the_code_and_its_line(tmp_path: Path) -> None:
    """The first code that raises is named by its place, its line and its message."""
    with pytest.raises(CodeError) as caught:
        run(["x = 1", "x = 2\n\nx / 0", "never"], tmp_path)
    assert (caught.value.index, caught.value.line) == (1, 3)
    assert caught.value.message == "ZeroDivisionError: division by zero"


def test_a_kernel_that_dies_is_a_failure_and_no_hang(tmp_path: Path) -> None:
    """Code that ends the process is an error at that code."""
    with pytest.raises(CodeError) as caught:
        run(["x = 1", "import os; os._exit(3)"], tmp_path)
    assert caught.value.index == 1
