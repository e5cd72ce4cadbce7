"""Makes the layer of numeric embeddings from the config and the training rows. Importing it imports Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.model.embeddings.edges import quantile_edges, target_edges
from pipeline.model.layers.numbers import Cosine, NumberEmbeddings, Periodic, PiecewiseLinear

FEW_ROWS, NARROW, WIDE = 1000, 8, 16  # training rows below which vectors are narrow
WIDEST, NARROWEST = 2048, 2  # total width of all vectors, which bounds the cost of many columns; width of each vector
ENOUGH_ROWS, SLICE_ROWS = 100_000, 1000  # rows used to find edges, and rows per slice of a larger table


def embedding_of(
    section: Any, numbers: Sequence[int], x: np.ndarray, y: np.ndarray, task: str
) -> NumberEmbeddings | None:
    """Makes the layer that embeds the numbers; None if no input can be embedded.

    Args:
        section: The checked model section.
        numbers: Positions of the inputs that are numbers.
        x: `(n_rows, n_inputs)`, scaled training rows.
        y: `(n_rows, n_outputs)`, their scaled targets, or `(n_rows, 1)` class numbers.
        task: `regression`, `binary` or `multiclass`.
    """
    width = section.embedding_width
    if width == "auto":
        width = _affordable_width(len(x), len(numbers))
    if section.numeric_embedding in ("piecewise_linear", "target_bins"):
        edges = _edges(section, numbers, _some(x), _some(y), task)
        return PiecewiseLinear(list(edges), width, list(edges.values()), name="numbers") if edges else None
    if not numbers:
        return None
    if section.numeric_embedding == "periodic":
        return Periodic(numbers, width, width, section.embedding_scale, name="numbers")
    return Cosine(numbers, width, section.embedding_scale, name="numbers")


def _affordable_width(n_rows: int, n_numbers: int) -> int:
    wished = NARROW if n_rows < FEW_ROWS else WIDE
    return max(NARROWEST, min(wished, WIDEST // max(1, n_numbers)))


def _some(rows: Any) -> np.ndarray:
    """Returns all rows, or evenly spaced slices of them; the rows may be on disk."""
    if len(rows) <= ENOUGH_ROWS:
        return rows[:]
    starts = np.linspace(0, len(rows) - SLICE_ROWS, ENOUGH_ROWS // SLICE_ROWS).astype(int)
    return np.concatenate([rows[start : start + SLICE_ROWS] for start in starts])


def _edges(section: Any, numbers: Sequence[int], x: np.ndarray, y: np.ndarray, task: str) -> dict[int, list[float]]:
    """Returns the edges of each column that has bins."""
    bins = None if section.embedding_bins == "auto" else section.embedding_bins
    if section.numeric_embedding == "piecewise_linear":
        found = {column: quantile_edges(x[:, column], bins) for column in numbers}
    else:
        found = {column: target_edges(x[:, column], y, task, bins) for column in numbers}
    return {column: edges for column, edges in found.items() if edges is not None}
