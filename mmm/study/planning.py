"""A plan from a saved fit: no refit, seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mmm.config import PlanSettings, Study
from mmm.config.problems import Problem, problems_of
from mmm.errors import Finding, InputError, Severity, input_error
from mmm.study.directory import MANIFEST, refuse_occupied, whole_directory


@dataclass(frozen=True, slots=True)
class PlanResult:
    """Where a plan was left, and what it says in words."""

    directory: Path
    lines: tuple[str, ...]
    verdict: str
    reasons: tuple[str, ...]
    seconds: float


def plan_fit(
    path: Path | str,
    out: Path | str,
    changes: Mapping[str, Any] | None = None,
    *,
    settings: Path | None = None,
    scenario: Path | None = None,
    force: bool = False,
) -> PlanResult:
    """Plans with the fit at `path` and writes plan.csv, forecast.csv and plan.json into `out`.

    The study's `plan` block holds, changed by that in the YAML file `settings` and then by
    `changes`, key by key; a file of controls that `settings` names lies beside it. `scenario` is a
    file of dated spend. Raises `InputError` for settings that cannot be met and `StoredFitError`
    for a fit that cannot be read; nothing is written then.
    """
    started = time.perf_counter()
    path, out = Path(path), Path(out)
    refuse_occupied(out, force=force)
    from mmm.inference.fit import load_fit
    from mmm.plan.decision import decide, plan_json
    from mmm.plan.forecast import forecast
    from mmm.plan.recorded import load_record
    from mmm.plan.scenario import plan_table
    from mmm.plan.scenarios import given_controls, given_scenario
    from mmm.results.respond import response
    from mmm.study.case import fit_verdict
    from mmm.study.files import write_json, write_table

    fit = load_fit(path)
    stated = _read_settings(settings)
    wanted = changed_settings(fit.study, {**stated, **(changes or {})})
    beside = settings.parent if settings is not None and "controls" in stated else None
    given = given_controls(fit, wanted, given_scenario(fit, scenario, wanted.horizon), beside)
    read = response(fit)
    label, reasons = fit_verdict(read, path)
    decision = decide(read, wanted, given, load_record(path))
    content = plan_json(fit, decision)
    with whole_directory(out, force=force) as directory:
        write_table(plan_table(fit, decision.scenario), directory / "plan.csv")
        write_table(forecast(read, decision.scenario), directory / "forecast.csv")
        write_json(content, directory / "plan.json")
        manifest = {
            "study": fit.study.study,
            "fit": path.name,
            "versions": dict(fit.versions),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "verdict": label,
            "reasons": list(reasons),
        }
        write_json(manifest, directory / MANIFEST)
    return PlanResult(
        out,
        summary_lines(content),
        label,
        reasons,
        time.perf_counter() - started,
    )


def changed_settings(study: Study, changes: Mapping[str, Any]) -> PlanSettings:
    """The study's plan settings with `changes`. Raises `InputError` with every problem."""
    plan = study.plan.model_dump(exclude_unset=True) | dict(changes)
    whole = study.model_dump() | {"plan": plan}
    try:
        return Study.model_validate(whole).plan
    except ValidationError:
        raise InputError(
            Finding(
                "plan_settings",
                Severity.ERROR,
                _key(one),
                one.message,
                one.remedy.replace("in the file", "in the settings of the plan"),
            )
            for one in problems_of(Study, whole)
        ) from None


def _key(problem: Problem) -> str:
    """The key of the plan that a problem is about: where it is, else, of a rule over the whole
    block, the first one its message puts in quotes."""
    if len(problem.location) > 1:
        return ".".join(str(part) for part in problem.location)
    quoted = re.findall(r"'([^']+)'|\(plan\.(\w[^)]*)\)", problem.message)
    for name, place in quoted:
        key = place or name.removeprefix("plan.")
        if key.split(".")[0] in PlanSettings.model_fields:
            return f"plan.{key}"
    return "plan"


def _read_settings(path: Path | None) -> dict[str, Any]:
    """The keys of a plan block in a YAML file, by themselves or under 'plan'."""
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise input_error(
            "plan_settings", str(path), f"cannot be read as YAML ({error}).",
            "Give a file with the keys of a study's 'plan' block.",
        ) from error  # fmt: skip
    if isinstance(content, dict) and isinstance(content.get("plan"), dict):
        content = content["plan"]
    if not isinstance(content, dict):
        raise input_error(
            "plan_settings", str(path), "does not hold 'key: value' lines.",
            "Give a file with the keys of a study's 'plan' block.",
        )  # fmt: skip
    return content


def summary_lines(content: Mapping[str, Any]) -> tuple[str, ...]:
    """`plan.json` in a few lines."""
    unit = f" {content['currency']}" if content["currency"] else ""
    lines = [f"Plan: {content['plan']}, {content['start']} to {content['end']}"]
    lines += [
        f"  {row['scenario']}: {row['money']:,.0f}{unit}, expected profit "
        f"{_whole(row['profit_mean'])} ({_whole(row['profit_p05'])} to "
        f"{_whole(row['profit_p95'])}){_chance(row)}"
        for row in content["comparison"]
    ]
    if content["objective"] is not None:
        lines += _best_lines(content, unit)
    lines += [f"{one['where']}: {one['message']}" for one in content["findings"]]
    return tuple(lines)


def _whole(amount: float) -> str:
    """An amount without decimals, and without a sign where it is nothing."""
    return f"{round(amount) + 0:,}"


def _chance(row: Mapping[str, Any]) -> str:
    """The chance that a row of the comparison reaches the target, where there is one."""
    if "probability_of_target" not in row:
        return ""
    return f", reaches the target with a probability of {row['probability_of_target']:.0%}"


def _best_lines(content: Mapping[str, Any], unit: str) -> list[str]:
    """What was found where a plan was optimised."""
    gain = content["gain"]
    lines = [
        f"Against today's: {gain['mean']:+,.0f}{unit} ({gain['p05']:,.0f} to {gain['p95']:,.0f}), "
        f"better with a probability of {gain['probability_better']:.0%}"
    ]
    lines += _backwards(content, unit)
    lines += [
        f"  {row['channel']}: {row['money_today']:,.0f} -> {row['money']:,.0f}"
        for row in content["channels"]
    ]
    if not content["status"]["converged"]:
        lines.append(f"Not proved best: {content['status']['message']}")
    return lines


def _backwards(content: Mapping[str, Any], unit: str) -> list[str]:
    """The budgets found backwards from what is wanted of them."""
    lines = []
    least, hurdle = content.get("least_budget"), content.get("hurdle_budget")
    if least:
        wanted = f"{least['target']:,.6g} with a probability of {least['probability']:.0%}"
        lines.append(
            f"Least budget that reaches {wanted}: {least['budget']:,.0f}{unit}"
            f" (today {least['today']:,.0f})"
            if least["reached"]
            else f"No plan within the constraints reaches {wanted}: the best, with "
            f"{least['budget']:,.0f}{unit}, has a chance of {least['chance']:.1%}"
        )
    if hurdle:
        lines.append(
            f"Budget at which the next unit returns {1 + hurdle['hurdle']:.2f}: "
            f"{hurdle['budget']:,.0f}{unit}"
        )
    return lines
