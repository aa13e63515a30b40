"""A check that did not pass is told with what to do about it."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from report import invented

from largesse.diagnostics import GATES
from largesse.report.contents import Page
from largesse.report.remedies import OTHER, REMEDIES, remedies
from largesse.results import Answer, Verdict


def test_every_gate_of_a_fit_has_a_remedy(repo: Path) -> None:
    """The gates that diagnostics ask of draws, and those that they name one by one; and no other."""
    tree = ast.parse((repo / "src/largesse/diagnostics.py").read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Verdict")
    named = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert set(REMEDIES) == {gate.name for gate in GATES} | named


def test_what_to_do_stands_with_the_check_that_failed_before_any_number() -> None:
    """The strip at the top of the page says which check failed, what it found, and what to do."""
    page = Page(invented.unreportable())
    status = str(page.status())
    assert status.index("Not reportable") < status.index("the chains disagree") < status.index("What to do")
    assert REMEDIES["R-hat"] in status
    assert "What would overturn it" not in str(page.headline())


def test_one_remedy_for_several_checks_is_told_once() -> None:
    """Three gates want longer chains; a gate of nobody's knowledge gets a general answer."""
    asked = [
        Verdict(gate, "m", Answer.FAILED, "") for gate in ("bulk ESS", "tail ESS", "tree depth", "of another package")
    ]
    told = remedies(asked)
    assert len(told) == 2
    assert told[0].startswith("**What to do** (bulk ESS, tail ESS, tree depth): ")
    assert told[1].endswith(OTHER)


def test_a_page_whose_checks_passed_asks_nothing_of_its_reader() -> None:
    """Without a flag or a failure there is nothing to do."""
    made = invented.results()
    clean = replace(made, verdicts=tuple(v for v in made.verdicts if v.answer is Answer.PASSED))
    assert "What to do" not in str(Page(clean).status())
