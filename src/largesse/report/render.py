"""Rendering: a `.qmd` and the numbers beside it become one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pypandoc

from largesse.errors import InputError
from largesse.report.kernel import CodeError, Output, environment, run
from largesse.report.markdown import literal
from largesse.report.source import INLINE, Block, Flaw, Piece, Source, lint, prose, read, refuse
from largesse.store import atomic

HERE = Path(__file__).parent
LOG = logging.getLogger(__name__)
OLDEST_PANDOC = (3, 1)
READER = "markdown" + "".join(  # whatever could turn a respondent's words into markup or metadata is off
    f"-{extension}"
    for extension in (
        *("raw_html", "native_divs", "native_spans", "raw_attribute", "raw_tex"),
        *("yaml_metadata_block", "pandoc_title_block", "example_lists", "markdown_in_html_blocks"),
    )
)
IMAGES = {"image/svg+xml": "svg", "image/png": "png"}  # in the order of preference
ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")
FETCHES = re.compile(r"<(?:script|link|img|iframe|video|source)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^\"' >]*")


@dataclass(frozen=True)
class Ran:
    """A code that was run: the line of its source, and for a cell the block."""

    line: int
    code: str
    cell: Block | None = None


def render(source: Path, out: Path, *, parameters: Mapping[str, Any] | None = None) -> Path:
    """Render the report `source` to the self-contained page `out`, with `quarto` where it is installed.

    `parameters` are set after the cell that is tagged `parameters`. The page is whole or is not written at all, and
    the same input gives the same bytes.

    Errors
    ------
    InputError
        with the line of the source: what is outside the subset, a cell that raises, a reference to nothing, a figure
        without alternative text.
    """
    source, out = Path(source).resolve(), Path(out).resolve()
    page = read(source)
    plain: dict[str, Any] = json.loads(json.dumps(dict(parameters or {})))
    _check_parameters(page, plain)
    LOG.info("rendering %s", source.name)
    with tempfile.TemporaryDirectory(prefix="largesse-") as scratch:
        if quarto := shutil.which("quarto"):
            _quarto(quarto, page, out, plain, Path(scratch))
        else:
            _builtin(page, out, plain, Path(scratch))
    return out


def _check_parameters(page: Source, parameters: Mapping[str, Any]) -> None:
    if parameters and not any("tags" in b.options for b in page.blocks):
        raise InputError.one(page.path, "", "no cell tagged parameters", "'#| tags: [parameters]' on one cell")
    for name in parameters:
        if not name.isidentifier():
            raise InputError.one(page.path, "parameters", f"'{name}'", "names that Python can have")


def _builtin(page: Source, out: Path, parameters: Mapping[str, Any], scratch: Path) -> None:
    pieces = _executed(page, parameters, scratch)
    refuse(page.path, [f for p in pieces if p.output for f in lint(p.text, p.line, step=0, html=False)])
    with atomic(out) as part:
        _pandoc(page, pieces, part, scratch)


def _executed(page: Source, parameters: Mapping[str, Any], scratch: Path) -> list[Piece]:
    """The page after its code has run: Markdown that is itself valid Quarto."""
    codes = list(_codes(page, parameters))
    try:
        outputs = run([ran.code for ran in codes], page.path.parent)
    except CodeError as failure:
        ran = codes[failure.index]
        line = ran.line + (failure.line - 1 if ran.cell else 0)
        raise InputError.one(page.path, f"line {line}", failure.message, "code that runs") from None
    results = zip(codes, outputs, strict=True)
    pieces: list[Piece] = []
    for block in page.blocks:
        if block.kind == "cell":
            pieces += _cell(page, block, next(results)[1], scratch)
        elif block.kind == "text":
            text = INLINE.sub(lambda _: _inline(page, *next(results)), block.code)
            pieces += [Piece(n, line) for n, line in enumerate(text.split("\n"), block.line)]
        else:
            pieces += [Piece(n, line) for n, line in enumerate(block.lines, block.line)]
    return pieces


def _codes(page: Source, parameters: Mapping[str, Any]) -> Iterator[Ran]:
    for block in page.blocks:
        if block.kind == "cell":
            given = [f"{k} = {v!r}" for k, v in parameters.items()] if "tags" in block.options else []
            yield Ran(block.line, "\n".join([*block.lines, *given]), block)
        elif block.kind == "text":
            for n, line in enumerate(block.lines, block.line):
                for match in INLINE.finditer(line):
                    yield Ran(n, f"__largesse_inline__(\n{match[1].strip()}\n)")


def _inline(page: Source, ran: Ran, outputs: Sequence[Output]) -> str:
    data = next((o["data"] for o in outputs if o["output_type"] == "execute_result"), {"text/plain": ""})
    if "text/markdown" in data:
        return " ".join(str(data["text/markdown"]).split())
    _same_twice(page, ran.line, data["text/plain"])
    return literal(data["text/plain"])


def _same_twice(page: Source, line: int, text: str) -> None:
    if match := ADDRESS.search(text):
        raise InputError.one(
            page.path, f"line {line}", f"the address '{match[0]}'", "the same result each time: end in ;"
        )


def _cell(page: Source, block: Block, outputs: Sequence[Output], scratch: Path) -> list[Piece]:
    """What a cell puts on the page: its code, then its outputs, each a paragraph of its own."""
    if not block.on("include"):
        return []
    parts = [_echo(block)] if block.on("echo") else []
    if block.options["output"] != "false":
        shown = list(dict.fromkeys(x for o in outputs if (x := _output(page, block, o, scratch))))
        if sum(x.startswith("![") for x in shown) > 1:
            raise InputError.one(
                page.path, f"line {block.line}", "several figures in one cell", "a cell for each figure"
            )
        parts += _labelled(block, shown)
    return [Piece(block.line, line, output=True) for part in parts for line in ["", *part.split("\n"), ""]]


def _echo(block: Block) -> str:
    fold = ' fold="true"' if block.on("code-fold") else ""
    code = "\n".join(line for line in block.lines if not line.startswith("#|")).strip("\n")
    return _fenced(code, f"{{.python{fold}}}")


def _fenced(text: str, header: str) -> str:
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{marks} {header}\n{text}\n{marks}"


def _output(page: Source, block: Block, output: Output, scratch: Path) -> str:
    """One output as Markdown; empty where it is not shown."""
    if output["output_type"] == "stream":
        return _stream(page, block, output)
    data = output["data"]
    if kind := next((k for k in IMAGES if k in data), None):
        return _image(page, block, kind, data[kind], scratch)
    if "text/markdown" in data:
        return str(data["text/markdown"]).strip("\n")
    _same_twice(page, block.line, text := str(data.get("text/plain", "")))
    return _fenced(text, "{.output}") if text else ""


def _stream(page: Source, block: Block, output: Output) -> str:
    text = str(output["text"]).rstrip("\n")
    if output["name"] == "stderr":
        quiet = not block.on("warning")
        return "" if quiet else _fenced(re.sub(r"\S*ipykernel_\d+\S*\.py:\d+: ", "", text), "{.output .stderr}")
    if block.options["output"] == "asis":
        return text
    _same_twice(page, block.line, text)
    return _fenced(text, "{.output}")


def _image(page: Source, block: Block, kind: str, data: str, scratch: Path) -> str:
    if "fig-alt" not in block.options:
        raise InputError.one(page.path, f"line {block.line}", "a figure without fig-alt", "'#| fig-alt: ...'")
    file = scratch / f"largesse-line-{block.line}.{IMAGES[kind]}"
    file.write_bytes(data.encode() if kind == "image/svg+xml" else base64.b64decode(data))
    alt = escape(block.options["fig-alt"]).replace("\\", "\\\\")
    return f'![]({file.name}){{fig-alt="{alt}"}}'


def _labelled(block: Block, shown: list[str]) -> list[str]:
    """Outputs with the cell's caption and label, in the way Quarto writes cross-referenced divs."""
    caption = block.options.get("fig-cap") or block.options.get("tbl-cap")
    if not caption:
        return shown
    label = block.options.get("label", "")
    kind = "fig" if "fig-cap" in block.options else "tbl"
    mark = f"#{label}" if label.startswith(f"{kind}-") else f".{kind}-cap"
    return [f"::::::: {{{mark}}}", *shown, caption, ":::::::"]


