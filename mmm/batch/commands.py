"""The commands over many studies; registered by the command line."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from mmm.errors import input_error

if TYPE_CHECKING:
    from mmm.batch.plan import PlannedRun
    from mmm.batch.run import BatchSummary
    from mmm.batch.spread import Encryption

EXIT_NOT_WELL = 1
NEEDED = ("dask", "distributed", "duckdb", "fsspec", "sqlalchemy")


class Refusals(Protocol):
    """Turns what the library refuses into messages and an exit code."""

    def __call__(self) -> AbstractContextManager[None]: ...


Out = Annotated[
    str,
    typer.Option(
        "--out", help="The store: a folder, or as s3://bucket/prefix.", show_default=False
    ),
]


def add_commands(app: typer.Typer, refusals: Refusals) -> None:
    """Adds `batch`, `promote`, `complete` and `reproduce` to the command line."""

    @app.command()
    def batch(
        batch: Annotated[
            Path, typer.Argument(metavar="BATCH", help="The batch file.", show_default=False)
        ],
        out: Out,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say what would run and why, and stop.")
        ] = False,
        force: Annotated[
            bool, typer.Option("--force", help="Run what is unchanged, too, under a further name.")
        ] = False,
        scheduler: Annotated[
            str | None,
            typer.Option(
                "--scheduler",
                help="Address of a Dask scheduler, as tcp://host:8786; left out, one worker a "
                "core of this machine.",
                show_default=False,
            ),
        ] = None,
        workers: Annotated[
            int | None,
            typer.Option("--workers", min=1, help="Workers on this machine.", show_default=False),
        ] = None,
        tls_ca: Annotated[
            Path | None, typer.Option("--tls-ca", help="Certificate of the authority.")
        ] = None,
        tls_cert: Annotated[
            Path | None, typer.Option("--tls-cert", help="Our certificate.")
        ] = None,
        tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Our key.")] = None,
        reindex: Annotated[
            bool, typer.Option("--reindex", help="Rebuild the index from the runs, and stop.")
        ] = False,
        lines: Annotated[
            bool | None,
            typer.Option(
                "--json/--no-json",
                help="One JSON line an event; left out, where no terminal watches.",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Run many studies into one store; what is unchanged is skipped.

        Exit 0 when all is well, 1 when a study failed or an alarm was raised (the others are
        done), 2 when the batch file is wrong (nothing was run).
        """
        with refusals():
            _need_extra()
            if reindex:
                _reindex(batch, out)
            elif dry_run:
                _show_plan(batch, out, force=force, lines=bool(lines))
            else:
                encryption = _encryption(tls_ca, tls_cert, tls_key)
                summary = _run(batch, out, force, scheduler, encryption, workers, lines)
                if not summary.well:
                    raise typer.Exit(EXIT_NOT_WELL)

    @app.command()
    def promote(
        study: Annotated[str, typer.Argument(metavar="STUDY", show_default=False)],
        run: Annotated[str, typer.Argument(metavar="RUN", show_default=False)],
        out: Out,
        because: Annotated[
            str, typer.Option("--because", help="Why, for those who ask later.")
        ] = "Promoted by hand.",
    ) -> None:
        """Deploy a run of a store that the rules held back, or go back to an earlier one."""
        with refusals():
            _need_extra()
            from mmm.batch.index import rebuild_index
            from mmm.batch.runs import promote_run
            from mmm.batch.store import open_store

            store = open_store(out, must_exist=True)
            promote_run(store, study, run, [because])
            rebuild_index(store)
            typer.echo(f"Deployed: {study} {run}")

    @app.command()
    def complete(
        run: Annotated[
            Path,
            typer.Argument(
                metavar="RUN", help="Directory of a run of a batch.", show_default=False
            ),
        ],
        out: Annotated[
            Path, typer.Option("--out", help="Directory for the results.", show_default=False)
        ],
    ) -> None:
        """Write all artefacts of a run that a batch kept lean, from its stored fit."""
        with refusals():
            from mmm.batch.complete import complete_run

            typer.echo(f"Report: {complete_run(run, out).report}")

    @app.command()
    def reproduce(
        run: Annotated[
            str,
            typer.Argument(
                metavar="RUN",
                help="Directory of a run, or STORE#STUDY/RUN.",
                show_default=False,
            ),
        ],
    ) -> None:
        """Fit a run again from what it kept and say whether the result is the same.

        Exit 0 when it is equal, 1 when data or numbers differ beyond simulation error.
        """
        with refusals():
            _need_extra()
            from mmm.batch.reproduce import reproduce as again

            result = again(run)
            for difference in result.differences:
                typer.echo(str(difference) + (" (beyond simulation error)" * difference.beyond))
            said = (
                "identical, draw by draw" if result.identical else "equal within simulation error"
            )
            typer.echo(f"{result.study}: {said if result.equal else 'differs'}")
            if not result.equal:
                raise typer.Exit(EXIT_NOT_WELL)


