"""Comparison of runs: which one is the best, whether its lead is significant, and which parameters matter."""

from pipeline.compare.sweep_report import command, rank_sweep, report_sweep

TOP = 20  # configurations listed on screen by default

__all__ = ["TOP", "command", "rank_sweep", "report_sweep"]
