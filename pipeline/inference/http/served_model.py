"""The model that serves: loaded, called once with rows of its own, and what its inputs and outputs are called."""

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

WARM_ROWS = (1, 2, 64)  # of the calls before the first request


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
        """Outputs with a row per row."""
        return self.loaded.predict_raw(columns)

    @property
    def example(self) -> dict[str, list[Any]]:
        """Rows that the model takes, by column; a gap is None."""
        given = self.loaded.manifest.example or {column.name: [_neutral(column)] for column in self.columns}
        return {
            column.name: given[column.name]
            if column.width is not None
            else [value(column, one) for one in given[column.name]]
            for column in self.columns
        }

    @property
    def uncertainty(self) -> str | None:
        """A sentence on bounds or sets of labels; None where the model has neither."""
        learned = self.loaded.manifest.learned
        if learned.interval:
            return f"lower and upper hold the true value of {learned.interval.coverage:g} of all rows between them."
        if learned.prediction_set:
            share = f"{learned.prediction_set.coverage:g}"
            return f"prediction_set has the labels of which one is the true one for {share} of all rows."
        return None

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the packages that it was made with."""
        return self.loaded.manifest.versions


def load(found: FoundModel, *, name: str | None, trust: bool) -> Served:
    """Loads a model and calls it, so that the first request finds it warm.

    Args:
        found: Where it lies.
        name: In the addresses that it answers; None for its own.
        trust: Whether to load what does not match its manifest.

    Raises:
        ModelError: It cannot be loaded, or does not answer as it should.
    """
    loaded = LoadedModel(found.path, trust)
    manifest = loaded.manifest
    folder = found.path.name
    served = Served(
        name=name or re.sub(r"[^\w.-]+", "_", found.name, flags=re.ASCII),  # it stands in addresses
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
                raise ModelError(f"{served.name}: asked for {n_rows} rows, the model gives {len(values)} of {name}")
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ModelError(f"{served.name}: for its own example the model gives {name} that is not finite")


def _rows(values: list[Any], column: InputColumn, n_rows: int) -> np.ndarray:
    """The example's rows over and over."""
    repeated = [values[row % len(values)] for row in range(n_rows)]
    if column.is_text:
        return np.array([value or "" for value in repeated], object)
    return np.array(repeated, np.float64)