def _pandoc(page: Source, pieces: Sequence[Piece], part: Path, scratch: Path) -> None:
    """Executed Markdown to HTML."""
    if tuple(map(int, pypandoc.get_pandoc_version().split(".")[:2])) < OLDEST_PANDOC:
        raise InputError.one("pandoc", "", pypandoc.get_pandoc_version(), "3.1 or later, as in pypandoc_binary")
    (scratch / "front.yaml").write_text(page.front, encoding="utf-8")
    command = [
        *(pypandoc.get_pandoc_path(), f"--from={READER}", "--to=html5", "--standalone", "--embed-resources"),
        *("--mathml", f"--lua-filter={HERE / 'quartoish.lua'}", "--citeproc", "--metadata=link-citations:true"),
        *("--wrap=none", "--toc", "--toc-depth=3", f"--template={HERE / 'page.html'}", "--fail-if-warnings"),
        *(f"--metadata-file={scratch / 'front.yaml'}", f"--data-dir={scratch}", f"--output={part}"),
        f"--resource-path={os.pathsep.join(['.', str(scratch)])}",
    ]
    text = "\n".join(piece.text for piece in pieces) + "\n"
    done = subprocess.run(  # noqa: S603  (pandoc, as found by pypandoc; no shell reads its arguments)
        command, input=text.encode(), cwd=page.path.parent, capture_output=True, check=False
    )
    if done.returncode:
        refuse(page.path, _complaints(done.stderr.decode("utf-8", "replace"), pieces))


