"""What a study's page contains: one method for each place in `study.qmd`, each returning Markdown.

A section that a study has nothing for says so in a sentence: no receipt model, one district, no truth to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from largesse import figures
from largesse.artefacts import Standing, standing
from largesse.figures import Picture, calibration
from largesse.figures.band import spread
from largesse.figures.canvas import COLUMN
from largesse.figures.slim import slim
from largesse.report import (
    alternatives,
    anchors,
    assumptions,
    belief,
    favour,
    population,
    prior_set,
    tables,
    transfer,
    words,
)
from largesse.report.markdown import SYNTHETIC, Markdown, blocks, code, div, figure, listed, literal, tabs
from largesse.report.remedies import remedies
from largesse.resources import bibliography, entries
from largesse.results import Answer, Results
from largesse.store import file_digest

MADE_UP = (
    "**Synthetic data.** Respondents, districts and effects are made up: "
    "no number on this page is a finding about any country."
)
MANY = 25  # priors that a reader would scroll through
EFFECTS = (
    "Direct: on those who receive. Spillover: of more coverage, on those passed over. Total: their sum. "
    "Overall: of more coverage, on everyone"
)


@dataclass(frozen=True)
class Page:
    """The contents of one page.

    Attributes
    ----------
    results : where every number comes from.
    digest : SHA-256 of the file of results.
    standing : how the files behind the results stand now.
    cited : keys of the `references.bib` beside the results, else of this package; others are printed as they are.
    """

    results: Results
    digest: str = ""
    standing: Standing = field(default_factory=Standing)
    cited: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path | str) -> Page:
        """The page of `results.json`, held against the files that it was made from.

        Errors
        ------
        InputError
            when the results cannot be read.
        """
        path = Path(path)
        results = Results.read(path)
        own = path.parent / "references.bib"
        keys = entries(own if own.is_file() else bibliography())
        return cls(results, file_digest(path), standing(results.artefacts, path.parent), keys)

    def status(self) -> Markdown:
        """Who made it and when, whether it is synthetic, out of date, and may be reported."""
        study, made = self.results.study, self.results.made
        by = [str(study.get("author", "")), str(made["date"]), f"largesse {made['largesse']}"]
        byline = div("muted", " · ".join(literal(part) for part in by if part))
        marks = [div("synthetic-mark", SYNTHETIC), byline, div("status .status-synthetic", MADE_UP)]
        return blocks(*(marks if study["synthetic"] else [byline]), self._stale(), self._verdict())

    def _stale(self) -> str:
        """That files behind the numbers changed or are gone; nothing where all are as they were."""
        if not self.standing.stale:
            return ""
        found = {"Changed": self.standing.changed, "Gone": self.standing.missing}
        said = (f"{what} since these results were made: {_names(names)}." for what, names in found.items() if names)
        return div("status .status-failed", f"**Stale.** {' '.join(said)} Run the study again.")

    def _verdict(self) -> str:
        results = self.results
        verdicts = [*results.failed, *(v for v in results.verdicts if v.answer is Answer.FLAGGED)]
        kind, word = ("ok", "Reportable") if results.reportable else ("failed", "Not reportable")
        said = f"**{word}.** {words.checks(results)}"
        return div(f"status .status-{kind}", said, *map(words.verdict, verdicts), *remedies(verdicts))

    def question(self) -> Markdown:
        """What the study asks."""
        return Markdown(literal(str(self.results.study.get("question", ""))))

    def headline(self) -> Markdown:
        """The answer in a sentence, how to read its numbers, and what would overturn it."""
        said = words.headline(self.results)
        would = [favour.overturned(self.results), said.overturned.removeprefix(words.OVERTURN).strip()]
        either = "; or ".join(part.rstrip(".") for part in would if part)
        overturned = f"**{words.OVERTURN}** {either}." if either else ""
        return blocks(
            div("headline", said.warning, said.answer, pointer=self._answer()), div("muted", said.reading), overturned
        )

    def beside(self) -> Markdown:
        """What the answer rests on, and what else was found."""
        if not self.results.reportable:
            return Markdown("Nothing more is said of effects while a check fails.")
        said = words.headline(self.results)
        also = "Also in this synthetic study" if self.results.study["synthetic"] else "Also"
        return blocks(
            " ".join(part for part in (said.condition, said.weights) if part),
            f"{also}, under the conditions of @sec-effects:" if said.others else "",
            listed(said.others),
        )

    def tipping(self) -> Markdown:
        """The headline over favour; nothing where no favour is assumed."""
        if not self.results.figures.get("tipping"):
            return Markdown(
                "This study takes offices to favour nobody for private loyalty, beyond the covariates. "
                "What hangs on that is worked out by the joint model alone."
            )
        caption = "The effect of a gift, by how much one standard deviation of private loyalty counts with offices"
        caption += f"; shaded {words.content(self.results)} intervals, and the band too small to matter"
        shown = self._figure(figures.curve(self.results, favour.HEADLINE), caption, "tipping")
        return blocks(shown, " ".join(favour.tipping(self.results)))

    def policies(self) -> Markdown:
        """What offices' choice of receivers does, and what other choices of as many would."""
        shown = figures.programmes(self.results)
        if not shown:
            none = (
                "What other choices of receivers would do is not asked: receipt and answers are not modelled together."
            )
            return Markdown(" ".join(favour.selectivity(self.results)) or none)
        first = shown[0].outcome
        caption = (
            f"Policies, and what they do to {literal(figures.outcome(self.results, first))}. Gifts are as many in "
        )
        caption += "every district and wave, except under none and everyone"
        picture = self._figure(figures.policies(self.results, first), caption, "policies")
        every = _folded("Every policy and outcome, in numbers", favour.policies(self.results))
        return blocks(" ".join(favour.selectivity(self.results)), picture, every)

    def data(self) -> Markdown:
        """Respondents, weights, covariates, items, and what was dropped and why."""
        survey = self.results.survey
        places = " and ".join(words.plural(survey[k], k[:-1]) for k in ("districts", "waves") if survey[k] > 1)
        of = "" if survey["rows"] is None else f" of {survey['rows']:,}"
        entered = "Few" if survey["kept"] is None else f"{survey['kept']:,}{of}"
        said = f"{entered} respondents entered{f', in {places}' if places else ''}."
        dropped = tables.dropped(self.results)
        covariates = ", ".join(words.named(name) for name in survey["covariates"])
        return blocks(
            " ".join(part for part in (said, words.capital(words.stop(survey["weights"]))) if part),
            f"Covariates: {covariates}." if covariates else "There are no covariates.",
            tables.items(self.results),
            _folded("What was dropped, and why", dropped) if self.results.dropped else dropped,
        )

    def models(self) -> Markdown:
        """Each model's question, equations and priors, a tab for each."""
        return tabs(self._model(name) for name in figures.models(self.results))

    def _model(self, name: str) -> str:
        model = self.results.models[name]
        how = model["sampler"]
        private = any(p["parameter"].endswith("disposition_sd") for p in model["parameters"])
        nodes = f", the private disposition integrated at {how['nodes']} nodes" if private else ""
        respondents = "" if model["respondents"] is None else f"{model['respondents']:,} respondents; "
        drawn = f"{how['chains']} chains of {how['draws']:,} draws after {how['tune']:,} of warm-up{nodes}"
        return blocks(
            f"### {words.capital(words.named(name))}",
            f"{literal(model['question'])} {respondents}{drawn}.",
            code(dedent(model["equations"])),
            self._priors(name),
        ).text

    def _priors(self, name: str) -> str:
        """The priors of a model: in full where they are few, folded where they would be pages."""
        shown = tables.priors(self.results, name, self.cited)
        many = len({row["parameter"] for row in self.results.models[name]["parameters"]}) > MANY
        return _folded("Priors, each in words and with its source", shown) if many else shown

    def learning(self) -> Markdown:
        """From prior to posterior."""
        if not figures.learnt(self.results):
            return Markdown("No effect is a single number with a normal prior, so there is none to draw here.")
        caption = "What the data added: prior and posterior of the main effects, on the scale of the model"
        return Markdown(self._figure(figures.learning(self.results), caption, "learning"))

    def checks(self) -> Markdown:
        """Every verdict: those that did not pass in sentences, all in a table."""
        notable = [words.verdict(v) for v in self.results.verdicts if v.answer not in words.QUIET]
        return blocks(words.checks(self.results), listed(notable), _folded("All checks", tables.checks(self.results)))

    def coverage(self) -> Markdown:
        """How many receive, by district and wave, and how well that is known."""
        if not self.results.figures.get("coverage"):
            return Markdown("Coverage, the share of a district's people who receive, is not followed in this study.")
        caption = "Share receiving in each district, one mark for each wave; a line joins the least and the most"
        shown = self._figure(figures.coverage(self.results), caption, "coverage")
        return blocks(
            f"Coverage is the share of a district's people who receive. {words.coverage(self.results)}", shown
        )

    def receipts(self) -> Markdown:
        """Who receives."""
        return Markdown(" ".join(words.receipts(self.results)) or "This study does not model who receives.")

    def effects(self) -> Markdown:
        """The effects: a figure, what they rest on, all numbers, and sentences."""
        results, shown = self.results, figures.contrasts(self.results)
        if not shown:
            return Markdown("This study estimates no effect.")
        refused = "No effect is claimed, because checks failed; this is where the fit stands."
        caption = f"Effects, posterior mean and {words.content(results)} interval. {EFFECTS}"
        said = (f"{words.capital(words.sentence(results, e))}." for e in shown)
        folded = "The effects and the levels behind them, in sentences"
        return blocks(
            "" if results.reportable else refused,
            self._figure(figures.effects(results), caption, "effects"),
            "What the effects rest on:",
            listed(words.basis(results)),
            tables.estimates(results, shown, "Effects", "effects"),
            _folded(folded, listed(said), listed(words.levels(results))),
        )

    def ledger(self) -> Markdown:
        """What the answer rests on, and what speaks to it."""
        return blocks(" ".join(assumptions.said(self.results)), assumptions.ledger(self.results))

    def belief(self) -> Markdown:
        """What questions on support say by themselves, and how much of an effect on what is said is belief."""
        if not self.results.figures.get("support"):
            return Markdown("No question of this study tells what people believe from what they say.")
        said = listed(belief.said(self.results))
        return blocks(said, belief.questions(self.results), belief.types(self.results))

    def anchors(self) -> Markdown:
        """How people use the answers, and how much of an effect on them is loyalty."""
        if not self.results.figures.get("vignettes"):
            return Markdown("No vignettes of this study tell how loyal people are from how they use the answers.")
        return blocks(listed(anchors.said(self.results)), anchors.pairs(self.results))

    def priors(self) -> Markdown:
        """The effects under the other priors that a careful reader might have chosen."""
        return blocks(" ".join(prior_set.said(self.results)), prior_set.table(self.results))

    def transfer(self) -> Markdown:
        """What was borrowed from another study, whether it holds here, and the effects without it."""
        if not self.results.figures.get("borrowed"):
            return Markdown("This study borrows nothing from others: all priors are those of its models, or its own.")
        told = " ".join(transfer.said(self.results))
        return blocks(told, transfer.blocks(self.results), transfer.shares(self.results))

    def alternatives(self) -> Markdown:
        """The effects on reported loyalty, were one thing taken otherwise, or one place not asked."""
        without = alternatives.places(self.results)
        return blocks(
            " ".join(alternatives.said(self.results)),
            alternatives.table(self.results),
            _folded("Without each place", without) if without else "",
        )

    def groups(self) -> Markdown:
        """The effects by group of people, and what weights and an uncertain population cost."""
        said = (*population.said(self.results), *population.worth(self.results))
        return blocks(" ".join(said), population.table(self.results))

    def plain(self) -> Markdown:
        """The model's direct effect beside that of a plain weighted regression."""
        return Markdown(tables.plain(self.results) or "No plain regression stands beside the model.")

    def districts(self) -> Markdown:
        """The direct effect by district, on the first outcome that has it."""
        outcomes = dict.fromkeys(e.outcome for e in figures.contrasts(self.results))
        shown = [name for name in outcomes if len(figures.by_district(self.results, f"{name}.direct")) > 1]
        if not shown:
            return Markdown("Effects by district are not estimated in this study.")
        caption = f"Direct effect on {literal(figures.outcome(self.results, shown[0]))} by district, partially pooled: "
        caption += "a district with few respondents borrows from the others"
        name = f"{shown[0]}.direct"
        ordered = self._figure(figures.districts(self.results, name), caption, "districts")
        if not figures.mapped(self.results, name):
            return Markdown(ordered)
        caption = "The same effects where the districts lie, a tile for each; neighbours on the map borrow no more from"
        caption += " one another than others do"
        return blocks(ordered, self._figure(figures.tiles(self.results, name), caption, "tiles"))

    def predictive(self) -> Markdown:
        """Answers observed, and drawn from the fit, of each model that has them."""
        shown = []
        for name in dict.fromkeys(row["model"] for row in self.results.figures.get("predictive") or ()):
            caption = f"Answers of {words.named(name)}, observed and drawn from the fit"
            picture = figures.predictive(self.results, name)
            shown.append(self._figure(picture, caption, f"predictive-{tables.label(name)}"))
        return blocks(*shown) if shown else Markdown("No posterior predictive check was drawn.")

    def certificates(self) -> Markdown:
        """Which certificates of calibration the page stands on, and what each looks like; a stale one is not shown."""
        held = {name: about.get("certificate") or {} for name, about in figures.models(self.results).items()}
        shown = [self._certificate(name, c["picture"]) for name, c in held.items() if c.get("picture")]
        return blocks(listed(words.certificates(self.results)), tabs(shown).text)

    def _certificate(self, name: str, kept: Mapping[str, Any]) -> str:
        """A tab with the picture of a certificate, from what results keep of it: counts of places in equal bins."""
        places, truths = ({q: spread(counts) for q, counts in kept[what].items()} for what in ("places", "truths"))
        bins = len(next(iter(kept["places"].values())))
        picture = calibration.ranks(places, kept, truths, bins, COLUMN)
        caption = f"Truths among their draws, {words.named(name)}: how many lie up to each place, less what would were "
        caption += "all places alike likely"
        shown = self._figure(picture, caption, f"certificate-{tables.label(name)}")
        return f"### Certificate of {words.named(name)}\n\n{shown}"

    def recovery(self) -> Markdown:
        """Of a synthetic study: what the fits recovered of its truth."""
        if not self.results.truth:
            return Markdown("The truth of this study is not known, so the fits cannot be held against it.")
        caption = "Each parameter against the true value it was simulated with; on the line they agree"
        return blocks(words.truth(self.results), self._figure(figures.recovery(self.results), caption, "recovery"))

    def limits(self) -> Markdown:
        """What each model cannot identify, what would break it, which terms were left out."""
        said = []
        for name, model in figures.models(self.results).items():
            cannot, would = (words.stop(model[key].replace("`", "")) for key in ("not_identified", "would_break"))
            said.append(
                f"**{words.capital(words.named(name))}.** {cannot} What would break it: {would[:1].lower()}{would[1:]}"
            )
        beyond = words.stop(str(self.results.study.get("extrapolates") or ""))
        beyond = f"Beyond what was observed: {beyond}" if beyond else ""
        terms = tables.left_out(self.results)
        folded = _folded("Terms that were left out, and why", terms) if self.results.dropped_terms else terms
        return blocks(listed(said), beyond, folded)

    def parameters(self) -> Markdown:
        """All estimates and all parameters, folded away."""
        every = tables.estimates(self.results, self.results.estimates, "All estimates", "estimates")
        folded = (
            _folded(f"Parameters of {words.named(name)}", tables.parameters(self.results, name))
            for name in figures.models(self.results)
        )
        return blocks(_folded("All estimates", every), *folded)

    def provenance(self) -> Markdown:
        """What the page was made from, by which versions, and how to make it again."""
        made, seed = self.results.made, self.results.study["seed"]
        versions = {"largesse": made["largesse"], "python": made["python"], **made["engines"]}
        said = ", ".join(f"{literal(name)} {literal(str(version))}" for name, version in versions.items())
        prints, away = tables.fingerprints(self.results), _names(self.standing.elsewhere)
        return blocks(
            f"Made on {literal(made['date'])} with {said}; root seed {seed}. Fits: {prints}.",
            "To make it again, run this in the folder of the study:",
            code("largesse run ."),
            tables.artefacts(self.results, self.digest),
            _folded("Where each number comes from", self._traced(), tables.origins(self.results)),
            f"Not at hand where the page was made, and so not held against these: {away}." if away else "",
        )

    def _traced(self) -> str:
        """How to trace one number of the page."""
        return (
            "The answer, and each row of the tables of estimates and of parameters, carries its place in results.json "
            "in the source of this page, as `data-from`. Of one number, here that of the answer, "
            f"`largesse show . {self._answer()}` says how it was worked out, and whether the files behind it are still "
            "the same."
        )

    def _answer(self) -> str:
        """The place of the answer in the results."""
        return f"/estimates/{self.results.estimates.index(words.leading(self.results))}"

    def citation(self) -> Markdown:
        """How to cite the page."""
        study, made = self.results.study, self.results.made
        kind = "Synthetic study. " if study["synthetic"] else ""
        entry = {
            "author": study.get("author") or "Anonymous",
            "title": study["title"],
            "year": str(made["date"])[:4],
            "note": f"{kind}Made with largesse {made['largesse']}; results {self.digest[:12]}",
        }
        fields = ",\n".join(f"  {key:<6} = {{{' '.join(str(value).split())}}}" for key, value in entry.items())
        return Markdown(code(f"@misc{{{study['name']},\n{fields}\n}}"))

    def _figure(self, picture: Picture, caption: str, label: str) -> str:
        mark = " (synthetic data)" if self.results.study["synthetic"] else ""
        return figure(slim(picture.svg()), picture.alt, f"{caption}{mark}.", label)


def _names(files: Iterable[str]) -> str:
    return ", ".join(map(literal, files))


def _folded(title: str, *parts: str) -> str:
    return div("callout-note", *parts, title=title, collapse=True)
