"""Joins the rows of all files that make a table."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_types import has_large, is_text, kind_of, with_columns
from pipeline.data.reading.csv_file import TextFile, read_text, text_file, with_whole
from pipeline.data.reading.data_files import PARQUET, named_files
from pipeline.data.reading.labels import agreeing_targets
from pipeline.data.reading.ragged import check_header
from pipeline.data.reading.typed_tables import is_url, read_parquet, read_sql, shown_url
from pipeline.errors import DataError

log = logging.getLogger(__name__)

PATH, TEST_PATH = "data.path", "data.split.test_path"


@dataclass(frozen=True)
class Part:
    """The rows of one file or query."""

    key: str
    name: str  # what messages call it
    frame: pd.DataFrame
    text: TextFile | None  # to read columns again as text; None if the part has types


def read_tables(config: Data) -> tuple[pd.DataFrame, int]:
    """Reads the rows of all files that `data.path` names, then those of `data.split.test_path`.

    Columns are int64, float64, bool, datetime64 (Parquet and databases only), `str`, or objects for booleans with
    gaps; gaps are NaN (NaT in dates). In text files surrounding blanks are ignored, and gaps are: empty fields, what
    pandas reads as a gap, "?", and `data.missing_values`. Columns of whole numbers with a leading zero (020) stay text,
    and so do booleans that `data.column_kinds` calls a category or a date; plain numbers are numbers whatever it calls
    them. A column with text in one file and numbers in another is text in all.

    Returns:
        The rows, and how many of the last ones are from `data.split.test_path`.

    Raises:
        DataError: A file is missing, has the wrong format, rows of different lengths or other columns than the first;
            with the file, the row and the remedy.
    """
    repeated = sorted({name for name in config.columns or [] if (config.columns or []).count(name) > 1})
    if repeated:
        raise DataError(f"data.columns: names {', '.join(map(repr, repeated))} more than once")
    parts = _parts(PATH, str(config.path), config)
    _check_columns(parts, parts[0])
    if not any(len(part.frame) for part in parts):
        raise DataError(f"{PATH}: {_shown(config.path)} has no rows")
    tests = [] if config.split.test_path is None else _parts(TEST_PATH, config.split.test_path, config)
    _check_columns(tests, parts[0])
    n_test_file_rows = sum(len(part.frame) for part in tests)
    if tests and not n_test_file_rows:
        raise DataError(f"{TEST_PATH}: {_shown(config.split.test_path)} has no rows")
    frame = _joined(_with_whole_targets([part for part in parts + tests if len(part.frame)], config))
    frame = _without_empty_nameless(frame)
    _hint_at_options(frame, parts[0], config)
    return agreeing_targets(frame, config.target, n_test_file_rows), n_test_file_rows


def _parts(key: str, path: str, config: Data) -> list[Part]:
    if is_url(path) and config.query is None:
        raise DataError(f"data.query: missing; {shown_url(path)} is a database, so give the select to read")
    if is_url(path):
        return [Part(key, shown_url(path), read_sql(key, path, config), None)]
    if config.query is not None and key == PATH:
        raise DataError(f"{key}: {path} is not an SQLAlchemy URL, which data.query needs, as in {key}=sqlite:///my.db")
    parts = []
    for file in named_files(key, path):
        if file.name.lower().endswith(PARQUET):
            parts.append(Part(key, str(file), read_parquet(key, file, config), None))
        else:
            text, frame = read_text(text_file(key, file, config))
            check_header(key, file, frame)
            parts.append(Part(key, str(file), frame, text))
    return parts


def _check_columns(parts: list[Part], first: Part) -> None:
    """Raises DataError for files that have other columns than the first."""
    wanted, faults = list(first.frame.columns), []
    for part in parts:
        lacking = [name for name in wanted if name not in part.frame]
        besides = [name for name in part.frame.columns if name not in first.frame]
        if lacking or besides:
            found = [f"{word} {', '.join(map(repr, names))}" for word, names in
                     (("lacks", lacking), ("also has", besides)) if names]  # fmt: skip
            faults.append(f"{part.name} {' and '.join(found)}")
    if faults:
        raise DataError(
            "\n".join([f"{parts[0].key}: all files must have the columns of {first.name}", *faults,
                       "Correct the headers, or set data.header=false and data.columns where files have none"])
        )  # fmt: skip


def _with_whole_targets(parts: list[Part], config: Data) -> list[Part]:
    """Whole targets with gaps, which pandas makes floats, as whole numbers if other files have some beyond int64."""
    targets = [config.target] if isinstance(config.target, str) else config.target or []
    exact = [name for name in targets if any(name in part.frame and has_large(part.frame[name]) for part in parts)]
    return [replace(part, frame=with_whole(part.frame, exact, part.text)) for part in parts] if exact else parts


def _joined(parts: list[Part]) -> pd.DataFrame:
    """The rows of all parts, each column in one type."""
    if len(parts) == 1:
        return parts[0].frame
    names = list(parts[0].frame.columns)
    frames = [part.frame[names] for part in parts]
    kinds = {name: {kind for frame in frames if (kind := kind_of(frame[name]))} for name in names}
    differing = {name: sorted(found) for name, found in kinds.items() if len(found) > 1}
    frames = [_with_texts(part, frame, differing) for part, frame in zip(parts, frames, strict=True)]
    for name in differing:
        _warn_of_kinds(name, parts)
    columns = {
        name: pd.concat([_like(frame[name], kinds[name]) for frame in frames], ignore_index=True) for name in names
    }
    return pd.DataFrame(columns)


def _with_texts(part: Part, frame: pd.DataFrame, differing: Mapping[str, list[str]]) -> pd.DataFrame:
    """A part's columns, with those as text whose type differs from part to part.

    Args:
        part: The part to read them from again.
        frame: Columns of the part.
        differing: All kinds of each such column.

    Raises:
        DataError: The part has types, and so no text.
    """
    names = [name for name in differing if not is_text(frame[name])]
    if not names:
        return frame
    if part.text is None:
        raise DataError(
            f"{part.key}: column {names[0]!r} is {kind_of(frame[names[0]]) or 'empty'} in {part.name}, but the files "
            f"together have {' and '.join(differing[names[0]])} in it; store it as one type in all"
        )
    texts = part.text.texts(names)
    return with_columns(frame, {name: texts[name] for name in names})


def _warn_of_kinds(name: str, parts: list[Part]) -> None:
    """Logs that a column becomes text, and which files differ."""
    words = {"number": "numbers", "boolean": "true and false", "mixed": "several kinds of values"}
    by_kind = {kind: part for part in reversed(parts) if (kind := kind_of(part.frame[name]))}  # the first of each
    text = by_kind.pop("text", None)
    held = [f"{words.get(kind, kind)} in {part.name}" for kind, part in by_kind.items()]
    if text is not None:
        first = text.frame[name].dropna().iloc[0]
        held.append(f"text in {text.name} (first: {first!r})")
    log.warning(
        "column %r holds %s, so it is text in all; for numbers, write them alike in all files: they share one "
        "data.decimal, and data.missing_values names marks of gaps",
        name,
        " and ".join(held),
    )


def _like(column: pd.Series, kinds: set[str]) -> pd.Series:
    """A column of gaps only, in the type of the column in other files; booleans with gaps as objects."""
    if kind_of(column) is not None:
        return column
    if kinds == {"number"}:
        return column.astype("float64")
    return column.astype("datetime64[us]" if kinds == {"date"} else object if kinds == {"boolean"} else "str")


def _without_empty_nameless(frame: pd.DataFrame) -> pd.DataFrame:
    """Leaves out columns without name and values, which a delimiter at the end of every line makes."""
    empty = [name for name in frame if str(name).startswith("Unnamed: ") and frame[name].isna().all()]
    if empty:
        log.info("%d columns without name and values are left out", len(empty))
    return frame.drop(columns=empty)


def _hint_at_options(frame: pd.DataFrame, first: Part, config: Data) -> None:
    """Logs which option may be missing, judged by how the table looks."""
    if first.text is None:
        return
    if config.header and config.columns is None and (doubtful := _looks_like_a_row(frame)):
        log.warning("%s: the header names a column %r; if its first line is a row, set data.header=false",
                    first.name, doubtful)  # fmt: skip
    head = frame.head(100)
    commas = [name for name in head if is_text(head[name]) and head[name].dropna().str.fullmatch(r"[+-]?\d+,\d+").all()]
    commas = [name for name in commas if head[name].notna().any()]
    if commas and config.decimal == ".":
        log.warning("column %r looks like numbers with a decimal comma; if so, set \"data.decimal=','\"", commas[0])


def _looks_like_a_row(frame: pd.DataFrame) -> str | None:
    """The first name that is a number, if the header may be a row: all columns of numbers have such a name.

    Consecutive names 0, 1, 2 are names. A row also has, in a column of text, a value that other rows have.
    """
    text = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = [str(name) for name in frame if name not in text]
    if not numbers or not all(map(_is_number, numbers)):
        return None
    counts = [float(name) for name in numbers]
    if len(counts) > 1 and all(after - before == 1 for before, after in itertools.pairwise(counts)):
        return None
    return numbers[0] if not text or any((frame[name] == name).any() for name in text) else None


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _shown(path: str | None) -> str:
    return shown_url(path) if path and is_url(path) else str(path)
