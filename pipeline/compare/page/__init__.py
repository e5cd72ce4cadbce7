"""The report of a comparison as a page of its own."""

from pipeline.compare.page.whole import render

__all__ = ["render"]
