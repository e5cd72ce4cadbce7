"""The training loop: Keras's own `fit`, with what surrounds it."""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator
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
from pipeline.fit.disk_batching import OnDisk, Weighted, class_counts
from pipeline.fit.epoch_randomness import EpochDraws
from pipeline.fit.history import History, history_of, require_finite
from pipeline.fit.multi_step_model import VALIDATION_ROWS, MultiStepModel
from pipeline.fit.steps import batch_size, steps_of
from pipeline.fit.trainable_model import TrainableModel
from pipeline.runtime.signals import held

log = logging.getLogger(__name__)


def seed(number: int) -> None:
    """Seeds all that is drawn by chance from here on: the initial weights, dropout, and the order of the rows.

    TensorFlow's own generator is left alone where programs wait to be used again: seeding it throws away all that it
    has prepared to run, a third of a second for each job of a sweep.
    """
    seed_layers(number)
    if not compiled_models.any_idle():
        keras.utils.set_random_seed(number)


def seed_layers(number: int) -> None:
    """Seeds what Keras's layers draw from: Python's generator, by which they get seeds of their own."""
    random.seed(number)
    np.random.seed(number)


def fit(
    trainable: TrainableModel,
    train: Arrays,
    val: Arrays,
    config: Fit,
    *,
    seed: int,
    report: Callable[[int, dict[str, float]], None],
    keeping: Keeping | None = None,
) -> History:
    """Trains a network; all rows of an epoch in a new order, the last batch with what is left.

    Args:
        trainable: What `compile_network` made.
        train: Scaled training rows.
        val: Scaled validation rows.
        config: The fit section.
        seed: Of the order of the rows.
        report: Called after each epoch with its number, from 1, and its values.
        keeping: Where checkpoints go, and what to go on from; None of what need not outlive its process.

    Raises:
        TrainingError: The loss is no finite number any more, or the weights are not.
    """
    if keeping is not None and keeping.found is not None and keeping.found.is_trained:
        return _recalled(trainable, keeping.found)
    epochs = [] if keeping is None else keeping.epochs
    best = BestWeights(config.early_stopping) if config.early_stopping.patience is not None else None
    shown, draws = progress(), EpochDraws(seed)

    def keep(epoch: int, values: dict[str, float]) -> None:
        epochs.append(values)
        report(epoch, values)

    if trainable.structure is None:  # Keras's own loop, or layers not of Keras: they may draw by TensorFlow's generator
        keras.utils.set_random_seed(seed)
    callbacks = [Interrupts(), shown, *_callbacks(config, trainable, best, draws, Report(keep), keeping)]
    if keeping is not None:
        callbacks.append(Checkpoints(keeping, callbacks, epochs))
    rows = train[0], train[1], weights_of(train, config)
    start = time.perf_counter()
    try:
        with held(), _with_remedies(trainable):
            fed = _fed(trainable.model, rows, val, config, draws)
            trainable.model.fit(**fed, epochs=config.epochs, initial_epoch=len(epochs), callbacks=callbacks)
    except Pruned:
        trainable.bring_back()  # the next job of the sweep may need the same program
        raise
    finally:
        shown.close()
    trainable.bring_back()
    require_finite(trainable.network)
    history = history_of(epochs, best, config, time.perf_counter() - start)
    if keeping is not None:
        keeping.trained(trainable.model, epochs, history.best_epoch)
    return history


def _recalled(trainable: TrainableModel, found: Checkpoint) -> History:
    """What training had come to when the process died."""
    assign(trainable.model.variables, found.weights)
    trainable.bring_back()
    return History(list(found.epochs), found.best_epoch)


@contextlib.contextmanager
def memory_error_explained() -> Iterator[None]:
    """Makes of errors that a network's size causes while it is built what a user can do something about."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise TrainingError("out of memory while the network is built; try smaller model.units") from None


@contextlib.contextmanager
def _with_remedies(trainable: TrainableModel) -> Iterator[None]:
    """Makes of TensorFlow's errors what a user can do something about."""
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
    """The arguments by which a model gets its rows."""
    n_batch = batch_size(config, len(train[0]))
    validated: dict[str, Any] = {"validation_data": val if val[2] is not None else val[:2]}
    if isinstance(model, MultiStepModel):
        x, y, weight = train
        return validated | {"x": x, "y": y, "sample_weight": weight, "batch_size": n_batch, "seed": draws.seed}
    n_validated = max(VALIDATION_ROWS, n_batch)
    if isinstance(train[0], OnDisk):
        validated = {"validation_data": batches_in_order(val, n_validated)}
    else:
        validated["validation_batch_size"] = n_validated
    rows = batches(train, steps_of(len(train[0]), n_batch, model), draws.order)
    return validated | {"x": rows, "shuffle": False, "verbose": 0}


def _callbacks(
    config: Fit,
    trainable: TrainableModel,
    best: BestWeights | None,
    draws: EpochDraws,
    report: Report,
    keeping: Keeping | None,
) -> Iterator[keras.callbacks.Callback]:
    """All but the display, in the order in which an epoch's end is to be dealt with."""
    if not isinstance(trainable.model, MultiStepModel):
        yield draws
    yield report
    yield StopAtNaN(float(sum(trainable.network.losses)))
    yield from plateau(config)
    if best is not None:
        yield best
    if config.max_minutes is not None:
        yield StopInTime(config.max_minutes, 0.0 if keeping is None else keeping.seconds)
    if config.ema:
        yield Averages()


def weights_of(train: Arrays, config: Fit) -> np.ndarray | Weighted | None:
    """Weight of each training row in the loss: its own, times that of its class.

    `balanced`: n_rows / (n_classes * rows of the class) (King and Zeng 2001), so that the weights' mean is 1.
    """
    _, y, own = train
    if config.class_weight == "none":
        return own
    if isinstance(y, OnDisk):
        return Weighted(own, y, _of_classes(class_counts(y)))
    classes = y[:, 0].astype(np.int64)
    weights = _of_classes(np.bincount(classes))[classes]
    return weights if own is None else weights * own


def _of_classes(counts: np.ndarray) -> np.ndarray:
    return (counts.sum() / (len(counts) * counts)).astype(np.float32)
