"""What a study's page contains: one method for each place in `study.qmd`, each returning Markdown.

A section that a study has nothing for says so in a sentence: no receipt model, one district, no truth to compare with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from largesse import figures
from largesse.figures import Picture, points, span
from largesse.report import words
from largesse.report.markdown import Markdown, blocks, code, div, figure, listed, literal, math, table
from largesse.resources import bibliography
from largesse.results import Answer, Estimate, Results
from largesse.store import file_digest

SYNTHETIC = "SYNTHETIC DATA, NO FINDING ABOUT ANY COUNTRY"
MADE_UP = (
    "**Synthetic data.** A program made up the respondents, the districts and the effects. "
    "No number on this page is a finding about any country."
)
KINDS = {"elicited": "elicited", "published": "published", "scale argument": "argument from scale", "weak": "weak"}


@dataclass(frozen=True)
class Page:
    """The contents of one page.

    Attributes
    ----------
    results : where every number comes from.
    digest : SHA-256 of the file of results.
    stale : files beside the results that are no longer what the results were made from.
    cited : keys of the `references.bib` beside the results, else of this package; other sources are printed as they are.
    """

    results: Results
    digest: str = ""
    stale: tuple[str, ...] = ()
    cited: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path | str) -> Page:
        """The page of `results.json`, held against the files beside it.

        Errors
        ------
        InputError
            when the results cannot be read.
        """
        path = Path(path)
        results = Results.read(path)
        beside = {name: path.parent / name for name in results.artefacts}
        stale = tuple(n for n, file in beside.items() if file.is_file() and file_digest(file) != results.artefacts[n])
        own = path.parent / "references.bib"
        entries = (own if own.is_file() else bibliography()).read_text(encoding="utf-8")
        keys = re.findall(r"^@\w+\{([^,\s]+),", entries, flags=re.MULTILINE)
        return cls(results, file_digest(path), stale, frozenset(keys))

    def status(self) -> Markdown:
        """Who made it and when, whether it may be reported, whether it is synthetic, whether it is out of date."""
        study, made = self.results.study, self.results.made
        by = [str(study.get("author", "")), str(made["date"]), f"largesse {made['largesse']}"]
        mark = made_up = ""
        if study["synthetic"]:
            mark = div("synthetic-mark", SYNTHETIC)
            made_up = div("status .status-synthetic", MADE_UP)
        return blocks(
            mark, div("muted", " · ".join(literal(x) for x in by if x)), made_up, *self._out_of_date(), self._verdict()
        )

    def _out_of_date(self) -> Iterator[str]:
        if self.stale:
            files = ", ".join(literal(name) for name in self.stale)
            yield div(
                "status .status-failed",
                f"**Stale.** Changed since these results were made: {files}. Run the study again.",
            )

    def _verdict(self) -> str:
        flagged = [words.verdict(v) for v in self.results.verdicts if v.answer is Answer.FLAGGED]
        if self.results.reportable:
            return div("status .status-ok", f"**Reportable.** {words.checks(self.results)}", *flagged)
        failed = [words.verdict(v) for v in self.results.failed]
        return div("status .status-failed", f"**Not reportable.** {words.checks(self.results)}", *failed, *flagged)

    def headline(self) -> Markdown:
        """The answer in a sentence, what it rests on, what else was found, and what would overturn it."""
        said = words.headline(self.results)
        also = "Also in this synthetic study" if self.results.study["synthetic"] else "Also"
        also += ", under the conditions of @sec-effects:"
        return blocks(
            div("headline", said.warning, said.answer),
            " ".join(x for x in (said.condition, said.overturned) if x),
            f"{also}\n\n{listed(said.others)}" if said.others else "",
        )

    def question(self) -> Markdown:
        """What the study asks."""
        return Markdown(literal(str(self.results.study.get("question", ""))))

    def data(self) -> Markdown:
        """Respondents, items, weights, coverage, and what was dropped and why."""
        survey, dropped = self.results.survey, self.results.dropped
        places = " and ".join(words.plural(survey[k], k[:-1]) for k in ("districts", "waves") if survey[k] > 1)
        said = f"{survey['kept']:,} of {survey['rows']:,} respondents entered{f', in {places}' if places else ''}."
        items = ([literal(i["label"]), literal(" < ".join(map(str, i["levels"])))] for i in survey["items"])
        rows = ([literal(d.column), literal(d.role), literal(d.reason), words.count(d.count)] for d in dropped)
        named = ", ".join(literal(_name(c)) for c in survey["covariates"])
        return blocks(
            " ".join(x for x in (said, words.stop(str(survey["weights"] or ""))) if x),
            f"Covariates: {named}." if named else "There are no covariates.",
            table(("Item", "Answers, from least to most"), items, "Items, and how their answers are ordered", "items"),
            table(("Column", "Role", "Reason", "Answers"), rows, "What was dropped, and why", "dropped", "---r")
            if dropped else "No answer was dropped.",
        )  # fmt: skip

    def coverage(self) -> Markdown:
        """How many receive, by district and wave, and how well that is known."""
        shown, known = self.results.figures.get("coverage"), self.results.survey["coverage"]
        if not shown:
            return Markdown("Coverage, the share of a district's people who receive, is not followed in this study.")
        file = known["source"] == "administrative"
        said = (
            "Coverage is taken from the district file." if file else "Coverage is the receipt rate of the sample itself"
        )
        if not file:
            noise = known.get("reliability")
            said += "." if noise is None else f", a noisy stand-in for the district's own (reliability {noise:.2f})."
        caption = "Share receiving in each district, one mark for each wave; a line joins the least and the most"
        return blocks(f"Coverage is the share of a district's people who receive. {said}",
                      self._figure(figures.coverage(self.results), caption, "coverage"))  # fmt: skip

    def models(self) -> Markdown:
        """Each model's question, equations and priors, a tab for each."""
        return blocks(
            "::::::::: {.panel-tabset}", *(self._model(name) for name in figures.models(self.results)), ":::::::::"
        )

    def _model(self, name: str) -> str:
        model = self.results.models[name]
        how = model["sampler"]
        nodes = f", the private disposition integrated at {how['nodes']} nodes" if how.get("nodes") else ""
        drawn = f"{how['chains']} chains of {how['draws']:,} draws after {how['tune']:,} of warm-up{nodes}"
        said = f"{literal(model['question'])} {model['respondents']:,} respondents; {drawn}."
        parameters = {row["parameter"]: row for row in reversed(model["parameters"])}  # the first of each
        rows = [[math(p["symbol"]), literal(p["meaning"]), _prior(p["prior"]), literal(p["prior"]["statement"]),
                 self._source(p["prior"])] for p in reversed(parameters.values())]  # fmt: skip
        header = ("Symbol", "What it is", "Prior", "In words", "Where from")
        caption = f"Priors of {words.named(name)}"
        return blocks(f"### {words.capital(words.named(name))}", said, code(dedent(model["equations"])),
                      table(header, rows, caption, f"priors-{_label(name)}")).text  # fmt: skip

    def _source(self, prior: Mapping[str, Any]) -> str:
        key = prior.get("key") or ""
        cited = f" [@{key}]" if key in self.cited else f" {literal(key)}" if key else ""
        return f"{KINDS.get(prior['kind'], literal(prior['kind']))}{cited}: {literal(prior['where'])}"

    def learning(self) -> Markdown:
        """From prior to posterior."""
        if not figures.learnt(self.results):
            return Markdown("No effect is a single number with a normal prior, so there is none to draw here.")
        caption = "What the data added: prior and posterior of the main effects, on the scale of the model"
        return Markdown(self._figure(figures.learning(self.results), caption, "learning"))

    def checks(self) -> Markdown:
        """Every verdict: those that did not pass in sentences, all in a table."""
        verdicts = self.results.verdicts
        notable = [words.verdict(v) for v in verdicts if v.answer not in (Answer.PASSED, Answer.NOT_APPLICABLE)]
        rows = ([words.SIGNS[v.answer], literal(v.gate), words.named(v.model), literal(v.sentence)] for v in verdicts)
        header = ("Answer", "Check", "Model", "In words")
        return blocks(words.checks(self.results), listed(notable),
                      _folded("All checks", table(header, rows, "All checks", "checks")))  # fmt: skip

    def receipts(self) -> Markdown:
        """Who receives."""
        said = words.receipts(self.results)
        return Markdown(" ".join(said) if said else "This study does not model who receives.")

    def effects(self) -> Markdown:
        """The effects: a figure, sentences, what they rest on, and all numbers."""
        results, shown = self.results, figures.contrasts(self.results)
        if not shown:
            return Markdown("This study estimates no effect.")
        content = words.content(results)
        caption = f"Effects, posterior mean and {content} interval. Direct: on those who receive. Spillover: of more "
        caption += "coverage, on those passed over. Total: their sum. Overall: of more coverage, on everyone"
        said = [f"{words.capital(words.sentence(results, e))}." for e in shown]
        refused = (
            "" if results.reportable else "No effect is claimed, because checks failed; this is where the fit stands."
        )
        return blocks(
            refused,
            self._figure(figures.effects(results), caption, "effects"),
            "What the effects rest on:",
            listed(words.basis(results)),
            self._estimates(shown, "Effects", "effects"),
            _folded(
                "The effects and the levels behind them, in sentences", listed(said), listed(words.levels(results))
            ),
        )

    def plain(self) -> Markdown:
        """The model's direct effect beside that of a plain weighted regression."""
        compared = self.results.figures.get("plain") or {}
        whole = {e.key: e for e in self.results.estimates}
        rows = []
        for name, row in compared.items():
            numbers = [_number(whole.get(_direct(name))), f"{points(row['estimate'])} ({points(row['se'])})"]
            rows.append([literal(row["label"]), *numbers, f"{row['respondents']:,}", literal(row["words"])])
        if not rows:
            return Markdown("No plain regression stands beside the model.")
        header = ("Outcome", "Model (sd)", "Regression (s.e.)", "Respondents", "How")
        caption = (
            "Direct effect beside a plain weighted regression with a design-based standard error, in points of 100"
        )
        return Markdown(table(header, rows, caption, "plain", "-rrr-"))

    def districts(self) -> Markdown:
        """The direct effect by district, on the first outcome that has it."""
        outcomes = dict.fromkeys(e.outcome for e in figures.contrasts(self.results))
        shown = [name for name in outcomes if len(figures.by_district(self.results, f"{name}.direct")) > 1]
        if not shown:
            return Markdown("Effects by district are not estimated in this study.")
        caption = f"Direct effect on {literal(figures.outcome(self.results, shown[0]))} by district, partially pooled: "
        caption += "a district with few respondents borrows from the others"
        return Markdown(self._figure(figures.districts(self.results, f"{shown[0]}.direct"), caption, "districts"))

    def predictive(self) -> Markdown:
        """Answers observed, and drawn from the fit, of each model that has them."""
        names = dict.fromkeys(row["model"] for row in self.results.figures.get("predictive") or ())
        shown = []
        for name in names:
            caption = f"Answers of {words.named(name)}, observed and drawn from the fit"
            shown.append(self._figure(figures.predictive(self.results, name), caption, f"predictive-{_label(name)}"))
        return blocks(*shown) if names else Markdown("No posterior predictive check was drawn.")

    def recovery(self) -> Markdown:
        """Of a synthetic study: what the fits recovered of its truth."""
        if not self.results.truth:
            return Markdown("The truth of this study is not known, so the fits cannot be held against it.")
        caption = "Each parameter against the true value it was simulated with; on the line they agree"
        return blocks(words.truth(self.results), self._figure(figures.recovery(self.results), caption, "recovery"))

    def limits(self) -> Markdown:
        """What each model cannot identify, what would break it, which terms were left out."""
        models, left_out = figures.models(self.results), self.results.dropped_terms
        said = (f"**{words.capital(words.named(name))}.** {words.stop(m['not_identified'])} What would break it: "
                f"{words.stop(m['would_break'])}" for name, m in models.items())  # fmt: skip
        rows = ([words.named(t.model), literal(t.term), literal(t.why)] for t in left_out)
        beyond = self.results.study.get("extrapolates")
        return blocks(
            listed(said),
            f"Beyond what was observed: {words.stop(str(beyond))}" if beyond else "",
            table(("Model", "Term", "Why it was left out"), rows, "Terms that this design cannot inform", "left-out")
            if left_out else "No term was left out.",
        )  # fmt: skip

    def parameters(self) -> Markdown:
        """All estimates and all parameters, folded away."""
        header = (
            "Parameter",
            "Mean",
            "sd",
            f"{words.content(self.results)} interval",
            "Prior sd",
            "R-hat",
            "ESS",
            "Status",
        )
        folded = []
        for name, model in figures.models(self.results).items():
            title = f"Parameters of {words.named(name)}"
            rows = map(_parameter, model["parameters"])
            caption = f"{title}, on the scale of the model"
            folded.append(_folded(title, table(header, rows, caption, f"parameters-{_label(name)}", "-rrrrrr-")))
        return blocks(
            _folded("All estimates", self._estimates(self.results.estimates, "All estimates", "estimates")), *folded
        )

    def provenance(self) -> Markdown:
        """What the page was made from, by which versions, and how to make it again."""
        made, study = self.results.made, self.results.study
        versions = {"largesse": made["largesse"], "python": made["python"], **made.get("engines", {})}
        said = ", ".join(f"{literal(name)} {literal(str(version))}" for name, version in versions.items())
        rows = [["results.json", f"`{self.digest}`"]] if self.digest else []
        rows += [
            [literal(name), f"`{re.sub('[^0-9a-z]', '', digest)}`"]
            for name, digest in sorted(self.results.artefacts.items())
        ]
        prints = ", ".join(f"{words.named(n)} `{m['fingerprint']}`" for n, m in figures.models(self.results).items())
        return blocks(
            f"Made on {literal(made['date'])} with {said}; root seed {study['seed']}. Fits: {prints}.",
            "To make it again, run this in the folder of the study:", code("largesse run ."),
            table(("File", "SHA-256"), rows, "What this page was made from", "files") if rows else "",
        )  # fmt: skip

    def citation(self) -> Markdown:
        """How to cite the page."""
        study, made = self.results.study, self.results.made
        kind = "Synthetic study. " if study["synthetic"] else ""
        entry = {"author": study.get("author") or "Anonymous", "title": study["title"], "year": str(made["date"])[:4],
                 "note": f"{kind}Made with largesse {made['largesse']}; results {self.digest[:12]}"}  # fmt: skip
        fields = ",\n".join(f"  {key:<6} = {{{' '.join(str(value).split())}}}" for key, value in entry.items())
        return Markdown(code(f"@misc{{{study['name']},\n{fields}\n}}"))

    def _estimates(self, shown: Iterable[Estimate], caption: str, label: str) -> str:
        rows = [self._estimate(e) for e in shown]
        header = [
            "Outcome",
            "Contrast",
            "Mean",
            f"{words.content(self.results)} interval",
            "P(\\>0)",
            "P(small)",
            "Status",
        ]
        header += ["Truth"] if self.results.study["synthetic"] else []
        small = points(self.results.study["rope"])
        return table(header, rows, f"{caption}, in points of 100; small is within {small} of nought", label, "--rrrr-r")

    def _estimate(self, e: Estimate) -> list[str]:
        row = [literal(figures.outcome(self.results, e.outcome)), _contrast(e), points(e.mean)]
        row += [span(e.lower, e.upper), f"{e.p_positive:.2f}", f"{e.p_negligible:.2f}", e.status.replace("_", " ")]
        return row + ([points(e.truth) if e.truth is not None else "–"] if self.results.study["synthetic"] else [])

    def _figure(self, picture: Picture, caption: str, label: str) -> str:
        mark = " (synthetic data)" if self.results.study["synthetic"] else ""
        return figure(picture.svg(), picture.alt, f"{caption}{mark}.", label)


