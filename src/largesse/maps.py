"""Maps of exposure: from who received to the share of receivers that each respondent faces.

Every map is centred at one constant, the average receipt rate, so that a direct effect is of the same coverage under
each. What a map changes is data of a compiled model, never its terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from largesse import dims
from largesse.errors import InputError
from largesse.exposure import Coverage, noise, reliability, sampled, signal
from largesse.settings import MapName

Array = np.ndarray[Any, np.dtype[Any]]
Codes = Mapping[
    str, Array
]  # column of the survey's table -> [respondent or cell] the code of its level; gifts are 0, 1

STUDY: Final = "study.toml"


@dataclass(frozen=True)
class Exposure:
    """What everybody faces under one map.

    Attributes
    ----------
    coverage : the rates by district and wave that stand for the map: which of them were seen, where they are centred,
        how noisy what people face is.
    faced : codes of `district`, `wave`, `gift` and the group -> [respondent or cell] the share that each faces.
    alone : how many respondents have no other of their group, and face their district's rate instead.
    """

    coverage: Coverage
    faced: Callable[[Codes], Array]
    alone: int = 0


class Known(NamedTuple):
    """What a map may read.

    Attributes
    ----------
    coverage : the receipt rate, as known.
    table : the survey's canonical table, with categorical `district` and `wave`.
    districts : what the district file knows, by (district, wave); or None.
    neighbours : pairs of adjacent districts, each both ways round; or None.
    group : the categorical covariate whose levels are groups; or None.
    """

    coverage: Coverage
    table: pd.DataFrame
    districts: pd.DataFrame | None = None
    neighbours: frozenset[tuple[str, str]] | None = None
    group: str | None = None


class Map(NamedTuple):
    """One way from who received to what each respondent faces.

    Attributes
    ----------
    name : in `study.toml`.
    label : in words, with a place for the name of the group.
    of : what everybody faces under it; an InputError where the survey's districts leave that open.
    """

    name: MapName
    label: str
    of: Callable[[Known], Exposure]


def _facing(coverage: Coverage) -> Exposure:
    """Everybody faces the rate of a district and wave."""
    return Exposure(coverage, lambda codes: coverage.faced(codes[dims.DISTRICT], codes[dims.WAVE], codes["gift"]))


def _rate(known: Known) -> Exposure:
    return _facing(known.coverage)


def _others(known: Known) -> Exposure:
    rate, n = sampled(known.table)
    return _facing(replace(known.coverage, rate=rate, source="sample", reliability=reliability(rate, n)))


def _own_group(known: Known) -> Exposure:
    """Like Manski's (1993) reference group: those of one's own level in the same district and wave."""
    group, table = str(known.group), known.table
    places = tuple(table[name].cat.codes.to_numpy() for name in (dims.DISTRICT, dims.WAVE, group))
    n, given = (np.zeros([len(table[name].cat.categories) for name in (dims.DISTRICT, dims.WAVE, group)]) for _ in "ng")
    np.add.at(n, places, 1)
    np.add.at(given, places, table["gift"].to_numpy())

    def faced(codes: Codes) -> Array:
        at, gift = tuple(codes[name] for name in (dims.DISTRICT, dims.WAVE, group)), codes["gift"]
        rest = known.coverage.faced(at[0], at[1], gift)
        return np.where(n[at] > 1, (given[at] - gift) / np.maximum(n[at] - 1, 1), rest)

    here, people = given.reshape(-1, n.shape[-1]), n.reshape(-1, n.shape[-1])  # [district and wave, group]
    rates = np.divide(here, people, out=np.full(here.shape, np.nan), where=people > 0)
    shown = replace(known.coverage, source="sample", reliability=reliability(rates, people))
    return Exposure(shown, faced, int((n == 1).sum()))


def _neighbours(known: Known) -> Exposure:
    """Nobody's own gift is among the neighbours' gifts, so none is left out."""
    if known.neighbours is None:
        raise InputError.one(STUDY, "key 'survey.neighbours'", "nothing", "the file of adjacent districts")
    here = known.table[dims.DISTRICT].cat.categories.astype(str)
    rates = _everywhere(known)
    beside = np.array([[(a, b) in known.neighbours for b in rates.index] for a in here], dtype=float)
    rate, told = rates.to_numpy(dtype=float), rates.notna().to_numpy()
    several = beside @ told
    unknown = (several == 0) & (known.coverage.respondents > 0)
    if unknown.any():
        places = ", ".join(f"{here[d]!r} in wave {rates.columns[t]!r}" for d, t in np.argwhere(unknown))
        found, expected = f"no neighbour whose rate is known for {places}", "another map, or more neighbours"
        raise InputError.one(STUDY, "key 'survey.neighbours'", found, expected)
    count = np.where(several > 0, several, np.nan)
    mean = (beside @ np.where(told, rate, 0.0)) / count
    coverage, share = known.coverage, 1.0
    if coverage.source == "sample":
        variance = noise(rate, coverage.respondents)
        untold = beside @ (told & np.isnan(variance)) > 0
        share = signal(mean, np.where(untold, np.nan, beside @ np.nan_to_num(variance) / count**2))
    stands = replace(coverage, rate=mean, reliability=share)
    return Exposure(stands, lambda codes: np.asarray(mean[codes[dims.DISTRICT], codes[dims.WAVE]]))


def _everywhere(known: Known) -> pd.DataFrame:
    """[district, wave] receipt rates: of the survey's districts, and where offices know it, of those not reached."""
    names, waves = (known.table[role].cat.categories.astype(str) for role in (dims.DISTRICT, dims.WAVE))
    rates = pd.DataFrame(known.coverage.rate, index=names, columns=waves)
    if known.coverage.source == "sample" or known.districts is None:
        return rates
    stored = known.districts["coverage"].unstack("wave").reindex(columns=waves)
    return pd.concat([rates, stored.drop(index=names, errors="ignore")])


MAPS: Final[Mapping[str, Map]] = {
    m.name: m
    for m in (
        Map("rate", "receipt rate of their district", _rate),
        Map("others", "rate among the others asked in their district", _others),
        Map("own_group", "rate among those of their own {group} in their district", _own_group),
        Map("neighbours", "mean rate of the neighbouring districts", _neighbours),
    )
}


def label(name: str, group: str | None) -> str:
    """A map in words, with the group by its name."""
    return MAPS[name].label.format(group=group)


def respondents(exposure: Exposure, table: pd.DataFrame) -> Array:
    """[respondent] the share that each faces."""
    categories = table.select_dtypes("category")
    codes = {str(n): categories[n].cat.codes.to_numpy() for n in categories}
    return exposure.faced(codes | {"gift": table["gift"].to_numpy()})
