"""Self-contained HTML pages: templates that escape every text, and drawings in SVG."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Column:
    """Heading and style of a table's column."""

    name: str
    css: str = "number"
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Contents of a table, for the macro `table` of parts.html."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[object]]


def render(template: str, **values: Any) -> str:
    """Renders a page.

    Args:
        template: A file of this package, such as `data/checks/report.html`; it extends `runtime/pages/base.html`.
        values: All variables of the template.
    """
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> Environment:
    from jinja2 import (
        Environment,
        PackageLoader,
        StrictUndefined,
    )  # the import takes 0.1 s, and most commands do not need it

    return Environment(
        loader=PackageLoader("pipeline", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
