"""Reads text files: CSV, TSV and similar formats."""

import csv
import io
import re
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_types import (
    are_whole,
    exact_numbers,
    has_rounded,
    has_unread_gaps,
    inferred,
    is_misread,
    is_text,
    kind_of,
    n_padded,
    stripped,
    with_columns,
    without_decimals,
)
from pipeline.data.reading.content import Content, reencoded, text_content
from pipeline.data.reading.dialect import Dialect, column_names, find_dialect
from pipeline.data.reading.input_column import MARKS
from pipeline.data.reading.notation import marks_of
from pipeline.data.reading.ragged import check_fields
from pipeline.data.reading.scan import Fields, Scan, scan, scan_fields, scan_sample
from pipeline.errors import DataError

GROUPED = ("group", "group_kfold", "column")  # kinds of split that depend on a column
QUICKER_TEXT = "large_string[pyarrow]"  # holds what "str" does, but avoids Python's own strings while reading


@dataclass(frozen=True)
class TextFile:
    """A text file, with all that is needed to read it."""

    content: Content
    dialect: Dialect
    names: list[str]
    config: Data

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that stand for gaps."""
        return (*MARKS, *marks_of(self.config.missing_values))

    @property
    def _misread(self) -> list[str]:
        """Marks that pandas reads as other numbers: 010 as 10, 1_000 as 1000."""
        return [mark for mark in marks_of(self.config.missing_values) if is_misread(mark)]

    def read(self) -> pd.DataFrame:
        """Reads all rows, each column in the type of its values.

        A number with leading zeros makes the column text. Columns whose text is kept are text too, see `kept_texts`.

        Raises:
            DataError: Rows have more or fewer fields than there are columns.
            UnicodeDecodeError: The file is not UTF-8.
        """
        if self.dialect.whitespace:
            check_fields(self.content, self.dialect, self.names, self.config.header)
            return self._inferred(self._parsed(self.names), self.names)
        separator = self.dialect.delimiter
        found = scan(self.content, separator)
        as_text = self._as_text(scan_sample(self.content, separator) if found.padded else None)
        frame = self._parsed(as_text, skipinitialspace=found.blanks)
        if found.padded != sum(n_padded(frame[name]) for name in as_text):
            # The beginning did not show all columns with leading zeros.
            as_text = self._as_text(scan_fields(self.content, separator, found.quotes))
            lost = [name for name in as_text if not is_text(frame[name])]
            if lost:
                frame = self._parsed(as_text, skipinitialspace=found.blanks)
        self._check_short_rows(frame, found)
        unread = {name for name in self.names if has_unread_gaps(frame[name], self.marks)}
        are_all = found.blanks or self._misread
        frame = self._inferred(frame, [name for name in self.names if are_all or name in {*as_text, *unread}])
        return self._with_exact_targets(self._with_text(frame, self._losing(frame)))

    def _as_text(self, fields: Fields | None) -> list[str]:
        """The columns whose text is kept, and those with a field that begins with 0 and a digit."""
        padded, kept = fields.padded if fields else (), kept_texts(self.config)
        return [name for number, name in enumerate(self.names) if number in padded or name in kept]

    def texts(self, columns: Iterable[str]) -> pd.DataFrame:
        """Some columns as text, unchanged, with NaN for gaps."""
        chosen = list(columns)
        frame = self._parsed(chosen, usecols=chosen, skipinitialspace=not self.dialect.whitespace)[chosen]
        return pd.DataFrame({name: stripped(frame[name], self.marks) for name in chosen})

    def _parsed(self, as_text: list[str], **options: Any) -> pd.DataFrame:
        """Parses all rows; the columns `as_text` stay text, pandas chooses the types of the others."""
        source = self.content.source
        try:
            with warnings.catch_warnings():
                # Otherwise a row with more fields than there are columns would lose the extra ones.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # such columns are read again
                frame = pd.read_csv(
                    io.BytesIO(source) if isinstance(source, bytes) else str(source),
                    sep=r"\s+" if self.dialect.whitespace else self.dialect.delimiter,
                    header=0 if self.config.header else None,
                    names=self.names,
                    index_col=False,
                    na_values=[mark for mark in self.marks if mark not in self._misread],
                    keep_default_na=False,
                    decimal=self.config.decimal,
                    comment=self.dialect.comment,
                    compression=None,
                    encoding="utf-8-sig",
                    dtype=dict.fromkeys(as_text, QUICKER_TEXT),
                    **options,
                )
                return frame.astype(dict.fromkeys(as_text, "str"))
        except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
            where = f"{self.content.key}: {self.content.path} cannot be read as a table"
            if open_quote := re.search(r"EOF inside string starting at row (\d+)", str(error)):
                row = int(open_quote[1]) - self.config.header
                raise DataError(f"{where}: a quotation mark in row {row} is never closed; close or remove it") from None
            check_fields(self.content, self.dialect, self.names, self.config.header)
            raise DataError(f"{where}: {str(error).strip()}") from None
        except UnicodeDecodeError:
            raise
        except (OSError, ValueError, OverflowError) as error:
            raise DataError(f"{self.content.key}: {self.content.path} cannot be read: {str(error).strip()}") from None

    def _check_short_rows(self, frame: pd.DataFrame, found: Scan) -> None:
        """Finds rows that end early. Pandas fills them up, so the last column has gaps, and separators are missing."""
        if not len(frame) or not frame.iloc[:, -1].isna().any():
            return
        expected = (len(frame) + self.config.header) * (len(self.names) - 1)
        n_separators = found.n_separators
        if found.quotes:
            n_separators = scan_fields(self.content, self.dialect.delimiter, found.quotes).n_separators
        if n_separators != expected or self.dialect.comment:  # comments contain separators of their own
            check_fields(self.content, self.dialect, self.names, self.config.header)

    def _losing(self, frame: pd.DataFrame) -> list[str]:
        """Columns of mixed types, which must be read again as text."""
        return [name for name in self.names if frame[name].dtype == object and kind_of(frame[name]) == "mixed"]

    def _with_text(self, frame: pd.DataFrame, losing: list[str]) -> pd.DataFrame:
        if not losing:
            return frame
        texts = self.texts(losing)
        return with_columns(frame, {name: inferred(texts[name], self.marks, self.config.decimal) for name in losing})

    def _with_exact_targets(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Whole numbers of targets with all digits, as they may be labels; with gaps, pandas makes them floats."""
        targets = [self.config.target] if isinstance(self.config.target, str) else self.config.target or []
        rounded = [name for name in targets if name in frame and has_rounded(frame[name])]
        exact = {name: exact_numbers(self.texts([name])[name], self.config.decimal) for name in rounded}
        return with_columns(frame, {name: column for name, column in exact.items() if are_whole(column)})

    def _inferred(self, frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Text columns without surrounding blanks, converted to numbers if only the blanks hid these."""
        kept = kept_texts(self.config)

        def column(name: str) -> pd.Series:
            return (
                stripped(frame[name], self.marks)
                if name in kept
                else inferred(frame[name], self.marks, self.config.decimal)
            )

        text = [name for name in names if is_text(frame[name])]
        with ThreadPoolExecutor() as pool:
            return with_columns(frame, dict(zip(text, pool.map(column, text), strict=True)))


def with_whole(frame: pd.DataFrame, names: Iterable[str], file: TextFile | None) -> pd.DataFrame:
    """A file's rows, with whole numbers in place of floats in the given columns.

    Args:
        frame: The file's rows.
        names: Columns to convert.
        file: The file; None if it has no text to read again.
    """
    floats = [name for name in names if file is not None and frame[name].dtype == np.float64]
    if file is None or not floats:
        return frame
    texts = file.texts(floats)
    found = {name: without_decimals(texts[name]) for name in floats}
    return with_columns(frame, {name: column for name, column in found.items() if column is not None})


def kept_texts(config: Data) -> dict[str, str]:
    """Columns whose text is kept: for a category, a date, or a format that `data.column_formats` shows."""
    groups = [config.split.column] if config.split.kind in GROUPED and config.split.column else []
    declared = {name: kind for name, kind in config.column_kinds.items() if kind in ("category", "date")}
    return dict.fromkeys(groups, "category") | declared | dict.fromkeys(config.column_formats, "format")


def text_file(key: str, path: Path, config: Data) -> TextFile:
    """Finds out how a text file is written.

    Args:
        key: The key that names the file.
        path: The file.
        config: The data section.

    Raises:
        DataError: The file is not text, has no columns, or lacks those that `data.columns` names.
    """
    content = text_content(key, path, config.encoding)
    dialect = find_dialect(content, config)
    return TextFile(content, dialect, column_names(content, dialect, config), config)


def read_text(file: TextFile) -> tuple[TextFile, pd.DataFrame]:
    """Reads all rows; returns the file too, because only reading it shows whether it is UTF-8.

    Raises:
        DataError: A row is invalid; the message has the file, the row and the problem.
    """
    try:
        return file, file.read()
    except UnicodeDecodeError:
        content = reencoded(file.content, file.config.encoding)
        file = TextFile(content, file.dialect, file.names, file.config)
        return file, file.read()
