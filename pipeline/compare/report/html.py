"""Tables and paragraphs of the page; every text that comes from the runs is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Column:
    """The head of a table's column, and how its cells are set."""

    name: str
    css: str = "number"
    title: str = ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, mark_first: bool = False) -> str:
    """A table of texts, the first row in bold if wanted."""
    set_as_below = ("number", "id")
    head = "".join(
        f'<th class="{column.css if column.css in set_as_below else ""}" title="{escape(column.title or column.name)}">'
        f"{escape(column.name)}</th>"
        for column in columns
    )
    body = "\n".join(
        f'<tr class="{"best" if mark_first and not place else ""}">'
        + "".join(f'<td class="{column.css}">{escape(cell)}</td>' for column, cell in zip(columns, row, strict=True))
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def section(title: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where that is nothing."""
    inner = "\n".join(part for part in parts if part)
    return f"<h2>{escape(title)}</h2>\n{inner}\n" if inner else ""


def note(text: str) -> str:
    """A quiet paragraph."""
    return f'<p class="note">{escape(text)}</p>'


def charts(pictures: Iterable[str | None]) -> str:
    """Drawings side by side where there is room."""
    drawn = "\n".join(f"<div>{picture}</div>" for picture in pictures if picture)
    return f'<div class="charts">\n{drawn}\n</div>' if drawn else ""
