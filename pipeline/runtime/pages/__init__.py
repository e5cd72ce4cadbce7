"""Pages of their own, which load nothing of elsewhere: templates that escape every text, and drawings in SVG."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Column:
    """The head of a table's column, and how its cells are set."""

    name: str
    css: str = "number"
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Texts for the macro `table` of parts.html."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[object]]


def render(template: str, **values: Any) -> str:
    """A page.

    Args:
        template: A file of this package, such as `data/checks/report.html`; it extends `runtime/pages/base.html`.
        values: What it names. All must be there.
    """
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a tenth of a second, which most commands spare

    return Environment(
        loader=PackageLoader("pipeline", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
