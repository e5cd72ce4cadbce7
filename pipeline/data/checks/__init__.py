"""The checks before training: what is in the columns, what differs between the splits, and what looks wrong."""

from pipeline.data.checks.facts import ColumnFacts, Report
from pipeline.data.checks.run_checks import report
from pipeline.data.checks.useless import useless, without_useless

__all__ = ["ColumnFacts", "Report", "report", "useless", "without_useless"]
