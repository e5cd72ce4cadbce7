"""Which run of many is the best, whether that means anything, and why."""

from pipeline.compare.sweep_report import command, rank_sweep, report_sweep

TOP = 20  # configurations that a screen lists unless more are asked for

__all__ = ["TOP", "command", "rank_sweep", "report_sweep"]
