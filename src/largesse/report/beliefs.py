"""Beliefs: what a page on priors contains: one method for each place in `priors.qmd`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from largesse.figures import span
from largesse.figures.implied import likely, named
from largesse.report import tables, words
from largesse.report.markdown import (
    SYNTHETIC,
    UNKNOWN,
    Markdown,
    blocks,
    div,
    figure,
    listed,
    literal,
    math,
    number,
    table,
    tabs,
)
from largesse.resources import entries

KINDS = {"published": "published figures", "elicited": "elicited from people who know",
         "scale argument": "arguments of scale", "weak": "weak, with their argument"}  # fmt: skip


@dataclass(frozen=True)
class Beliefs:
    """The contents of one page on priors.

    Attributes
    ----------
    models : name -> `question`, `priors`, `implied`, `world`, `posterior`, as `dossier.believed` gives them.
    study : whose priors and posterior these are; None of models by themselves.
    made : the version of this package.
    cited : keys of the bibliography beside the dossier.
    """

    models: Mapping[str, Mapping[str, Any]]
    study: Mapping[str, Any] | None
    made: str
    cited: frozenset[str]

    @classmethod
    def read(cls, path: Path | str) -> Beliefs:
        """The page of a dossier."""
        table = json.loads(Path(path).read_text(encoding="utf-8"))
        cited = entries(Path(path).parent / "references.bib")
        return cls(table["models"], table["study"], table["largesse"], cited)

    def status(self) -> Markdown:
        """Whose priors these are, and whether what they imply keeps its limits."""
        rows = [(name, row) for name, about in self.models.items() for row in about["implied"]]
        wrong = [
            f"{words.named(name)}, {literal(named(row['quantity']))}, {literal(row['wrong'])}"
            for name, row in rows
            if row["wrong"]
        ]
        kind, word = ("failed", "Beyond their limits") if wrong else ("ok", "Within their limits")
        said = f"{'; '.join(wrong)}." if wrong else f"All {len(rows)} quantities that have limits keep them."
        whose = f"Priors of the study {literal(self.study['name'])}" if self.study else "Shipped priors"
        counted = Counter(p["source"]["kind"] for about in self.models.values() for p in about["priors"])
        told = ", ".join(f"{n} {KINDS[kind]}" for kind, n in counted.items())
        mark = div("synthetic-mark", SYNTHETIC) if self._synthetic() else ""
        muted = div("muted", f"{whose} of {', '.join(map(words.named, self.models))}. By their sources: {told}.")
        return blocks(mark, muted, div(f"status .status-{kind}", f"**{word}.** {said}"))

    def _synthetic(self) -> bool:
        return bool(self.study and self.study["synthetic"])

    def implied(self) -> Markdown:
        """Of each model, what its priors hold likely over the limits that they keep."""
        return self._tabs(self._implied)

    def _implied(self, name: str, about: Mapping[str, Any]) -> str:
        picture = likely(about["implied"])
        caption = f"What the priors of {words.named(name)} hold likely before any data, in points of 100."
        return figure(picture.svg(), picture.alt, caption, f"implied-{tables.label(name)}")

    def limits(self) -> Markdown:
        """Each limit with its reason."""
        rows = [
            [
                *(words.named(name), literal(named(row["quantity"])), span(row["lower"], row["upper"])),
                *(span(*row["covers"]), span(*row["within"]), self._reason(row)),
            ]
            for name, about in self.models.items()
            for row in about["implied"]
        ]
        header = ("Model", "Quantity", "Implied, 95%", "Must hold", "Must stay within", "Why")
        shown = table(header, rows, "Limits of what priors may imply, in points of 100", "limits", "--rrr-")
        return Markdown(div("callout-note", shown, title="The limits, and the reasons for them", collapse=True))

    def _reason(self, row: Mapping[str, Any]) -> str:
        key = f" [@{row['key']}]" if row["key"] in self.cited else ""
        return f"{literal(row['reason'])}{key}"

    def sets(self) -> Markdown:
        """Of each model, every prior in words and with its source."""
        return self._tabs(self._set)

    def _set(self, name: str, about: Mapping[str, Any]) -> str:
        rows = [
            [
                f"{math(p['symbol'])} {literal(p['meaning'])}",
                tables.distribution(p),
                literal(p["statement"]),
                f"{tables.source(p['source'], self.cited)}: {literal(p['source']['where'])}",
            ]
            for p in about["priors"]
        ]
        header = ("What it is", "Prior", "In words", "Where from")
        shown = table(header, rows, f"Priors of {words.named(name)}", f"priors-{tables.label(name)}")
        return blocks(literal(about["question"]), shown).text

    def alternatives(self) -> Markdown:
        """The other distributions that a prior set names."""
        every = [(name, p) for name, about in self.models.items() for p in about["priors"]]
        rows = [
            [
                *(words.named(name), literal(p["parameter"]), tables.distribution(p)),
                *(literal(other["name"]), tables.distribution(other)),
            ]
            for name, p in every
            for other in p["alternatives"]
        ]
        if not rows:
            return Markdown("No other is named.")
        header = ("Model", "Parameter", "Prior", "Alternative", "Instead")
        said = "A study's page shows its effects under each of them, by weighting its draws."
        shown = table(header, rows, "Other priors that a careful reader might have chosen", "alternatives")
        return blocks(said, div("callout-note", shown, title=f"All {len(rows)} alternatives", collapse=True))

    def learnt(self) -> Markdown:
        """Of a study, posterior beside prior for every number that is not of one district."""
        if not any(about["posterior"] for about in self.models.values()):
            none = "No study stands beside these priors, so there is no posterior."
            return Markdown(f"{none} `largesse report STUDY --of priors` shows one.")
        return self._tabs(self._learnt)

    def _learnt(self, name: str, about: Mapping[str, Any]) -> str:
        ordered = sorted(about["posterior"], key=lambda r: 2.0 if r["contraction"] is None else r["contraction"])
        rows = [
            [
                literal(r["key"]),
                *(number(r[k]) for k in ("prior_sd", "mean", "sd")),
                f"{number(r['lower'])} to {number(r['upper'])}",
                UNKNOWN if r["contraction"] is None else f"{max(r['contraction'], 0):.0%}",
            ]
            for r in ordered
        ]
        if not rows:
            return "The study has no posterior of this model."
        interval = f"{self.study['interval']:.0%} interval" if self.study else ""
        header = ("Parameter", "Prior sd", "Mean", "sd", interval, "Variance removed")
        caption = f"Posterior beside prior, {words.named(name)}; what the data taught least about comes first"
        mark = " (synthetic data)" if self._synthetic() else ""
        return table(header, rows, f"{caption}{mark}", f"learnt-{tables.label(name)}", "-rrrrr")

    def provenance(self) -> Markdown:
        """What the page was made from, and in which world priors were put through their models."""
        worlds = (
            f"{words.capital(words.named(name))}: limits hold in a world of {about['world']['respondents']:,} people "
            f"in {about['world']['districts']} districts"
            for name, about in self.models.items()
        )
        stated = Counter((p["by"], p["date"]) for about in self.models.values() for p in about["priors"])
        by = (f"{n} priors stated by {literal(who)}, {literal(when)}" for (who, when), n in stated.items())
        study = f", and the results of {literal(self.study['name'])}" if self.study else ""
        made = f"Made with largesse {literal(self.made)} from the prior sets of these models{study}."
        return blocks(made, listed([*by, *worlds]))

    def _tabs(self, shown: Callable[[str, Mapping[str, Any]], str]) -> Markdown:
        """A tab for each model."""
        return tabs(f"### {words.capital(words.named(n))}\n\n{shown(n, about)}" for n, about in self.models.items())
