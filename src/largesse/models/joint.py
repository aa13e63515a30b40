r"""Who receives, what they say, and whether they trade, together: offices may choose by what moves the answers.

    (1) P(g_i = 1 | u_i) = expit(nu_i + phi_d u_i),   nu_i as in gift_allocation
    (2) P(y_ik <= c | u_i) = expit(cut_kc - discrimination_k * (eta_i + sd_u * u_i)),   eta_i as in reported_loyalty
    (3) P(any_i | u_i) = expit(eta_i^any + lambda^any u_i - cut^any),
        P(band_i <= b | any_i, u_i) = expit(cut_b^much - eta_i^much - lambda^much u_i),   as in market_participation
    (4) P(b_ij <= c | u_i) = expit(cut_jc^before - discrimination_j^before * (eta_i^before + sd_u * u_i)),
        eta_i^before = alpha_d^before + omega_t^before + x_i' beta^before
    (5) P(Z_i = 1 | u_i) = expit(alpha^Z + eta_i^Z + lambda^Z u_i), willing to say yes by nu_i + lambda^nu u_i,
        as in sincere_support
    (6) L_i = integral of (1) (2) (3) (4) (5) Normal(u; 0, 1) du, who supports summed out within
    (7) alpha_d of receipt, loyalty, any and much: normal, sum zero, each with an sd of its own, correlated

u is the private disposition, given the covariates: offices may see it, the analyst does not. phi, the favour, is how
much one sd of it counts with the office. Items y were asked after the gifts, items b before. Scale and place are
those of the models apart; one item on loyalty: sd_u is set. The correlations of (7) are partial ones, each given the
equations that stand before.

Not identified: favour, where loyalty was not asked before the gift. It is then set, and swept: a likelihood that seems
to know it knows the shape of a distribution, nothing else. Where loyalty was asked before, favour and the effect of a
gift rest on it: on one disposition behind both, on answers that a gift to come does not move, and on offices that
choose by the disposition and the covariates alone. How much of an answer is belief is told only where support was asked
about indirectly, as in sincere_support. Where coverage never changes, neither is told whether a generous office, much
coverage or another kind of district stands behind an answer: receipts tell the three as one.

References: Heckman 1979 (selection); Hudgens & Halloran 2008 (interference); Joe 2006 (partial correlations).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytensor.tensor as pt

from largesse.cells import Cells, lacks, part
from largesse.models import gift_allocation, graded, market_participation, predictor, reported_loyalty, sincere_support
from largesse.models.contract import Data, Model, Variables
from largesse.models.graded import Measure
from largesse.parameters import Parameter, Together
from largesse.simulators import joint as twin

CHOSEN: Final = (
    "offices must choose by covariates and by the one disposition behind all answers, as strongly as favour says"
)
UNMOVED: Final = "answers from before must follow the same disposition, unmoved by a gift to come"
EQUATIONS: Final = {"receipt": (), "loyalty": (), "any": ("market",), "much": ("market", "amounts")}


def _together(equation: str) -> Together | None:
    """What the district effects of an equation go together with: those of the equations before it."""
    names = list(EQUATIONS)
    upto = names[: names.index(equation) + 1]
    partials = tuple(tuple(f"correlation_{a}_{b}" for a in upto[:i]) for i, b in enumerate(upto) if i)
    return Together(tuple(f"{e}_district_effect" for e in upto[:-1]), partials) if partials else None


def _of(equation: str, parameters: tuple[Parameter, ...], prefix: str) -> Iterator[Parameter]:
    """The unknowns of one equation, under `prefix`: what they need here, and what chooses receivers here."""
    together = _together(equation)
    for p in parameters:
        reason = CHOSEN if p.reason == predictor.UNCHOSEN else p.reason
        mine = replace(p.prefixed(prefix, EQUATIONS[equation]), reason=reason, meaning=f"{equation}: {p.meaning}")
        yield replace(mine, construct="correlated", together=together) if together and _is_district(p) else mine


def _is_district(p: Parameter) -> bool:
    return p.name.endswith("district_effect")


def _market(part_: str) -> Iterator[Parameter]:
    named = tuple(p for p in market_participation.PARAMETERS if p.name.startswith(f"{part_}_"))
    yield from _of(part_, named, "")
    yield Parameter(f"{part_}_disposition", rf"\lambda^{{{part_}}}",
                    f"what one sd of the disposition adds to {LABELS[part_]}", "effect", (), "logit", "real",
                    "identified", "from answers on loyalty and the market that go together",
                    EQUATIONS[part_])  # fmt: skip


LABELS: Final = {"any": "taking part in the market", "much": "how much of income comes from the market"}
CORRELATIONS: Final = tuple(
    Parameter(f"correlation_{a}_{b}", rf"\rho_{{{a},{b}}}",
              f"how districts' effects on {a} and {b} go together, given the equations before", "correlation", (),
              "correlation", "correlation", "identified", "from the districts, of which there are few",
              ("districts", *EQUATIONS[b]), ("changing coverage",) if a == "receipt" else ())
    for i, b in enumerate(EQUATIONS)
    for a in list(EQUATIONS)[:i]
)  # fmt: skip
BASELINE: Final = ("district_sd", "district_effect", "wave_effect", "covariate_effect")
BEFORE: Final = (
    *(p.prefixed("before_", ("loyalty before",)) for p in predictor.PARAMETERS if p.name in BASELINE),
    Parameter("before_discrimination", r"a^{before}_j", "how sharply an item asked before tells dispositions apart",
              "effect", ("before_item",), "ratio", "positive", "identified",
              "from answers before and after that go together", ("loyalty before",)),
    Parameter("before_cutpoint", r"\kappa^{before}_{jc}", "boundary between two neighbouring answers before",
              "cutpoints", ("before_cut",), "logit", "simplex", "identified", "from the share of each answer",
              ("loyalty before",)),
    Parameter("favour", r"\phi", "what one sd of the disposition counts with the office", "effect", (), "logit", "real",
              "conditional", UNMOVED, ("loyalty before",)),
    Parameter("favour_sd", r"\sigma_\phi", "how much favour differs between districts", "effect", (), "logit",
              "positive", "conditional", UNMOVED, ("loyalty before", "districts")),
    Parameter("favour_district", r"\phi_d", "favour in a district against the average", "pooled", ("district",),
              "logit", "real", "conditional", UNMOVED, ("loyalty before", "districts")),
)  # fmt: skip
GOING_TOGETHER: Final = f"from answers on loyalty and on support that go together, if {sincere_support.HONEST}"
SUPPORT: Final = (
    *(
        replace(p, reason=CHOSEN if p.reason == predictor.UNCHOSEN else p.reason, needs=(*p.needs, "support"))
        for p in sincere_support.PARAMETERS
    ),
    Parameter("sincere_disposition", r"\lambda^Z", "what one sd of the disposition adds to sincere support", "effect",
              (), "logit", "real", "conditional", GOING_TOGETHER,
              ("support",), ("indirect question",)),
    Parameter("willing_disposition", r"\lambda^\nu", "what one sd of the disposition adds to willingness to say yes",
              "effect", (), "logit", "real", "conditional", GOING_TOGETHER,
              ("direct question",), ("indirect question",)),
)  # fmt: skip
PARAMETERS = (
    *_of("receipt", gift_allocation.PARAMETERS, "receipt_"),
    *CORRELATIONS,
    *_of("loyalty", reported_loyalty.PARAMETERS, "loyalty_"),
    *_market("any"),
    *_market("much"),
    *BEFORE,
    *SUPPORT,
)


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data: profiles, answer boundaries, what is assumed, and nodes of the disposition."""
    said = {role: part(cells, role) for role in ("loyalty", "market", "loyalty_before")}
    asked = {"": said["loyalty"], "before_": said["loyalty_before"]}
    edges = {
        f"{prefix}{edge}": at
        for prefix, those in asked.items()
        for edge, at in graded.boundaries(those["answer"].to_numpy(), those["answers"].to_numpy()).items()
    }
    market = market_participation.boundaries(said["market"]) if said["market"].sizes["item"] else {}
    support = _support_arrays(cells) if "support" not in lacks(cells) else {}
    assumed = {f"assumed_{name}": np.asarray(float(cells[name])) for name in ASSUMED}
    return {**graded.cell_arrays(cells), **edges, **market, **support, **graded.quadrature(nodes), **assumed}


