"""The summary, the table and the chart of what run.py measured.

python benchmarks/peers/table.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from datasets import SIZES
from environments import LIBRARIES, MMM

HERE = Path(__file__).resolve().parent
CHART = HERE.parents[1] / "docs" / "images" / "peers.svg"
SITUATIONS = ("cold", "warm", "refit")
GEOMETRIC = "geometric mean"
SECONDS = ["import_s", "build_s", "compile_s", "sample_s", "total_s", "totals_s"]
MEDIANS = [*SECONDS, "ess_bulk_min", "ess_per_s", "error_median"]
WORST = ["rhat_totals_max", "rhat_parameters_max", "divergences", "peak_rss_mb"]
GROUP = ["size", "library", "situation"]
COLOURS = {"mmm": "#0072b2", "PyMC-Marketing": "#d55e00", "Meridian": "#009e73"}
TITLES = {
    "cold": "Cold: every compile cache empty",
    "warm": "Warm: a new process",
    "refit": "Refit: same process, new data",
}
INK, MUTED, GRID = "#1f2a37", "#6b7683", "#e3e7ec"


def completed(results: pd.DataFrame) -> pd.DataFrame:
    """Cold fits and refits that were run with few draws, to measure compilation, get sampling
    and what was drawn from the warm fit of the same library, size and seed: sampling does not
    depend on caches. Their own draws say nothing of convergence or coverage."""
    keys = ["library", "size", "seed"]
    done = results[results["status"] == "finished"]
    warm = done[done["situation"] == "warm"].set_index(keys)
    table = results.copy()
    for place, row in done[done["situation"] != "warm"].iterrows():
        key = tuple(row[keys])
        if key not in warm.index or row["draws"] >= warm.loc[key, "draws"]:
            continue
        full = warm.loc[key]
        table.loc[place, ["sample_s", "ess_bulk_min"]] = full[["sample_s", "ess_bulk_min"]]
        total = row["build_s"] + row["compile_s"] + full["sample_s"]
        table.loc[place, ["total_s", "ess_per_s"]] = total, full["ess_bulk_min"] / total
        blank = [*WORST, "error_median", "covered", "totals_s"]
        table.loc[place, blank] = np.nan
    return table


def summary_table(results: pd.DataFrame) -> pd.DataFrame:
    """One row a size, library and situation: medians over seeds, the worst of diagnostics.

    `times_mmm`: effective draws a second of mmm over the library's, at the same size and
    situation. The rows of `geometric mean` have its geometric mean over the sizes that both
    finished; `fits` counts those sizes.
    """
    results = completed(results)
    done = results[results["status"] == "finished"]
    groups = done.groupby(GROUP)
    table = groups[MEDIANS].median().join(groups[WORST].max())
    counted = done[done["covered"].notna()].groupby(GROUP)
    table["coverage_90"] = counted["covered"].sum() / counted["channels"].sum()
    tried = results.groupby(GROUP).agg(
        tried=("seed", "nunique"), status=("status", worst), limit_s=("seconds", "max")
    )
    table = tried.join(table).join(groups["seed"].nunique().rename("fits"))
    table["fits"] = table["fits"].fillna(0).astype(int)
    # how long an unfinished fit was given
    table["limit_s"] = table["limit_s"].where(table["status"] == "unfinished")
    table = table.reset_index()
    mine = table[table["library"] == MMM].set_index(["size", "situation"])["ess_per_s"]
    same = pd.MultiIndex.from_frame(table[["size", "situation"]])
    table["times_mmm"] = mine.reindex(same).to_numpy() / table["ess_per_s"]
    table.loc[table["library"] == MMM, "times_mmm"] = np.nan
    return pd.concat([ordered(table), means(table)], ignore_index=True)


def worst(status: pd.Series) -> str:
    """The status that says most about a group of fits."""
    return max(status, key=("finished", "failed", "unfinished").index)


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by size, library and situation, columns with what was tried first."""
    order = {name: place for place, name in enumerate((*SIZES, *LIBRARIES, *SITUATIONS))}
    first = [*GROUP, "tried", "fits", "status", "times_mmm"]
    rest = [name for name in table.columns if name not in first]
    return table.sort_values(GROUP, key=lambda column: column.map(order))[[*first, *rest]]


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Geometric mean of `times_mmm` of each peer and situation."""
    rows = []
    for library in LIBRARIES:
        for situation in SITUATIONS:
            mine = table[(table["library"] == library) & (table["situation"] == situation)]
            ratio = mine["times_mmm"].dropna()
            if len(ratio):
                rows.append(
                    {
                        "size": GEOMETRIC,
                        "library": library,
                        "situation": situation,
                        "fits": len(ratio),
                        "times_mmm": float(np.exp(np.log(ratio).mean())),
                    }
                )
    return pd.DataFrame(rows)


def markdown(summary: pd.DataFrame) -> str:
    """The summary to read: a row a size and library, situations side by side."""
    three = " / ".join(SITUATIONS)
    lines = [
        f"Seconds and effective draws a second: {three}. Medians over seeds; R-hat, divergences",
        "and memory are the worst. Times: mmm's effective draws a second over the library's.",
        "",
        "| size | library | import s | build s | compile s | sample s | total s | draws to "
        "totals s | least ESS of a channel total | ESS / s | times | worst R-hat: totals, "
        "parameters | divergences | peak MB | median error | in 90 % |",
        "| --- " * 16 + "|",
    ]
    for (size, library), group in summary.groupby(["size", "library"], sort=False):
        by = group.set_index("situation").reindex(SITUATIONS)
        # warm has every seed; cold repeats its first, refit has other data
        warm = by.loc["warm"] if not pd.isna(by.loc["warm", "coverage_90"]) else by.loc["cold"]
        if size == GEOMETRIC:
            cells = [*[""] * 8, three_of(by, "times_mmm", ".3g"), *[""] * 5]
        else:
            cells = [
                three_of(by, "import_s", ".1f"),
                three_of(by, "build_s", ".1f"),
                three_of(by, "compile_s", ".1f"),
                three_of(by, "sample_s", ".1f"),
                " / ".join(total(row) for _, row in by.fillna({"status": "–"}).iterrows()),
                three_of(by, "totals_s", ".1f"),
                three_of(by, "ess_bulk_min", ".0f"),
                three_of(by, "ess_per_s", ".3g"),
                three_of(by, "times_mmm", ".3g"),
                f"{figure(by['rhat_totals_max'].max(), '.3f')}, "
                f"{figure(by['rhat_parameters_max'].max(), '.3f')}",
                figure(by["divergences"].max(), ".0f"),
                figure(by["peak_rss_mb"].max(), ".0f"),
                figure(warm["error_median"], ".0%"),
                figure(warm["coverage_90"], ".0%"),
            ]
        lines.append(f"| {size} | {library} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def three_of(by: pd.DataFrame, name: str, form: str) -> str:
    if by[name].isna().all():
        return ""
    return " / ".join(figure(value, form) for value in by[name])


def figure(value: float, form: str) -> str:
    return "–" if pd.isna(value) else format(value, form)


def total(row: pd.Series) -> str:
    if not pd.isna(row["total_s"]):
        return figure(row["total_s"], ".1f")
    return f"over {row['limit_s']:.0f}" if row["status"] == "unfinished" else str(row["status"])


def chart(summary: pd.DataFrame) -> alt.HConcatChart:
    """Effective draws a second by size, one panel a situation; crosses mark unfinished fits."""
    shown = with_unfinished(summary[summary["size"] != GEOMETRIC])
    finished = shown["ess_per_s"].dropna()
    floor = 10.0 ** np.floor(np.log10(finished.min()))
    top = 10.0 ** np.ceil(np.log10(finished.max()))
    # crosses stand above one another at the foot of the panel
    row = shown["library"].map({name: place for place, name in enumerate(LIBRARIES)})
    shown["height"] = shown["ess_per_s"].fillna(floor * 1.6 ** (row + 0.5))
    note = [
        "Least effective sample size of a channel's contribution per second of build, compile and "
        "sampling.",
        "Sizes are geos x weeks x channels.",
    ]
    if shown["unfinished"].any():
        minutes = shown["limit_s"].max() / 60.0
        note[1] += f" A cross: a fit did not finish in {minutes:.0f} minutes."
    panels = [
        panel(shown[shown["situation"] == situation], situation, (floor, top), place == 0)
        for place, situation in enumerate(SITUATIONS)
        if situation in set(shown["situation"])
    ]
    title = alt.TitleParams(
        "Effective draws a second of fitting",
        subtitle=note,
        anchor="start",
        color=INK,
        subtitleColor=MUTED,
        fontSize=16,
        subtitleFontSize=12,
        offset=14,
    )
    return (
        alt.hconcat(*panels, spacing=14)
        .properties(title=title, background="white", padding=12)
        .configure_axis(
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelColor=MUTED,
            titleColor=MUTED,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=12,
        )
        .configure_axisX(grid=False)
        .configure_view(stroke=None)
        .configure_legend(labelColor=INK, labelFontSize=13)
    )


def with_unfinished(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with a column `unfinished`, and one for each situation that was not tried because
    another one of the same library and size did not finish."""
    rows = rows.assign(unfinished=rows["status"].eq("unfinished") & rows["ess_per_s"].isna())
    there = {tuple(row) for row in rows[GROUP].itertuples(index=False)}
    added = [
        {**row._asdict(), "situation": situation}
        for row in rows[rows["unfinished"]].itertuples(index=False)
        for situation in SITUATIONS
        if (row.size, row.library, situation) not in there
    ]
    rows = pd.concat([rows, pd.DataFrame(added)], ignore_index=True) if added else rows
    return rows.drop_duplicates(GROUP)


