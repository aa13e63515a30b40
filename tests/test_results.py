"""Results: what is reportable, which words a posterior gets, and a file that comes back as it was written."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largesse.errors import InputError
from largesse.results import SCHEMA, Answer, Dropped, DroppedTerm, Estimate, Results, Verdict, direction
from largesse.store import SEAL, fingerprint

SETTINGS = settings(max_examples=100, derandomize=True, deadline=None)
ESTIMATE = Estimate(
    key="loyalty.direct",
    label="effect of a gift on who receives it",
    outcome="loyalty",
    contrast="direct",
    model="reported_loyalty",
    mean=0.1 + 0.2,  # not a short decimal: only an exact round trip gives it back
    sd=1 / 3,
    lower=-0.25,
    upper=1e-17,
    interval=0.9,
    p_positive=0.5,
    p_negligible=0.125,
    status="conditional",
    reason="coverage is unrelated to loyalty otherwise",
    truth=0.45,
)
VERDICT = Verdict("R-hat", "reported_loyalty", Answer.PASSED, "chains agree", 1.003, 1.01)
RESULTS = Results(
    study={"name": "hyesan", "synthetic": True, "interval": 0.9, "coverage": [0.2, 0.5], "extrapolates": None},
    made={"largesse": "0.1.0", "engines": {"pymc": "6.3"}},
    survey={"rows": 8, "items": [{"name": "pride", "label": "긍지", "levels": ["no", "yes"]}]},
    models={"reported_loyalty": {"loo": {"elpd": -12.5, "se": 1.0, "influential": 0}}},
    verdicts=(VERDICT, replace(VERDICT, gate="E-BFMI", answer=Answer.NOT_APPLICABLE, value=None, limit=None)),
    estimates=(ESTIMATE, replace(ESTIMATE, key="loyalty.direct.2", group="2", truth=None)),
    dropped=(Dropped("gift", "got", "refused", 2),),
    dropped_terms=(DroppedTerm("reported_loyalty", "between", "there is only one wave"),),
    figures={"coverage": {"rate": [[0.25, None]]}},
    truth={"compared": 3, "outside": []},
    artefacts={"fit": "ab" * 32},
)


def with_answers(*answers: Answer) -> Results:
    """Results with one verdict for each answer."""
    return replace(RESULTS, verdicts=tuple(replace(VERDICT, answer=a) for a in answers))


def stored(path: Path, **changes: Any) -> Path:
    """The file of the results above, with some of its entries exchanged."""
    RESULTS.write(path)
    table = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({**table, SEAL: fingerprint({k: v for k, v in table.items() if k != SEAL})}), "utf-8")
    return path


# --- verdicts and words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reportable"),
    [
        (Answer.PASSED, True),
        (Answer.FLAGGED, True),
        (Answer.NOT_APPLICABLE, True),
        (Answer.FAILED, False),
        (Answer.NOT_RUN, False),
    ],
)
def test_one_gate_decides(answer: Answer, reportable: bool) -> None:
    """A gate that failed or was not run makes a study unreportable, whatever else passed; no other answer does."""
    results = with_answers(Answer.PASSED, answer, Answer.PASSED)
    assert results.reportable is reportable
    assert [v.answer for v in results.failed] == ([] if reportable else [answer])


def test_every_answer_is_decided_on() -> None:
    """The table above knows every answer that a gate can give."""
    (mark,) = test_one_gate_decides.pytestmark  # type: ignore[attr-defined]
    assert {answer for answer, _ in mark.args[1]} == set(Answer)


def test_no_verdict_is_no_pass() -> None:
    """Results of which no gate was asked are not reportable."""
    assert not with_answers().reportable


@pytest.mark.parametrize(
    ("p_positive", "p_negligible", "words"),
    [
        (0.99, 0.0, "raises"),
        (0.01, 0.0, "lowers"),
        (0.5, 0.0, "cannot tell"),
        (0.5, 0.99, "hardly changes"),
        (0.99, 0.99, "hardly changes"),
        (0.01, 0.99, "hardly changes"),
        (0.95, 0.95, "cannot tell"),
        (0.05, 0.95, "cannot tell"),
        (0.9501, 0.5, "raises"),
        (0.0499, 0.5, "lowers"),
    ],
)
def test_a_posterior_becomes_words(p_positive: float, p_negligible: float, words: str) -> None:
    """A direction is said from a probability above 0.95 on, and not of what is too small to matter."""
    assert direction(replace(ESTIMATE, p_positive=p_positive, p_negligible=p_negligible)) == words
    assert direction(replace(ESTIMATE, p_positive=p_positive, p_negligible=p_negligible, status="identified")) == words


@SETTINGS
@given(p_positive=st.floats(0, 1), p_negligible=st.floats(0, 1))
def test_a_prior_has_no_direction(p_positive: float, p_negligible: float) -> None:
    """What is driven by the prior cannot tell, however sure the posterior is."""
    sure = replace(ESTIMATE, p_positive=p_positive, p_negligible=p_negligible, status="prior_driven")
    assert direction(sure) == "cannot tell"


@SETTINGS
@given(draws=st.integers(0, 1000), p_negligible=st.floats(0, 1))
def test_words_are_symmetric(draws: int, p_negligible: float) -> None:
    """The mirror image of an estimate has the mirrored words."""
    mirrored = {"raises": "lowers", "lowers": "raises"}
    shares = (draws / 1000, (1000 - draws) / 1000)
    one, other = (direction(replace(ESTIMATE, p_positive=p, p_negligible=p_negligible)) for p in shares)
    assert other == mirrored.get(one, one)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_none(value: float) -> None:
    """A gate whose number could not be computed keeps its answer and has no number."""
    verdict = Verdict("R-hat", "m", Answer.FAILED, "chains do not move", value, 1.01)
    assert (verdict.value, verdict.answer) == (None, Answer.FAILED)


def test_an_unknown_estimate_lists_those_there_are() -> None:
    """Asking for an estimate that is not there names the keys that are."""
    assert RESULTS.estimate("loyalty.direct") is ESTIMATE
    with pytest.raises(InputError, match=r"'loyalty.drect'.*loyalty.direct, loyalty.direct.2"):
        RESULTS.estimate("loyalty.drect")


# --- in a notebook ---------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The elements and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, int]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the name, and how many attributes it had."""
        self.tags.append((tag, len(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


EVIL = "<img src=x onerror=alert(1)>&amp;\"'"


@pytest.mark.parametrize(
    "thing",
    [
        replace(VERDICT, model=EVIL, sentence=EVIL),
        replace(
            RESULTS,
            study={"name": EVIL, "interval": 0.9},
            verdicts=(replace(VERDICT, model=EVIL, sentence=EVIL, answer=Answer.FAILED),),
            estimates=(replace(ESTIMATE, outcome=EVIL, contrast=EVIL, group=EVIL),),
        ),
    ],
)
def test_html_in_a_label_is_text(thing: Verdict | Results) -> None:
    """A notebook shows what a label says and does nothing it says."""
    shown = Tags(thing._repr_html_())
    assert {tag for tag, _ in shown.tags} <= {"b", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert not any(attributes for _, attributes in shown.tags)
    assert EVIL in shown.text


def test_the_print_of_results_is_short_and_says_what_they_are() -> None:
    """Results print their name, that they are synthetic, whether they are reportable, its models and counts."""
    assert repr(RESULTS) == (
        "<Results of hyesan (synthetic: no finding about anyone): reportable; reported_loyalty; estimates: 2; "
        "1 passed, 1 not applicable>"
    )
    assert "not reportable" in repr(with_answers(Answer.FAILED))
    assert "no gate asked" in repr(with_answers())


def test_a_notebook_shows_failures_first() -> None:
    """The notebook's view says whether the study is reportable, each gate that did not pass, and each estimate."""
    shown = Tags(with_answers(Answer.PASSED, Answer.FAILED, Answer.FLAGGED)._repr_html_())
    assert "not reportable" in shown.text
    assert [tag for tag, _ in shown.tags].count("li") == 2
    assert "0.300" in shown.text
    assert "-0.250 to 0.000" in shown.text
    assert "90% interval" in shown.text


def test_a_verdict_prints_its_answer_and_sentence() -> None:
    """A verdict reads as a line in a terminal and says which gate it is in a list."""
    assert str(VERDICT) == "        passed  reported_loyalty: chains agree"
    assert repr(VERDICT) == "<Verdict on R-hat of reported_loyalty: passed; chains agree>"


# --- the file --------------------------------------------------------------------------------------------------


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    """Writing and reading gives equal results, to the last bit of every number."""
    RESULTS.write(tmp_path / "results.json")
    read = Results.read(tmp_path / "results.json")
    assert read == RESULTS
    assert all(isinstance(v.answer, Answer) for v in read.verdicts)


def test_the_file_says_whether_it_is_reportable(tmp_path: Path) -> None:
    """Schema and standing can be read from the file without this package; the standing follows from the verdicts."""
    path = stored(tmp_path / "results.json")
    table = json.loads(path.read_text(encoding="utf-8"))
    assert (table["schema"], table["reportable"]) == (SCHEMA, True)
    with_answers(Answer.NOT_RUN).write(path)
    assert json.loads(path.read_text(encoding="utf-8"))["reportable"] is False
    assert not Results.read(stored(path, reportable=True, verdicts=[])).reportable


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("place", "make"),
    [
        ("estimates, 0, mean", lambda bad: {"estimates": (replace(ESTIMATE, mean=bad),)}),
        ("models, m, loo, elpd", lambda bad: {"models": {"m": {"loo": {"elpd": bad}}}}),
        ("figures, coverage, rate, 0, 1", lambda bad: {"figures": {"coverage": {"rate": [[0.25, bad]]}}}),
    ],
)
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, bad: float, place: str, make: Any) -> None:
    """NaN and infinity are no JSON: the entry is named, and the file of before stays."""
    path = stored(tmp_path / "results.json")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"results.json, {place} is {bad}"):
        replace(RESULTS, **make(bad)).write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"schema": "largesse.results/0"}, "key 'schema'", f"expected {SCHEMA}"),
        ({"verdicts": None}, "key 'verdicts'", "tuple"),
        ({"estimates": [{"key": "a"}]}, "key 'estimates.0.label'", "field required"),
        ({"dropped": [{**vars(RESULTS.dropped[0]), "name": "Kim"}]}, "key 'dropped.0.name'", "unexpected"),
        ({"verdicts": [{**vars(VERDICT), "answer": "sure"}]}, "key 'verdicts.0.answer'", "'passed', 'flagged'"),
        ({"estimates": [{**vars(ESTIMATE), "mean": "much"}]}, "key 'estimates.0.mean'", "number"),
        ({"estimates": [{**vars(ESTIMATE), "status": "certain"}]}, "key 'estimates.0.status'", "'prior_driven'"),
        ({"extra": 1}, "key 'extra'", "unexpected"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, changes: dict[str, Any], key: str, said: str) -> None:
    """A file that was edited or written by another version names each entry that is missing, unknown or wrong."""
    path = stored(tmp_path / "results.json", **changes)
    with pytest.raises(InputError) as caught:
        Results.read(path)
    assert (caught.value.problems[0].where, caught.value.problems[0].key) == (str(path), key)
    assert said in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "not JSON"),
        (b"[]", "another schema or none"),
        (b'{"schema": NaN}', "NaN is no JSON number"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_not_results_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    """A missing, empty, broken or foreign file is one problem that names it."""
    path = tmp_path / "results.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        Results.read(path)
    assert [p.where for p in caught.value.problems] == [str(path)]


@SETTINGS
@given(
    name=st.sampled_from(["study", "models", "verdicts", "estimates", "dropped", "truth", "artefacts", "schema"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["key", "gate"]), inner),
        max_leaves=4,
    ),
)
def test_any_entry_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, value: Any) -> None:
    """Whatever stands in the place of an entry, reading ends in results or in an error of this package."""
    path = stored(tmp_path_factory.getbasetemp() / "results.json", **{name: value})
    try:
        read = Results.read(path)
    except InputError as error:
        if {p.where for p in error.problems} != {str(path)}:
            raise
    else:
        assert repr(read).startswith("<Results")
