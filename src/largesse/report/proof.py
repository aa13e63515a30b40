"""Proof: what a page on calibration contains: one method for each place in `calibration.qmd`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from largesse.figures import Picture, calibration
from largesse.figures.band import spread
from largesse.report import words
from largesse.report.markdown import UNKNOWN, Markdown, blocks, div, figure, listed, literal, number, table, tabs
from largesse.results import Answer

Held = Mapping[str, Any]  # a certificate, as `dossier.calibrated` gives it
MADE_UP = (
    "**Simulated data.** Every survey behind this page was drawn by a program; no number is a finding about anyone."
)
STATES = {"passed": ("ok", "Passed"), "failed": ("failed", "Failed"), "not run": ("failed", "Not settled"),
          "stale": ("failed", "Stale")}  # fmt: skip
MANY = 25  # quantities that a reader would scroll through
TWO = 1.96  # sds: shares of intervals that hold the truth stray further in one of twenty quantities


@dataclass(frozen=True)
class Proof:
    """The contents of one page on calibration.

    Attributes
    ----------
    models : name -> `question` and `certificates`.
    made : the version of this package.
    """

    models: Mapping[str, Mapping[str, Any]]
    made: str

    @classmethod
    def read(cls, path: Path | str) -> Proof:
        """The page of a dossier."""
        table = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(table["models"], table["largesse"])

    def status(self) -> Markdown:
        """How each certificate stands now, in a strip of its own."""
        strips = [self._strip(name, held) for name, held in self._held()]
        none = [f"No certificate stands behind {words.named(name)}." for name, about in self.models.items()
                if not about["certificates"]]  # fmt: skip
        missing = div("status .status-failed", f"**Not calibrated.** {' '.join(none)}") if none else ""
        mark = div("synthetic-mark", "SIMULATED DATA, NO FINDING ABOUT ANY COUNTRY")
        return blocks(mark, div("status .status-synthetic", MADE_UP), *strips, missing)

    def _strip(self, name: str, held: Held) -> str:
        kind, word = STATES[held["state"]]
        why = "Its model, priors, code or engines changed since: it does not count." if held["state"] == "stale" else ""
        red = f"Not uniform: {', '.join(map(literal, held['summary']['red']))}." if held["summary"]["red"] else ""
        said = f"**{word}.** {_title(name, held)}. {why} {red}".rstrip()
        return div(f"status .status-{kind}", said)

    def _held(self) -> Iterator[tuple[str, Held]]:
        for name, about in self.models.items():
            yield from ((name, held) for held in about["certificates"])

    def answer(self) -> Markdown:
        """The verdict on each design in words, with what it would have shown."""
        questions = [f"**{words.capital(words.named(n))}** asks: {literal(about['question'])}" for n, about in
                     self.models.items()]  # fmt: skip
        said = [words.certified(f"{name}, {held['design']}", held) for name, held in self._held()]
        return blocks(*questions, listed(said))

    def designs(self) -> Markdown:
        """Who was asked what, in each design."""
        rows = [[_title(name, held), *_design(held["world"]), f"{held['summary']['replicates']:,}", f"{held['seed']}"]
                for name, held in self._held()]  # fmt: skip
        header = ("Model and design", "Districts", "Waves", "Respondents", "Questions", "Surveys", "Seed")
        return Markdown(table(header, rows, "Designs that were simulated", "designs", "-rrr-rr"))

    def places(self) -> Markdown:
        """Of each certificate, the places of truths over the band that chance leaves them."""
        return self._tabs(self._places)

    def _places(self, name: str, held: Held, label: str) -> str:
        places, truths = ({q: spread(counts) for q, counts in held[what].items()} for what in ("places", "truths"))
        bins = len(next(iter(held["places"].values())))
        picture = calibration.ranks(places, held["summary"], truths, bins=bins)
        return self._figure(picture, f"Truths among their draws, {_title(name, held)}", f"places-{label}")

    def contraction(self) -> Markdown:
        """Bias over what the data taught, in the usual design of each model."""
        return self._tabs(self._contraction, usual=True)

    def _contraction(self, name: str, held: Held, label: str) -> str:
        picture = calibration.contraction(held["summary"])
        return self._figure(picture, f"Bias and contraction of each quantity, {_title(name, held)}", f"learnt-{label}")

    def coverage(self) -> Markdown:
        """The share of central intervals that held the truth, by kind of quantity, and how far single ones stray."""
        return self._tabs(self._coverage)

    def _coverage(self, name: str, held: Held, label: str) -> str:
        groups: dict[str, list[Held]] = {}
        for row in held["summary"]["quantities"]:
            groups.setdefault(calibration.group(row["quantity"]), []).append(row)
        contents = list(held["summary"]["quantities"][0]["covered"])
        rows = [
            [group, f"{len(each)}", *(_shares(each, content) for content in contents)] for group, each in groups.items()
        ]
        header = ("Quantities", "How many", *(f"{float(content):.0%} interval" for content in contents))
        caption = (
            f"Share of intervals that held the truth, {_title(name, held)}: mean, least and most of the quantities"
        )
        chance = ", ".join(f"{_stray(held, float(content)):.1%}" for content in contents)
        return blocks(
            table(header, rows, caption, f"covered-{label}", "-" + "r" * (1 + len(contents))),
            f"By chance alone, one quantity in twenty strays by more than {chance} from what its intervals promise.",
        ).text

    def detectable(self) -> Markdown:
        """The smallest faults that each certificate would have shown, nine times in ten."""
        rows = [[_title(name, held), *(_size(held["summary"]["detectable"][k]) for k in ("shift", "narrow", "wide"))]
                for name, held in self._held()]  # fmt: skip
        header = ("Model and design", "Shift, in posterior sds", "sd too small, as a factor", "sd too large")
        caption = "Smallest faults of a posterior that would have been called wrong nine times in ten"
        level = [f"{_title(name, held)}: each quantity is judged at {held['summary']['level']:.2g}" for name, held in
                 self._held()]  # fmt: skip
        said = "A certificate speaks of faults of these sizes, and not of smaller ones."
        folded = div("callout-note", listed(level), title="Levels, all quantities judged together", collapse=True)
        return blocks(said, table(header, rows, caption, "detectable", "-rrr"), folded)

    def failures(self) -> Markdown:
        """Fits that failed, were drawn again or diverged; data that the reader refused."""
        counts = ("replicates", "failed", "retried", "redrawn")
        rows = [
            [
                *(_title(name, held), *(f"{held['summary'][k]:,}" for k in counts)),
                *(f"{held['diverging']:,}", _renewed(held["summary"])),
            ]
            for name, held in self._held()
        ]
        header = ("Model and design", "Surveys", "Failed", "Drawn again", "Data refused", "Diverging", "Since then")
        said = (
            "A fit that does not pass its gates is drawn again, twice as long; one that fails thrice is failed, and "
            "too many of them leave the question open. How long it took is not kept: files are alike everywhere."
        )
        return blocks(said, table(header, rows, "Fits that went wrong", "failures", "-rrrrr-"))

    def quantities(self) -> Markdown:
        """The least uniform quantities with their numbers, folded."""
        said = f"Of each certificate the {MANY} least uniform quantities; all of them are in its summary.json."
        return blocks(said, *(self._quantities(name, held, n) for n, (name, held) in enumerate(self._held())))

    def _quantities(self, name: str, held: Held, n: int) -> str:
        rows = [[literal(q["quantity"]), f"{q['replicates']:,}", f"{q['adjusted']:.3f}",
                 *(f"{share:.1%}" for share in q["covered"].values()),
                 *(number(q[k]) for k in ("bias", "spread", "contraction"))]
                for q in held["summary"]["quantities"][:MANY]]  # fmt: skip
        contents = [f"{float(c):.0%}" for c in held["summary"]["quantities"][0]["covered"]]
        header = ("Quantity", "Surveys", "p, adjusted", *contents, "Bias, sds", "sd of z", "Contraction")
        caption = f"Quantities, {_title(name, held)}; the least uniform first"
        shown = table(header, rows, caption, f"quantities-{n}", "-" + "r" * (len(header) - 1))
        return div("callout-note", shown, title=f"Quantities: {_plain(name, held)}", collapse=True)

    def provenance(self) -> Markdown:
        """What each certificate is bound to."""
        bound = [f"{_title(name, held)}: bound to `{held['binding']}`" for name, held in self._held()]
        return blocks(f"Made with largesse {literal(self.made)} from the certificates of its models.", listed(bound))

    def _tabs(self, shown: Callable[[str, Held, str], str], *, usual: bool = False) -> Markdown:
        """A tab for each certificate, or for the first of each model."""
        first = {name: about["certificates"][:1] for name, about in self.models.items()}
        held = [(name, each) for name, each in self._held() if not usual or each in first[name]]
        parts = [f"### {words.capital(_title(name, each))}\n\n{shown(name, each, str(n))}" for n, (name, each) in
                 enumerate(held)]  # fmt: skip
        return tabs(parts) if parts else Markdown("There is no certificate.")

    def _figure(self, picture: Picture, caption: str, label: str) -> str:
        return figure(picture.svg(), picture.alt, f"{caption} (simulated data).", label)


def _plain(name: str, held: Held) -> str:
    return f"{name}, {held['design']}".replace("_", " ")


def _title(name: str, held: Held) -> str:
    return literal(_plain(name, held))


def _design(world: Mapping[str, Any]) -> list[str]:
    asked = [len(world["items"]), *(bool(world.get(k)) for k in ("market", "before"))]
    kinds = ("of loyalty", "of the market", "from before")
    told = ", ".join(f"{n} {kind}" if n is not True else kind.removeprefix("of ") for n, kind in
                     zip(asked, kinds, strict=True) if n)  # fmt: skip
    return [f"{world['districts']}", f"{len(world['waves'])}", f"{world['respondents']:,}", literal(told)]


def _shares(rows: list[Held], content: str) -> str:
    every = np.array([row["covered"][content] for row in rows])
    return f"{every.mean():.1%} ({every.min():.1%} to {every.max():.1%})"


def _stray(held: Held, content: float) -> float:
    """How far one quantity in twenty strays from `content`, of as many surveys."""
    done = held["summary"]["replicates"] - held["summary"]["failed"]
    return float(TWO * np.sqrt(content * (1 - content) / done))


def _size(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:g}"


def _renewed(summary: Mapping[str, Any]) -> str:
    times = len(summary["renewed"])
    confirmed = f"confirmed with {summary['confirmation']['replicates']:,}" if "confirmation" in summary else ""
    renewed = f"renewed {'once' if times == 1 else f'{times} times'} by replay" if times else ""
    return literal(", ".join(filter(None, (confirmed, renewed)))) or UNKNOWN


def good(models: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every model has a certificate of its usual design that counts and passed."""
    return all(
        about["certificates"] and about["certificates"][0]["state"] == Answer.PASSED for about in models.values()
    )
