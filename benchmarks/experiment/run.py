"""Is a geo experiment estimated as its publication does, and does a fit agree with it?

    python benchmarks/experiment/run.py --data data.csv

DATA has columns date, geo, sales, cost and group (1 control, 2 treated): the example of Google's
GeoexperimentsResearch (Apache-2.0), 100 geos by 93 days, USD 50,000 spent in 50 of them from
2015-02-16 to 2015-03-15 and nothing elsewhere or before. Writes `results.csv` beside this file: the
return each estimator finds with its 95 % interval, beside what the package publishes of the same
data; then returns of fits by day (`--skip-fit` leaves them out): by geo with the test held back,
without and with sales of the control geos as a proxy of demand, and of the sum of all geos, not
told of the test, told of it as measured to its end, and as measured to the last date, so that it
speaks of carry-over as well.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import mmm
from mmm.results.experiments import experiments_table

HERE = Path(__file__).parent
PUBLISHED = {"geo_regression, p = 2": (3.23, 2.69, 3.77), "time_regression": (2.95, 2.76, 3.13)}
"""Return and 95 % interval of geo-based and of time-based regression (Kerman, Wang and Vaver)."""
SPAN = {"start": "2015-02-16", "end": "2015-03-15"}
LONGER = "geo_regression, to 2015-04-07"
ESTIMATORS = {
    "geo_regression": {},
    "geo_regression, p = 2": {"noise_power": 2.0},
    "time_regression": {"method": "time_regression"},
    LONGER: {"measured_until": "2015-04-07"},
}
NOTHING = (float("nan"),) * 3


def estimates(frame: pd.DataFrame) -> dict[str, mmm.GeoLift]:
    """What each estimator finds."""
    treated = frame.loc[frame["group"] == 2, "geo"].astype(str).unique()
    columns = {"date": "date", "geo": "geo", "outcome": "sales", "spend": "cost"}
    return {
        name: mmm.estimate_geo_lift(
            frame, **columns, treated=treated, missing_is_zero=True, **SPAN, **options
        )
        for name, options in ESTIMATORS.items()
    }


def estimator_rows(found: dict[str, mmm.GeoLift]) -> list[dict[str, object]]:
    rows = []
    for name, one in found.items():
        money = one.spend_change
        low, high = one.interval(0.95)
        roi, least, most = PUBLISHED.get(name, NOTHING)
        rows.append(
            {
                "estimate": name,
                "roi": one.lift / money,
                "standard_error": one.standard_error / money,
                "low95": low / money,
                "high95": high / money,
                "published_roi": roi,
                "published_low95": least,
                "published_high95": most,
            }
        )
    return rows


def study_of(geos: bool, controls: tuple[str, ...]) -> mmm.Study:
    return mmm.Study.model_validate(
        {
            "study": "geo-experiment",
            "data": {"date": "date", "frequency": "D"} | ({"geo": "geo"} if geos else {}),
            "outcome": {"column": "sales", "kind": "revenue", "currency": "USD"},
            "channels": [{"name": "advertising", "spend": "cost", "role": "tactical"}],
            "controls": controls,
            "demand_proxies": controls,
            "baseline": {"seasonality": 0},
            "inference": {"chains": 2, "draws": 500},
        }
    )


def whole_panel(frame: pd.DataFrame) -> pd.DataFrame:
    """Every geo on every date, and how sales of all control geos stood, as a proxy of demand."""
    grid = pd.MultiIndex.from_product(
        [sorted(frame["date"].unique()), sorted(frame["geo"].unique())], names=["date", "geo"]
    )
    whole = frame.set_index(["date", "geo"])[["sales", "cost"]].reindex(grid, fill_value=0.0)
    market = frame[frame["group"] == 1].groupby("date")["sales"].sum()
    return whole.reset_index().assign(market=lambda rows: rows["date"].map(market / market.mean()))


def fitted(
    name: str, frame: pd.DataFrame, study: mmm.Study, row: pd.DataFrame | None
) -> dict[str, object]:
    """The return by a fit, and, of a test held back, how far off what it expected was."""
    panel, _ = mmm.panel_from_frame(study, frame, experiments=row)
    read = mmm.response(mmm.fit(study, panel))
    table = mmm.efficiency_table(read).iloc[0]
    found = {
        "estimate": name,
        "roi": table["roi_mean"],
        "low90": table["roi_p05"],
        "high90": table["roi_p95"],
    }
    tests = experiments_table(read)
    if tests is not None and tests.iloc[0]["use"] == "held_back":
        found |= {"z_of_test": tests.iloc[0]["z"]}
    return found


def model_rows(frame: pd.DataFrame, found: dict[str, mmm.GeoLift]) -> list[dict[str, object]]:
    """Fits by geo with the test held back, without and with the proxy of demand; fits to the sum
    of all geos, not told and told of the test."""
    row, longer = (
        found[name].experiment("advertising", in_data=True) for name in ("geo_regression", LONGER)
    )
    held = row.assign(hold_back="true")
    row, longer = row.assign(geos=""), longer.assign(geos="")
    panel = whole_panel(frame)
    summed = panel.groupby("date", as_index=False)[["sales", "cost"]].sum()
    return [
        fitted("model by geo", panel, study_of(True, ()), held),
        fitted("model by geo, demand proxy", panel, study_of(True, ("market",)), held),
        fitted("model of the sum", summed, study_of(False, ()), None),
        fitted("model of the sum, told", summed, study_of(False, ()), row),
        fitted(
            "model of the sum, told of more", summed, study_of(False, ()), longer.assign(geos="")
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--skip-fit", action="store_true")
    arguments = parser.parse_args()
    frame = pd.read_csv(arguments.data)
    found = estimates(frame)
    rows = estimator_rows(found)
    if not arguments.skip_fit:
        rows += model_rows(frame, found)
    table = pd.DataFrame(rows)
    numbers = table.select_dtypes(np.floating).columns
    table[numbers] = table[numbers].round(4)
    table.to_csv(arguments.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
