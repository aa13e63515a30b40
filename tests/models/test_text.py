"""What the cards, the docstrings and the code of the models say agrees; priors stand in data, not in code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from largesse import models

ROOT = Path(__file__).parents[2]
CODE = sorted((ROOT / "src" / "largesse" / "models").glob("*.py"))
STRUCTURE = {"Data", "Deterministic", "Model", "CustomDist"}  # of PyMC, not distributions of a parameter
every_model = pytest.mark.parametrize("model", models.SHIPPED)


def equations(text: str) -> dict[int, str]:
    """Number -> equation, its lines joined and spaces evened out."""
    blocks = re.findall(r"^    \((\d)\) (.*(?:\n {8,}\S.*)*)", text, flags=re.MULTILINE)
    return {int(number): " ".join(body.split()) for number, body in blocks}


def docstring(path: Path) -> str:
    """The docstring of a module."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")), clean=False) or ""


@every_model
def test_the_card_and_the_code_have_the_same_equations(model: str) -> None:
    """Each equation of card.md is in the model's docstring under its number, word for word, and no other is."""
    card = (ROOT / "models" / model / "card.md").read_text(encoding="utf-8")
    assert equations(card)
    assert equations(card) == equations(docstring(ROOT / "src" / "largesse" / "models" / f"{model}.py"))
    assert list(equations(card)) == list(range(1, len(equations(card)) + 1))


@every_model
def test_every_equation_is_marked_where_it_is_computed(model: str) -> None:
    """Each number stands in a comment of the model's code or, for a prediction, of its twin's."""
    source = [ROOT / "src" / "largesse" / folder / f"{model}.py" for folder in ("models", "simulators")]
    comments = [c for path in source for c in re.findall(r"#\s(.*)", path.read_text(encoding="utf-8"))]
    marked = {int(n) for comment in comments for n in re.findall(r"\((\d)\)", comment)}
    assert marked == set(equations(docstring(source[0])))


@every_model
def test_the_card_asks_the_question_of_the_model(model: str) -> None:
    """The question on the card is the one the model carries."""
    card = (ROOT / "models" / model / "card.md").read_text(encoding="utf-8")
    assert f"**Question.** {models.get(model).question}\n" in card


def numbers_in_distributions(tree: ast.AST) -> list[int]:
    """Lines on which a distribution is given a number."""
    lines = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        named = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "pm"
        looked_up = ast.unparse(call.func).startswith("DISTRIBUTIONS[")
        if looked_up or (named and call.func.attr not in STRUCTURE):  # type: ignore[attr-defined]
            given = [n for a in (*call.args, *(k.value for k in call.keywords)) for n in ast.walk(a)]
            lines += [n.lineno for n in given if isinstance(n, ast.Constant) and isinstance(n.value, int | float)]
    return lines


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.stem)
def test_no_prior_is_written_into_the_code(path: Path) -> None:
    """No distribution of PyMC is given a number under models/."""
    assert numbers_in_distributions(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("code", ["pm.Normal('x', 0, 1)", "DISTRIBUTIONS['Normal'](n, sigma=2 * s)"])
def test_a_prior_in_the_code_would_be_found(code: str) -> None:
    """The search above finds a number where there is one."""
    assert numbers_in_distributions(ast.parse(code)) != []


def test_a_folder_for_each_model_and_no_other(repo: Path) -> None:
    """The folders under models/ are the shipped models, each with a card and priors."""
    folders = {path.name for path in (repo / "models").iterdir() if path.is_dir()}
    assert folders == set(models.SHIPPED)
    assert all((repo / "models" / name / file).is_file() for name in folders for file in ("card.md", "priors.toml"))
