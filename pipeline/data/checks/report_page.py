"""A report as one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

from pipeline.data.checks import report_text
from pipeline.data.checks.facts import Report
from pipeline.runtime import pages
from pipeline.runtime.pages import Column, Table
from pipeline.runtime.pages.svg import bars


def render(report: Report) -> str:
    """The whole page; every text from the data is escaped."""
    return pages.render(
        "data/checks/report.html",
        title=f"Data report: {report.name}",
        report=report,
        facts=_facts(report),
        warnings=report_text.warnings(report),
        target=_classes(report) if report.classes else _ranges(report),
        values_of=report_text.values,
        bars=bars,
    )


def _facts(report: Report) -> str:
    parts = ", ".join(f"{n:,} {part}" for part, n in report.n_rows_by_split.items())
    facts = (
        f"{report.n_rows:,} rows ({parts}); {report.n_columns:,} inputs; {report.task}; "
        f"{report.n_duplicate_rows:,} duplicate rows; fingerprint {report.fingerprint}"
    )
    if report.n_rows_looked_at < report.n_rows:
        facts += f"; the rest of this page describes a sample of {report.n_rows_looked_at:,} rows"
    return facts


def _classes(report: Report) -> Table:
    """Rows of each class by split."""
    totals = {part: max(1, sum(counts.values())) for part, counts in report.classes.items()}
    rows = [
        [label, *(f"{counts[label]:,} ({counts[label] / totals[part]:.1%})" for part, counts in report.classes.items())]
        for label in next(iter(report.classes.values()))
    ]
    return Table([Column("class", "name"), *map(Column, report.classes)], rows)


def _ranges(report: Report) -> Table:
    """Lowest, mean and highest value of each output by split."""
    rows = [
        [name, part, *("" if value is None else f"{value:.6g}" for value in found.values())]
        for name, by_part in report.ranges.items()
        for part, found in by_part.items()
    ]
    return Table([Column("output", "name"), *map(Column, ("split", "min", "mean", "max"))], rows)
