"""Report of a run: one self-contained page of HTML that needs no network."""

from tradai.entrypoint._report.model import (
    BalancePoint,
    Figure,
    RunReport,
    RunReportParts,
    TradeStats,
)
from tradai.entrypoint._report.page import render_report

__all__ = ["BalancePoint", "Figure", "RunReport", "RunReportParts", "TradeStats", "render_report"]
