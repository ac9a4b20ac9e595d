"""The command `mmm`. Thin: each command calls one function of the library and reports.

Whatever is heavy is imported inside a command, so that help and refusals come at once.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import mmm
from mmm.batch.commands import add_commands
from mmm.errors import Finding, InputError, MMMError, Severity

if TYPE_CHECKING:
    from mmm.study import RunResult

EXIT_BAD_INPUT = 2
EXIT_NOT_TRUSTED = 3

WORLDS_HELP = (
    "Name of the world: national, national_brand, geo, geo_brand, b2b; brand_alone, brand_survey, "
    "brand_confounded, effort, brand_mixed; mediated_search, path_off or funnel."
)

app = typer.Typer(
    name="mmm",
    help="From weekly spend and outcomes to an investment case: what each channel earned, how "
    "sure that is, and what it is worth.",
    epilog="Start with 'mmm demo'. Exit codes: 0 done, 2 bad input (nothing is written), "
    "3 done but the fit is not to be trusted; for 'batch' 1 when a study failed or an alarm was "
    "raised.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)

StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY", help="The study file, as study.yaml.", show_default=False)
]


class Example(StrEnum):
    """The examples that come with the library."""

    PINKHAM = "pinkham"
    B2B = "b2b"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mmm {mmm.__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and stop."
        ),
    ] = False,
) -> None:
    """Options before any command."""


@app.command()
def check(
    study: StudyFile,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON instead of a table.")
    ] = False,
) -> None:
    """Check a study file and its data, without fitting anything.

    Lists every problem at once, each with its place and its remedy. Exit 0 when there is no
    error (warnings may remain), else 2.
    """
    from mmm.study import check_study

    try:
        findings = check_study(study).findings
    except InputError as refusal:
        findings = refusal.findings
    if as_json:
        rows = [asdict(finding) for finding in findings]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_table(findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(EXIT_BAD_INPUT)


@app.command()
def run(
    study: StudyFile,
    out: Annotated[
        Path,
        typer.Option("--out", help="Directory for the results; it is made.", show_default=False),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace results that are in the directory already.")
    ] = False,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate", help="Evaluate it too, and let the verdict and the report count that."
        ),
    ] = False,
) -> None:
    """Fit a study and write everything it says: tables, cash flow, case and report.

    Checks come first: with bad input nothing is written and the exit code is 2. Exit 3 means
    that all is written, but the fit is not to be trusted; the report says why.
    """
    with _refusals():
        _finish(_run(study, out, force=force, evaluate=evaluate))


@app.command()
def evaluate(
    study: StudyFile,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Directory for evaluation.json; a run of this study there is judged anew.",
            show_default=False,
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer refits, with fewer draws: a first look.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an evaluation that is there already.")
    ] = False,
) -> None:
    """See where the model has been wrong and how far its answers hold, by fitting it many times.

    Forecasts from earlier dates beside naive ones and those without media, returns without the
    last periods, channels that cannot have an effect, other seeds, slightly different outcomes,
    residuals, other specifications. All count in the verdict; exit 3 where it is rejected.
    """
    with _refusals():
        from mmm.study.evaluation import run_evaluation

        result = run_evaluation(study, out, quick=quick, force=force, progress=True)
        for line in result.lines:
            typer.echo(line)
        if result.verdict.label.value == "rejected":
            raise typer.Exit(EXIT_NOT_TRUSTED)


@app.command()
def plan(
    fit: Annotated[
        Path, typer.Argument(metavar="FIT", help="A saved fit, as fit.nc.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Directory for the plan; it is made.", show_default=False),
    ],
    budget: Annotated[
        float | None, typer.Option("--budget", help="Money over the whole horizon.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            help="expected_profit, expected_outcome, cvar, probability_of_target or mean_variance.",
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option("--target", help="Outcome over the horizon that is to be reached."),
    ] = None,
    level: Annotated[
        float | None,
        typer.Option("--level", help="Of cvar, and the certainty a target is wanted with."),
    ] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Periods ahead.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="YAML with keys of 'plan', in place of the study's."),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help="Dated spend: date, geo, channel, spend."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a plan that is in the directory already.")
    ] = False,
) -> None:
    """Plan what to spend, from a saved fit: nothing is fitted again.

    With a budget or an objective (here or in the study) the best plan within the study's
    constraints is found; else spending repeats its last periods, or is that of the scenario.
    """
    given = {
        "budget": budget, "objective": objective, "target": target, "level": level,
        "horizon": horizon,
    }  # fmt: skip
    with _refusals():
        from mmm.study.planning import plan_fit

        changes = {key: value for key, value in given.items() if value is not None}
        result = plan_fit(fit, out, changes, settings=settings, scenario=scenario, force=force)
        for line in result.lines:
            typer.echo(line)
        typer.echo(f"Verdict on the fit: {result.verdict}")
        for reason in result.reasons:
            typer.echo(f"  - {reason}")
        typer.echo(f"Plan: {result.directory / 'plan.csv'}")
        if result.verdict == "rejected":
            raise typer.Exit(EXIT_NOT_TRUSTED)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Directory for the example and its results.")
    ] = Path("mmm-demo"),
    example: Annotated[
        Example,
        typer.Option(
            "--example",
            help="b2b: a simulated company with several channels, whose truth is known. "
            "pinkham: 54 years of one product's advertising and sales.",
        ),
    ] = Example.B2B,
) -> None:
    """Write an example study, run it, and say where the report is.

    The directory then holds the study file and its data, to read or to change, and the
    results in 'results'. Where the example is there already, as it was written or changed
    since, it is run again.
    """
    with _refusals():
        from mmm.config.load import load_study
        from mmm.examples import write_example

        study = out / "study.yaml"
        there = study.is_file() and load_study(study).study == example.value
        if not there:
            write_example(example.value, out)
        typer.echo(f"Study and data: {out}{' (already there)' if there else ''}")
        _finish(_run(study, out / "results", force=there))


@app.command()
def case(
    fit: Annotated[
        Path, typer.Argument(metavar="FIT", help="A saved fit, as fit.nc.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", help="New directory for the case.", show_default=False)
    ],
    finance: Annotated[
        Path | None,
        typer.Option(
            "--finance",
            metavar="STUDY",
            help="Study file whose finance block takes the place of the fit's own.",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help="Dated spend: date, geo, channel, spend."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace earlier results.")] = False,
) -> None:
    """Value the plan of a saved fit: cash flow, case and workbook, without fitting again.

    The plan is what its study asks for: optimised, the dated spend of --scenario, or its last
    periods repeated.
    """
    with _refusals():
        from mmm.study.case import run_case

        _finish(run_case(fit, out, finance=finance, scenario=scenario, force=force))


@app.command()
def simulate(
    world: Annotated[str, typer.Argument(metavar="WORLD", help=WORLDS_HELP, show_default=False)],
    out: Annotated[
        Path,
        typer.Option("--out", help="New directory for study, data and truth.", show_default=False),
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the world's noise.")] = 0,
) -> None:
    """Write a simulated study whose true effects are known.

    Useful to see whether a fit finds them: truth.json holds what every channel really did.
    """
    with _refusals():
        from mmm.simulate import simulate_world, write_world

        directory = write_world(simulate_world(world, seed=seed), out)
        typer.echo(f"Study: {directory / 'study.yaml'}")
        typer.echo(f"Truth: {directory / 'truth.json'}")


@app.command()
def schema(
    batch: Annotated[bool, typer.Option("--batch", help="That of the batch file instead.")] = False,
) -> None:
    """Print the JSON Schema of the study file, for editors that complete and check."""
    from mmm.config.load import batch_schema, study_schema

    typer.echo(json.dumps(batch_schema() if batch else study_schema(), indent=2))


def _run(study: Path, out: Path, *, force: bool, evaluate: bool = False) -> RunResult:
    from mmm.study import run_study

    return run_study(study, out, force=force, progress=True, evaluate=evaluate)


def _finish(result: RunResult) -> None:
    """Says what came out, and exits 3 where the fit is not to be trusted."""
    typer.echo(f"Verdict: {result.verdict}")
    for line in (*(f"  - {reason}" for reason in result.reasons), *result.notes):
        typer.echo(line)
    typer.echo(f"Report: {result.report}")
    if result.verdict == "rejected":
        raise typer.Exit(EXIT_NOT_TRUSTED)


@contextmanager
def _refusals() -> Generator[None]:
    """What the library refuses becomes its message on stderr and exit code 2."""
    try:
        yield
    except InputError as refusal:
        _print_list(refusal.findings)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    except MMMError as refusal:
        typer.echo(f"Error: {refusal}", err=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None


_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def _print_table(findings: Iterable[Finding]) -> None:
    findings = list(findings)
    console = Console()
    if findings:
        table = Table(show_lines=True)
        for heading in ("", "Where", "What", "Remedy"):
            table.add_column(heading, overflow="fold")
        for finding in findings:
            severity = Text(finding.severity.value, style=_STYLE[finding.severity])
            table.add_row(
                severity, Text(finding.where), Text(finding.message), Text(finding.remedy)
            )
        console.print(table)
    typer.echo(_tally(findings))


def _print_list(findings: Iterable[Finding]) -> None:
    """One line a finding and one for its remedy, unwrapped, so that it can be searched."""
    findings = list(findings)
    console = Console(stderr=True, soft_wrap=True)
    for finding in findings:
        line = Text(f"{finding.severity.value} ", style=_STYLE[finding.severity])
        line.append(f"{finding.where}: {finding.message}", style="default")
        console.print(line)
        console.print(Text(f"  {finding.remedy}", style="default"))
    typer.echo(f"{_tally(findings)} Nothing was written.", err=True)


def _tally(findings: list[Finding]) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    if not errors and not warnings:
        return "No problems found."
    parts = [
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return f"{' and '.join(parts)}."


add_commands(app, _refusals)
