"""Rows beyond the training range, on which every export is compared with the pipeline in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs
from pipeline.data.preprocessing.number_columns import Number
from pipeline.data.reading.input_column import InputColumn
from pipeline.errors import ExportError
from pipeline.export.assemble import BATCH_ROWS, Columns
from pipeline.export.conformal import Interval
from pipeline.export.deviation import TOLERANCE, apart_by_row, network_inputs, probabilities_of
from pipeline.export.graph import run_again
from pipeline.export.manifest import BOUNDED

UNSEEN = "\u00bfnever seen?"
TIMES = 10  # times its bounds, to which a column is set
SPREAD = 3.0  # scaled units on either side of 0 that count as seen, whatever the given rows have
MAX_GROUPS = 250  # of a wide table's columns, which leave their range in the same row
MAX_CELLS, MIN_GROUPS = 50_000, 10  # columns times groups, which bounds the work
MAX_NAMES = 3
NUDGES = 3  # changes of the network's inputs by float32's last digit, to measure their effect
ROUNDINGS = 10.0  # times float32's own loss in a row, which another order of operations may lose

# Computed in float32, as in LiteRT, curves of scaling lose a hundred times its last digit that far out. The faults to
# find, such as an overflow or another day, are of whole units.
IN_FLOAT32 = 1e-3

Changes = dict[str, dict[str, Any]]  # by kind of change: the value of each column that it affects


@dataclass(frozen=True)
class OutOfRange:
    """Raw rows beyond the training range, and the pipeline's outputs for them."""

    columns: Columns
    about: tuple[str, ...]  # what is unusual in each row
    exact: np.ndarray  # scaled predictions or logits, computed in float64
    lost: np.ndarray  # (n_rows,) loss by the network's own float32; not finite if that overflows
    preprocessing: Preprocessing
    task: str
    tolerance: float  # times max(1, |value|), in scaled units: the difference that an export may have
    interval: Interval | None = None  # computes bounds

    def check(self, name: str, outputs: Columns, tolerance: float | None = None) -> float:
        """Compares an export's outputs.

        Rows in which the network's float32 overflows are left out, because there is nothing to compare with.

        Args:
            name: Name of the export, for messages.
            outputs: Its outputs for `columns`.
            tolerance: Replaces that of the rows; more is allowed if float32 itself loses more.

        Returns:
            The largest difference.

        Raises:
            ExportError: A row differs by more.
        """
        found = apart_by_row(outputs, self.exact, self.preprocessing, self.task, self.interval)
        there = np.isfinite(self.lost)
        allowed = np.maximum(self.tolerance if tolerance is None else tolerance, ROUNDINGS * self.lost)
        if not (found <= allowed)[there].all():
            row = int(np.argmax(np.where(there & ~(found <= allowed), np.nan_to_num(found / allowed, nan=np.inf), 0)))
            raise ExportError(
                f"{name} differs from the pipeline computed in float64 by {found[row]:.2g} in scaled units in a row "
                f"beyond the training range: {self.about[row]}; at most {allowed[row]:.2g} is allowed there"
            )
        return float(found[there].max(initial=0))


def beyond(
    network: tf.types.experimental.ConcreteFunction,
    preprocessing: Preprocessing,
    task: str,
    inputs: Mapping[str, InputColumn],
    columns: Columns,
    numbers: type[np.floating] = np.float64,
    interval: Interval | None = None,
) -> OutOfRange:
    """Derives rows from the given ones: each column at ten times its bounds, with a gap, and with an unknown category.

    Args:
        network: Network from preprocessed inputs to scaled predictions or logits.
        preprocessing: The fitted preprocessing.
        task: What is predicted.
        inputs: The raw columns.
        columns: Raw rows.
        numbers: Type of numbers in the export.
        interval: Computes bounds; None without bounds.
    """
    rows, about = changed(columns, gaps_and_unseen(inputs) | _far(columns, inputs, preprocessing))
    x = network_inputs(preprocessing, rows)
    exact = run_again(network, tf.constant(x)).numpy()
    rounded = {name: values if values.dtype == object else values.astype(numbers) for name, values in rows.items()}
    seen = [network_inputs(preprocessing, rounded), *_nudged(x, len(preprocessing.inputs.categories))]
    about_outputs = preprocessing, task, interval
    lost = [apart_by_row(_served(_in_blocks(network, given), *about_outputs), exact, *about_outputs) for given in seen]
    tolerance = TOLERANCE if numbers is np.float64 else IN_FLOAT32
    return OutOfRange(rows, about, exact, np.max(lost, axis=0), preprocessing, task, tolerance, interval)


