"""A report as the brief lines that are shown before training."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.data.checks.facts import ColumnFacts, Report
from pipeline.data.reading.overrides import dropping

MAX_COLUMNS = 30
MAX_NAMED = 10  # columns or classes in a sentence
MUCH_UNSEEN = 0.5  # of the rows of a split
WIDEST_NAME, WIDEST_VALUES = 32, 48


def lines(report: Report) -> list[str]:
    """Rows, target, a table of columns, and warnings."""
    parts = ", ".join(f"{n} {part}" for part, n in report.n_rows_by_split.items())
    head = f"{report.name}: {report.n_rows} rows ({parts}), {report.n_columns} inputs, fingerprint {report.fingerprint}"
    if report.n_rows_looked_at < report.n_rows:
        head += f"; what follows describes a sample of {report.n_rows_looked_at} rows"
    return [head, *target(report), *column_table(report.columns), *(f"warning: {text}" for text in warnings(report))]


def target(report: Report) -> list[str]:
    """Class balance per split, or each output's range per split."""
    found = []
    for part, counts in report.classes.items():
        total = max(1, sum(counts.values()))
        shown = [f"{name} {count / total:.1%}" for name, count in list(counts.items())[:MAX_NAMED]]
        found.append(f"classes in {part}: {', '.join(shown)}{_and_more(len(counts) - MAX_NAMED)}")
    for name, by_part in report.ranges.items():
        shown = [f"{part} {_span(r['min'], r['mean'], r['max'])}" for part, r in by_part.items()]
        found.append(f"target {name} (min, mean, max): {'; '.join(shown)}")
    return found


def warnings(report: Report) -> list[str]:
    """What deserves a look before training, each with a remedy."""
    found = _suspicious(report)
    if report.useless:
        reasons = [f"{name!r} is {reason}" for name, reason in report.useless.items()]
        found.append(f"{_listed(reasons, '; ')}; data.drop_useless=true leaves such columns out")
    if unmoved := [repr(name) for name, reason in report.useless.items() if reason in ("constant", "empty")]:
        found.append(f"the model ignores {_listed(unmoved, ', ')}, whatever values come later")
    return found + _differing(report.columns) + _copies(report)


def leak_advice(report: Report) -> str | None:
    """Returns what to try after a run with columns that predict the target suspiciously well; None without any."""
    if not report.suspicious:
        return None
    names, several = list(report.suspicious), len(report.suspicious) > 1
    whose, predicts = ("their", "each predicts") if several else ("its", "it predicts")
    reason = f"{predicts} the target almost perfectly by itself"
    return f"{dropping(names, report.dropped)} if {whose} values are not known before the target: {reason}"


def _suspicious(report: Report) -> list[str]:
    """One warning for all columns, as a second override would undo the first."""
    if not report.suspicious:
        return []
    shown = [f"{name!r} (score {score:.3f} of 1)" for name, score in report.suspicious.items()]
    several = len(shown) > 1
    what = (
        "predict the target almost perfectly, each by itself"
        if several
        else "predicts the target almost perfectly by itself"
    )
    which = "those that are not known before the target is" if several else "it if it is not known before the target is"
    drop = dropping(report.suspicious, report.dropped)
    return [f"column{'s' * several} {', '.join(shown)} {what}; leave out {which}, with {drop}"]


def _copies(report: Report) -> list[str]:
    """Rows that occur more than once."""
    found = []
    if report.n_duplicate_rows:
        found.append(f"{report.n_duplicate_rows} rows are copies of earlier rows, targets included")
    copies = [f"{n} of {part}" for part, n in report.n_copies_of_training_rows.items() if n]
    if copies:
        found.append(f"rows that are also training rows: {' and '.join(copies)}; scores on them are too good")
    return found


def _differing(columns: Sequence[ColumnFacts]) -> list[str]:
    """Columns whose values in validation or test rows differ from those in training rows."""
    found = []
    drifted = [
        f"{column.name!r} in {part} ({getattr(column, f'drift_{part}'):.2f})"
        for column in columns
        for part in column.strong_drift
    ]
    if drifted:
        found.append(f"unlike training rows (population stability index): {_listed(drifted, ', ')}")
    unseen = [
        f"{column.name!r} in {part} ({share:.0%})"
        for column in columns
        for part, share in column.unseen.items()
        if share > MUCH_UNSEEN or (share > 0 and part in column.strong_drift)
    ]
    if unseen:
        said = "values that no training row has, so nothing was learned about them"
        found.append(f"{said}: {_listed(unseen, ', ')}; data.drop leaves columns out")
    return found


def values(column: ColumnFacts) -> str:
    """A column's values in short: least, mean and most, or the most frequent."""
    if column.frequent:
        return ", ".join(f"{value} ({count})" for value, count in column.frequent.items())
    return "" if column.least is None else _span(column.least, column.mean, column.most)


def column_table(columns: Sequence[ColumnFacts]) -> list[str]:
    """A line for each column: its kind, gaps, distinct values and values; of many columns, the first."""
    shown = [
        (
            _cut(column.name if column.n_inputs == 1 else f"{column.name} ({column.n_inputs} inputs)", WIDEST_NAME),
            column.kind,
            str(column.n_missing),
            "" if column.n_distinct is None else str(column.n_distinct),
            _cut(values(column), WIDEST_VALUES),
        )
        for column in columns[:MAX_COLUMNS]
    ]
    table = [("column", "kind", "missing", "distinct", "values of training rows"), *shown]
    widths = [max(len(row[place]) for row in table) for place in range(4)]
    formatted = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in table
    ]
    n_more = len(columns) - MAX_COLUMNS
    return formatted + ([f"and {n_more} more columns"] if n_more > 0 else [])


def _span(*numbers: float | str | None) -> str:
    return " .. ".join(
        number if isinstance(number, str) else f"{number:.5g}" for number in numbers if number is not None
    )


def _listed(texts: list[str], mark: str) -> str:
    return mark.join(texts[:MAX_NAMED]) + _and_more(len(texts) - MAX_NAMED)


def _and_more(n: int) -> str:
    return f" and {n} more" if n > 0 else ""


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())  # a line break would tear the table
    return text if len(text) <= width else text[: width - 3] + "..."
