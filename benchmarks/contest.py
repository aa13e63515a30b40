"""What is fitted on every side: one synthetic survey of a size, its cells, and its rows as a formula reads them.

One item (or three) of four answers, two waves, categorical covariates alone; a stated truth. `songbun` and `age` have
their first level as reference on every side, so their effects mean the same everywhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import polygamma, psi

from largesse import models
from largesse.cells import Cells
from largesse.priors import PriorSet
from largesse.replicate import as_read
from largesse.settings import Sampler
from largesse.synthetic import ITEM, World, simulate

Array = np.ndarray[Any, Any]

MODEL: Final = "reported_loyalty"
ITEMS: Final = ("pride", "trust", "future")
SEED: Final = 20171012
COVARIATES: Final = {
    "songbun": {"wavering": 0.55, "core": 0.25, "hostile": 0.2},
    "age": {"under 30": 0.3, "30 to 44": 0.3, "45 to 59": 0.25, "60 and over": 0.15},
}
TRUTH: Final = {
    "district_sd": 0.6,
    "direct": 0.4,
    "direct_sd": 0.25,
    "spillover": -0.8,
    "spillover_received": -0.3,
    "between": 0.3,
}
FORMULA: Final = "gift + passed + received + between + wave + songbun + age + (1 | district) + (0 + gift | district)"


@dataclass(frozen=True)
class Contest:
    """One size of survey, and how it is sampled on every side.

    Attributes
    ----------
    respondents, districts, items : of the survey that is simulated.
    chains, draws, tune : of every fit, on every side.
    times : how often the simulated rows are repeated; growth of cost is measured on copies of one survey.
    seed : of the survey.
    """

    respondents: int
    districts: int
    items: int = 1
    chains: int = 4
    draws: int = 1000
    tune: int = 500
    times: int = 1
    seed: int = SEED

    @property
    def rows(self) -> int:
        """Rows that every side is given."""
        return self.respondents * self.times

    @property
    def title(self) -> str:
        """For tables."""
        return f"{self.rows:,} rows" + (f", {self.items} items" if self.items > 1 else "")

    @property
    def sampler(self) -> Sampler:
        """As this package asks for it."""
        return Sampler(draws=self.draws, tune=self.tune, chains=self.chains)

    @property
    def world(self) -> World:
        """What the survey is drawn from."""
        return World(
            name="peers",
            seed=self.seed,
            respondents=self.respondents,
            districts=self.districts,
            categorical=COVARIATES,
            continuous={},
            items=dict.fromkeys(ITEMS[: self.items], ITEM),
            market=(),
            truth={MODEL: TRUTH},
        )


@dataclass(frozen=True)
class Data:
    """The survey of a contest, read.

    Attributes
    ----------
    cells, priors : what this package fits.
    levels : by covariate its levels, the reference first; in the order of the columns of `cells["x"]`.
    centre : [covariate] what is taken from each indicator in `cells["x"]`.
    seconds : what reading, validating and counting the survey took.
    """

    cells: Cells
    priors: PriorSet
    levels: dict[str, tuple[str, ...]]
    centre: Array
    seconds: float = field(compare=False)

    @classmethod
    def of(cls, contest: Contest) -> Data:
        """Simulate the survey of a contest and read it as a user's file is read."""
        synthetic, model = simulate(contest.world), models.get(MODEL)
        started = time.perf_counter()
        inputs = as_read(synthetic, model, model.priors())
        cells = inputs.cells[MODEL]
        repeated = {n: cells[n] * contest.times for n in ("people", "count")}
        seconds = time.perf_counter() - started
        columns = inputs.design.columns
        of = {n: tuple(c.levels) for n, c in inputs.survey.codebook.items() if n in set(columns["column"])}
        return cls(cells.assign(repeated), model.priors(), of, columns["center"].to_numpy(dtype=float), seconds)

    def table(self) -> pd.DataFrame:
        """The rows: `answer` (from 1), gift, coverage split as the model splits it, wave, covariates, district.

        `passed` is coverage of those who got nothing, `received` of those who got a gift, `between` the mean coverage
        of the district, all centred: the same numbers as in the cells.
        """
        cells, gift = self.cells, self.cells["gift"].to_numpy().astype(float)
        coverage, district = cells["coverage"].to_numpy(), cells["in_district"].to_numpy()
        table = pd.DataFrame(
            {
                "answer": cells["answer"].to_numpy()[:, 0] + 1,
                "gift": gift,
                "passed": (1 - gift) * coverage,
                "received": gift * coverage,
                "between": cells["coverage_between"].to_numpy()[district],
                "wave": cells["wave"].to_numpy()[cells["in_wave"].to_numpy()],
                "district": district + 1,
            }
        )
        for name, codes in self._codes().items():
            table[name] = np.asarray(self.levels[name])[codes]
        return table.loc[np.repeat(table.index, cells["people"].to_numpy())].reset_index(drop=True)

    def _codes(self) -> dict[str, Array]:
        """Covariate -> [cell] code of its level, read off the centred indicators: one is positive where it holds."""
        on = self.cells["x"].to_numpy() > 0
        codes, start = {}, 0
        for name, levels in self.levels.items():
            own = on[:, start : start + len(levels) - 1]
            codes[name] = own @ np.arange(1, len(levels))
            start += len(levels) - 1
        return codes

    def normals(self) -> dict[str, Any]:
        """The priors of the formula's terms: sds of normals around 0, of half-normals, and the cutpoints' normals.

        Waves are zero-sum here, against the first there: a difference of two has twice the variance. A cutpoint is
        given the mean and the sd that it has under the Dirichlet prior of the shares: the logit of a Beta.
        """
        of = {n: p.arguments["sigma"] for n, p in self.priors.entries.items() if "sigma" in p.arguments}
        a, n = self.priors["cutpoint"].arguments["concentration"], int(self.cells["answers"][0])
        below = a * np.arange(1, n)
        mean, sd = psi(below) - psi(a * n - below), np.sqrt(polygamma(1, below) + polygamma(1, a * n - below))
        return {
            "gift": of["direct"],
            "passed": of["spillover"],
            "received": of["spillover_received"],
            "between": of["between"],
            "wave": float(of["wave_effect"] * np.sqrt(2)),
            **dict.fromkeys(self.levels, of["covariate_effect"]),
            "district_sd": of["district_sd"],
            "gift_sd": of["direct_sd"],
            "cutpoint": {"mean": mean.round(6).tolist(), "sd": sd.round(6).tolist()},
        }
