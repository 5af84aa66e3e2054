"""Report of a run: one self-contained page of HTML that needs no network."""

from tradai.entrypoint._report.model import (
    BalancePoint,
    Figure,
    Group,
    RunReport,
    RunReportParts,
)
from tradai.entrypoint._report.page import render_report

__all__ = ["BalancePoint", "Figure", "Group", "RunReport", "RunReportParts", "render_report"]
