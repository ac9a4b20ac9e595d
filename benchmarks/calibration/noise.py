"""What is said of a channel that does nothing: spending drawn at random beside a simulated world.

    python benchmarks/calibration/noise.py --trials 50

In each trial a world of four channels is simulated anew and a fifth is added to its data, whose
spending is independent gamma noise and moves nothing. It should be tiered `prior`, and its 90 %
interval of contribution should be nearly as wide as the prior's: on the log scale, on which the
prior is normal, `width_log`; in money, where the data can rule out large effects however little it
knows of small ones, `width`. Writes `noise.csv` (a row a trial) and `noise_summary.csv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import mmm
from mmm.config import Channel
from mmm.results.ledger import ledger_table
from mmm.simulate import large_spec, simulate

HERE = Path(__file__).parent
NAME, COLUMN = "noise", "noise_spend"
COST_SHARES = (0.002, 0.01, 0.03)
"""What the channel costs, over the value of the outcome."""
WIDE = 0.7


def trial(number: int, cost_share: float) -> dict[str, object]:
    """One fit."""
    world = simulate(large_spec(1, 130, 4, number), number)
    rng = np.random.default_rng([number, 7])
    frame, study = world.frame.copy(), world.study
    value = frame[study.outcome.column].mean() * float(world.study.outcome.value_per_unit)
    frame[COLUMN] = cost_share * value * rng.gamma(2.0, 0.5, len(frame))
    added = Channel(name=NAME, spend=COLUMN, role="tactical")
    study = study.model_copy(update={"channels": (*study.channels, added)})
    panel, findings = mmm.panel_from_frame(study, frame)
    fit = mmm.fit(study, panel)
    ledger = ledger_table(fit).set_index(["quantity", "channel"])
    row = ledger.loc["contribution", NAME]
    low, high = row["posterior_p05"], row["posterior_p95"]
    before = row["prior_p05"], row["prior_p95"]
    return {
        "trial": number,
        "cost_share": cost_share,
        "tier": row["tier"],
        "contraction": row["contraction"],
        "width": (high - low) / (before[1] - before[0]),
        "width_log": np.log(high / low) / np.log(before[1] / before[0]),
        "findings": " ".join(sorted({one.check for one in findings})),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    rows = [trial(number, share) for share in COST_SHARES for number in range(options.trials)]
    table = pd.DataFrame(rows)
    table.to_csv(options.out / "noise.csv", index=False, float_format="%.4g")
    known = table.assign(
        prior=table["tier"] == "prior",
        wide=table["width"] >= WIDE,
        wide_log=table["width_log"] >= WIDE,
    )
    summary = known.groupby("cost_share")[
        ["prior", "wide", "wide_log", "width", "width_log"]
    ].mean()
    summary.to_csv(options.out / "noise_summary.csv", float_format="%.4g")
    print(summary.to_string())


if __name__ == "__main__":
    main()
