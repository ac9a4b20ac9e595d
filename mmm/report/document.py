"""The whole page: sections in the order a finance director reads, in one HTML file."""

from __future__ import annotations

import re

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Section
from mmm.report.case_inputs import CaseInputs
from mmm.report.inputs import ReportInputs
from mmm.report.sections.answer import STANCES, answer_section
from mmm.report.sections.basis import basis_section
from mmm.report.sections.brand import brand_section
from mmm.report.sections.case import case_section
from mmm.report.sections.confounding import confounding_section
from mmm.report.sections.evaluation import evaluation_section
from mmm.report.sections.experiments import experiments_section
from mmm.report.sections.history import (
    curves_section,
    decomposition_section,
    fit_section,
    forecast_section,
    waterfall_section,
)
from mmm.report.sections.lags import lags_section
from mmm.report.sections.method import findings_section, method_section
from mmm.report.sections.paths import paths_section
from mmm.report.sections.plan import plan_section
from mmm.report.sections.reconciliation import reconciliation_section
from mmm.report.sections.returns import returns_section

_MARKUP = re.compile(r"(<style.*?</style>|<[^>]*>)|[^<]+", re.DOTALL)
"""What is not read, in the first group, or text between."""

__all__ = ["CaseInputs", "ReportInputs", "render_case", "render_report"]


def render_report(inputs: ReportInputs) -> str:
    """The page as HTML: no script, nothing fetched when it is viewed, all names escaped."""
    dates = pd.to_datetime(inputs.fitted["date"])
    return _render(inputs, dates, _sections(inputs))


def render_case(inputs: CaseInputs) -> str:
    """The case alone, as `render_report` draws it: one page, and what is behind it."""
    dates = pd.to_datetime(inputs.cashflow["date"])
    return _render(inputs, dates, (case_section(inputs), basis_section(inputs)))


def _render(
    inputs: ReportInputs | CaseInputs, dates: pd.Series, sections: tuple[Section, ...]
) -> str:
    loader = PackageLoader("mmm.report")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    stance = STANCES[inputs.verdict]
    word = words.period_word(dates)
    sheet, _, _ = loader.get_source(environment, "style.css")
    page = environment.get_template("report.html.j2").render(
        study=inputs.study,
        window=f"{words.date_label(dates.min(), word)} to {words.date_label(dates.max(), word)}",
        verdict=inputs.verdict,
        stance=stance,
        reasons=inputs.reasons,
        sections=sections,
        sheet=Markup(sheet),
        running_head=css_text(stance.banner),
        running_foot=css_text(f"{inputs.study}: marketing as an investment"),
    )
    return _MARKUP.sub(lambda found: found[0] if found[1] else words.styled(found[0]), page)


def _sections(inputs: ReportInputs) -> tuple[Section, ...]:
    sections = (
        answer_section(inputs),
        case_section(inputs),
        basis_section(inputs),
        returns_section(inputs),
        *paths_section(inputs),
        brand_section(inputs),
        waterfall_section(inputs),
        reconciliation_section(inputs),
        experiments_section(inputs),
        confounding_section(inputs),
        curves_section(inputs),
        lags_section(inputs),
        fit_section(inputs),
        decomposition_section(inputs),
        plan_section(inputs),
        forecast_section(inputs),
        evaluation_section(inputs),
        findings_section(inputs),
        method_section(inputs),
    )
    return tuple(section for section in sections if section is not None)


def css_text(text: str) -> Markup:
    """A quoted CSS string: all but ASCII letters and digits as hexadecimal escapes."""
    kept = (char if char.isascii() and char.isalnum() else f"\\{ord(char):06x}" for char in text)
    return Markup(f'"{"".join(kept)}"')
