"""The checks before training: what is in the columns, what differs between the splits, and what looks wrong."""

from pipeline.data.checks.facts import ColumnFacts, Report
from pipeline.data.checks.report_text import leak_advice
from pipeline.data.checks.run_checks import report
from pipeline.data.checks.useless import useless, without_useless

__all__ = ["ColumnFacts", "Report", "leak_advice", "report", "useless", "without_useless"]
