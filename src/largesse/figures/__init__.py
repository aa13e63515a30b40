"""Figures of stored results, each with its words: one visual system, every estimate with its interval.

Those of a certificate and of a plan stay in `figures.calibration` and `figures.plan`: what they need loads slowly.
"""

from largesse.figures.forest import districts, effects, policies
from largesse.figures.printed import (
    DIRECTIONS,
    PROGRAMMES,
    by_district,
    contrasts,
    estimated,
    is_profile,
    models,
    outcome,
    points,
    programmes,
    span,
)
from largesse.figures.shares import coverage, predictive
from largesse.figures.style import BAND, BLUE, INK, MARKS, MUTED, ORANGE, RULE, STATUS, VERMILLION, Picture
from largesse.figures.tiles import mapped, tiles
from largesse.figures.tipping import curve
from largesse.figures.unknowns import learning, learnt, recovery

__all__ = [
    "BAND",
    "BLUE",
    "DIRECTIONS",
    "INK",
    "MARKS",
    "MUTED",
    "ORANGE",
    "PROGRAMMES",
    "RULE",
    "STATUS",
    "VERMILLION",
    "Picture",
    "by_district",
    "contrasts",
    "coverage",
    "curve",
    "districts",
    "effects",
    "estimated",
    "is_profile",
    "learning",
    "learnt",
    "mapped",
    "models",
    "outcome",
    "points",
    "policies",
    "predictive",
    "programmes",
    "recovery",
    "span",
    "tiles",
]
