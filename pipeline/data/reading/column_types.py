"""The meaning of a column's values: gaps, numbers, booleans, dates or text."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np
import pandas as pd

from pipeline.data.reading.input_column import BOOLEANS, EXACT
from pipeline.data.reading.notation import marked_number, number_in


def with_columns(frame: pd.DataFrame, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The table with some columns replaced; unlike in pandas's `assign`, one may be named `self`.

    Args:
        frame: The table.
        columns: New values by column.
    """
    frame = frame.copy(deep=False)
    for name, column in columns.items():
        frame[name] = column
    return frame


def kind_of(column: pd.Series) -> str | None:
    """`number`, `boolean`, `date`, `text` or `mixed`; None if all values are missing."""
    if not column.notna().any():
        return None
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if isinstance(column.dtype, pd.StringDtype):
        return "text"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    return {"string": "text", "boolean": "boolean", "integer": "number"}.get(inferred, "mixed")


def is_text(column: pd.Series) -> bool:
    """Whether the column holds strings, whatever their content."""
    return isinstance(column.dtype, pd.StringDtype)


def inferred(text: pd.Series, marks: tuple[str, ...], decimal: str) -> pd.Series:
    """Converts strings to what they say: numbers, booleans (with gaps: objects) or text without surrounding blanks.

    If one whole number has leading zeros, the column stays text: 020 is a code, and 20 may be another.

    Args:
        text: A column of strings.
        marks: Strings that are missing values.
        decimal: Decimal mark.
    """
    codes, found = pd.factorize(text)  # parses a repeated text once; -1 for gaps
    distinct = pd.Series(found)
    meant = _inferred(distinct, marks, decimal)
    if is_text(meant) and meant.equals(distinct):
        return text
    values = meant.array if is_text(meant) else meant.to_numpy()
    return pd.Series(pd.api.extensions.take(values, codes, allow_fill=True), index=text.index, name=text.name)


def _inferred(text: pd.Series, marks: tuple[str, ...], decimal: str) -> pd.Series:
    text = stripped(text, marks)
    if text.isna().all():
        return pd.Series(np.nan, index=text.index, name=text.name)
    if _are_numbers(text.dropna().head(100), decimal) and not is_padded(text):
        try:
            return without_marked_numbers(_numbers(text, decimal), marks)
        except ValueError:
            return text
    if text.dropna().head(100).isin(list(BOOLEANS)).all() and text.dropna().isin(list(BOOLEANS)).all():
        booleans = text.astype(object).map(BOOLEANS)
        return booleans if text.isna().any() else booleans.astype(bool)
    return text


def stripped(text: pd.Series, marks: tuple[str, ...]) -> pd.Series:
    """Strings without surrounding blanks, and NaN for marks of gaps.

    Args:
        text: A column of strings.
        marks: Strings that are missing values.
    """
    text = text.str.strip()
    return text.mask(text.isin(marks))


def is_misread(mark: str) -> bool:
    """Whether Python reads a mark of gaps as another number, such as 010 or 1_000."""
    try:
        return not np.isnan(float(mark)) and marked_number(mark) is None
    except ValueError:
        return False


def has_unread_gaps(column: pd.Series, marks: tuple[str, ...]) -> bool:
    """Whether pandas has left marks of gaps in a column of text, as with whole numbers from 2**63 to 2**64.

    Args:
        column: A column as pandas has read it.
        marks: Strings that are missing values.
    """
    if not is_text(column) or column.hasnans:
        return False
    few = column.head(100)
    return bool((few.str.fullmatch("[+-]?[0-9]+") | few.isin(marks)).all() and column.isin(marks).any())


def exact_numbers(text: pd.Series, decimal: str) -> pd.Series:
    """Converts text of numbers, some whole and beyond 2**53, which float64 would round.

    If all are whole, they become Python's own, which keep all digits; otherwise float64. Other text is unchanged.

    Args:
        text: A column of text, NaN for gaps.
        decimal: The decimal mark.
    """
    if not _are_numbers(text.head(100).dropna(), decimal):
        return text
    codes, found = pd.factorize(text)
    distinct = pd.Series(found, dtype="str")
    whole = distinct.str.fullmatch("[+-]?[0-9]{1,299}")
    if is_padded(distinct) or not any(abs(int(one)) >= EXACT for one in distinct[whole & (distinct.str.len() > 15)]):
        return text
    numbers = [int(one) if is_whole else number_in(one, decimal) for one, is_whole in zip(distinct, whole, strict=True)]
    if None in numbers:
        return text
    values = np.array([*numbers, np.nan], object)[codes]
    return pd.Series(values if whole.all() else values.astype(np.float64), index=text.index, name=text.name)


def without_decimals(text: pd.Series) -> pd.Series | None:
    """Text of whole numbers as Python's own, NaN for gaps; None if a text is not one or has leading zeros."""
    there = text.dropna()
    if is_padded(there) or not there.str.fullmatch("[+-]?[0-9]{1,299}").all():
        return None
    numbers = [int(value) if is_there else np.nan for value, is_there in zip(text, text.notna(), strict=True)]
    return pd.Series(np.array(numbers, object), index=text.index, name=text.name)


def has_rounded(column: pd.Series) -> bool:
    """Whether float64 may have rounded whole numbers of a column."""
    if column.dtype != np.float64:
        return False
    there = column.dropna().to_numpy()
    return len(there) > 0 and bool(np.abs(there).max() >= EXACT and (there == np.floor(there)).all())


