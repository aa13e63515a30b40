"""Checks: what data can say of an assumption. Each looks at one model of a study, and answers with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from scipy.stats import t

from largesse import associations, dims, vignettes
from largesse.associations import Answers, Furthest
from largesse.cells import lacks
from largesse.comparison import compare
from largesse.findings import Compared
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.instruments import counts, held, placebo
from largesse.lists import LEVEL
from largesse.models.contract import Allocation, Model
from largesse.plain import covariates
from largesse.predictive import data_sets, people
from largesse.results import Answer, Verdict
from largesse.seeds import generator
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

RARE: Final = 0.02  # of 50 people alike, one is expected to have a counterpart: with fewer, the model's form decides
WITHOUT: Final = 0.05  # share of people without counterparts up to which an average still rests on comparisons
UNLIKELY: Final = 0.01  # of all statistics of a check together: one sound study in a hundred fails, at most
REPLICATES: Final = 200  # data sets drawn: the sd of a statistic is then known to a twentieth
DRAWS: Final = 400  # of the chance of a gift, whose mean is then known to a twentieth of its sd

ENDS: Final = ("none", "all")  # counts by which a person is known
QUESTIONS: Final = {"direct question", "indirect question", "asked together"}  # on support


@dataclass(frozen=True)
class Asked:
    """One model with effects, and all that its checks look at."""

    model: Model
    fits: Mapping[str, Fit]
    inputs: Inputs

    @cached_property
    def features(self) -> frozenset[str]:
        """What decides which assumptions the model makes in this study."""
        cells = self.inputs.cells[self.model.name]
        return frozenset({
            "joint" if "gift" in self.model.outcomes else "apart",
            "before" if self.before else "nothing before",
            "lasting coverage" if "changing coverage" in lacks(cells) else "changing coverage",
            "silence" if (cells["answer"].to_numpy() < 0).any() else "all answered",
            "coverage" if Compared.of(self.inputs, cells).varies else "one coverage",
            *(["placebo"] if placebo(self.inputs) else []),
            *(["asked apart"] if {"asked together"} == QUESTIONS & {*lacks(cells)} else []),
            *map(str, cells["role"].to_numpy()),
        })  # fmt: skip

    @property
    def before(self) -> tuple[str, ...]:
        """The questions on loyalty from before the gift."""
        return self._named("loyalty_before")

    def _named(self, role: str) -> tuple[str, ...]:
        return tuple(n for n, column in self.inputs.survey.codebook.items() if column.role == role)

    @cached_property
    def departures(self) -> dict[str, Furthest | None]:
        """Kind of statistic -> the one that lies furthest from what the fit draws; one data set for each draw."""
        name, seed, twin = self.model.name, self.inputs.study.seed, self.model.twin
        cells, theta = self.inputs.cells[name], self.fits[name].thinned(REPLICATES)
        rows, rng = people(cells), generator(seed, "ledger", name)
        observed = self._statistics(Answers.of(rows))
        drawn = [self._statistics(Answers.of(rows, said)) for said in data_sets(twin, theta, rows, rng)]
        return {kind: associations.furthest(found, [each[kind] for each in drawn]) for kind, found in observed.items()}

    def _statistics(self, answers: Answers) -> dict[str, dict[associations.Key, float]]:
        asked = tuple(n for n in self._named("loyalty") if n in answers.codes)
        before = tuple(n for n in self.before if n in answers.codes)
        judged = tuple(n for n in self._named("vignettes") if n in answers.codes)
        return {
            "together": associations.together(answers),
            "before": associations.with_gift(answers, before),
            "style": associations.style(answers, asked),
            "ends": associations.ends(answers, (*asked, *judged)) if judged else {},
        }


def overlap(asked: Asked) -> Verdict:
    """Whether nearly everyone has some chance of a gift and some of none, given district, wave and covariates."""
    model = next((m for m in asked.inputs.models if "gift" in m.outcomes), None)
    if model is None:
        return _silent("overlap", asked, "this study does not model who receives; gift_allocation or joint does")
    frame, fit = asked.inputs.frames[model.name], asked.fits[model.name]
    chance = cast("Allocation", model.twin).receipt(fit.thinned(DRAWS), frame, standard_normal_nodes(fit.nodes))
    mean = chance.mean(axis=0)
    share = float(frame["weight"].to_numpy() @ ((mean < RARE) | (mean > 1 - RARE)))
    ends = f"a chance of a gift below {RARE:.0%} or above {1 - RARE:.0%}"
    good = f"{share:.0%} of people have {ends}, so that nearly everyone has counterparts"
    bad = f"{share:.0%} of people have {ends}: for them the form of the model stands in for counterparts"
    return _held("overlap", asked, share, WITHOUT, (good, bad))


def support(asked: Asked) -> Verdict:
    """Whether the coverages that are compared lie within those observed."""
    compared = Compared.of(asked.inputs, asked.inputs.cells[asked.model.name])
    if not compared.varies:
        return _silent("coverage support", asked, "coverage is the same everywhere, and no two are compared")
    low, high = compared.observed  # not told: they may be those of a district where few were asked
    beyond = max(low - compared.low, compared.high - high, 0.0)
    compares = f"{compared.low:.0%} and {compared.high:.0%} of a district are compared"
    good = f"{compares}, both within what was observed"
    return _held("coverage support", asked, beyond, 0.0, (good, f"{compares}, which no district has had"))


def together(asked: Asked) -> Verdict:
    """Whether answers go together within gift groups as one disposition has it."""
    found = asked.departures["together"]
    if found is None:
        return _silent("association", asked, "there are no two answers whose association could be looked at")
    first, second, arm = found.key
    where = f"{first} and {second} of those {('without', 'with')[int(arm)]} a gift"
    return _drawn("association", asked, found, Answer.FAILED, (
        "answers go together within gift groups as in data drawn from the fit",
        "answers do not go together within gift groups as one disposition has it", where))  # fmt: skip


def negative_control(asked: Asked) -> Verdict:
    """Whether loyalty from before goes with the gift to come as far as favour says, and no further."""
    if not asked.before:
        return _silent("negative control", asked, "loyalty was not asked before the gift")
    if "gift" not in asked.model.outcomes:
        return _moved(asked)
    found = asked.departures["before"]
    if found is None:
        return _silent("negative control", asked, "answers from before, or gifts, do not vary within offices")
    return _drawn("negative control", asked, found, Answer.FAILED, (
        "loyalty from before goes with the gift as in data drawn from the fit, so favour accounts for who received",
        "loyalty from before does not go with the gift as favour has it", found.key[0]))  # fmt: skip


def style(asked: Asked) -> Verdict:
    """Whether as many people give the same answer to all as would by their loyalty; worth a word, no more.

    People who answer all items higher whatever they are asked differ as the disposition differs, and cannot be told
    from it; those who choose one answer throughout can.
    """
    found = asked.departures["style"]
    if found is None:
        return _silent("reporting style", asked, "there are no two items on loyalty to compare within a person")
    what = {"alike": "those who answer all alike", "spread": "how wide people's answers range"}[found.key[0]]
    where = f"{what}, {('without', 'with')[int(found.key[1])]} a gift"
    return _drawn("reporting style", asked, found, Answer.FLAGGED, (
        "people answer all items alike as often as in data drawn from the fit",
        "people answer all items alike more or less often than one disposition has it", where))  # fmt: skip


def _moved(asked: Asked) -> Verdict:
    """The plain comparison of loyalty from before, for models that take offices to favour nobody.

    Held against the ROPE, as the effects are: a difference that matters denies the assumption, one that is surely too
    small to matter bears it out, and what could be either is worth a word. That no difference shows is no pass.
    """
    study, table = asked.inputs.study.estimands, asked.inputs.design.table
    group = np.column_stack([table[dims.DISTRICT].cat.codes, table[dims.WAVE].cat.codes])
    x, weight = covariates(asked.inputs), table["weight"].to_numpy(dtype=float)
    found = compare(_score(table, asked.before), table["gift"].to_numpy(), group, (x, x[:, :0]), weight)
    if not (np.isfinite(found.estimate) and found.clusters > 1):
        return _silent("negative control", asked, "no district and wave has answers from before with and without gifts")
    half = float(t.ppf((1 + study.interval) / 2, found.clusters - 1)) * found.se
    nearest, farthest = max(abs(found.estimate) - half, 0.0), abs(found.estimate) + half
    answer = Answer.FAILED if nearest > study.rope else Answer.PASSED if farthest <= study.rope else Answer.FLAGGED
    words = f"receivers lie {100 * found.estimate:.1f} points from others (plus or minus {100 * half:.1f})"
    sentence = f"in loyalty before the gift, within districts and waves, {words}; {100 * study.rope:g} would matter"
    return Verdict("negative control", asked.model.name, answer, sentence, round(found.estimate, 4), study.rope)


def _score(table: pd.DataFrame, columns: tuple[str, ...]) -> Array:
    """[respondent] mean of the answers that were given, each from 0 (lowest) to 1; NaN of those who gave none."""
    codes = np.array([table[n].cat.codes for n in columns], dtype=float)
    tops = np.array([[len(table[n].cat.categories) - 1] for n in columns])
    seen = codes >= 0
    total = np.where(seen, codes / tops, 0.0).sum(axis=0)
    return np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), np.nan)


def _silent(gate: str, asked: Asked, why: str) -> Verdict:
    return Verdict(gate, asked.model.name, Answer.NOT_APPLICABLE, why)


def _held(gate: str, asked: Asked, value: float, limit: float, words: tuple[str, str]) -> Verdict:
    """Passed up to the limit; the sentences of both answers."""
    good = value <= limit
    answer, sentence = (Answer.PASSED, words[0]) if good else (Answer.FAILED, words[1])
    return Verdict(gate, asked.model.name, answer, sentence, round(value, 2), limit)


def _drawn(gate: str, asked: Asked, found: Furthest, bad: Answer, words: tuple[str, str, str]) -> Verdict:
    """Passed unless the data lie too far from those drawn; the sentences of both answers, and where it is furthest."""
    good = found.probability >= UNLIKELY
    furthest = f"furthest apart: {words[2]}, {abs(found.distance):.1f} sd {'above' if found.distance > 0 else 'below'}"
    sentence = f"{words[0] if good else words[1]} ({furthest})"
    answer = Answer.PASSED if good else bad
    return Verdict(gate, asked.model.name, answer, sentence, round(found.probability, 4), UNLIKELY)


def same_list(asked: Asked) -> Verdict:
    """Whether the longer list changed answers to the other items: then some type of people has a negative share."""
    found = held(asked.inputs, asked.model.name)
    p = f"p = {found.p:.3f}; with every share at nought {found.cautious:.3f}"
    good = found.p >= LEVEL
    sentence = (
        f"the counts of both lists can come from lists whose other items were answered alike ({p})"
        if good
        else f"by the counts of both lists some share of people would be negative: the longer list changed answers to "
        f"other items, or some lied about a count ({p})"
    )
    answer = Answer.PASSED if good else Answer.FAILED
    return Verdict("same list", asked.model.name, answer, sentence, round(found.p, 4), LEVEL)


def ends(asked: Asked) -> Verdict:
    """Whether somebody gave the counts that tell on a person: none, and all, of the longer list."""
    shares = counts(asked.inputs.cells[asked.model.name]).ends()
    missing = [f"nobody shown the longer list said that {name} of it applies" for name in ENDS if shares[name] == 0]
    found = "; ".join(missing) or "of those shown the longer list some said that none and some that all of it applies"
    answer = Answer.FLAGGED if missing else Answer.PASSED
    return Verdict("ends of the list", asked.model.name, answer, found, float(len(missing)), 0.0)


def placebo_list(asked: Asked) -> Verdict:
    """Whether people count fewer items, or more, because a list is longer: of an item that is no matter of support."""
    found = placebo(asked.inputs)
    if found is None:
        return _silent("placebo list", asked, "no placebo list was answered by enough people")
    good = found.p >= LEVEL
    told = f"{100 * abs(found.lost):.1f} points of 100 {'fewer' if found.lost > 0 else 'more'}, se {100 * found.se:.1f}"
    sentence = (
        f"people count the items of a longer placebo list as they count those of a shorter one ({told})"
        if good
        else f"people count other numbers of items because a list is longer ({told})"
    )
    answer = Answer.PASSED if good else Answer.FAILED
    return Verdict("placebo list", asked.model.name, answer, sentence, round(found.p, 4), LEVEL)


def same_persons(asked: Asked) -> Verdict:
    """Whether some group puts described persons the other way round: it then sees other persons in them."""
    found = vignettes.order(asked.inputs.cells[asked.model.name])
    if found is None:
        return _silent("order of vignettes", asked, "no two vignettes were judged by enough people to compare them")
    worst, good = found.worst, found.p >= UNLIKELY
    of = f"'{worst.lower}' below '{worst.higher}'"  # whose judgements, and how many: they may be a few of one district
    sentence = (
        f"no group puts vignettes in another order than they are listed in (nearest to it: {of})"
        if good
        else f"some group puts vignettes in another order than they are listed in, and so sees other persons ({of})"
    )
    answer = Answer.PASSED if good else Answer.FAILED
    return Verdict("order of vignettes", asked.model.name, answer, sentence, round(found.p, 4), UNLIKELY)


def one_shift(asked: Asked) -> Verdict:
    """Whether answers at both ends are as frequent, with and without a gift, as a shift of all boundaries has it."""
    found = asked.departures["ends"]
    if found is None:
        return _silent("ends of the scale", asked, "too few people answered to compare the ends of the scale")
    name, end, arm = found.key
    where = f"the {end} answer to {name}, {('without', 'with')[int(arm)]} a gift"
    return _drawn("ends of the scale", asked, found, Answer.FLAGGED, (
        "the answers at both ends are as frequent as in data drawn from the fit",
        "answers at the ends are more or less frequent than one shift of all boundaries has it", where))  # fmt: skip


CHECKS: Final[Mapping[str, Callable[[Asked], Verdict]]] = {
    "overlap": overlap,
    "coverage support": support,
    "association": together,
    "negative control": negative_control,
    "reporting style": style,
    "same list": same_list,
    "ends of the list": ends,
    "placebo list": placebo_list,
    "order of vignettes": same_persons,
    "ends of the scale": one_shift,
}