def changed(columns: Columns, changes: Changes) -> tuple[Columns, tuple[str, ...]]:
    """Rows with one changed column each, and for each kind of change one row with all columns changed.

    Args:
        columns: Raw rows.
        changes: Changed values by kind of change and column.

    Returns:
        The rows, derived from the given ones, and what is changed in each.
    """
    groups = [(kind, values) for kind, by_column in changes.items() for values in _groups(by_column)]
    places = np.arange(len(groups)) % len(next(iter(columns.values())))
    rows = {name: values[places] for name, values in columns.items()}
    for row, (_, values) in enumerate(groups):
        for name, value in values.items():
            rows[name][row] = value
    return rows, tuple(f"{_named(list(values))} {kind}" for kind, values in groups)


def _groups(by_column: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    names = list(by_column)
    n_groups = min(len(names), MAX_GROUPS, max(MIN_GROUPS, MAX_CELLS // max(1, len(names))))
    for group in range(n_groups):
        yield {name: by_column[name] for name in names[group::n_groups]}
    if n_groups > 1:
        yield by_column


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(map(repr, names[:MAX_NAMES]))}{more}"


def gaps_and_unseen(inputs: Mapping[str, InputColumn]) -> Changes:
    """A gap in each column, and an unknown text in each column of text; an array has neither."""
    texts = [name for name, column in inputs.items() if column.is_text]
    numbers = [name for name, column in inputs.items() if not column.is_text and column.width is None]
    gaps = dict.fromkeys(texts, "") | dict.fromkeys(numbers, np.nan)
    return {"with a gap": gaps, "with a text never seen": dict.fromkeys(texts, UNSEEN)}


def _far(columns: Columns, inputs: Mapping[str, InputColumn], preprocessing: Preprocessing) -> Changes:
    """Numbers at ten times their bounds, counted from 0 and from their middle; the first and the last dates."""
    scalings = _scalings(preprocessing.inputs)
    below: dict[str, dict[str, Any]] = {"lowest value": {}, "range below its middle": {}}
    above: dict[str, dict[str, Any]] = {"highest value": {}, "range above its middle": {}}
    for name, column in inputs.items():
        if column.is_text:
            continue
        low, high = _bounds(columns[name], scalings.get(name, np.asarray))
        middle, reach = low / 2 + high / 2, TIMES * (high / 2 - low / 2)
        ends = (TIMES * low, middle - reach, TIMES * high, middle + reach)
        for (_, values), end in zip((below | above).items(), ends, strict=True):
            values[name] = np.clip(end, -column.largest, column.largest)
    dates = {name: date.written.name for name, date in preprocessing.inputs.dates.items()}
    first, last = (
        {name: f"{how.replace('year', year).replace('month', month).replace('day', day)} {time}"
         for name, how in dates.items()}
        for year, month, day, time in (("0001", "01", "01", "00:00"), ("9999", "12", "31", "23:59:59"))
    )  # fmt: skip
    numbers = {f"at {TIMES} times its {end}": values for end, values in (below | above).items()}
    return numbers | {"on the first day of the year 1": first, "in the last second of the year 9999": last}


def _bounds(values: np.ndarray, raw: Callable[[np.ndarray], np.ndarray]) -> tuple[Any, Any]:
    """Lowest and highest value of the given rows and of the fitted scaling's range; for an array by column."""
    ends = [raw(np.full(values.shape[1:], side * SPREAD)) for side in (-1, 1)]
    known = np.concatenate([values, np.stack(ends)])
    return np.nanmin(known, axis=0), np.nanmax(known, axis=0)


def _scalings(inputs: TableInputs | ArrayInputs) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The inverse of each column's scaling."""
    if isinstance(inputs, ArrayInputs):
        scaler = inputs.scaler
        return {"x": lambda scaled: scaler.shift + scaler.scale * scaled}
    return {
        feature.column: partial(feature.scaling.invert, NumpyOps())
        for feature in inputs.features
        if isinstance(feature, Number)
    }


def _nudged(x: np.ndarray, n_categories: int) -> Iterator[np.ndarray]:
    """Inputs that differ by float32's last digit, except category numbers, which come last."""
    rng = np.random.default_rng(0)
    last_digit = np.finfo(np.float32).eps * (np.arange(x.shape[1]) < x.shape[1] - n_categories)
    for _ in range(NUDGES):
        yield x * (1 + last_digit * rng.choice([-1, 1], x.shape))


def _in_blocks(network: tf.types.experimental.ConcreteFunction, x: np.ndarray) -> np.ndarray:
    starts = range(0, len(x), BATCH_ROWS)
    blocks = [network(tf.constant(x[start : start + BATCH_ROWS], tf.float32)) for start in starts]
    return np.concatenate([block.numpy() for block in blocks])


def _served(scaled: np.ndarray, preprocessing: Preprocessing, task: str, interval: Interval | None) -> Columns:
    """Converts scaled predictions or logits as an export does."""
    if task != "regression":
        return {"probabilities": probabilities_of(scaled)}
    if interval is None:
        return {"prediction": preprocessing.outputs.invert(scaled)}
    found = interval.bounds(NumpyOps(), preprocessing.outputs, list(scaled.astype(np.float64).T))
    return {name: np.stack(values, axis=1) for name, values in zip(BOUNDED, found, strict=True)}
