"""The HTML report of a comparison."""

from pipeline.compare.report.comparison_page import render

__all__ = ["render"]
