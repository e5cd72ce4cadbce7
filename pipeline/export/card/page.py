"""A page as Markdown and as HTML, from the same parts."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.runtime import pages
from pipeline.runtime.pages import Column, Table
from pipeline.runtime.pages.chart import Chart

LARGE, BEYOND_DIGITS = 1e5, 1e15  # numbers that are shown in full: prices, populations
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#])")


@dataclass
class Page:
    """Parts are added in turn; every text of the data is escaped."""

    title: str
    _markdown: list[str] = field(default_factory=list)
    _parts: list[tuple[str, object]] = field(default_factory=list)  # for card.html: kind and content

    def heading(self, text: str) -> None:
        """A section begins."""
        self._markdown.append(f"## {_escaped(text)}")
        self._parts.append(("heading", text))

    def paragraph(self, text: str) -> None:
        """A paragraph."""
        self._markdown.append(_escaped(text))
        self._parts.append(("paragraph", text))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table of texts.

        Args:
            head: Names of the columns.
            rows: As many cells in each.
        """
        cells = [[_escaped(cell) for cell in row] for row in rows]
        bar = "|" + "---|" * len(head)
        lines = [f"| {' | '.join(line)} |" for line in ([*map(_escaped, head)], *cells)]
        self._markdown.append("\n".join([lines[0], bar, *lines[1:]]))
        self._parts.append(("table", Table([Column(name, "") for name in head], rows)))

    def picture(self, title: str, chart: Chart) -> None:
        """A drawing, inside the page itself.

        Args:
            title: What Markdown has where pictures are not shown.
            chart: The drawing.
        """
        data = base64.b64encode(chart.image().encode()).decode()
        self._markdown.append(f"![{_escaped(title)}](data:image/svg+xml;base64,{data})")
        self._parts.append(("picture", chart.svg()))

    def code(self, language: str, text: str) -> None:
        """A block of code.

        Args:
            language: As Markdown names it.
            text: The code, without three backticks in a row.
        """
        self._markdown.append(f"```{language}\n{text}\n```")
        self._parts.append(("code", text))

    def markdown(self) -> str:
        """The whole page as Markdown."""
        return "\n\n".join([f"# {_escaped(self.title)}", *self._markdown]) + "\n"

    def html(self) -> str:
        """The whole page as HTML, without scripts or anything of elsewhere."""
        return pages.render("export/card/card.html", title=self.title, parts=self._parts)


def number(value: float | None) -> str:
    """As all tables of the card show numbers; nothing for one that is not there."""
    if value is None:
        return ""
    return f"{value:,.0f}" if LARGE <= abs(value) < BEYOND_DIGITS else f"{value:.5g}"


def _escaped(text: object) -> str:
    return MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
