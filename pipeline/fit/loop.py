"""Training: calls `fit` of the compiled model with rows, callbacks and checkpoints."""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.config.rules import Fit
from pipeline.errors import Pruned, TrainingError
from pipeline.fit import compiled_models
from pipeline.fit.batching import batches, batches_in_order
from pipeline.fit.callbacks import (
    Averages,
    BestWeights,
    Interrupts,
    Report,
    StopAtNaN,
    StopInTime,
    plateau,
    progress,
)
from pipeline.fit.checkpoint import Checkpoint, Checkpoints, Keeping, assign
from pipeline.fit.device_batch import Rows as Arrays
from pipeline.fit.disk_batching import OnDisk, Weighted, class_totals
from pipeline.fit.epoch_randomness import EpochDraws
from pipeline.fit.history import History, history_of, require_finite
from pipeline.fit.multi_step_model import VALIDATION_ROWS, MultiStepModel
from pipeline.fit.snapshot import AfterEpoch, Snapshot
from pipeline.fit.steps import batch_size, steps_of
from pipeline.fit.trainable_model import TrainableModel
from pipeline.runtime.signals import held

log = logging.getLogger(__name__)

EpochReport = Callable[[int, dict[str, float]], None]


def seed(number: int) -> None:
    """Seeds initial weights, dropout and the order of the rows.

    TensorFlow's global generator is not seeded while idle programs are cached: seeding it discards the kernels it has
    prepared, which costs each job of a sweep 0.3 s.
    """
    seed_layers(number)
    if not compiled_models.any_idle():
        keras.utils.set_random_seed(number)


def seed_layers(number: int) -> None:
    """Seeds the generators of Python and NumPy; Keras's layers draw their seeds from Python's."""
    random.seed(number)
    np.random.seed(number)


def fit(
    trainable: TrainableModel,
    train: Arrays,
    val: Arrays,
    config: Fit,
    *,
    seed: int,
    report: EpochReport,
    keeping: Keeping | None = None,
    after_epoch: Callable[[Snapshot], None] | None = None,
) -> History:
    """Trains a network. Each epoch uses all rows in a new order; the last batch holds the remaining rows.

    Args:
        trainable: The result of `compile_network`.
        train: Scaled training rows.
        val: Scaled validation rows.
        config: The fit section.
        seed: Seed of the order of the rows.
        report: Called after each epoch with its number, from 1, and its values.
        keeping: Writes checkpoints, and holds the one to resume from; None: no checkpoints.
        after_epoch: Takes the network as it is after each epoch.

    Returns:
        The values of all epochs; `trainable.network` holds the trained weights.

    Raises:
        TrainingError: The loss or a weight is not finite, or memory is exhausted.
    """
    if keeping is not None and keeping.found is not None and keeping.found.is_trained:
        return _recalled(trainable, keeping.found)
    epochs = [] if keeping is None else keeping.epochs
    best = BestWeights(config.early_stopping) if config.early_stopping.patience is not None else None
    shown, draws = progress(), EpochDraws(seed)
    if trainable.structure is None:  # Keras's own loop or third-party layers may use TensorFlow's global generator
        keras.utils.set_random_seed(seed)
    reports: list[keras.callbacks.Callback] = [Report(_kept(epochs, report))]
    if after_epoch is not None:
        reports.append(AfterEpoch(after_epoch, trainable.network, val))
    callbacks = [Interrupts(), shown, *_callbacks(config, trainable, best, draws, reports, keeping)]
    if keeping is not None:
        callbacks.append(Checkpoints(keeping, callbacks, epochs))
    start = time.perf_counter()
    try:
        with held(), _with_remedies(trainable):
            fed = _fed(trainable.model, train, val, config, draws)
            trainable.model.fit(**fed, epochs=config.epochs, initial_epoch=len(epochs), callbacks=callbacks)
    except Pruned:
        trainable.bring_back()  # the next job of the sweep may need the same program
        raise
    finally:
        shown.close()
    trainable.bring_back()
    require_finite(trainable.network)
    before = 0.0 if keeping is None else keeping.seconds
    history = history_of(epochs, best, config, before + time.perf_counter() - start)
    if keeping is not None:
        keeping.trained(trainable.model, epochs, history.best_epoch)
    return history


