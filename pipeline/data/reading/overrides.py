"""Overrides that messages suggest; they keep what the keys hold already."""

from collections.abc import Iterable

from pipeline.config.quoting import in_shell, quoted

Marks = Iterable[str | int | float]


def as_gaps(values: Marks, marks: Marks) -> str:
    """The override that makes gaps of values, quoted for a shell.

    Args:
        values: The values.
        marks: `data.missing_values` as it is, which the override would replace.
    """
    shown = [quoted(mark) if isinstance(mark, str) else repr(mark) for mark in dict.fromkeys([*marks, *values])]
    return in_shell(f"data.missing_values=[{', '.join(shown)}]")


def dropping(names: Iterable[str], dropped: Iterable[str]) -> str:
    """The override that leaves out columns, quoted for a shell.

    Args:
        names: The columns.
        dropped: `data.drop` as it is, which the override would replace.
    """
    shown = [name if name.isidentifier() else quoted(name) for name in dict.fromkeys([*dropped, *names])]
    return in_shell(f"data.drop=[{','.join(shown)}]")
