"""Input columns for tests that need no model."""

from pipeline.data.reading.input_column import MARKS, InputColumn, TextFormat


def number(name: str, *marks: str, decimal: str = ".", gaps: bool = True) -> InputColumn:
    """A column of numbers, of a model trained on text with these marks of gaps of its own."""
    text = TextFormat(decimal, (*MARKS, *marks), (*MARKS, *marks))
    return InputColumn(name, name, "numeric", "float64", (None,), gaps=gaps, fill=2.5, text=text)


def text(name: str, *marks: str, gaps: bool = True, date: str | None = None) -> InputColumn:
    """A column of categories, or of dates."""
    written = TextFormat(".", (*MARKS, *marks), (*MARKS, *marks))
    kind = "category" if date is None else "date"
    return InputColumn(name, name, kind, "string", (None,), gaps=gaps, fill="none", text=written, date=date)