def _kept(epochs: list[dict[str, float]], report: EpochReport) -> EpochReport:
    """Returns a report that appends the values to those of earlier epochs first."""

    def keep(epoch: int, values: dict[str, float]) -> None:
        epochs.append(values)
        report(epoch, values)

    return keep


def _recalled(trainable: TrainableModel, found: Checkpoint) -> History:
    """Restores the result of a training that had finished before its process ended."""
    assign(trainable.model.variables, found.weights)
    trainable.bring_back()
    return History(list(found.epochs), found.best_epoch)


@contextlib.contextmanager
def memory_error_explained() -> Iterator[None]:
    """Turns out-of-memory errors while a network is built into a TrainingError with a remedy."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise TrainingError(
            "out of memory while the network is built; try a smaller one (keys of the section model)"
        ) from None


@contextlib.contextmanager
def _with_remedies(trainable: TrainableModel) -> Iterator[None]:
    """Turns TensorFlow's errors into a TrainingError with a remedy."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise TrainingError("out of memory; try a smaller fit.batch_size or a smaller network") from None
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        if trainable.execution != "compiled":
            raise
        first = str(error).strip().partition("\n")[0]
        raise TrainingError(f"XLA cannot compile this network ({first}); set fit.execution=graph") from None


def _fed(model: keras.Model, train: Arrays, val: Arrays, config: Fit, draws: EpochDraws) -> dict[str, Any]:
    """Returns the arguments of `model.fit` that hold the rows."""
    x, y, weight = rows = train[0], train[1], weights_of(train, config)
    n_batch = batch_size(config, len(x))
    validated: dict[str, Any] = {"validation_data": val if val[2] is not None else val[:2]}
    if isinstance(model, MultiStepModel):
        return validated | {"x": x, "y": y, "sample_weight": weight, "batch_size": n_batch, "seed": draws.seed}
    n_validated = max(VALIDATION_ROWS, n_batch)
    if isinstance(x, OnDisk):
        validated = {"validation_data": batches_in_order(val, n_validated)}
    else:
        validated["validation_batch_size"] = n_validated
    steps = batches(rows, steps_of(len(x), n_batch, model), draws.order)
    return validated | {"x": steps, "shuffle": False, "verbose": 0}


def _callbacks(
    config: Fit,
    trainable: TrainableModel,
    best: BestWeights | None,
    draws: EpochDraws,
    reports: Sequence[keras.callbacks.Callback],
    keeping: Keeping | None,
) -> Iterator[keras.callbacks.Callback]:
    """Yields all callbacks but the display, in the order in which they handle the end of an epoch."""
    if not isinstance(trainable.model, MultiStepModel):
        yield draws
    yield from reports
    yield StopAtNaN(float(sum(trainable.network.losses)))
    yield from plateau(config)
    if best is not None:
        yield best
    if config.max_minutes is not None:
        yield StopInTime(config.max_minutes, 0.0 if keeping is None else keeping.seconds, config.epochs)
    if config.ema:
        yield Averages()


def weights_of(train: Arrays, config: Fit) -> np.ndarray | Weighted | None:
    """Returns the weight of each training row in the loss: the row's own weight times the weight of its class.

    With `balanced` a class weighs W / (n_classes * w), where W and w are the sums of the rows' own weights, of all rows
    and of the class (King and Zeng 2001): the sum of all weights stays W, and each class has the same share of it.

    Args:
        train: Inputs, targets and weights of the training rows.
        config: The fit section.
    """
    _, y, own = train
    if config.class_weight == "none":
        return own
    if isinstance(y, OnDisk):
        return Weighted(own, y, _of_classes(class_totals(y, own)))
    classes = y[:, 0].astype(np.int64)
    weights = _of_classes(np.bincount(classes, own))[classes]
    return weights if own is None else weights * own


def _of_classes(totals: np.ndarray) -> np.ndarray:
    """Returns the weight of each class; the rows of a class without weight stay without."""
    shares = len(totals) * np.where(totals > 0, totals, np.inf)
    return (totals.sum() / shares).astype(np.float32)
