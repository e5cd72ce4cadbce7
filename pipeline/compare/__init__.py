"""Which run of many is the best, whether that means anything, and why."""

from pipeline.compare.sweep_report import report_sweep

__all__ = ["report_sweep"]
