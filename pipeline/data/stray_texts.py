"""Finds the few texts that keep a target from being numbers, such as - or unknown among 5 000 counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_types import is_padded, is_text
from pipeline.data.reading.conversion import MAX_MARKS
from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.overrides import as_gaps
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.reading.suggest_formats import FEWEST, formats_that_read
from pipeline.data.target import MANY_CLASSES_SHARE, MAX_CLASSES_OF_NUMBERS
from pipeline.errors import DataError

log = logging.getLogger(__name__)

MAX_NUMBERS = 1_000  # distinct numbers that are kept of a column
SMALL_SHARE = 0.05  # of rows; more texts than that are no accident


@dataclass
class Found:
    """The numbers and other texts of a column."""

    n_rows: int = 0
    are_codes: bool = False  # 007 is not 7
    numbers: dict[str, float] = field(default_factory=dict)  # by text, at most about MAX_NUMBERS
    others: dict[str, int] = field(default_factory=dict)  # number of rows; incomplete above MAX_MARKS
    first: dict[str, str] = field(default_factory=dict)  # where a user finds the first row of each

    def add(self, column: pd.Series, places: RowNumbers, decimal: str) -> None:
        """Adds rows.

        Args:
            column: Text without gaps.
            places: Where a user finds each row.
            decimal: The decimal mark.
        """
        codes, found = pd.factorize(column)
        texts = pd.Series(found, dtype="str").str.strip()
        numbers = _numbers(texts, decimal)
        self.n_rows += len(column)
        self.are_codes |= is_padded(texts)
        if len(self.numbers) < MAX_NUMBERS:
            self.numbers.update(zip(texts[numbers.notna()][:MAX_NUMBERS], numbers.dropna()[:MAX_NUMBERS], strict=True))
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        for code in np.flatnonzero(numbers.isna())[: MAX_MARKS + 1].tolist():
            text = texts[code]
            self.others[text] = self.others.get(text, 0) + int(counts[code])
            self.first.setdefault(text, places(int((codes == code).argmax())))

    @property
    def are_few(self) -> bool:
        """Whether the other texts may be an accident: few, and not read together with the numbers in some format."""
        few = 0 < len(self.others) <= MAX_MARKS and len(self.numbers) > len(self.others) and not self.are_codes
        return few and not formats_that_read(np.array([*self.numbers, *self.others], object))

    @property
    def is_quantity(self) -> bool:
        """Whether the numbers alone would be a quantity rather than classes."""
        whole = all(number == np.round(number) for number in self.numbers.values())
        return len(self.numbers) > MAX_CLASSES_OF_NUMBERS or (not whole and len(self.numbers) >= FEWEST)

    @property
    def are_certain(self) -> bool:
        """Whether the texts cannot be meant as classes: numbers with decimals are none, and of others few rows are."""
        decimals = any(number != np.round(number) for number in self.numbers.values())
        return self.is_quantity and (decimals or self.are_rare)

    @property
    def are_rare(self) -> bool:
        """Whether few rows have the texts."""
        return sum(self.others.values()) < SMALL_SHARE * self.n_rows


class StrayTexts:
    """Collects the texts of target columns, from all rows at once or block by block."""

    def __init__(self, config: Data) -> None:
        """Begins without rows.

        Args:
            config: The data section.
        """
        self._config = config
        self._found: dict[str, Found] = {}

    def add(self, columns: Mapping[str, pd.Series], places: RowNumbers) -> None:
        """Adds rows.

        Args:
            columns: Target columns.
            places: Where a user finds each row.
        """
        for name, column in columns.items():
            if is_text(column):
                self._found.setdefault(name, Found()).add(column, places, self._config.decimal)

    def check(self, n_targets: int) -> None:
        """Warns of texts among numbers that may be classes.

        Args:
            n_targets: Number of target columns; several are a regression.

        Raises:
            DataError: A regression, or a target that looks like a quantity, has a few texts among its numbers.
        """
        regression = self._config.task == "regression" or n_targets > 1
        if not regression and self._config.task != "auto":
            return
        few = {name: found for name, found in self._found.items() if found.are_few}
        faults = {name: found for name, found in few.items() if regression or found.are_certain}
        if faults:
            said = [f"column {name!r} holds numbers except {_shown(found)}" for name, found in faults.items()]
            raise DataError("\n".join([f"data.target: {'; '.join(said)}", self._remedy(faults, regression)]))
        for name, found in few.items():
            if found.are_rare or found.is_quantity:
                log.warning(
                    "column %r holds numbers except %s, so its values are taken for classes; %s",
                    name, _shown(found), self._remedy({name: found}, regression=True),
                )  # fmt: skip

    def _remedy(self, faults: Mapping[str, Found], regression: bool) -> str:
        marks = dict.fromkeys(text for found in faults.values() for text in found.others)
        gaps = f"set {as_gaps(marks, self._config.missing_values)} data.missing_target=drop"
        if Reading.of(self._config).typed:
            gaps = "store the column as numbers, with gaps in their place, and set data.missing_target=drop"
        many = any(len(found.numbers) > MANY_CLASSES_SHARE * found.n_rows for found in faults.values())
        classes = "" if regression or many else "; if all values are classes, set data.task=multiclass"
        return f"If these are gaps, {gaps}, which leaves their rows out; otherwise correct them{classes}"


def _numbers(texts: pd.Series, decimal: str) -> pd.Series:
    """The number in each text; NaN for other texts."""
    if decimal != ".":
        texts = texts.mask(texts.str.contains(".", regex=False)).str.replace(decimal, ".", regex=False)
    return pd.to_numeric(texts, errors="coerce")


def _shown(found: Found) -> str:
    return ", ".join(
        f"{text!r} ({n} row{'s' * (n > 1)}, first {found.first[text]})" if n > 1 else f"{text!r} ({found.first[text]})"
        for text, n in found.others.items()
    )
