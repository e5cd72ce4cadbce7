"""From the fit section to a compiled Keras model: loss, metrics, optimizer and learning-rate schedule."""

from typing import Any

import keras
import numpy as np

from pipeline.config.rules import LOSSES, Fit, check_loss
from pipeline.errors import ConfigError
from pipeline.fit.execution import choose_execution, trainable
from pipeline.fit.metrics import MeanAbsoluteError, RootMeanSquaredError
from pipeline.fit.steps import steps_per_epoch

METRICS = {"regression": ("rmse", "mae"), "binary": ("accuracy",), "multiclass": ("accuracy",)}


def compile_network(
    network: keras.Model, config: Fit, *, task: str, n_rows: int, output_scale: np.ndarray
) -> keras.Model:
    """Compiles a network for training; to be called in the strategy's scope.

    Args:
        network: From `(n_rows, n_inputs)` to scaled predictions, or logits for classes.
        config: The fit section.
        task: `regression`, `binary` or `multiclass`.
        n_rows: Training rows.
        output_scale: `(n_outputs,)`, original units per scaled unit of each target.

    Returns:
        A model that shares the network's layers.

    Raises:
        ConfigError: The loss, the monitor or the class weights do not go with the task.
    """
    try:
        check_loss(config.loss, task)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    monitor = config.early_stopping.monitor
    if monitor.removeprefix("val_") not in ("loss", *METRICS[task]):
        known = ", ".join(f"{name}, val_{name}" for name in ("loss", *METRICS[task]))
        raise ConfigError(f"fit.early_stopping.monitor: {monitor} is not logged for a {task} task; there are {known}")
    if config.class_weight != "none" and task == "regression":
        raise ConfigError("fit.class_weight: a regression has no classes; leave it at none")
    execution = choose_execution(config, n_rows)
    model = trainable(network, execution)
    metrics = _metrics(task, output_scale)
    model.compile(
        optimizer=_optimizer(config, steps_per_epoch(config, n_rows)),
        loss=_loss(config.loss, task),
        # Class weights shape the loss, not what is reported: training and validation stay comparable.
        **{"weighted_metrics" if config.class_weight == "none" else "metrics": metrics},
        jit_compile=execution == "compiled",
    )
    return model


def _loss(name: str, task: str) -> keras.losses.Loss:
    losses = {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
        "binary_crossentropy": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
        "categorical_crossentropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    }
    return losses[LOSSES[task][0] if name == "auto" else name]()


def _metrics(task: str, output_scale: np.ndarray) -> list[keras.metrics.Metric]:
    if task == "regression":
        return [RootMeanSquaredError(output_scale, "rmse"), MeanAbsoluteError(output_scale, "mae")]
    if task == "binary":
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]  # of a logit: probability one half
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


def _optimizer(config: Fit, steps: int) -> keras.optimizers.Optimizer:
    options: dict[str, Any] = {"learning_rate": _learning_rate(config, steps), "global_clipnorm": config.clip_norm}
    if config.momentum is not None:
        options["momentum"] = config.momentum
    if config.weight_decay is not None:
        options["weight_decay"] = config.weight_decay
    optimizers = keras.optimizers
    if config.optimizer == "muon":
        # Muon is for hidden kernels; biases and the output layer take the AdamW step (Liu et al. 2025, section 2.2).
        return optimizers.Muon(exclude_layers=["output"], **options)
    if config.optimizer == "sgd":
        return optimizers.SGD(nesterov=config.nesterov, **options)
    return {"adam": optimizers.Adam, "adamw": optimizers.AdamW, "rmsprop": optimizers.RMSprop}[config.optimizer](
        **options
    )


def _learning_rate(config: Fit, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """A number, or a schedule that counts steps. Reduce-on-plateau is a callback that changes the number."""
    if config.schedule == "cosine":
        warmup = round(config.warmup_epochs * steps)
        return keras.optimizers.schedules.CosineDecay(  # Loshchilov and Hutter 2017, without restarts
            initial_learning_rate=0.0 if warmup else config.learning_rate,
            decay_steps=max(1, config.epochs * steps - warmup),
            warmup_target=config.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    if config.schedule == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(config.learning_rate, steps, config.decay_rate)
    return config.learning_rate
