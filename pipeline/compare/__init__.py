"""Which run of many is the best, whether that means anything, and why."""

from pipeline.compare.sweep_report import command, rank_sweep, report_sweep

__all__ = ["command", "rank_sweep", "report_sweep"]
