"""Results: verdicts and estimates, and the one file (`results.json`) that a report may take numbers from."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from largesse.errors import InputError, Problem
from largesse.store import SEAL, broken, write_json

SCHEMA: Final = "largesse.results/1"
BESIDE: Final = ("schema", "reportable", SEAL)  # of the file, for whoever reads it; verdicts say what is reportable
STRICT: Final = ConfigDict(extra="forbid")  # of a file that is read: what is not known is an error
SMALLEST: Final = 5  # k: no count of 1 to 4 respondents can be read off what is published
SURE: Final = 0.95  # posterior probability from which a direction is put in words
Status = Literal["identified", "conditional", "prior_driven"]


class Answer(StrEnum):
    """How a gate answers. Only `PASSED` is a pass."""

    PASSED = "passed"
    FLAGGED = "flagged"  # worth knowing; does not by itself make a result unreportable
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


@with_config(STRICT)
@dataclass(frozen=True, repr=False)
class Verdict:
    """One gate's answer about one model, with its sentence.

    Attributes
    ----------
    gate : what was asked, for example `R-hat`.
    model : the model it was asked of.
    answer : an enumerated :class:`Answer`.
    sentence : the answer in words, with what to do where it is not `passed`.
    value, limit : the number behind it and the limit it was held against, where there is one; a value that is not
        finite is none.
    """

    gate: str
    model: str
    answer: Answer
    sentence: str
    value: float | None = None
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    def __str__(self) -> str:
        return f"{self.answer.value:>14}  {self.model}: {self.sentence}"

    def __repr__(self) -> str:
        return f"<Verdict on {self.gate} of {self.model}: {self.answer.value}; {self.sentence}>"

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.answer.value)}</b> · {escape(self.model)}: {escape(self.sentence)}"


@with_config(STRICT)
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


@with_config(STRICT)
@dataclass(frozen=True)
class Dropped:
    """Answers that did not enter: of which role and column, why, and how many; None where that is kept back."""

    role: str
    column: str
    reason: str
    count: int | None


@with_config(STRICT)
@dataclass(frozen=True)
class DroppedTerm:
    """A term of a model that the design cannot inform, and why it was left out."""

    model: str
    term: str
    why: str


@with_config(STRICT)
@dataclass(frozen=True, repr=False)
class Results:
    """Everything a page may print. Written once, read by `report` and `figures`, never edited.

    All numbers are plain and finite; None stands for what is not known, or is kept back because it would tell of few
    people (see :class:`largesse.headcount.Headcount`). What each table holds:

    Attributes
    ----------
    study : `name`, `title`, `question`, `synthetic`, `seed`, `author`, `interval` (probability content), `rope`
        (half width of what is too small to matter), `coverage` ([low, high] that are compared, or None),
        `extrapolates` (why, or None) and `models` (names, in the study's order).
    made : versions of `largesse` and `python`, `engines` (name -> version) and `date` (UTC, ISO).
    survey : `rows` in the file, respondents `kept`, `districts`, `waves` (counts), `weights` (in words), `items`
        [{`name`, `label`, `levels` (lowest first)}], `covariates` (names) and `coverage` {`source`, `reliability`,
        `center`}.
    models : by name, {`question`, `outcomes`, `fingerprint`, `respondents`, `sampler` {`draws`, `tune`, `chains`,
        `nodes`}, `equations`, `not_identified`, `would_break`, `parameters`, `loo` {`elpd`, `se`}, `certificate` (see
        `certificate.shown`)}.
        `parameters` is [{`key`, `parameter`, `label`, `symbol`, `meaning`, `unit`, `status`, `reason`, `prior`
        {`distribution`, `arguments`, `statement`, `kind`, `key`, `where`}, `mean`, `sd`, `lower`, `upper`,
        `prior_sd`, `contraction`, `rhat`, `ess`, `truth`}].
    verdicts, estimates, dropped, dropped_terms : as their types say.
    figures : `predictive` [{`model`, `item`, `label`, `levels`, `gift`, `observed`, `mean`, `lower`, `upper`}],
        shares by level; `coverage` {`districts`, `waves`, `rate` [district][wave]} or None; `plain`, the comparison
        without a model, outcome -> {`label`, `estimate`, `se`, `respondents`, `clusters`, `words`};
        `alternatives` {`own`, `maps`, `terms`, `places`}, the effects on reported loyalty as the study takes things and
        under each alternative of a kind (see `alternatives.Under`), or None; `population` {`effective`, `design`} and
        by model {`groups`, `uncertain`} (see :mod:`largesse.population`); `ledger`, what the estimates of each
        model rest on, a row for each assumption (see `ledger.ledger`); `priors`, effects under other priors (see
        `reweighting.ranges`).
    truth : of a synthetic study, {`compared` (how many parameters), `outside` [{`key`, `truth`, `mean`, `sd`,
        `lower`, `upper`}], `allowed` (how many may be outside), `interval`, `worst` {`key`, `z`}}; else None.
    artefacts : name of each file this was made from -> its SHA-256.
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
        """True when every gate passed, was flagged, or does not apply; what was never asked is not reportable."""
        return bool(self.verdicts) and not self.failed

    def denied(self, estimate: Estimate) -> tuple[Mapping[str, Any], ...]:
        """The rows of the ledger whose check failed, of those that a claim of a cause about an estimate requires.

        They leave the study reportable: its numbers stand, without the cause.
        """
        family = estimate.contrast.partition(".")[0]
        return tuple(
            row
            for row in self.figures.get("ledger") or ()
            if (row["required"], row["answer"], row["model"]) == (True, Answer.FAILED.value, estimate.model)
            and estimate.outcome in row["outcomes"]
            and family in row["contrasts"]
        )

    def __repr__(self) -> str:
        counts = Counter(v.answer for v in self.verdicts)
        gates = ", ".join(f"{counts[answer]} {answer.value}" for answer in Answer if counts[answer]) or "no gate asked"
        models = ", ".join(self.models) or "no model"
        return f"<Results of {self._name()}: {self._standing()}; {models}; estimates: {len(self.estimates)}; {gates}>"

    def _repr_html_(self) -> str:
        spoken = [v for v in self.verdicts if v.answer not in (Answer.PASSED, Answer.NOT_APPLICABLE)]
        head = ("outcome", "contrast", "group", "mean", f"{self.study.get('interval', 0):.0%} interval", "status")
        rows = [
            (e.outcome, e.contrast, e.group, f"{e.mean:.3f}", f"{e.lower:.3f} to {e.upper:.3f}", e.status)
            for e in self.estimates
        ]
        items = "".join(f"<li>{v._repr_html_()}</li>" for v in spoken)
        title = f"<p><b>{escape(self._name())}</b>: {escape(self._standing())}</p>"
        return f"{title}<ul>{items}</ul>{_html_table(head, rows)}"

    def _name(self) -> str:
        made_up = " (synthetic: no finding about anyone)" if self.study.get("synthetic") else ""
        return f"{self.study.get('name', '')}{made_up}"

    def _standing(self) -> str:
        return "reportable" if self.reportable else "not reportable"

    def estimate(self, key: str) -> Estimate:
        """The estimate named `key`; an unknown key lists the keys there are."""
        found = {e.key: e for e in self.estimates}
        if key not in found:
            raise InputError.one("results.json", f"estimate '{key}'", "no such estimate", ", ".join(sorted(found)))
        return found[key]

    def write(self, path: Path) -> None:
        """Write as JSON, atomically, with a seal by which a later change of anything in it is noticed.

        Errors
        ------
        ValueError
            when a number is not finite or a value is not plain; names it, and writes nothing.
        """
        write_json(path, {"schema": SCHEMA, "reportable": self.reportable, **asdict(self)}, sealed=True)

    @classmethod
    def read(cls, path: Path | str) -> Results:
        """Read `results.json`.

        Errors
        ------
        InputError
            when the file is missing, is not JSON, was written under another schema, lacks an entry, or is not what was
            written.
        """
        path = Path(path)
        table = _read_json(path)
        if not isinstance(table, dict) or table.get("schema") != SCHEMA:
            raise InputError.one(path, "key 'schema'", "another schema or none", SCHEMA)
        entries = {key: value for key, value in table.items() if key not in BESIDE}
        try:
            read = TypeAdapter(cls).validate_python(entries)
        except ValidationError as error:
            raise InputError(
                Problem(str(path), f"key '{'.'.join(map(str, wrong['loc']))}'", wrong["msg"].lower(), f"as in {SCHEMA}")
                for wrong in error.errors(include_url=False)
            ) from None
        if broken(table):
            found = "a number or a word that was changed since it was written" if SEAL in table else "no seal"
            raise InputError.one(path, f"key '{SEAL}'", found, "results as `largesse run` writes them")
        return read


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_not_json)
    except FileNotFoundError:
        raise InputError.one(path, "", "no such file", "results of `largesse run`") from None
    except OSError as error:
        found = f"a file that cannot be read ({type(error).__name__})"
        raise InputError.one(path, "", found, "a results.json") from None
    except (ValueError, RecursionError) as error:  # wrong bytes, no JSON, or more than Python takes
        raise InputError.one(path, "", f"text that is not JSON ({error})", "a results.json") from None


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _html_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def row(cells: Iterable[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return f"<table><thead>{row(head, 'th')}</thead><tbody>{''.join(row(r, 'td') for r in rows)}</tbody></table>"


def direction(estimate: Estimate) -> str:
    """The one place where a posterior becomes words: `raises`, `lowers`, `hardly changes` or `cannot tell`.

    A prior-driven estimate has no direction, however narrow its posterior: the data did not give it one.
    """
    if estimate.status == "prior_driven":
        return "cannot tell"
    if estimate.p_negligible > SURE:
        return "hardly changes"
    if estimate.p_positive > SURE:
        return "raises"
    if 1 - estimate.p_positive > SURE:
        return "lowers"
    return "cannot tell"
