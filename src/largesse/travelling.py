"""Travelling: which numbers of a model describe people and offices at large, and where they stand in another study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from largesse import dims
from largesse.blocks import Blocks, Place
from largesse.borrowed import MOST, Borrowed, Scale
from largesse.parameters import Parameter

Names = Mapping[str, Sequence[str]]

OF_ONE: Final = {dims.DISTRICT: "of one district", dims.WAVE: "of one wave"}


class Number(NamedTuple):
    """One number that travels: its element by name, its place, and the block that it is borrowed with."""

    element: str
    place: Place
    block: str

    @property
    def name(self) -> str:
        """As :attr:`largesse.borrowed.Coordinate.name`."""
        return f"{self.place.parameter}[{self.element}]" if self.element else self.place.parameter


def stays(p: Parameter) -> str:
    """Why a parameter does not travel; empty where it does."""
    return next((reason for dim, reason in OF_ONE.items() if dim in p.dims), "")


def numbers(parameters: Iterable[Parameter], names: Names) -> Iterator[Number]:
    """The numbers that travel, in the model's order; `names` are the elements along each dimension."""
    for p in parameters:
        if stays(p):
            continue
        if p.construct == "cutpoints":
            yield from _cuts(p, names[p.dims[0]])
        elif not p.dims:
            scale: Scale = "atanh" if p.support == "correlation" else "log" if p.support == "positive" else "as it is"
            yield Number("", Place(p.name, 0, scale), p.name)
        else:
            yield from _vector(p, names[p.dims[0]])


def _vector(p: Parameter, names: Sequence[str]) -> Iterator[Number]:
    """Covariates block by block of their column, levels of one together; items as they come."""
    scale: Scale = "log" if p.support == "positive" else "as it is"
    start = 1 if p.construct == "discrimination" else 0  # the first is 1 by definition
    places = [(names[i], Place(p.name, i, scale)) for i in range(start, len(names))]
    runs = [list(run) for _, run in groupby(places, key=lambda each: each[0].partition(": ")[0])]
    if p.dims[0] not in (dims.COVARIATE, dims.MODIFIER):
        runs = [places]
    for run in runs:
        yield from _in_blocks(p.name, run)


def _cuts(p: Parameter, names: Sequence[str]) -> Iterator[Number]:
    """First cuts of all items, which move together where the average respondent differs; then gaps, item by item."""
    runs = [list(run) for _, run in groupby(range(len(names)), key=lambda i: names[i].rpartition(": ")[0])]
    first = [(names[run[0]], Place(p.name, run[0], "first cut", last=run[-1])) for run in runs]
    yield from _in_blocks(p.name, first)
    for run in runs:
        yield from _in_blocks(p.name, [(names[i], Place(p.name, i, "log gap", last=run[-1])) for i in run[1:]])


def _in_blocks(parameter: str, run: Sequence[tuple[str, Place]]) -> Iterator[Number]:
    """At most `MOST` to a block, which is named by its first element."""
    for i, (element, place) in enumerate(run):
        yield Number(element, place, f"{parameter}[{run[i - i % MOST][0]}]")


def placed(borrowed: Borrowed, parameters: Iterable[Parameter], names: Names, groups: Mapping[str, int]) -> Blocks:
    """How borrowed numbers count in a study.

    Parameters
    ----------
    parameters : those that its design informs.
    names : the elements along each dimension there.
    groups : how many districts and waves it has.

    A number that has no place there is left out, which leaves the joint normal of the rest as it is; a number that is
    not borrowed keeps the model's own prior.
    """
    there = {n.name: n.place for n in numbers(parameters, names)}
    kept = [i for i, c in enumerate(borrowed.coordinates) if c.name in there]
    coordinates = [borrowed.coordinates[i] for i in kept]
    runs = [(block, len(list(run))) for block, run in groupby(coordinates, key=lambda c: c.block)]
    return Blocks(
        names=tuple(block for block, _ in runs),
        sizes=tuple(size for _, size in runs),
        weight=np.array([borrowed.weights[block] for block, _ in runs]),
        places=tuple(there[c.name]._replace(shape=c.shape) for c in coordinates),
        mean=np.array([c.mean for c in coordinates]),
        covariance=borrowed.covariance(groups)[np.ix_(kept, kept)],
        origin=borrowed.fingerprint,
    )
