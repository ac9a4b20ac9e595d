"""The report: one self-contained page, drawn from the frames that are written as artefacts."""

from mmm.report.document import ReportInputs, render_report

__all__ = ["ReportInputs", "render_report"]
