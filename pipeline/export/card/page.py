"""A page as Markdown and as HTML, from the same parts."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid #dfe3ea }
.scroll { overflow-x: auto } h1, p, td { overflow-wrap: break-word }
th { background: #f4f6f9 } pre { background: #f4f6f9; padding: .8rem; overflow-x: auto }
svg { max-width: 100%; height: auto }
"""
LARGE, BEYOND_DIGITS = 1e5, 1e15  # numbers that are shown in full: prices, populations
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#])")


@dataclass
class Page:
    """Parts are added in turn; every text of the data is escaped."""

    title: str
    _markdown: list[str] = field(default_factory=list)
    _html: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """A section begins."""
        self._markdown.append(f"## {_escaped(text)}")
        self._html.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """A paragraph."""
        self._markdown.append(_escaped(text))
        self._html.append(f"<p>{escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table of texts."""
        cells = [[_escaped(cell) for cell in row] for row in rows]
        bar = "|" + "---|" * len(head)
        lines = [f"| {' | '.join(line)} |" for line in ([*map(_escaped, head)], *cells)]
        self._markdown.append("\n".join([lines[0], bar, *lines[1:]]))
        body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
        names = "".join(f"<th>{escape(name)}</th>" for name in head)
        self._html.append(
            f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'
        )

    def picture(self, title: str, svg: str) -> None:
        """A drawing, inside the page itself."""
        data = base64.b64encode(svg.encode()).decode()
        self._markdown.append(f"![{_escaped(title)}](data:image/svg+xml;base64,{data})")
        self._html.append(svg)

    def code(self, language: str, text: str) -> None:
        """A block of code; its text must not hold three backticks in a row."""
        self._markdown.append(f"```{language}\n{text}\n```")
        self._html.append(f"<pre>{escape(text)}</pre>")

    def markdown(self) -> str:
        """The whole page as Markdown."""
        return "\n\n".join([f"# {_escaped(self.title)}", *self._markdown]) + "\n"

    def html(self) -> str:
        """The whole page as HTML, without scripts or anything of elsewhere."""
        title = escape(self.title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width">\n<title>{title}</title><style>{STYLE}</style></head><body>\n'
            f"<h1>{title}</h1>\n" + "\n".join(self._html) + "\n</body></html>\n"
        )


def number(value: float | None) -> str:
    """As all tables of the card show numbers; nothing for one that is not there."""
    if value is None:
        return ""
    return f"{value:,.0f}" if LARGE <= abs(value) < BEYOND_DIGITS else f"{value:.5g}"


def _escaped(text: object) -> str:
    return MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