def _complaints(said: str, pieces: Sequence[Piece]) -> Iterator[Flaw]:
    """What the filter and pandoc found wrong, at the lines of the source."""
    known = re.findall(r"^PROBLEM\t(.*)\t(.*)\t(.*)$", said, re.MULTILINE)
    for key, found, expected in known:
        yield Flaw(_line_of(key, pieces), found, expected)
    if known:
        return
    for key in re.findall(r"citation (\S+) not found", said):
        yield Flaw(_line_of(f"@{key}", pieces), f"@{key}, which is not in the bibliography", "a key of its entries")
    at = re.search(r"\bline (\d+)", said)
    if at and int(at[1]) <= len(pieces):
        yield Flaw(pieces[int(at[1]) - 1].line, f"'{said.strip()[:300]}'", "Markdown that pandoc reads without warning")
    elif "citation" not in said:
        yield Flaw(1, f"'{said.strip()[:300]}'", "a source that pandoc reads without warning")


def _line_of(key: str, pieces: Sequence[Piece]) -> int:
    """The line where `key` stands, as a whole word and outside code; 1 where it is nowhere in so many words."""
    whole = re.compile(rf"{re.escape(key)}(?![\w-])")
    return next((p.line for p in pieces if whole.search(p.text) and whole.search(prose(p.text))), 1)


def _quarto(binary: str, page: Source, out: Path, parameters: Mapping[str, Any], scratch: Path) -> None:
    """Real Quarto; the page comes on its standard output, so that nothing is left beside the source."""
    command = [binary, "render", page.path.name, "--to", "html", "--output", "-"]
    command += ["--metadata", "embed-resources:true", "--metadata", "html-math-method:mathml"]
    if parameters:
        (scratch / "parameters.yml").write_text(json.dumps(parameters), encoding="utf-8")
        command += ["--execute-params", str(scratch / "parameters.yml")]
    variables = environment(scratch) | {"QUARTO_PYTHON": sys.executable}
    done = subprocess.run(  # noqa: S603  (quarto, as found on the path; no shell reads its arguments)
        command, cwd=page.path.parent, env=variables, capture_output=True, check=False
    )
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode:
        raise InputError.one(page.path, "quarto", f"'{said[-600:]}'", "a source that quarto renders")
    if fetched := FETCHES.search(done.stdout.decode("utf-8")):
        raise InputError.one(page.path, "quarto", f"'{fetched[0][:120]}'", "a page that fetches nothing")
    LOG.info("%s", said)
    with atomic(out) as part:
        part.write_bytes(done.stdout)
