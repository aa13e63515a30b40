"""Unchanged inputs give the same page byte for byte, whichever process makes it, wherever and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from report import invented

pytestmark = pytest.mark.slow

PAGE = """---
title: A page
---

```{python}
#| include: false
from largesse.report.contents import Page
page = Page.read("results.json")
```

```{python}
page.headline()
```

```{python}
page.effects()
```

```{python}
page.provenance()
```

```{python}
print({"a", "b", "c", "d"}, hash("e"))
```
"""
CODE = "import sys, pathlib, largesse.report.render as r; r.render(*map(pathlib.Path, sys.argv[1:]))"


def made(folder: Path, **around: str) -> bytes:
    """A page with sentences, a figure, digests and a set, from a process of its own."""
    folder.mkdir(parents=True)
    invented.results().write(folder / "results.json")
    (folder / "page.qmd").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-c", CODE, str(folder / "page.qmd"), str(folder / "page.html")]
    subprocess.run(command, check=True, cwd=folder.parent, env={**os.environ, **around})
    return (folder / "page.html").read_bytes()


def test_two_processes_in_two_places_make_one_page(tmp_path: Path) -> None:
    """Another folder, time zone, language and order of hashes: not a byte differs."""
    here = made(tmp_path / "here", PYTHONHASHSEED="1", TZ="UTC", LANG="C.UTF-8", COLUMNS="80")
    there = made(tmp_path / "over" / "there", PYTHONHASHSEED="2", TZ="Asia/Pyongyang", LANG="C", COLUMNS="200")
    assert here == there
