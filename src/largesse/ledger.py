"""Ledger: what each estimate takes to be so, which check speaks to it, and what that check found.

An assumption that a check denies takes the causal verb from what rests on it, where the check is required; it leaves
the study reportable: the fit is sound, and its numbers say what they say without a cause. An assumption to which no
check speaks is untestable, and so is one whose check has nothing to look at in a study. That a check passed shows that
these data do not deny the assumption, no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from largesse.checks import CHECKS, Asked
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.results import Answer, Verdict

OWN: Final = ("direct", "total", "overall", "receivers", "selectivity", "policy")
COVERAGE: Final = ("spillover", "total", "overall", "passed_over", "never_eligible", "policy")
EVERY: Final = tuple(dict.fromkeys(OWN + COVERAGE))
ANCHORED: Final = ("anchored", "style")


class Assumption(NamedTuple):
    """One thing taken to be so.

    Attributes
    ----------
    name : short; `says` : a sentence that a reader understands.
    contrasts : the families of estimates that rest on it, by the first part of their contrast.
    check : the check that speaks to it, of `CHECKS`; nothing where none can.
    required : whether a causal verb needs that check not to fail.
    when : the features of model and study under which it is made; see :attr:`Asked.features`.
    outcomes : those it is about; all unless given.
    """

    name: str
    says: str
    contrasts: tuple[str, ...]
    check: str = ""
    required: bool = False
    when: frozenset[str] = frozenset()
    outcomes: tuple[str, ...] = ()


ASSUMPTIONS: Final = (
    Assumption(
        "overlap", "People alike in district, wave and covariates may receive a gift and may go without",
        OWN, "overlap", required=True),
    Assumption(
        "coverage support", "The shares of receivers that are compared are ones that districts have had",
        COVERAGE, "coverage support", required=True, when=frozenset({"coverage"})),
    Assumption(
        "one disposition", "One private disposition stands behind receipt and all answers, and nothing else joins them",
        EVERY, "association", required=True, when=frozenset({"joint"})),
    Assumption(
        "one scale", "Answers to the items on loyalty go together by one disposition",
        EVERY, "association", when=frozenset({"apart"}), outcomes=("loyalty",)),
    Assumption(
        "favour", "Offices favour the privately loyal as strongly as answers from before say",
        EVERY, "negative control", required=True, when=frozenset({"joint", "before"})),
    Assumption(
        "favour", "Offices favour the privately loyal as strongly as is assumed; the tipping curve shows what "
        "hangs on it", EVERY, when=frozenset({"joint", "nothing before"})),
    Assumption(
        "no favour", "Offices do not choose by what moves answers beyond district, wave and covariates",
        EVERY, "negative control", required=True, when=frozenset({"apart"})),
    Assumption(
        "nothing else chosen by", "Offices choose by the covariates and this disposition, and by nothing else that "
        "moves answers", EVERY, when=frozenset({"joint"})),
    Assumption(
        "no anticipation", "What people said before was not moved by a gift to come",
        EVERY, when=frozenset({"before"})),
    Assumption(
        "reporting style", "People answer by what they hold, and not the same to all whatever is asked",
        EVERY, "reporting style", outcomes=("loyalty",)),
    Assumption(
        "same list", "The sensitive item changes no answer to the rest of its list, and nobody lies about a count",
        EVERY, "same list", required=True, when=frozenset({"list_count"})),
    Assumption(
        "ends of the list", "Nobody shuns the counts by which a person is known: none and all of the longer list",
        EVERY, "ends of the list", when=frozenset({"list_count"})),
    Assumption(
        "length of the list", "People count the items of a longer list as they count those of a shorter one",
        EVERY, "placebo list", required=True, when=frozenset({"list_count", "placebo"})),
    Assumption(
        "instructions", "People answer the randomised question as its design tells them to",
        EVERY, when=frozenset({"randomised"})),
    Assumption(
        "one willingness", "What makes people say yes moves those who support and those who do not alike",
        EVERY, when=frozenset({"direct"}), outcomes=("gap", "belief", "words")),
    Assumption(
        "over", "As many of those who do not support say yes as is assumed: nobody was asked both ways",
        EVERY, when=frozenset({"direct", "asked apart"}), outcomes=("gap", "belief", "words")),
    Assumption(
        "same persons", "Everyone sees the same persons in the vignettes",
        EVERY, "order of vignettes", required=True, when=frozenset({"vignettes"}), outcomes=ANCHORED),
    Assumption(
        "same use of answers", "People judge the persons of vignettes by the same use of answers as themselves",
        EVERY, when=frozenset({"vignettes"}), outcomes=ANCHORED),
    Assumption(
        "one shift", "Whoever answers higher than others as loyal does so by one amount over the whole scale",
        EVERY, "ends of the scale", when=frozenset({"vignettes"}), outcomes=ANCHORED),
    Assumption(
        "silence", "Those who did not answer would have answered as others alike did",
        EVERY, when=frozenset({"silence"})),
    Assumption(
        "exposure", "What the gifts of others do to a person goes through the share of receivers that the person faces",
        EVERY, when=frozenset({"coverage"})),
    Assumption(
        "coverage by chance", "Coverage moves from wave to wave for reasons that do not move answers otherwise",
        COVERAGE, when=frozenset({"coverage", "changing coverage"})),
    Assumption(
        "coverage by chance", "Districts with more coverage are otherwise like the others: where coverage does not "
        "change, nothing tells lasting differences from effects",
        COVERAGE, when=frozenset({"coverage", "lasting coverage"})),
)  # fmt: skip

UNTESTABLE: Final = "untestable"


def ledger(fits: Mapping[str, Fit], inputs: Inputs) -> list[dict[str, Any]]:
    """What the estimates of a study rest on.

    Parameters
    ----------
    fits : by model, of all models of the study.

    Returns
    -------
    One row for each model with effects and each assumption that it makes: `model`, `assumption`, `says`, `outcomes`,
    `contrasts`, `check` (empty where none speaks to it), `required`, `answer` (of the check, or `untestable`),
    `sentence`, `value`, `limit`.
    """
    return [row for m in inputs.models if {*m.predicts} - {"receipt"} for row in _rows(Asked(m, fits, inputs))]


def _rows(asked: Asked) -> list[dict[str, Any]]:
    effects = [o for o in asked.model.predicts if o != "receipt"]
    about = {a: [o for o in effects if not a.outcomes or o in a.outcomes] for a in ASSUMPTIONS}
    made = {a: outcomes for a, outcomes in about.items() if outcomes and a.when <= asked.features}
    found = {name: CHECKS[name](asked) for name in dict.fromkeys(a.check for a in made if a.check)}
    return [
        {
            "model": asked.model.name,
            "assumption": a.name,
            "says": a.says,
            "outcomes": outcomes,
            "contrasts": list(a.contrasts),
            "check": a.check,
            "required": a.required,
            **_answered(found.get(a.check)),
        }
        for a, outcomes in made.items()
    ]


def _answered(verdict: Verdict | None) -> dict[str, Any]:
    """What a check says of an assumption; where it has nothing to look at, the assumption is untestable here."""
    if verdict is None:
        return {"answer": UNTESTABLE, "sentence": "", "value": None, "limit": None}
    answer = UNTESTABLE if verdict.answer is Answer.NOT_APPLICABLE else verdict.answer.value
    return {"answer": answer, "sentence": verdict.sentence, "value": verdict.value, "limit": verdict.limit}
