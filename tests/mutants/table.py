"""The table of mutants, with what is expected of each before anything is run."""

from __future__ import annotations

from typing import Final

from mutants import contrasting, drawing, reading, sampled, simulating
from mutants.mutant import Catcher, Mutant, Size, Trial

RANKS, PRIOR, EQUALITY, ORACLE, NONE = Catcher

# By simulation, `uniformity.detectable` at the level that is left after Holm over up to 50 quantities (a test holds
# the figures against it): the coarsest of posteriors off centre, and of z-scores spread too far or not enough.
OFF_60, OFF_100 = Size("shift", 0.75), Size("shift", 0.6)
FAR_60, FAR_100, FAR_200 = Size("narrow", 0.5), Size("narrow", 0.55), Size("narrow", 0.65)
WIDE_100 = Size("wide", 2.0)
DIGITS, PEOPLE = Size("relative", 1e-8), Size("standard errors", 5.0)

LOYALTY, GIFT, MARKET = (f"simulators.{m}" for m in ("reported_loyalty", "gift_allocation", "market_participation"))
READ = "replicate.as_read"
SAMPLE = "replicate.sample"

MUTANTS: Final = (
    Mutant(simulating.swapped_arm, f"{LOYALTY}.answer", "answers", RANKS, FAR_60, 60),
    Mutant(simulating.cutpoints_off_by_one, f"{LOYALTY}.answer", "answers", RANKS, OFF_60, 60),
    Mutant(simulating.variance_for_sd, f"{LOYALTY}.answer", "items", RANKS, FAR_100, 100),
    Mutant(simulating.discriminations_ignored, f"{LOYALTY}.answer", "items", RANKS, FAR_100, 100),
    Mutant(simulating.spillover_sign, f"{LOYALTY}.predictor", "coverage", RANKS, FAR_60, 60),
    Mutant(simulating.spillover_felt_by_receivers, f"{LOYALTY}.answer", "coverage", RANKS, FAR_200, 200),
    Mutant(simulating.district_shifted, f"{GIFT}.answer", "offices", RANKS, FAR_100, 100),
    Mutant(simulating.wave_sign, f"{GIFT}.predictor", "offices", RANKS, FAR_60, 60),
    Mutant(simulating.covariates_not_centred, f"{GIFT}.answer", "offices", RANKS, FAR_60, 60),
    Mutant(simulating.market_parts_exchanged, f"{MARKET}.answer", "bands", RANKS, FAR_100, 100),
    Mutant(reading.missing_as_lowest, READ, "answers", RANKS, OFF_60, 60),
    Mutant(reading.passed_over_as_denominator, READ, "coverage", RANKS, FAR_100, 100),
    Mutant(reading.own_gift_left_in, READ, "coverage", RANKS, FAR_200, 200),
    Mutant(sampled.physicists_nodes, "models.graded.quadrature", "items", RANKS, OFF_100, 100),
    Mutant(sampled.counts_ignored, "models.graded.cell_arrays", "answers", RANKS, WIDE_100, 100),
    Mutant(sampled.draws_shrunk, SAMPLE, "offices", RANKS, FAR_60, 60),
    Mutant(sampled.prior_for_posterior, SAMPLE, "answers", RANKS, OFF_60, 60),
    Mutant(drawing.prior_at_another_scale, "priors.FAMILIES", "offices", PRIOR, FAR_100, 100),
    Mutant(drawing.precision_for_sd, "priors.FAMILIES", "offices", PRIOR, FAR_100, 100),
    Mutant(drawing.concentration_shared_out, "priors.FAMILIES", "answers", PRIOR, FAR_100, 100),
    Mutant(sampled.zero_sum_dropped, "models.contract.DISTRIBUTIONS", "offices", EQUALITY, DIGITS, recompiles=True),
    Mutant(sampled.pooled_by_variance, "models.contract.CONSTRUCTS", "offices", EQUALITY, DIGITS, recompiles=True),
    Mutant(sampled.spillover_by_the_gift, "models.predictor.TERMS", "coverage", EQUALITY, DIGITS, recompiles=True),
    Mutant(sampled.cutpoints_run_on, "models.contract._running", "items", EQUALITY, DIGITS, recompiles=True),
    Mutant(contrasting.quota_broken, "estimands._lottery", "coverage", ORACLE, PEOPLE),
    Mutant(contrasting.spillover_of_receivers, "estimands.CONTRASTS", "coverage", ORACLE, PEOPLE),
    Mutant(contrasting.coverage_not_centred, "findings.Surface", "coverage", ORACLE, PEOPLE),
    Mutant(contrasting.frame_not_weighted, "findings.Surface", "coverage", ORACLE, PEOPLE),
    Mutant(contrasting.amount_of_those_in, f"{MARKET}.predict", "bands", ORACLE, PEOPLE),
    Mutant(contrasting.standing_of_the_office, "estimands.selectivity", "offices", ORACLE, PEOPLE),
    Mutant(sampled.constant_factor, "models.reported_loyalty.MODEL", "answers", NONE, None, 100, recompiles=True),
    Mutant(reading.districts_relabelled, READ, "offices", NONE, None, 100),
    Mutant(reading.zero_counts_kept, READ, "answers", NONE, None, 100),
)


def right(design: str) -> tuple[Trial, int]:
    """A design with nothing wrong in it, and the replicates to judge: the most that a mutant of the design is given."""
    return Trial(design), max(m.replicates for m in MUTANTS if m.design == design)
