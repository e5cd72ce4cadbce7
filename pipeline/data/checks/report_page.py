"""A report as one HTML page that loads nothing of elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pipeline.data.checks import report_text
from pipeline.data.checks.facts import ColumnFacts, Report

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2430; background: #fff; margin: 2rem auto; max-width: 78rem;
  padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } .narrow { width: auto }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dfe3ea; vertical-align: top }
th { position: sticky; top: 0; background: #f4f6f9; font-weight: 600 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.values { max-width: 24rem; overflow-wrap: anywhere; color: #445 } .name { overflow-wrap: anywhere; font-weight: 600 }
.note { color: #667 } .warning { color: #9a3412 }
ul.warnings { background: #fff7ed; border-left: 4px solid #ea580c; padding: .6rem 1rem .6rem 2rem }
svg { display: block; fill: #5b7fb9 } .scroll { overflow-x: auto }
input { font: inherit; padding: .2rem .5rem; width: 16rem; max-width: 100% } .sorts th { cursor: pointer }
@media (prefers-color-scheme: dark) {
  body { color: #e3e7ee; background: #14181f } th { background: #1e242e } th, td { border-color: #313947 }
  .values, .note { color: #a4adbb } .warning { color: #fdba74 } ul.warnings { background: #2b2018 }
}
"""
BAR_WIDTH, BAR_HEIGHT = 7, 28  # pixels
MAX_UNSORTED = 20  # columns; more of them can be filtered and sorted
MAX_VALUES_LENGTH = 120  # characters
SEARCH = """\
<p><input type="search" placeholder="filter by name, kind or note" aria-label="filter columns" id="filter">
<span class="note">A click on a heading sorts.</span></p>
"""
SCRIPT = """\
<script>
const body = document.querySelector(".sorts tbody"), rows = [...body.rows]
document.getElementById("filter").addEventListener("input", event => {
  const wanted = event.target.value.toLowerCase()
  for (const row of rows) row.hidden = ![0, 1, 10].some(i => row.cells[i].textContent.toLowerCase().includes(wanted))
})
document.querySelectorAll(".sorts th").forEach((head, place) => head.addEventListener("click", () => {
  const sign = head.dataset.sign = head.dataset.sign === "1" ? "-1" : "1"
  const text = row => row.cells[place].textContent.trim(), value = row => parseFloat(text(row).replaceAll(",", ""))
  const isNumber = rows.every(row => text(row) === "" || !isNaN(value(row)))
  const key = row => isNumber ? (text(row) === "" ? Infinity : sign * value(row)) : text(row)
  rows.sort((a, b) => isNumber ? key(a) - key(b) || 0 : sign * key(a).localeCompare(key(b)))
  body.append(...rows)
}))
</script>
"""


def render(report: Report) -> str:
    """The whole page; every text of the data is escaped."""
    parts = ", ".join(f"{n:,} {part}" for part, n in report.n_rows_by_split.items())
    facts = (
        f"{report.n_rows:,} rows ({parts}); {report.n_columns:,} inputs; {report.task}; "
        f"{report.n_duplicate_rows:,} duplicate rows; fingerprint {report.fingerprint}"
    )
    if report.n_rows_looked_at < report.n_rows:
        facts += f"; what follows is of a sample of {report.n_rows_looked_at:,} rows"
    found = "".join(f"<li>{escape(warning)}</li>" for warning in report_text.warnings(report))
    warnings = f'<ul class="warnings">{found}</ul>' if found else '<p class="note">Nothing looks wrong.</p>'
    title = escape(f"Data report: {report.name}")
    search, script = (SEARCH, SCRIPT) if len(report.columns) > MAX_UNSORTED else ("", "")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p class="note">{escape(facts)}</p>
{warnings}
<h2>Target</h2>
{_target(report)}
<h2>Columns</h2>
<p class="note">Values are those of the training rows. Drift is the population stability index of a split against
them; above 0.25 and beyond chance it is marked. "Alone" is how well a column predicts the target by itself: 1 is
perfect, 0 is chance.</p>
{search}{_columns(report)}
{script}</body></html>
"""


def _target(report: Report) -> str:
    if report.classes:
        labels = next(iter(report.classes.values()))
        totals = {part: max(1, sum(counts.values())) for part, counts in report.classes.items()}
        rows = (
            [
                label,
                *(f"{counts[label]:,} ({counts[label] / totals[part]:.1%})" for part, counts in report.classes.items()),
            ]
            for label in labels
        )
        return _table(["class", *report.classes], rows, css="narrow")
    rows = (
        [name, part, *("" if value is None else f"{value:.6g}" for value in found.values())]
        for name, by_part in report.ranges.items()
        for part, found in by_part.items()
    )
    drawn = "".join(
        f'<p class="note">{escape(name)} in training rows</p>\n{_bars(shares)}\n'
        for name, shares in report.target_shares.items()
    )
    return _table(["output", "split", "min", "mean", "max"], rows, css="narrow") + "\n" + drawn


def _table(head: Iterable[str], rows: Iterable[list[str]], css: str) -> str:
    """A table of texts; the first column names, the others count."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f'<tr><td class="name">{escape(row[0])}</td>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="scroll"><table class="{css}"><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'
    )


def _columns(report: Report) -> str:
    head = (
        "column",
        "kind",
        "missing",
        "in train",
        "distinct",
        "",
        "values",
        "drift val",
        "drift test",
        "alone",
        "note",
    )
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "\n".join(_column(column, column.name in report.suspicious) for column in report.columns)
    css = "sorts" if len(report.columns) > MAX_UNSORTED else ""
    return (
        f'<div class="scroll"><table class="{css}"><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
    )


def _column(column: ColumnFacts, suspicious: bool) -> str:
    notes = [*(["suspicious"] if suspicious else []), *([column.useless] if column.useless else [])]
    name = column.name if column.n_inputs == 1 else f"{column.name} ({column.n_inputs} inputs)"
    cells = [
        f'<td class="name">{escape(name)}</td><td>{escape(column.kind)}</td>',
        _number(column.n_missing, ","),
        _number(column.n_missing_train, ","),
        _number(column.n_distinct, ","),
        f"<td>{_bars(column.shares)}</td>",
        f'<td class="values">{_values(column)}</td>',
        _number(column.drift_val, ".3f", marked="val" in column.strong_drift),
        _number(column.drift_test, ".3f", marked="test" in column.strong_drift),
        _number(column.score_alone, ".3f", marked=suspicious),
        f'<td class="warning">{escape("; ".join(notes))}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _values(column: ColumnFacts) -> str:
    """In short; all of what is known stands in the title."""
    text = report_text.values(column)
    if len(text) <= MAX_VALUES_LENGTH:
        return escape(text)
    return f'<span title="{escape(text)}">{escape(text[: MAX_VALUES_LENGTH - 3])}...</span>'


def _number(value: float | None, form: str, *, marked: bool = False) -> str:
    css = "number warning" if marked else "number"
    return f'<td class="{css}">{"" if value is None else format(value, form)}</td>'


def _bars(shares: list[float]) -> str:
    """A bar per bin, the tallest as high as the picture."""
    tallest = max(shares, default=0.0) or 1.0
    bars = "".join(
        f'<rect x="{BAR_WIDTH * place}" y="{BAR_HEIGHT - height}" width="{BAR_WIDTH - 1}" height="{height}"/>'
        for place, height in enumerate(round(BAR_HEIGHT * share / tallest, 1) for share in shares)
    )
    size = f'width="{BAR_WIDTH * len(shares)}" height="{BAR_HEIGHT}"'
    return f'<svg {size} role="img" aria-label="distribution">{bars}</svg>'