def _folded(title: str, *parts: str) -> str:
    return div("callout-note", *parts, title=title, collapse=True)


def _name(covariate: Any) -> str:
    """A covariate's name, from a plain name or a record with a label."""
    return str(covariate.get("label") or covariate["name"]) if isinstance(covariate, Mapping) else str(covariate)


def _label(model: str) -> str:
    """A model's name within the label of a figure or table."""
    return model.replace("_", "-")


def _direct(name: str) -> str:
    """The estimate beside a plain comparison: `loyalty.at.x` -> `loyalty.direct.at.x`."""
    outcome, _, profile = name.partition(".")
    return f"{outcome}.direct.{profile}".rstrip(".")


def _contrast(e: Estimate) -> str:
    """A contrast as a reader knows it: a level says with which gift, an extrapolation beyond what."""
    gift = (
        {"0": ", nobody's own gift", "1": ", everybody's own gift"}.get(e.key.split(".")[2], "")
        if "level." in e.key
        else ""
    )
    beyond = f" (extrapolated: {e.extrapolation})" if e.extrapolation else ""
    return literal(f"{e.contrast}{gift}{', ' if e.group else ''}{e.group}{beyond}")


def _number(e: Estimate | None) -> str:
    return f"{points(e.mean)} ({points(e.sd)})" if e else "–"


def _prior(prior: Mapping[str, Any]) -> str:
    return f"{literal(prior['distribution'])}({', '.join(_argument(v) for v in prior['arguments'].values())})"


def _argument(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else literal(str(value).replace("_", " "))


def _parameter(row: Mapping[str, Any]) -> Sequence[str]:
    numbers = [row["mean"], row["sd"], row["prior_sd"], row["rhat"], row["ess"]]
    mean, sd, prior, rhat, ess = (
        "–" if x is None else f"{x:.{d}f}" for x, d in zip(numbers, (2, 2, 2, 3, 0), strict=True)
    )
    return [
        literal(row["key"]),
        mean,
        sd,
        f"{row['lower']:.2f} to {row['upper']:.2f}",
        prior,
        rhat,
        ess,
        row["status"].replace("_", " "),
    ]