def has_large(column: pd.Series) -> bool:
    """Whether the column holds whole numbers, some of them too large for int64."""
    return are_whole(column) or (column.dtype == np.uint64 and bool((column >= 2**63).any()))


def are_whole(column: pd.Series) -> bool:
    """Whether the column holds Python's own whole numbers, some of them too large for int64."""
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "integer"


def are_plain(text: pd.Series, numbers: np.ndarray, decimal: str) -> bool:
    """Whether each text equals its number as Python shows it, so that no text is lost: not 1.10 or 1e5.

    Args:
        text: The texts.
        numbers: Their numbers, `(n,)` float64.
        decimal: The decimal mark.
    """
    there = ~np.isnan(numbers)
    if (np.abs(numbers[there]) >= EXACT).any():
        return False
    shown = (str(int(number)) if number.is_integer() else repr(number) for number in numbers[there].tolist())
    return all(map(str.__eq__, text[there], (number.replace(".", decimal) for number in shown)))


def is_padded(text: pd.Series) -> bool:
    """Whether one of the strings is a whole number with leading zeros, which a conversion would lose."""
    begins = text[text.str.match(r"0\d", na=False)]
    return bool(begins.str.isdigit().any())


def n_padded(text: pd.Series) -> int:
    """Counts the strings that begin with 0 and another digit."""
    return int(text[text.str.startswith("0", na=False)].str.match("0[0-9]").sum())


def _are_numbers(text: pd.Series, decimal: str) -> bool:
    try:
        _numbers(text, decimal)
    except ValueError:
        return False
    return True


def _numbers(text: pd.Series, decimal: str) -> pd.Series:
    if decimal != ".":
        if has_points(text):
            raise ValueError("a point is not the decimal mark")
        text = text.str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(text)
    # Pandas returns text if whole numbers from 2**63 to 2**64 occur with gaps or negative numbers.
    return numbers.astype(np.float64) if is_text(numbers) else numbers


def has_points(text: pd.Series) -> bool:
    """Whether a string has a point: with a decimal comma 1.102 may mean a thousand, so it is not read as a number."""
    return bool(text.str.contains(".", regex=False, na=False).any())


def without_marked_numbers(numbers: pd.Series, marks: tuple[str, ...]) -> pd.Series:
    """Numbers with gaps where they equal a mark such as -999.

    Args:
        numbers: A column of numbers.
        marks: Strings that are missing values; those that are not numbers are ignored.
    """
    values = [float(number) for mark in marks if (number := marked_number(mark)) is not None]
    marked = numbers.isin(values) if values else None
    return numbers if marked is None or not marked.any() else numbers.mask(marked)


def tidied(column: pd.Series, marks: tuple[str, ...]) -> pd.Series:
    """Converts a typed column, from Parquet or a database, to the dtypes of columns read from text.

    Numbers become int64 or float64, dates and times datetime64 (UTC, without time zone), categories their values.
    Text stays text whatever its content, without surrounding blanks; an empty text and each of `marks` are gaps.

    Args:
        column: The column.
        marks: Texts that stand for gaps.

    Raises:
        TypeError: The values have another type, such as lists or bytes.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    for is_of_this_type, conversion in TYPES:
        if is_of_this_type(column):
            column = conversion(column)
            break
    else:
        column = _from_objects(column)
    if is_text(column):
        text = column.str.strip()
        return text.mask(text.isin(["", *marks]))
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return without_marked_numbers(column, marks) if is_number else column


def _dates(column: pd.Series) -> pd.Series:
    has_zone = isinstance(column.dtype, pd.DatetimeTZDtype)
    return column.dt.tz_convert("UTC").dt.tz_localize(None) if has_zone else column


def _booleans(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), np.nan) if column.isna().any() else column.astype(bool)


def _numpy_numbers(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, np.dtype):
        return column
    whole = pd.api.types.is_integer_dtype(column) and not column.isna().any()
    return column.astype("int64" if whole else "float64")


# The types of a database or of Parquet, with the conversion of each; the first that fits counts.
TYPES: tuple[tuple[Callable[[pd.Series], bool], Callable[[pd.Series], pd.Series]], ...] = (
    (pd.api.types.is_datetime64_any_dtype, _dates),
    (pd.api.types.is_timedelta64_dtype, lambda column: column.dt.total_seconds()),
    (pd.api.types.is_bool_dtype, _booleans),
    (pd.api.types.is_numeric_dtype, _numpy_numbers),
    (is_text, lambda column: column),
)


def _from_objects(column: pd.Series) -> pd.Series:
    conversions: dict[str, Callable[[pd.Series], pd.Series]] = {
        "string": lambda values: values.astype("str"),
        "empty": lambda values: pd.Series(np.nan, index=values.index, name=values.name),
        "boolean": lambda values: values.where(values.notna(), np.nan),
        "decimal": lambda values: values.map(_float).astype(np.float64),
        "integer": lambda values: pd.to_numeric(values),
        "floating": lambda values: values.astype(np.float64),
        "mixed-integer-float": lambda values: values.astype(np.float64),
        "date": pd.to_datetime,
        "datetime": lambda values: pd.to_datetime(values, utc=True).dt.tz_localize(None),
        "time": lambda values: values.map(str, na_action="ignore").astype("str"),
    }
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in conversions:
        raise TypeError(f"{kind.replace('mixed-integer', 'mixed')} values, such as {column.dropna().iloc[0]!r}")
    return conversions[kind](column)


def _float(value: Decimal | None) -> float:
    return np.nan if value is None else float(value)
