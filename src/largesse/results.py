"""Results: verdicts and estimates, and the one file (`results.json`) that a report may take numbers from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any, Literal

from largesse.errors import InputError
from largesse.store import write_json

SCHEMA = "largesse.results/1"
Status = Literal["identified", "conditional", "prior_driven"]


class Answer(StrEnum):
    """How a gate answers. Only `PASSED` is a pass."""

    PASSED = "passed"
    FLAGGED = "flagged"  # worth knowing; does not by itself make a result unreportable
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Verdict:
    """One gate's answer about one model, with its sentence.

    Attributes
    ----------
    gate : what was asked, for example `R-hat`.
    model : the model it was asked of.
    answer : an enumerated :class:`Answer`.
    sentence : the answer in words, with what to do where it is not `passed`.
    value, limit : the number behind it and the limit it was held against, where there is one.
    """

    gate: str
    model: str
    answer: Answer
    sentence: str
    value: float | None = None
    limit: float | None = None

    def __str__(self) -> str:
        return f"{self.answer.value:>14}  {self.model}: {self.sentence}"

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.answer.value)}</b> · {escape(self.model)}: {escape(self.sentence)}"


@dataclass(frozen=True)
class Estimate:
    """A posterior summary of one estimand, on the outcome scale.

    Attributes
    ----------
    key : unique name, `outcome.contrast[.group]`, for example `loyalty.direct`.
    label : what it is, in words a reader knows.
    outcome : `receipt`, `loyalty`, `market_any` or `market_much`.
    contrast : `direct`, `spillover`, `total`, `overall`, `level`, `selectivity` ...
    model : the model it comes from.
    group : the district or profile it is for; empty for the whole frame.
    mean, sd, lower, upper : of the draws, as a share of the outcome's range (1 = 100 points).
    interval : probability content of (lower, upper), equal tails.
    p_positive, p_negligible : posterior probability that it is above 0, and within +/- rope.
    status, reason : declared identification, and why.
    extrapolation : not empty when it needs a coverage or a profile that was not observed: says which.
    truth : the simulated truth of a synthetic study.
    """

    key: str
    label: str
    outcome: str
    contrast: str
    model: str
    mean: float
    sd: float
    lower: float
    upper: float
    interval: float
    p_positive: float
    p_negligible: float
    status: Status
    reason: str
    group: str = ""
    extrapolation: str = ""
    truth: float | None = None


@dataclass(frozen=True)
class Dropped:
    """Answers that did not enter: how many, of which role and column, and why."""

    role: str
    column: str
    reason: str
    count: int


@dataclass(frozen=True)
class DroppedTerm:
    """A term of a model that the design cannot inform, and why it was left out."""

    model: str
    term: str
    why: str


@dataclass(frozen=True)
class Results:
    """Everything a page may print. Written once, read by `report` and `figures`, never edited.

    Attributes
    ----------
    study : name, title, question, synthetic, seed, author, interval, rope, coverage (low, high), extrapolates.
    made : largesse and engine versions, date (UTC, ISO), machine-independent.
    survey : rows, kept, districts, waves, items (name, label, levels, shares by gift arm), weights in words.
    models : per model: question, fingerprint, equations' card, parameters (name, symbol, unit, status, reason,
        prior statement and source, posterior mean, sd, interval, prior sd), sampler settings.
    verdicts, estimates, dropped, dropped_terms : as their types say.
    figures : plain numbers that figures draw (posterior predictive shares and the like), by name.
    truth : of a synthetic study: parameters outside their 99 % interval, and how many could be.
    artefacts : name of each file this was made from, with its SHA-256.
    """

    study: Mapping[str, Any]
    made: Mapping[str, Any]
    survey: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Any]]
    verdicts: tuple[Verdict, ...]
    estimates: tuple[Estimate, ...]
    dropped: tuple[Dropped, ...] = ()
    dropped_terms: tuple[DroppedTerm, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, Any] | None = None
    artefacts: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The gates that failed or were not run: any of them makes the study not reportable."""
        return tuple(v for v in self.verdicts if v.answer in (Answer.FAILED, Answer.NOT_RUN))

    @property
    def reportable(self) -> bool:
        """True when every gate passed, was flagged, or does not apply."""
        return not self.failed

    def estimate(self, key: str) -> Estimate:
        """The estimate named `key`; an unknown key lists the keys there are."""
        found = {e.key: e for e in self.estimates}
        if key not in found:
            raise InputError.one("results.json", f"estimate '{key}'", "no such estimate", ", ".join(sorted(found)))
        return found[key]

    def write(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, {"schema": SCHEMA, "reportable": self.reportable, **asdict(self)})

    @classmethod
    def read(cls, path: Path | str) -> Results:
        """Read `results.json`.

        Errors
        ------
        InputError
            when the file is missing, is not JSON, or was written under another schema.
        """
        path = Path(path)
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError.one(path, "", "no such file", "results of `largesse estimate`") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError.one(path, "", f"text that is not JSON ({error})", "a results.json") from None
        if not isinstance(table, dict) or table.pop("schema", None) != SCHEMA:
            raise InputError.one(path, "key 'schema'", "another schema or none", SCHEMA)
        table.pop("reportable")
        table["verdicts"] = tuple(Verdict(**{**v, "answer": Answer(v["answer"])}) for v in table["verdicts"])
        for name, kind in (("estimates", Estimate), ("dropped", Dropped), ("dropped_terms", DroppedTerm)):
            table[name] = tuple(kind(**row) for row in table[name])
        return cls(**table)


def direction(estimate: Estimate) -> str:
    """The one place where a posterior becomes words: `raises`, `lowers`, `hardly changes` or `cannot tell`."""
    if estimate.p_negligible > 0.95:
        return "hardly changes"
    if estimate.p_positive > 0.95:
        return "raises"
    if estimate.p_positive < 0.05:
        return "lowers"
    return "cannot tell"
