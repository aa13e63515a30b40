"""Execution: a report's code, in one fresh kernel of the running interpreter, the same way every time."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

Output = Mapping[str, Any]
ARGV = ("-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False")
PREAMBLE = """
class __largesse_inline__:
    def __init__(self, value): self.value = value
    def __repr__(self): return str(self.value)
    def _repr_markdown_(self):
        return self.value._repr_markdown_() if hasattr(self.value, "_repr_markdown_") else None
get_ipython().run_line_magic("matplotlib", "inline")
import matplotlib, matplotlib_inline.backend_inline
matplotlib_inline.backend_inline.set_matplotlib_formats("svg", metadata={"Date": None})
matplotlib.rcParams["svg.hashsalt"] = "largesse"
del matplotlib, matplotlib_inline
"""


class CodeError(Exception):
    """Code `index` raised `message` at its line `line` (1 where the line is not known)."""

    def __init__(self, index: int, line: int, message: str) -> None:
        super().__init__(message)
        self.index, self.line, self.message = index, line, message


class Manager(AsyncKernelManager):
    """Starts the running interpreter, whatever kernels the user has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The running interpreter."""
        return KernelSpec(argv=[sys.executable, *ARGV], display_name="python", language="python")


def environment(scratch: Path) -> dict[str, str]:
    """The variables under which a report gives the same page twice, free of the user's Jupyter settings."""
    here = os.environ.get("PYTHONPATH", "")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(str(Path(p).resolve()) for p in here.split(os.pathsep) if p),
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "0",
        "TZ": "UTC",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONSTARTUP": "",
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_RUNTIME_DIR": str(scratch),
    }


def run(codes: Sequence[str], folder: Path) -> list[Sequence[Output]]:
    """Run `codes` in order with `folder` as working folder; the outputs of each.

    Errors
    ------
    CodeError
        at the first code that raises, or at which the kernel dies.
    """
    cells = [nbformat.v4.new_code_cell(code) for code in (PREAMBLE, *codes)]  # type: ignore[no-untyped-call]
    book = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory(prefix="largesse-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        client = NotebookClient(book, timeout=None, kernel_manager_class=Manager, config=_transport(scratch))
        begun: list[int] = []
        client.on_cell_start = lambda cell, cell_index: begun.append(cell_index)  # noqa: ARG005  (names are nbclient's)
        try:
            client.execute(cwd=str(folder), env=environment(scratch))
        except (CellExecutionError, DeadKernelError) as error:
            raise _failure(book.cells, begun[-1], error) from None
    return [cell.outputs for cell in book.cells[1:]]


def _transport(scratch: Path) -> Config:
    where = {"connection_file": str(scratch / "kernel.json")}
    if os.name == "posix":
        where |= {"transport": "ipc", "ip": str(scratch / "ipc")}
    return Config({"Manager": where})


def _failure(cells: Sequence[Any], last: int, error: Exception) -> CodeError:
    """What failed: the cell with an error among its outputs, or the last one begun when the kernel died over it."""
    raised = next(((n, o) for n, cell in enumerate(cells) for o in cell.outputs if o.output_type == "error"), None)
    if raised is None:
        return CodeError(last - 1, 1, str(error))
    index, output = raised
    trace = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.traceback))
    lines = re.findall(r"Cell In ?\[\d+\], line (\d+)", trace)
    return CodeError(index - 1, int(lines[0]) if lines else 1, f"{output.ename}: {output.evalue}")
