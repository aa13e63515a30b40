"""List experiments without a model: the difference in means, the table of types, and whether the design held.

Half of the respondents say how many of J control items apply to them, the others how many of these and the sensitive
one. If nobody lies and the longer list changes no other answer, the share of people of each type, y control items and
the sensitive one (1) or not (0), is a difference of shares of answers, and none can be negative:

    pi(y, 1) = P(Y <= y | control) - P(Y <= y | treated)            y = 0, ..., J
    pi(y, 0) = P(Y <= y | treated) - P(Y <= y - 1 | control)

(Blair & Imai 2012). The difference in means is the sum of pi(y, 1); a model of types has no negative share, so it
cannot reach a difference in means that rests on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.optimize import nnls
from scipy.stats import chi2, norm

Array = np.ndarray[Any, np.dtype[np.float64]]

DRAWS: Final = 4000  # of weights and of the Bayesian check: a probability is then known to .008
LEVEL, POWER = 0.05, 0.8
RIDGE: Final = 1e-9  # on the diagonal of correlations: two shares may be one where nobody gave a count


class Difference(NamedTuple):
    """A difference in means and its standard error."""

    mean: float
    se: float

    @property
    def detectable(self) -> float:
        """The smallest prevalence that a test of level 5 % finds with probability 80 %, by arms of this size."""
        return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER)) * self.se)


class Types(NamedTuple):
    """Shares of people by type, [2, J + 1]: those who support and those who do not, by control items; and their se."""

    share: Array
    se: Array


class Held(NamedTuple):
    """Whether the design held.

    Attributes
    ----------
    p : probability of shares as negative as these, were all types of non-negative share: the cells that came out
        negative alone are tested, in two families (Bonferroni), as published analyses do.
    cautious : the same with every cell held at zero, the worst case of the hypothesis; at least `p`.
    bayes : odds of "no type has a negative share" after the data over those before, both arms' answers being equally
        likely a priori to have any shares (flat Dirichlet); below 1 the data speak against the design.
    """

    p: float
    cautious: float
    bayes: float


class Placebo(NamedTuple):
    """A list whose further item is no matter of support, and applies to a share of people that is known.

    Attributes
    ----------
    lost : how many items fewer are counted, because a list is longer by one.
    se : of it.
    """

    lost: float
    se: float

    @property
    def p(self) -> float:
        """Of so much lost or won, were counts as honest on the longer list (normal, two-sided)."""
        return float(2 * norm.sf(abs(self.lost) / self.se))


@dataclass(frozen=True)
class Counts:
    """How many people gave each count.

    Attributes
    ----------
    control : [J + 1] of the list of J items.
    treated : [J + 2] of the list that has the sensitive item too.
    """

    control: Array
    treated: Array

    @classmethod
    def of(cls, answers: np.ndarray[Any, Any], people: np.ndarray[Any, Any], items: int) -> Counts:
        """From [cell] answers and how many gave them: 0 to J of the control list, then 0 to J + 1 of the other."""
        said = answers >= 0
        each = np.bincount(answers[said].astype(int), weights=people[said], minlength=2 * items + 3)
        return cls(each[: items + 1], each[items + 1 :])

    @property
    def items(self) -> int:
        """J, the number of control items."""
        return len(self.control) - 1

    @property
    def arms(self) -> tuple[Array, Array]:
        """Shares of each count, of both arms."""
        return self.control / self.control.sum(), self.treated / self.treated.sum()

    def difference(self) -> Difference:
        """The difference in means, its se from the variance within each arm."""
        means, variances = [], []
        for people in (self.control, self.treated):
            n, y = people.sum(), np.arange(len(people))
            mean = people @ y / n
            means.append(mean)
            variances.append(people @ (y - mean) ** 2 / (n - 1) / n)
        return Difference(float(means[1] - means[0]), float(np.sqrt(sum(variances))))

    def placebo(self, share: float) -> Placebo:
        """What the longer list loses, where its further item applies to this share of people."""
        found = self.difference()
        return Placebo(share - found.mean, found.se)

    def types(self) -> Types:
        """The table of types."""
        share, covariance = self._cells(*self.arms)
        shape = (2, self.items + 1)
        return Types(share.reshape(shape), np.sqrt(np.maximum(np.diag(covariance), 0.0)).reshape(shape))

    def held(self, rng: np.random.Generator) -> Held:
        """The test of no design effect, and its Bayesian version."""
        share, covariance = self._cells(*self.arms)
        support, y = np.divmod(np.arange(len(share)), self.items + 1)
        can = np.where(support == 0, y < self.items, y > 0) & (np.diag(covariance) > 0)  # come out negative at all
        families = [can & (support == family) for family in (0, 1)]
        p, cautious = (
            min(1.0, 2 * min(_tail(share[cells], covariance[np.ix_(cells, cells)], rng) for cells in tested))
            for tested in ([cells & (share < 0) for cells in families], families)
        )
        return Held(p, cautious, self._bayes(rng))

    def ends(self) -> Mapping[str, float]:
        """Shares at the ends, where an honest count tells on a person.

        `floor` and `ceiling`: of the control arm, those with none and with all items; `none` and `all`: of the treated.
        """
        control, treated = self.arms
        shares = {"floor": control[0], "ceiling": control[-1], "none": treated[0], "all": treated[-1]}
        return {name: float(value) for name, value in shares.items()}

    def _cells(self, control: Array, treated: Array) -> tuple[Array, Array]:
        """[2 (J + 1)] shares of types, those who support first, and their covariance."""
        upto = np.tril(np.ones((self.items + 1, self.items + 2)))
        on_control = np.concatenate([upto[:, :-1], -np.tril(np.ones((self.items + 1,) * 2), -1)])
        on_treated = np.concatenate([-upto, upto])
        spread = [_multinomial(share) / n.sum() for share, n in ((control, self.control), (treated, self.treated))]
        covariance = sum(m @ s @ m.T for m, s in zip((on_control, on_treated), spread, strict=True))
        return on_control @ control + on_treated @ treated, np.asarray(covariance)

    def _bayes(self, rng: np.random.Generator) -> float:
        """Odds of non-negative shares after the data over those before."""
        odds = []
        for people in ((self.control, self.treated), (0 * self.control, 0 * self.treated)):
            control, treated = (np.cumsum(rng.dirichlet(n + 1, DRAWS), axis=1) for n in people)
            supporting = control[:, :-1] >= treated[:, :-2]
            not_supporting = treated[:, 1:-1] >= control[:, :-1]
            sound = int((supporting & not_supporting).all(axis=1).sum())
            odds.append((sound + 0.5) / (DRAWS - sound + 0.5))
        return float(odds[0] / odds[1])


def _multinomial(share: Array) -> Array:
    """Covariance of one person's answer."""
    return np.diag(share) - np.outer(share, share)


def _tail(found: Array, covariance: Array, rng: np.random.Generator) -> float:
    """Probability of normal values as far below zero as these, where all are zero; 1 of no values.

    The distance to the nearest non-negative point, by the inverse covariance, is a mixture of chi-squared variables;
    its weights, how often how many values are kept at zero, are drawn.
    """
    if not len(found):
        return 1.0
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale) + RIDGE * np.eye(len(found))
    root = np.linalg.inv(np.linalg.cholesky(correlation))
    drawn = rng.standard_normal((DRAWS // 2, len(found)))
    held = [int((nnls(root, e)[0] == 0).sum()) for e in np.concatenate([drawn, -drawn])]
    weights = np.bincount(held, minlength=len(found) + 1) / len(held)
    distance = nnls(root, root @ (found / scale))[1] ** 2
    return float(weights @ [float(distance <= 0) if k == 0 else chi2.sf(distance, k) for k in range(len(weights))])
