"""The model that serves: loaded, called once with example rows, with the names of its inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.data.reading.input_column import InputColumn
from pipeline.errors import ModelError
from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.http.column_schema import Categories, known_categories, value
from pipeline.inference.http.protocols import Labels
from pipeline.inference.locate import FoundModel

WARM_ROWS = (1, 2, 64)  # calls before the first request


@dataclass(frozen=True)
class Served:
    """A model in memory."""

    name: str
    version: str
    run_id: str | None
    columns: tuple[InputColumn, ...]
    labels: Labels
    loaded: LoadedModel
    categories: Categories = field(default_factory=dict)  # that training knew

    def predict(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs with a row for each row of the columns."""
        return self.loaded.predict_raw(columns)

    @property
    def example(self) -> dict[str, list[Any]]:
        """Example rows by column; a gap is None."""
        given = self.loaded.manifest.example or {column.name: [_neutral(column)] for column in self.columns}
        return {
            column.name: given[column.name]
            if column.width is not None
            else [value(column, one) for one in given[column.name]]
            for column in self.columns
        }

    @property
    def uncertainty(self) -> str | None:
        """A sentence about bounds or sets of labels; None if the model has neither."""
        learned = self.loaded.manifest.learned
        if learned.interval:
            return f"lower and upper contain the true value of {learned.interval.coverage:g} of all rows."
        if learned.prediction_set:
            share = f"{learned.prediction_set.coverage:g}"
            return f"prediction_set contains the true label of {share} of all rows."
        return None

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that made it."""
        return self.loaded.manifest.versions


def load(found: FoundModel, *, name: str | None, trust: bool) -> Served:
    """Loads a model and calls it, so that the first request is as fast as later ones.

    Args:
        found: The model's location.
        name: The model's name in addresses; None for its own.
        trust: Whether to load a model that does not match its manifest.

    Raises:
        ModelError: The model cannot be loaded, or gives invalid outputs.
    """
    loaded = LoadedModel(found.path, trust)
    manifest = loaded.manifest
    folder = found.path.name
    served = Served(
        name=name or re.sub(r"[^\w.-]+", "_", found.name, flags=re.ASCII),  # it is part of addresses
        version=found.version or (folder if folder.isdecimal() else "1"),
        run_id=found.run_id or manifest.run_id,
        columns=tuple(manifest.inputs.values()),
        labels=Labels(manifest.target, manifest.classes, manifest.table_columns),
        loaded=loaded,
        categories=known_categories(found.path),
    )
    _warm(served)
    return served


def _neutral(column: InputColumn) -> Any:
    number: list[float] | float = 0.0 if column.width is None else [0.0] * column.width
    return "text" if column.is_text else number


def _warm(served: Served) -> None:
    for n_rows in WARM_ROWS:
        outputs = served.predict({column.name: _rows(served.example[column.name], column, n_rows)
                                  for column in served.columns})  # fmt: skip
        for name, values in outputs.items():
            if len(values) != n_rows:
                raise ModelError(f"{served.name}: for {n_rows} rows the model returns {len(values)} values of {name}")
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ModelError(f"{served.name}: for its own example the model returns {name} that is not finite")


def _rows(values: list[Any], column: InputColumn, n_rows: int) -> np.ndarray:
    """The example's rows, repeated."""
    repeated = [values[row % len(values)] for row in range(n_rows)]
    if column.is_text:
        return np.array([value or "" for value in repeated], object)
    return np.array(repeated, np.float64)
