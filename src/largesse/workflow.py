"""The steps of a study, each run only when its inputs changed: check, fit, diagnose, estimate, report.

Every artefact carries the fingerprint of what made it, in its name or inside it. A step looks for the artefact it would
make; if it is there, it is reused, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from largesse import seals
from largesse.alternatives import KINDS, Alternative, Alternatives, Kind, alternatives, reporting
from largesse.artefacts import named, standing
from largesse.audit import Audit, audit, quadrature
from largesse.diagnostics import diagnose as convergence
from largesse.errors import InputError, Problem
from largesse.fits import Fit, fit_fingerprint
from largesse.inputs import Inputs, attempt, gather
from largesse.models.contract import NODES, Model
from largesse.provenance import code
from largesse.provenance import source as source_of
from largesse.record import record
from largesse.report import source
from largesse.report.build import build
from largesse.results import Answer, Results
from largesse.sampling import fit as sample
from largesse.sensitivity import SAMPLER, Tipping, assuming, tipping
from largesse.store import file_digest, fingerprint
from largesse.study import Study

log = logging.getLogger(__name__)

READ: Final = {"interval", "coverage", "market_shares", "favours"}  # of `[estimands]`, by what short fits say
ATTEMPTS: Final = (1, 2)  # a fit whose gates failed is drawn once more, twice as long; the second one stands


@dataclass(frozen=True)
class Workflow:
    """A study's steps.

    Attributes
    ----------
    inputs : the study, read and checked.
    sample : what draws from a posterior, called like :func:`largesse.sampling.fit`.
    reused : artefacts that were found ready, in order; filled as the steps go.
    """

    inputs: Inputs
    sample: Callable[..., Fit] = sample
    reused: list[str] = field(default_factory=list)

    @property
    def study(self) -> Study:
        """The study's record."""
        return self.inputs.study

    @cached_property
    def fit_paths(self) -> dict[str, Path]:
        """Model -> where its fit is or will be; the name changes with whatever would change a draw."""
        return {m.name: self._fit_path(m) for m in self.inputs.models}

    @cached_property
    def audit_paths(self) -> dict[str, Path]:
        """Model -> where the audit of its fit is or will be; any change of code or gates asks again."""
        return {m.name: self._audit_path(m) for m in self.inputs.models}

    def _fit_path(self, model: Model) -> Path:
        name = model.name
        made_by = fit_fingerprint(
            model, self.inputs.cells[name], self.inputs.priors[name], self.study.sampler, self.study.seed
        )
        return self.study.private / f"fit-{name}-{made_by}.nc"

    def _audit_path(self, model: Model) -> Path:
        gates = fingerprint(self.fit_paths[model.name].name, self.study.gates.model_dump(), code())
        return self.study.private / f"audit-{model.name}-{gates}.json"

    @property
    def swept(self) -> Model | None:
        """The model whose favour is swept, where the study has one."""
        return next((m for m in self.inputs.models if "favour" in m.assumes), None)

    @cached_property
    def tipping_path(self) -> Path | None:
        """Where the curve over favour is or will be."""
        if self.swept is None:
            return None
        return self._short_path("tipping", self.swept, [assuming(0.0, self.swept, self.inputs)])

    @cached_property
    def others(self) -> dict[Kind, list[Alternative]]:
        """Kind -> what is taken otherwise, of those kinds of which the study has any."""
        model = reporting(self.inputs)
        found = {kind: list(of(model, self.inputs)) for kind, of in KINDS.items()} if model else {}
        return {kind: each for kind, each in found.items() if each}

    @cached_property
    def alternatives_paths(self) -> dict[Kind, Path]:
        """Kind -> where the effects under its alternatives are or will be."""
        if (model := reporting(self.inputs)) is None:
            return {}
        files = ("alternatives.py", "maps.py", "exposure.py")
        return {
            kind: self._short_path(kind, model, [other.inputs for other in each], *files)
            for kind, each in self.others.items()
        }

    def _short_path(self, what: str, model: Model, each: list[Inputs], *files: str) -> Path:
        """Where what short fits of these inputs say is or will be; `files` are the sources that only they read."""
        name, seed = model.name, self.study.seed
        fits = [fit_fingerprint(model, i.cells[name], i.priors[name], SAMPLER, seed) for i in each]
        maps = [inputs.study.exposure.model_dump(mode="json", exclude={"also"}) for inputs in each]
        asked = [maps, self.study.estimands.model_dump(mode="json", include=READ)]
        how = source_of("sensitivity.py", "findings.py", "estimands.py", *files)
        made_by = fingerprint(self.fit_paths[model.name].name, fits, asked, how)
        return self.study.private / f"{what}-{made_by}.json"

    def fits(self) -> dict[str, Fit]:
        """Every model's fit, drawn where none is stored."""
        return {
            m.name: self._stored(self.fit_paths[m.name], Fit.load, partial(self._settled, m))
            for m in self.inputs.models
        }

    def audits(self, fits: Mapping[str, Fit]) -> dict[str, Audit]:
        """Every model's audit, asked where none is stored."""
        return {
            m.name: self._stored(self.audit_paths[m.name], Audit.read, partial(self._audited, m, fits[m.name]))
            for m in self.inputs.models
        }

    def tipping(self, fits: Mapping[str, Fit]) -> Tipping | None:
        """The headline over a grid of favour, fitted where it is not stored; none where no model assumes a favour."""
        if (model := self.swept) is None or self.tipping_path is None:
            return None
        make = partial(tipping, model, self.inputs, self.sample, fits[model.name].nodes)
        return self._stored(self.tipping_path, Tipping.read, make)

    def alternatives(self, fits: Mapping[str, Fit]) -> dict[Kind, Alternatives]:
        """The effects under alternatives, of each kind of which the study has any; fitted where not stored."""
        if (model := reporting(self.inputs)) is None:
            return {}
        nodes = fits[model.name].nodes
        return {
            kind: self._stored(path, Alternatives.read,
                               partial(alternatives, self.others[kind], model, self.sample, nodes))
            for kind, path in self.alternatives_paths.items()
        }  # fmt: skip

    def results(self) -> Results:
        """`results.json`, made anew where anything behind it changed."""
        path, made_by = self.study.results_path, self.results_fingerprint()
        before = _readable(path)
        if before and before.made.get("inputs") == made_by and self._stands(before):
            self._reuse(path)
            return before
        fits = self.fits()
        audits = self.audits(fits)
        log.info("estimating")
        curve, beside = self.tipping(fits), self.alternatives(fits)
        stored = [*self.fit_paths.values(), *self.audit_paths.values(), *self._short_paths]
        files = {named(path, self.study.folder): path for path in stored}
        found = record(self.inputs, fits, audits, self.inputs.files | files, made_by, curve, beside)
        if before:
            before.write(self.study.earlier_path)
        found.write(path)
        return found

    def _stands(self, results: Results) -> bool:
        """Whether every file behind the results is as it was; the log names those that are not."""
        stale = standing(results.artefacts, self.study.folder).stale
        for name in stale:
            log.warning("%s: no longer what the results were made from, which are made anew", name)
        return not stale

    @property
    def _short_paths(self) -> list[Path]:
        """Where everything is that short fits beside the main ones say."""
        return [*([self.tipping_path] if self.tipping_path else []), *self.alternatives_paths.values()]

    def results_fingerprint(self) -> str:
        """Of everything that could change a number or a word of the results."""
        audits = [self.audit_paths[m.name].name for m in self.inputs.models]
        audits += [path.name for path in self._short_paths]
        files = {name: file_digest(path) for name, path in self.inputs.files.items()}
        return fingerprint(audits, files, self.study.model_dump(mode="json"), code())

    def page(self) -> Path:
        """`report.html`, made from the stored results."""
        return build(self.study, self._reuse)

    def _settled(self, model: Model) -> Fit:
        """A fit that passes its gates if one more attempt or more quadrature nodes can make it so."""
        cells, priors, study = self.inputs.cells[model.name], self.inputs.priors[model.name], self.study
        for nodes in NODES:
            for attempt_ in ATTEMPTS:
                fit = self.sample(model, cells, priors, study.sampler, seed=study.seed, nodes=nodes, attempt=attempt_)
                failed = [v for v in convergence(fit.tree, study.gates) if v.answer is Answer.FAILED]
                if not failed:
                    break
                log.info("%s: %s", model.name, "; ".join(v.sentence for v in failed))
            if quadrature(fit, model, cells).answer is not Answer.FAILED:
                break
            log.info("%s: %d quadrature nodes are too few", model.name, nodes)
        return fit

    def _audited(self, model: Model, fit: Fit) -> Audit:
        log.info("%s: checking", model.name)
        return audit(fit, model, self.inputs.cells[model.name], self.inputs.priors[model.name], self.study.gates)

    def _stored[T: (Fit, Audit, Tipping, Alternatives)](
        self, path: Path, read: Callable[[Path], T], make: Callable[[], T]
    ) -> T:
        """What lies at `path` undamaged, or what `make` makes, stored there under a seal."""
        if path.is_file() and not seals.damaged(path):
            self._reuse(path)
            return read(path)
        if path.is_file():
            log.warning("%s: damaged since it was written, made anew", path.name)
        made = make()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.save(path)
        seals.seal(path)
        return made

    def _reuse(self, path: Path) -> None:
        self.reused.append(path.name)
        log.info("%s: unchanged, reused", path.name)


def check(study: Study) -> Inputs:
    """Read everything a study names, without sampling.

    Returns
    -------
    The study's survey, design, cells, priors and population tables.

    Errors
    ------
    InputError
        with every problem there is: of the survey, the models, their priors, the truth and the page's source.
    """
    problems: list[Problem] = []
    inputs = attempt(problems, gather, study)
    attempt(problems, source.read, study.path(study.report.source))
    if problems or inputs is None:
        raise InputError(problems)
    return inputs


def run(study: Study) -> Results:
    """Check, fit, diagnose, estimate and report, each only where its inputs changed.

    Returns
    -------
    What `results.json` holds; the page lies beside it. Estimates are shares of the outcome's range (0.01 is one point
    of 100).

    Errors
    ------
    InputError
        when the study is not whole; nothing is written then.
    """
    steps = Workflow(check(study))
    results = steps.results()
    steps.page()
    return results


def _readable(path: Path) -> Results | None:
    """Results that lie at `path`, whole; none where there are none, and the log says where they were damaged."""
    if not path.is_file():
        return None
    try:
        return Results.read(path)
    except InputError as error:
        log.warning("%s", error)
        return None