def _need_extra() -> None:
    """Raises `InputError` where the libraries of batches are not installed."""
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise input_error(
            "batch",
            "this installation",
            f"lacks {', '.join(missing)}, which batches need.",
            "Install them with: pip install 'mmm[batch]'",
        )


def _run(
    batch: Path,
    out: str,
    force: bool,
    scheduler: str | None,
    encryption: Encryption | None,
    workers: int | None,
    lines: bool | None,
) -> BatchSummary:
    from mmm.batch.progress import telling
    from mmm.batch.run import run_batch

    try:
        with telling(lines=lines) as watch:
            summary = run_batch(
                batch,
                out,
                force=force,
                scheduler=scheduler,
                encryption=encryption,
                workers=workers,
                watch=watch,
            )
    except OSError as error:
        typer.echo(f"The batch stopped: {error}. What is done is kept; run it again.", err=True)
        raise typer.Exit(EXIT_NOT_WELL) from error
    typer.echo(_sentence(summary), err=True)
    return summary


def _sentence(summary: BatchSummary) -> str:
    parts = (
        f"{summary.planned} studies: {summary.done} done, {summary.skipped} unchanged, "
        f"{summary.failed} failed; {summary.promoted} promoted, {summary.held} held, "
        f"{summary.alarms} alarms; {summary.seconds:.0f} s."
    )
    return "\n".join([parts, *summary.problems])


def _show_plan(batch: Path, out: str, *, force: bool, lines: bool) -> None:
    from mmm.batch.run import plan_only

    plan = plan_only(batch, out, force=force)
    for one in plan:
        if lines:
            row = {"study": one.study, "run": one.run, "action": one.action, "reason": one.reason}
            typer.echo(json.dumps(row, ensure_ascii=False))
        elif one.action != "skip":
            typer.echo(f"{one.action.value:5} {one.study}: {one.reason}")
    typer.echo(_count(plan), err=lines)


def _count(plan: list[PlannedRun]) -> str:
    actions = Counter(one.action.value for one in plan)
    return (
        f"{len(plan)} studies: {actions['run']} to run, {actions['skip']} unchanged, "
        f"{actions['fail']} that cannot be run."
    )


def _reindex(batch: Path, out: str) -> None:
    from mmm.batch.index import rebuild_index
    from mmm.batch.store import open_store
    from mmm.config.load import load_batch

    load_batch(batch)
    frame = rebuild_index(open_store(out, must_exist=True), anew=True)
    typer.echo(f"{len(frame)} runs of {frame['study'].nunique()} studies in the index.")


def _encryption(ca: Path | None, cert: Path | None, key: Path | None) -> Encryption | None:
    given = [path for path in (ca, cert, key) if path is not None]
    if not given:
        return None
    if ca is None or cert is None or key is None:
        raise input_error(
            "scheduler", "--tls-ca, --tls-cert, --tls-key", "belong together.", "Give all three."
        )
    missing = [path for path in given if not path.is_file()]
    if missing:
        raise input_error(
            "scheduler", str(missing[0]), "there is no such file.", "Check the TLS files."
        )
    from mmm.batch.spread import Encryption

    return Encryption(ca, cert, key)
