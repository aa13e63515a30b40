"""The words of the house: names of dimensions, each spelled in one place."""

from __future__ import annotations

from typing import Final

CELL: Final = "cell"  # one distinct (profile, answers) pattern of respondents
ROW: Final = "row"  # one profile of the frame: district, wave and covariates
DISTRICT: Final = "district"  # one district office
WAVE: Final = "wave"  # one round of the survey
COVARIATE: Final = "covariate"  # one centred column of the design matrix
MODIFIER: Final = "modifier"  # a covariate column that changes the gift's effect
ITEM: Final = "item"  # one ordered question
ROLE: Final = "role"  # along items: the role of the column behind each, as `[columns]` calls it
BEFORE: Final = "before_item"  # one ordered question asked before the gift
VIGNETTE: Final = "vignette"  # one described person, judged on the scale of the loyalty item
KIND: Final = "kind"  # who does not support sincerely, and who does
CUT: Final = "cut"  # one boundary between two neighbouring answers of one item
DRAW: Final = "sample"  # one posterior draw, chains stacked
