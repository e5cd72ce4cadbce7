"""The checks before training: what is in the columns, what differs between the splits, and what looks wrong."""

from pipeline.data.report.build import report
from pipeline.data.report.facts import Column, Report
from pipeline.data.report.useless import useless

__all__ = ["Column", "Report", "report", "useless"]
