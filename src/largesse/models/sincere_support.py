r"""Who supports sincerely, and who only says so? Several questions about one statement, some of them indirect.

    (1) P(Z_i = 1) = expit(alpha + eta_i)
    (2) P(D_i = 0 | Z_i = 1) = expit(upsilon - nu_i)
    (3) P(D_i = 1 | Z_i = 0) = expit(omega + nu_i)
    (4) P(C_i <= c | Z_i) = expit(cut_c - kappa g - x_i' beta^C - lambda Z_i),  c = 0, ..., J - 1
    (5) Y_i = C_i + T_i Z_i
    (6) P(R_i = 1 | Z_i) = r_0 + (r_1 - r_0) Z_i
    (7) eta and nu each: alpha_d + omega_t + x' beta + (tau + tau_d + m' tau_m) g
            + (psi + m' psi_m) (1 - g) E + psi_1 g E + delta mean_t(E),  with unknowns of their own

Z is sincere support, summed out; D the direct answer; Y the count of a list experiment with J control items, of which C
apply, T its arm; R the answer to a randomised question, r_0 and r_1 known from its design. nu is willingness to say
yes: it moves those who support and those who do not alike. Counts are saturated at the average profile and may go with
support. Nobody lies about the count, and the list changes no other answer: the two assumptions of list experiments.

Not identified: with a direct question alone, who supports; where direct and indirect questions were put to different
people, those who say yes against their mind, whose share is assumed.

Reference: Blair & Imai 2012 (lists, their assumptions).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytensor.tensor as pt

from largesse.cells import Cells
from largesse.models import contract, graded, predictor
from largesse.models.contract import Data, Model, Variables
from largesse.parameters import Parameter
from largesse.simulators import sincere_support as twin

LIST, DIRECT = "list experiment", "direct question"  # features of a design
HONEST: Final = "nobody lies about a count or a randomised answer, and a longer list changes no other answer"
TOGETHER: Final = f"from people asked directly and indirectly, if {HONEST}"
KINDS: Final = ("no", "yes")  # who does not support, and who does


def _told(p: Parameter) -> Parameter:
    """An unknown of support or willingness: with a direct question alone, one can be had for the other."""
    return replace(p, leans_on=("indirect question", *p.leans_on))


def _intercept(name: str, symbol: str, meaning: str, reason: str, needs: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, symbol, meaning, "effect", (), "logit", "real", "conditional", reason, needs,
                     ("indirect question",))  # fmt: skip


def _control(name: str, symbol: str, meaning: str, along: tuple[str, ...], needs: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, symbol, meaning, "effect", along, "logit", "real", "identified",
                     "from counts of the list", ("list experiment", *needs))  # fmt: skip


PARAMETERS = (
    _intercept("sincere_intercept", r"\alpha", "sincere support of the average profile, without a gift",
               f"from indirect questions, if {HONEST}"),
    *map(_told, predictor.prefixed(twin.SINCERE)),
    _intercept("under_intercept", r"\upsilon", "those who support and say no, of the average profile without a gift",
               TOGETHER, (DIRECT,)),
    _intercept("over_intercept", r"\omega", "those who do not support and say yes, of the average profile without a "
               "gift", TOGETHER, (DIRECT, "asked together")),
    *map(_told, predictor.prefixed(twin.WILLING, (DIRECT,))),
    Parameter("control_cutpoint", "c", "how many of the control items apply, to those who do not support", "cutpoints",
              ("control_cut",), "logit", "simplex", "identified", "from counts of the list", (LIST,)),
    _control("control_covariate_effect", r"\beta^C", "a covariate, on the control items", ("covariate",),
             ("covariates",)),
    _control("control_direct", r"\kappa", "own gift, on the control items", ()),
    _control("control_sincere", r"\lambda", "how many more control items apply to those who support", ()),
)  # fmt: skip


def arrays(cells: Cells, nodes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Everything that is data; whether people support is summed over two cases, so `nodes` is not used."""
    del nodes
    return {**graded.cell_arrays(cells), **answer_arrays(cells)}


def answer_arrays(cells: Cells) -> dict[str, np.ndarray[Any, Any]]:
    """What is read of the answers on support, and of the designs of their questions."""
    data: dict[str, np.ndarray[Any, Any]] = {}
    answer = twin.answered(cells)
    if twin.LIST in answer:
        data |= _counts(answer[twin.LIST], twin.control_items(cells))
    for role in (r for r in (twin.DIRECT, twin.RANDOMISED) if r in answer):
        data[f"{role}_sign"] = np.where(answer[role] == 1, -1.0, 1.0)
        data[f"{role}_asked"] = (answer[role] >= 0).astype(float)
    if twin.DIRECT in answer:
        data["over_odds"] = _log_odds(cells["over"].to_numpy())
    if twin.RANDOMISED in answer:
        data["yes_odds"] = _log_odds(cells["yes"].to_numpy())
    return data


