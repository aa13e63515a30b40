"""Changes: what a page on two results contains: one method for each place in `comparison.qmd`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from largesse.figures import contrasts, outcome, points
from largesse.figures.changes import Pair, moved
from largesse.report import words
from largesse.report.markdown import (
    SYNTHETIC,
    UNKNOWN,
    Markdown,
    blocks,
    code,
    div,
    figure,
    listed,
    literal,
    number,
    table,
)
from largesse.results import Results, direction
from largesse.store import file_digest

SMALL: Final = 0.1  # sds of the earlier posterior: the error of a mean of a hundred independent draws
DIRECTIONS: Final = {"raises": "raises", "lowers": "lowers", "hardly changes": "hardly changes",
                     "cannot tell": "cannot be told"}  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """The contents of one page on two results.

    Attributes
    ----------
    before, after : the results, whole.
    digests : SHA-256 of both files.
    """

    before: Results
    after: Results
    digests: tuple[str, str] = ("", "")

    @classmethod
    def read(cls, before: Path | str, after: Path | str) -> Changes:
        """The page of two files of results.

        Errors
        ------
        InputError
            when either cannot be read or was altered.
        """
        first, second = Path(before), Path(after)
        return cls(Results.read(first), Results.read(second), (file_digest(first), file_digest(second)))

    @property
    def pairs(self) -> list[Pair]:
        """Estimates that both have, in the order of the later."""
        known = {e.key: e for e in self.before.estimates}
        return [(known[e.key], e) for e in self.after.estimates if e.key in known]

    @property
    def effects_(self) -> list[Pair]:
        """The pairs that a reader looks at first: effects for the whole frame."""
        shown = {e.key for e in contrasts(self.after)}
        return [pair for pair in self.pairs if pair[1].key in shown]

    def told(self) -> dict[str, float]:
        """Key of each estimate that moved by a tenth of an sd or more -> by how many sds of the earlier posterior."""
        return {pair[1].key: round(_sds(pair), 3) for pair in self.pairs if abs(_sds(pair)) >= SMALL}

    def files(self) -> list[str]:
        """The files that differ."""
        return [name for name, _ in self._differing(self.before.artefacts, self.after.artefacts)]

    def lines(self) -> list[str]:
        """For a terminal: the effects that moved, and the files that differ."""
        moved_ = [f"{p[1].key:<26} {points(p[0].mean):>6} -> {points(p[1].mean):>6}  ({number(_sds(p))} sds)" for p in
                  self.effects_ if abs(_sds(p)) >= SMALL]  # fmt: skip
        differ = ", ".join(self.files()) or "none"
        return [*(moved_ or ["no effect moved by a tenth of an sd"]), f"files that differ: {differ}"]

    def status(self) -> Markdown:
        """Whether the answer is still what it was, and may be reported."""
        synthetic = any(r.study["synthetic"] for r in (self.before, self.after))
        mark = div("synthetic-mark", SYNTHETIC) if synthetic else ""
        turned = [new for old, new in self.effects_ if direction(old) != direction(new)]
        kind, said = (
            "failed",
            f"**Turned.** {len(turned)} of {len(self.effects_)} effects point elsewhere than before.",
        )
        if not turned:
            kind, said = ("ok", f"**As before.** Each of {len(self.effects_)} effects points where it did.")
        standing = "" if self.before.reportable == self.after.reportable else (
            f"**{'Reportable now, not before' if self.after.reportable else 'No longer reportable'}.**")  # fmt: skip
        return blocks(mark, self._which(), div(f"status .status-{kind}", said, standing))

    def _which(self) -> str:
        names = [f"{literal(r.study['name'])} of {literal(r.made['date'])}" for r in (self.before, self.after)]
        return div("muted", f"Before: {names[0]}. After: {names[1]}.")

    def answer(self) -> Markdown:
        """The headline of both, and the largest change."""
        old, new = (words.headline(r) for r in (self.before, self.after))
        if not self.effects_:
            return Markdown("No effect stands in both results, so none can be compared.")
        most = max(self.effects_, key=lambda pair: abs(_sds(pair)))
        largest = (
            "Nothing moved by so much as a tenth of an sd."
            if abs(_sds(most)) < SMALL
            else f"What moved most is {_named(self.after, most)}: {_moved(most)}."
        )
        same = old.answer == new.answer
        said = (
            [f"Before and after: {new.answer}"] if same else [f"**After.** {new.answer}", f"**Before.** {old.answer}"]
        )
        return blocks(div("headline", largest), *said)

    def figure(self) -> Markdown:
        """Effects before and after."""
        if not self.effects_:
            return Markdown("")
        picture = moved(self.after, self.effects_)
        mark = " (synthetic data)" if self.after.study["synthetic"] else ""
        caption = f"Effects before and after, posterior mean and {words.content(self.after)} interval{mark}."
        return Markdown(figure(picture.svg(), picture.alt, caption, "moved"))

    def effects(self) -> Markdown:
        """The effects, one row each."""
        return Markdown(self._table(self.effects_, "Effects before and after, in points of 100", "effects"))

    def everything(self) -> Markdown:
        """All that both estimate, folded, and what only one of them does."""
        ordered = sorted(self.pairs, key=lambda pair: -abs(_sds(pair)))
        shown = self._table(ordered, "All estimates, what moved most first", "all")
        keys = [{e.key for e in r.estimates} for r in (self.before, self.after)]
        only = [f"Only {when}: {', '.join(map(literal, sorted(k)))}." for when, k in
                (("before", keys[0] - keys[1]), ("after", keys[1] - keys[0])) if k]  # fmt: skip
        return blocks(div("callout-note", shown, title="All estimates", collapse=True), listed(only))

    def _table(self, pairs: list[Pair], caption: str, label: str) -> str:
        rows = [
            [_named(self.after, pair), points(pair[0].mean), points(pair[1].mean), points(pair[1].mean - pair[0].mean),
             number(_sds(pair)), number(pair[1].sd / pair[0].sd if pair[0].sd else None), _turn(pair)]
            for pair in pairs
        ]  # fmt: skip
        header = ("Estimate", "Before", "After", "Change", "In sds", "sd, after by before", "Direction")
        return table(header, rows, caption, label, "-rrrrr-")

    def inputs(self) -> Markdown:
        """Which files are not what they were."""
        rows = [[literal(name), *(f"`{d[:12]}`" if d else UNKNOWN for d in pair)] for name, pair in
                self._differing(self.before.artefacts, self.after.artefacts)]  # fmt: skip
        if not rows:
            return Markdown("Every file behind the results is the same, byte for byte.")
        shown = table(
            ("File", "Before", "After"), rows, "Files that differ, by the beginning of their SHA-256", "inputs"
        )
        same = len({*self.before.artefacts} & {*self.after.artefacts}) - sum(UNKNOWN not in row for row in rows)
        return blocks(f"{words.plural(same, 'file')} behind the results stayed the same.", shown)

    def settings(self) -> Markdown:
        """What was asked otherwise, of other people, by other models and engines."""
        rows = [[literal(name), literal(_short(pair[0])), literal(_short(pair[1]))] for name, pair in
                self._differing(_settings(self.before), _settings(self.after))]  # fmt: skip
        if not rows:
            return Markdown("Study, survey, fits and engines are told alike in both.")
        return Markdown(table(("What", "Before", "After"), rows, "Settings and sizes that differ", "settings"))

    def checks(self) -> Markdown:
        """The gates whose answer changed."""
        told = [{f"{v.model}, {v.gate}": v.answer.value for v in r.verdicts} for r in (self.before, self.after)]
        rows = [
            [literal(name), *(literal(str(answer or "not asked")) for answer in pair)]
            for name, pair in self._differing(*told)
        ]
        if not rows:
            return Markdown("Every check answers as before.")
        return Markdown(table(("Check", "Before", "After"), rows, "Checks that answer otherwise", "checks"))

    def provenance(self) -> Markdown:
        """Which files were compared, and how to make the page again."""
        files = [[name, f"`{digest}`"] for name, digest in zip(("before", "after"), self.digests, strict=True)]
        return blocks(
            table(("Results", "SHA-256"), files, "What was compared", "files"),
            "To make it again:",
            code("largesse compare BEFORE AFTER"),
        )

    @staticmethod
    def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """The names under which two tables hold different things, with both."""
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                yield name, (old.get(name), new.get(name))


def _settings(results: Results) -> dict[str, Any]:
    """All that is told of a study beside its estimates, by name."""
    flat = {f"study, {key}": value for key, value in results.study.items()}
    flat |= {f"survey, {key}": value for key, value in results.survey.items() if key != "items"}
    flat |= {f"engine {key}": value for key, value in results.made["engines"].items()}
    flat |= {key: results.made[key] for key in ("largesse", "python")}
    for name, model in results.models.items():
        flat |= {f"{name}, {key}": model[key] for key in ("fingerprint", "respondents", "sampler")}
        flat[f"{name}, certificate"] = (model.get("certificate") or {}).get("state")
    return flat


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value))
    return UNKNOWN if value is None else str(value)


def _sds(pair: Pair) -> float:
    """How far the mean moved, in sds of the earlier posterior."""
    old, new = pair
    return (new.mean - old.mean) / old.sd if old.sd else 0.0


def _moved(pair: Pair) -> str:
    old, new = pair
    change, size = points(new.mean - old.mean), abs(_sds(pair))
    ends = f"from {points(old.mean)} to {points(new.mean)} points of 100"
    return f"{ends}, a change of {change}, or {size:.1f} sds of the earlier posterior"


def _turn(pair: Pair) -> str:
    old, new = (DIRECTIONS[direction(e)] for e in pair)
    return old if old == new else f"**{old}, now {new}**"


def _named(results: Results, pair: Pair) -> str:
    e = pair[1]
    gift = {"0": ", without a gift", "1": ", with a gift"}.get(e.key.split(".")[2], "") if ".level." in e.key else ""
    return literal(f"{outcome(results, e.outcome)}, {e.contrast}{gift}{', ' if e.group else ''}{e.group}")
