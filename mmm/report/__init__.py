"""The report: one self-contained page, drawn from the frames that are written as artefacts."""

from mmm.report.document import CaseInputs, ReportInputs, render_case, render_report

__all__ = ["CaseInputs", "ReportInputs", "render_case", "render_report"]