def _counts(answer: np.ndarray[Any, Any], items: int) -> dict[str, np.ndarray[Any, Any]]:
    """Of who does not support (`no_`) and of who does (`yes_`): the boundaries of a cell's count of control items.

    `barred` is 0, or what makes a count that cannot be unlikely beyond what a double holds.
    """
    treated = answer > items
    count = np.where(treated, answer - items - 1, answer)
    data: dict[str, np.ndarray[Any, Any]] = {}
    for kind, prefix in enumerate(KINDS):
        own = np.where(answer < 0, -1, count - kind * treated)
        edges = graded.boundaries(np.clip(own, 0, items)[:, None], np.array([items + 1]))
        anything = graded.boundaries(np.full((len(own), 1), -1), np.array([items + 1]))
        asked = (answer >= 0)[:, None]
        data |= {f"{prefix}_{edge}": np.where(asked, edges[edge], anything[edge]) for edge in edges}
        data[f"{prefix}_barred"] = np.where((answer >= 0) & ((own < 0) | (own > items)), -graded.FAR, 0.0)
    return data


def _log_odds(chance: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Log-odds of a chance, at the most those that a double tells from certainty."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(chance) - np.log1p(-chance), -graded.FAR, graded.FAR))


def likelihood(v: Variables, data: Data, cells: Cells) -> Any:
    """[cell] log probability of all answers, whether people support summed out."""
    support = v["sincere_intercept"] + predictor.predictor(v, data, cells, twin.SINCERE)  # (7)
    kinds = [-pt.softplus(support), -pt.softplus(-support)]  # (1)
    kinds = [logp + indirect(v, data, cells, kind) for kind, logp in enumerate(kinds)]
    if "under_intercept" in v:
        odds = direct_odds(v, data, cells)
        kinds = [logp + answered(o, data, twin.DIRECT) for logp, o in zip(kinds, odds, strict=True)]
    no, yes = kinds
    return either(no, yes)


def either(no: Any, yes: Any) -> Any:
    """[cell] log probability, whether people support summed out of the log probabilities with each."""
    return yes + pt.softplus(no - yes)


def direct_odds(v: Variables, data: Data, cells: Cells) -> tuple[Any, Any]:
    """[cell] log-odds of a yes to the direct question, of who does not support and of who does."""
    willing = predictor.predictor(v, data, cells, twin.WILLING)  # (7)
    assumed = data["over_odds"] + 0.0 * data["coverage"]
    over = v["over_intercept"] + willing if "over_intercept" in v else assumed  # (3)
    return over, willing - v["under_intercept"]  # (2)


def indirect(v: Variables, data: Data, cells: Cells, kind: int) -> Any:
    """[cell] log probability of the answers to indirect questions, of who does not support (0) or does (1)."""
    logp = 0.0 * data["coverage"]
    if "control_cutpoint" in v:
        logp = logp + _counted(v, data, cells, kind)
    return logp + answered(data["yes_odds"][kind], data, twin.RANDOMISED) if "yes_odds" in data else logp


def answered(odds: Any, data: Data, role: str) -> Any:
    """[cell] log probability of a no or a yes; 0 where it was not asked."""
    return -pt.softplus(data[f"{role}_sign"] * odds) * data[f"{role}_asked"]  # (6)


def _counted(v: Variables, data: Data, cells: Cells, kind: int) -> Any:
    """[cell] log probability of the count of control items, of who does not support (0) or does (1)."""
    eta, prefix = predictor.predictor(v, data, cells, twin.CONTROL) + kind * v["control_sincere"], KINDS[kind]
    bound = graded.padded(v["control_cutpoint"])
    low, high = (bound[data[f"{prefix}_{edge}"][:, 0]] for edge in ("below", "above"))  # (5)
    logp = pt.log1mexp(low - high) - pt.softplus(eta - high) - pt.softplus(low - eta)  # (4)
    return logp + data[f"{prefix}_barred"]


MODEL = Model(
    name="sincere_support",
    question="Who supports sincerely, who only says so, and what does a gift do to each?",
    outcomes=(),
    predicts={
        "sincere": "people who support sincerely",
        "said": "people who say that they support",
        "gap": "said less sincere support",
        "belief": "what people say, for a change of mind",
        "words": "what people say, for other words of the same mind",
    },
    prefixes={
        "sincere": twin.SINCERE,
        "said": twin.WILLING,
        "gap": twin.WILLING,
        "belief": twin.SINCERE,
        "words": twin.WILLING,
    },
    parameters=PARAMETERS,
    arrays=arrays,
    likelihood=likelihood,
    twin=twin,
    optional=(twin.LIST, twin.DIRECT, twin.RANDOMISED),
    assumes=("over",),
    sources=(__file__, contract.__file__, graded.__file__, predictor.__file__),
)
