"""What to do about a check that did not pass, gate by gate: who is told no more than that it failed can do nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from largesse.report.markdown import literal
from largesse.results import Verdict

LONGER: Final = "Raise `draws` and `tune` under `[sampler]` in `study.toml` and run the study again."
NARROWER: Final = "Give the standard deviations of districts narrower priors, with a reason, under `[priors]`"
REMEDIES: Final = {
    "R-hat": f"{LONGER} If the chains still disagree, find the parameter with the largest R-hat in the appendix: leave"
    " its term out, or give it a narrower prior with a reason.",
    "bulk ESS": LONGER,
    "tail ESS": LONGER,
    "tree depth": LONGER,
    "divergences": f"{NARROWER}, or leave out terms that the design hardly informs; more draws do not help.",
    "E-BFMI": f"{NARROWER}; more draws do not help.",
    "quadrature": "Check that the answers of each item are listed from least to most under `[levels]`: items that run"
    " against one another make the disposition too wide. Else leave out the item that stands apart.",
    "posterior predictive": "Look at the posterior predictive check below: find the item whose bars end outside their"
    " intervals, and merge answers that people do not tell apart, or leave the item out.",
    "prior predictive": "A prior rules out what was observed. Find the item with `largesse priors check` and widen the"
    " prior, with a reason, under `[priors]`.",
    "leave-one-out": "Take comparisons by leave-one-out as approximate; effects do not rest on them.",
    "coverage": "Name a file with the coverage of each district and wave, as administration knows it, under"
    " `districts` in `[survey]`; else read effects of coverage as too small.",
    "weights": 'Average with the weights instead (`use = "frame"` under `[weights]`), with what the weights correct for'
    " among the covariates.",
}  # fmt: skip
OTHER: Final = "Read what the check found, mend the data or the study, and run it again."


def remedies(verdicts: Iterable[Verdict]) -> list[str]:
    """What to do about these verdicts, each advice once, with the checks that it is for."""
    asked: dict[str, list[str]] = {}
    for v in verdicts:
        asked.setdefault(REMEDIES.get(v.gate, OTHER), []).append(literal(v.gate))
    return [f"**What to do** ({', '.join(dict.fromkeys(gates))}): {advice}" for advice, gates in asked.items()]
