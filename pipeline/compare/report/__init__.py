"""The report of a comparison as a page of its own."""

from pipeline.compare.report.comparison_page import render

__all__ = ["render"]
