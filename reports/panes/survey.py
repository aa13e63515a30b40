"""Make the survey of this study from the package causaldata: `gov_transfers`, Manacorda, Miguel & Vigorito 2011.

Written into `_private/`, which git ignores: public data, but not ours to pass on.
"""

from __future__ import annotations

from pathlib import Path

from causaldata import gov_transfers

ANSWERS = {0.0: "worse", 0.5: "same", 1.0: "better"}


def main() -> None:
    """Write `_private/survey.csv`: participation, support in words, and income centred at the cutoff."""
    data = gov_transfers.load_pandas().data
    table = data.assign(
        participation=data["Participation"].astype(int),
        support=data["Support"].map(ANSWERS),
        income=data["Income_Centered"],
    )
    out = Path(__file__).parent / "_private" / "survey.csv"
    out.parent.mkdir(mode=0o700, exist_ok=True)
    part = out.with_suffix(".part")
    table[["participation", "support", "income"]].to_csv(part, index=False)
    part.replace(out)


if __name__ == "__main__":
    main()
