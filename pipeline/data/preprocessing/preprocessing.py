"""Preprocessing: from raw rows to the arrays that a network trains on, fitted on the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pipeline.config.quoting import by_column
from pipeline.config.rules import Data
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.network_inputs import ArrayInputs, TableInputs, fit_inputs, without_columns
from pipeline.data.preprocessing.scaling import TRAINABLE, OutputScaler
from pipeline.data.reading.raw_columns import TextArray
from pipeline.data.rows import Rows
from pipeline.data.target import Target
from pipeline.errors import DataError


class Arrays(NamedTuple):
    """Rows as the network sees them, in the order of Keras's arguments."""

    x: np.ndarray  # (n_rows, n_inputs) float32, encoded and scaled
    y: np.ndarray  # (n_rows, n_outputs) float32, scaled; for classes (n_rows, 1), the class numbers
    sample_weight: np.ndarray | None  # (n_rows,) float32

    def take(self, rows: np.ndarray) -> Arrays:
        """The rows of the given numbers."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Arrays(self.x[rows], self.y[rows], weight)

    def behind(self, first: Arrays) -> Arrays:
        """Appends these rows to others of the same table."""
        x, y = np.concatenate([first.x, self.x]), np.concatenate([first.y, self.y])
        if first.sample_weight is None or self.sample_weight is None:
            return Arrays(x, y, None)
        return Arrays(x, y, np.concatenate([first.sample_weight, self.sample_weight]))


@dataclass(frozen=True)
class Preprocessing:
    """What was learned about inputs and targets. Class numbers stay as they are."""

    inputs: TableInputs | ArrayInputs
    outputs: OutputScaler

    def sizes(self, target: Target) -> dict[str, Any]:
        """The sizes that a network must have: task, inputs, outputs, and the categories of embedded inputs."""
        inputs = {"n_inputs": self.inputs.n_inputs, "categories": self.inputs.categories}
        return {"task": target.task, "n_outputs": target.n_outputs, **inputs}

    def check(self, rows: Rows) -> None:
        """Checks all rows, test rows too, for text that is not a date and scaled values whose squares overflow float32.

        Raises:
            DataError: With the columns and the first row of each.
        """
        self._check_dates(rows)
        faults = list(self.inputs.faults(rows.inputs, TRAINABLE, rows.places))
        for name, raw, scaled in zip(
            rows.target.names, rows.target.values.T, self.outputs.apply(rows.target.values).T, strict=True
        ):
            sizes = np.abs(scaled)
            if not (sizes < TRAINABLE).all():
                row = int(np.where(np.isnan(sizes), np.inf, sizes).argmax())
                faults.append(f"column {name!r}, {rows.places(row)}: {raw[row]:g} is {TRAINABLE:g} or more when scaled")
        if faults:
            remedy = (
                f"A network computes in float32, where squares of numbers far above {TRAINABLE:g} overflow; remove or "
                "cap such outliers, bound scaled inputs with data.clip=10, or set data.input_scaling and "
                "data.output_scaling to standard"
            )
            raise DataError("\n".join([*faults, remedy]))

    def _check_dates(self, rows: Rows) -> None:
        """Raises DataError if a column is dates in training rows and has other text elsewhere, as at prediction."""
        faults = {}
        for name, date in self.inputs.dates.items():
            column = rows.inputs[name]
            assert isinstance(column, TextArray)
            used = column.used()
            if (other := date.written.first_other(used.levels)) is not None:
                place = rows.places(int((used.codes == other).argmax()))
                faults[name] = f"column {name!r}, {place}: {used.levels[other]!r} is not a date as {date.written.name}"
        if faults:
            categories = by_column("data.column_kinds", dict.fromkeys(faults, "category"))
            remedy = f"Training rows have this format; correct the values, or set {categories}"
            raise DataError("\n".join([*faults.values(), remedy]))

    def apply(self, rows: Rows) -> Arrays:
        """Encodes and scales rows.

        Weights are divided by their mean: only their proportions matter to training.
        """
        weight = None if rows.sample_weight is None else rows.sample_weight / rows.sample_weight.mean()
        return Arrays(
            x=to_array(self.inputs, rows.inputs),
            y=self.outputs.apply(rows.target.values),
            sample_weight=None if weight is None else weight.astype(np.float32),
        )


def fit_preprocessing(training_rows: Rows, config: Data) -> Preprocessing:
    """Fits the preprocessing of inputs and targets.

    Args:
        training_rows: Training rows only, so that nothing is learned from validation and test rows.
        config: The data section.
    """
    config = without_columns(config, training_rows.left_out)
    scaling = config.output_scaling if training_rows.target.task == "regression" else "none"
    clip = config.output_clip if training_rows.target.task == "regression" else "none"
    return Preprocessing(
        inputs=fit_inputs(training_rows.inputs, config),
        outputs=OutputScaler.fit(training_rows.target.values, scaling, "data.output_scaling", clip),
    )
