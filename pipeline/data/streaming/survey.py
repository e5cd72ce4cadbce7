"""The first pass over a streamed table: statistics of its training rows, a sample of all, and their fingerprint."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from pipeline.config.decision_rules import Calibration
from pipeline.config.rules import Data
from pipeline.data.dataset import InMemory
from pipeline.data.fingerprint import HashedColumns
from pipeline.data.reading.column_types import is_text
from pipeline.data.reading.raw_columns import TextArray
from pipeline.data.reading.row_numbers import RowNumbers
from pipeline.data.rows import Rows
from pipeline.data.splits.calibration_rows import too_few
from pipeline.data.splits.parts import NAMES, Splits, require_rows
from pipeline.data.splits.uneven import taken_for_classes, without_training_rows
from pipeline.data.stray_texts import StrayTexts
from pipeline.data.streaming.blocks import Block, Known, ReadAgainError, Seen, blocks, in_same_form
from pipeline.data.streaming.budget import memory_budget
from pipeline.data.streaming.hash_split import CALIBRATION, TRAIN, VAL, Assign, assignment, keeping_half, without_rows
from pipeline.data.streaming.running_statistics import Numbers, Texts
from pipeline.data.streaming.sample import MAX_SEEN, Sample
from pipeline.data.streaming.streamed_dataset import Streamed, block_bytes, with_progress
from pipeline.data.target import Target, labels_of, make_target
from pipeline.errors import DataError

log = logging.getLogger(__name__)

SAMPLE_SHARE = 1 / 64  # of the budget
MAX_SAMPLED, MIN_SAMPLED = 200_000, 2_000  # rows
TEXT_BYTES = 80  # of a text in memory
N_PLACES = CALIBRATION + 1  # the parts, no part, and rows kept for calibration
MAX_LABELS = 2 * MAX_SEEN  # a target with more labels is not a class


@dataclass
class Survey:
    """What a pass collects."""

    sample: Sample
    stray: StrayTexts
    inputs: dict[str, Numbers | Texts] = field(default_factory=dict)
    targets: dict[str, Numbers] = field(default_factory=dict)
    labels: dict[str, set[object]] = field(default_factory=dict)  # of training rows; incomplete above MAX_LABELS
    n_rows: np.ndarray = field(default_factory=lambda: np.zeros(N_PLACES, np.int64))
    weights: np.ndarray = field(default_factory=lambda: np.zeros(N_PLACES))
    hashed: HashedColumns = field(default_factory=HashedColumns)
    as_labels: HashedColumns = field(default_factory=HashedColumns)  # targets as text, which labels may be

    def add(self, block: Block, parts: np.ndarray) -> None:
        """Adds a block.

        Args:
            block: The block.
            parts: Part of each row, `(n_rows,)` int8.
        """
        columns = block.columns
        self.sample.add(block, parts)
        self.n_rows += np.bincount(parts, minlength=len(self.n_rows))
        if columns.sample_weight is not None:
            self.weights += np.bincount(parts, columns.sample_weight, minlength=len(self.weights))
        training = parts == TRAIN
        for name, values in columns.inputs.items():
            found = self.inputs.setdefault(name, Texts() if isinstance(values, TextArray) else Numbers())
            found.add(values[training])  # type: ignore[arg-type]
            self.hashed.add(name, values)
        self.stray.add(columns.target, block.places)
        for name, target in columns.target.items():
            self._add_target(name, target, training)
        if columns.sample_weight is not None:
            self.hashed.add("", columns.sample_weight)

    def _add_target(self, name: str, target: pd.Series, training: np.ndarray) -> None:
        """Adds a target as numbers and as labels, because only all rows show which of them it is."""
        labels = self.labels.setdefault(name, set())
        if len(labels) <= MAX_LABELS:
            labels.update(pd.unique(labels_of(target[training])).tolist())
            self.as_labels.add(f"target {name}", _label_texts(target))
        if is_text(target):
            self.hashed.add(f"target {name}", np.empty(0))
            return
        values = target.to_numpy(np.float64)
        self.hashed.add(f"target {name}", values)
        self.targets.setdefault(name, Numbers(counts=None)).add(values[training])

    def hashes(self, target: Target) -> dict[str, str]:
        """The hash of each column by its name, the same as for rows in memory."""
        as_labels = self.as_labels.hexdigests() if target.classes.dtype == object else {}
        return self.hashed.hexdigests() | as_labels


def load_streamed(config: Data, calibration: Calibration | None = None) -> Streamed:
    """A table on disk with a sample of its rows.

    Args:
        config: The data section.
        calibration: What validation rows are kept for; None keeps none.

    Raises:
        DataError: A file, column or value is invalid, or the rows cannot be divided.
    """
    known, budget = Known(), memory_budget(config)
    while True:  # each repetition knows more about the files' encodings and columns, so it ends
        try:
            assign = assignment(config, lambda: _pass(config, budget, known, "looked at for the split"))
            if calibration is not None:
                assign = keeping_half(assign, config.split)
            survey = _survey(config, budget, known, assign)
            break
        except ReadAgainError:
            continue
    streamed = _streamed(config, budget, known, assign, survey)
    if calibration is not None and streamed.sample.n_calibration < calibration.fewest:
        n_train, n_val = (int(survey.n_rows[places].sum()) for places in ([TRAIN], [VAL, CALIBRATION]))
        raise too_few(calibration, n_val, n_train + n_val, config.split)
    return streamed


def _pass(config: Data, budget: int, known: Known, what: str) -> Iterator[Block]:
    seen = Seen()
    for block in with_progress(blocks(config, block_bytes(budget), known), what):
        yield replace(block, columns=in_same_form(block.columns, config.split.column, seen, known))


def _survey(config: Data, budget: int, known: Known, assign: Assign) -> Survey:
    survey = None
    for block in _pass(config, budget, known, "looked at"):
        if survey is None:
            survey = Survey(Sample(_sample_rows(budget, block), config.split.seed), StrayTexts(config))
        survey.add(block, assign(block))
    if survey is None:
        raise without_rows(config)
    return survey


def _sample_rows(budget: int, block: Block) -> int:
    row = sum(TEXT_BYTES if isinstance(values, TextArray) else 8 for values in block.columns.inputs.values())
    return max(MIN_SAMPLED, min(MAX_SAMPLED, int(budget * SAMPLE_SHARE / row)))


def _streamed(config: Data, budget: int, known: Known, assign: Assign, survey: Survey) -> Streamed:
    n_rows = dict(zip(NAMES, survey.n_rows[: len(NAMES)].tolist(), strict=True))
    columns, parts, by_chance = survey.sample.rows()
    empty_nameless = {n for n, found in survey.inputs.items() if n.startswith("Unnamed: ") and not found.n}
    columns = replace(columns, inputs={n: v for n, v in columns.inputs.items() if n not in empty_nameless})
    weighted = columns.sample_weight is not None
    weights = dict(zip(NAMES, survey.weights[: len(NAMES)].tolist(), strict=True)) if weighted else {}
    require_rows(n_rows, weights)
    places = RowNumbers(len(parts), columns.n_test_file_rows, columns.row_numbers, columns.n_first)
    survey.stray.check(len(columns.target))
    target = make_target(columns.target, config.task, places)
    _require_trained(target, survey.labels, config)
    of_parts = {part: np.flatnonzero(parts == number) for number, part in enumerate(NAMES)}
    splits = Splits(**of_parts, calibration=np.flatnonzero((parts == CALIBRATION) & by_chance))
    thin = [part for part, numbers in splits.parts().items() if not len(numbers)]
    if thin:
        raise DataError(
            f"data.split: {' and '.join(thin)} has too few of {sum(n_rows.values())} rows for a sample; use larger "
            "fractions, or data.streaming=off"
        )
    means = {part: weights[part] / n if weighted else 1.0 for part, n in n_rows.items()}
    text = "data %s: %d rows train, %d validate, %d test, read in blocks; statistics from a sample of %d"
    log.info(text, config.path, *n_rows.values(), len(parts))
    rows = Rows(
        config.name, columns.inputs, target, columns.sample_weight, None, n_test_file_rows=columns.n_test_file_rows,
        row_numbers=columns.row_numbers, n_first=columns.n_first,
    )  # fmt: skip
    return Streamed(
        config=config,
        budget=budget,
        known=known,
        assign=assign,
        sample=InMemory.divided(rows, splits),
        n_all_rows=int(survey.n_rows.sum()),
        n_rows=n_rows,
        mean_weights=means,
        inputs=survey.inputs,
        targets=survey.targets if target.task == "regression" else {},
        hashes=survey.hashes(target),
    )


def _require_trained(target: Target, labels: Mapping[str, set[object]], config: Data) -> None:
    """Raises DataError if no training row has one of the classes."""
    if target.task == "regression":
        return
    trained = labels[target.names[0]]
    if target.classes.dtype == object:  # also for whole numbers if some blocks have none beyond int64
        trained = set(map(str, trained))
    absent = np.array([label not in trained for label in target.classes.tolist()])
    if absent.any() and len(trained) <= MAX_LABELS:
        by_chance = config.split.path is None and config.split.kind not in ("time", "column")
        ways = "another data.split.seed, data.streaming=off" if by_chance else "another split"
        said = without_training_rows(target.classes[absent])
        raise DataError(f"{said}; use {ways}, or more rows of it{taken_for_classes(target)}")


def _label_texts(target: pd.Series) -> TextArray:
    codes, labels = pd.factorize(labels_of(target))
    return TextArray.from_levels(codes, map(str, labels.tolist()))