def _support_arrays(cells: Cells) -> dict[str, np.ndarray[Any, Any]]:
    """Of answers on support, and the boundaries of a direct answer."""
    direct, yes_or_no = part(cells, "direct")["answer"].to_numpy(), np.array([2])
    edges = graded.boundaries(direct, yes_or_no) if direct.shape[1] else {}
    return sincere_support.answer_arrays(cells) | {f"direct_{edge}": at for edge, at in edges.items()}


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of the gift and of all answers."""
    sd = v.get("loyalty_disposition_sd", data["assumed_disposition_sd"])
    every = [
        _receipt(v, data),  # (1)
        *_items(v, data, cells, "loyalty", (v.get("loyalty_discrimination"), sd)),  # (2)
        *(_part(v, data, cells, name) for name in ("any", "much") if f"{name}_cutpoint" in v),  # (3)
        *(_items(v, data, cells, "before", (v["before_discrimination"], sd)) if "favour" in v else ()),  # (4)
    ]
    nodes = (data["node"], data["node_weight"])
    if "sincere_intercept" not in v:
        return graded.summed_out(every, nodes)  # (6); (7) is among its parameters
    kinds = [
        graded.summed_out([*every, *measures], nodes) + _unmoved(v, data, cells, kind)
        for kind, measures in enumerate(_support(v, data, cells))
    ]
    no, yes = kinds
    return sincere_support.either(no, yes)


def _support(v: Variables, data: Data, cells: Cells) -> Iterator[list[Measure]]:
    """Of who does not support and of who does: that answer of Z, and the answer to a direct question."""
    bound, nobody = graded.padded([0.0]), 0 * data["in_district"]
    leans = v["sincere_intercept"] + predictor.predictor(v, data, cells, "sincere_")
    odds = sincere_support.direct_odds(v, data, cells) if "under_intercept" in v else ()
    for kind in range(2):
        of_kind = [Measure(leans, nobody + kind, nobody + kind + 1, bound, v["sincere_disposition"])]  # (5)
        if odds and (kind or "over_intercept" in v):
            edges = (data["direct_below"][:, 0], data["direct_above"][:, 0])
            of_kind.append(Measure(odds[kind], *edges, bound, v["willing_disposition"]))
        yield of_kind


def _unmoved(v: Variables, data: Data, cells: Cells, kind: int) -> Any:
    """[cell] log probability of the answers that the disposition does not move, of who does not support or does."""
    logp = sincere_support.indirect(v, data, cells, kind)
    assumed = not kind and "under_intercept" in v and "over_intercept" not in v
    return logp + sincere_support.answered(data["over_odds"], data, "direct") if assumed else logp


def _receipt(v: Variables, data: Data) -> Measure:
    received = pt.cast(data["gift"], "int32")
    answer = (gift_allocation.log_odds(v, data, "receipt_"), received, received + 1, graded.padded([0.0]))
    favour, estimated = data["assumed_favour"], data["assumed_estimated"]
    if "favour" not in v:
        return Measure(*answer, favour)
    favour = (1 - estimated) * favour + estimated * v["favour"]  # or swept nonetheless
    if "favour_district" not in v:
        return Measure(*answer, favour)
    return Measure(*answer, favour + estimated * v["favour_district"], data["in_district"])


def _items(v: Variables, data: Data, cells: Cells, equation: str, scale: tuple[Any, Any]) -> list[Measure]:
    asked, prefix = ("loyalty", "") if equation == "loyalty" else ("loyalty_before", "before_")
    eta = predictor.predictor(v, data, cells, f"{equation}_")
    edges = (data[f"{prefix}below"], data[f"{prefix}above"])
    items = part(cells, asked).sizes["item"]
    return graded.measures(eta, v[f"{equation}_cutpoint"], edges, items, scale)


def _part(v: Variables, data: Data, cells: Cells, name: str) -> Measure:
    eta = predictor.predictor(v, data, cells, f"{name}_")
    edges = (data[f"{name}_below"], data[f"{name}_above"])
    return graded.measures(eta, v[f"{name}_cutpoint"], edges, 1, (None, v[f"{name}_disposition"]))[0]


ASSUMED: Final = ("favour", "disposition_sd", "estimated")
MODEL = Model(
    name="joint",
    question="What does a gift do to loyalty and the market, when offices may choose by what moves the answers?",
    outcomes=("gift", "loyalty"),
    optional=("market", "loyalty_before", *sincere_support.MODEL.optional),
    assumes=(*ASSUMED, *sincere_support.MODEL.assumes),
    predicts={
        "receipt": "probability of receiving a gift",
        **reported_loyalty.MODEL.predicts,
        **market_participation.MODEL.predicts,
        **sincere_support.MODEL.predicts,
    },
    prefixes={
        "receipt": "receipt_",
        "loyalty": "loyalty_",
        **market_participation.MODEL.prefixes,
        **sincere_support.MODEL.prefixes,
    },
    adaptation="diag",  # of several hundred unknowns, 500 draws of warm-up do not teach the directions of "low_rank"
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    sources=(
        __file__,
        *gift_allocation.MODEL.sources,
        *reported_loyalty.MODEL.sources,
        *market_participation.MODEL.sources,
        *sincere_support.MODEL.sources,
    ),
)