def panel(data: pd.DataFrame, situation: str, span: tuple[float, float], first: bool) -> alt.Chart:
    """One situation; only the first panel labels the vertical axis."""
    sizes, libraries = list(SIZES), list(LIBRARIES)
    base = alt.Chart(data).encode(
        x=alt.X("size:O", title=None, scale=alt.Scale(domain=sizes), axis=alt.Axis(labelAngle=0)),
        y=alt.Y(
            "height:Q",
            title="Effective draws a second, log scale" if first else None,
            # room above the last label, or it would push the first panel's title up
            scale=alt.Scale(type="log", domain=[span[0], 1.5 * span[1]], nice=False),
            axis=alt.Axis(values=ticks(*span), format="~g", labels=first, ticks=first),
        ),
        color=alt.Color(
            "library:N",
            title=None,
            scale=alt.Scale(domain=libraries, range=[COLOURS[name] for name in libraries]),
            legend=alt.Legend(orient="bottom", symbolSize=120, symbolType="circle"),
        ),
    )
    done = base.transform_filter("isValid(datum.ess_per_s)")
    crosses = base.transform_filter("datum.unfinished")
    title = alt.TitleParams(
        TITLES[situation], anchor="start", frame="group", color=INK, fontSize=13
    )
    return alt.layer(
        done.mark_line(strokeWidth=2.5),
        done.mark_point(size=70, filled=True, opacity=1),
        crosses.mark_point(shape="cross", angle=45, size=90, filled=True, opacity=1),
    ).properties(width=265, height=250, title=title)


def ticks(floor: float, top: float) -> list[float]:
    """Every power of ten on the axis."""
    low, high = round(np.log10(floor)), round(np.log10(top))
    return [10.0**power for power in range(low, high + 1)]


def summarise(out: Path, path: Path) -> None:
    """Writes `summary.csv` and `table.md` in `out`, and the chart (`.svg` or `.png`)."""
    source = out / "results.csv"
    if not source.is_file():
        print(f"{source}: nothing measured yet")
        return
    summary = summary_table(pd.read_csv(source))
    summary.to_csv(out / "summary.csv", index=False, float_format="%.4g")
    text = markdown(summary)
    (out / "table.md").write_text(text, encoding="utf-8")
    if summary["ess_per_s"].notna().any():
        path.parent.mkdir(parents=True, exist_ok=True)
        chart(summary).save(str(path), scale_factor=2.0 if path.suffix == ".png" else 1.0)
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where results.csv is")
    parser.add_argument("--chart", type=Path, default=CHART)
    options = parser.parse_args()
    summarise(options.out, options.chart)


if __name__ == "__main__":
    main()
