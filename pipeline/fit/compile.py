"""From the fit section to a compiled Keras model: loss, metrics, optimizer and learning-rate schedule."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.config.rules import LOSSES, Fit, check_loss
from pipeline.errors import ConfigError
from pipeline.fit.label_smoothing import SmoothedCrossentropy
from pipeline.fit.muon import Muon
from pipeline.fit.unscaled_metrics import MeanAbsoluteError, RootMeanSquaredError

STEP_SCHEDULES = ("cosine", "exponential")  # reduce_on_plateau is a callback that changes the number
# Parts of variable names in Keras's layers and in model/layers.
NOT_DECAYED = ("bias", "gamma", "beta", "embedding_", "scales", "slopes", "bins", "frequencies", "phases", "waves")
LONG_AVERAGES, SHORT_AVERAGES, FEW_STEPS = 0.99, 0.95, 300
METRICS = {"regression": ("rmse", "mae"), "binary": ("accuracy",), "multiclass": ("accuracy",)}

Values = Mapping[str, Any]


def check(config: Fit, task: str) -> None:
    """Checks that the fit section matches the task.

    Args:
        config: The fit section.
        task: `regression`, `binary` or `multiclass`.

    Raises:
        ConfigError: The loss, the monitor, label smoothing or the class weights do not match.
    """
    try:
        check_loss(config.loss, task)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    monitor = config.early_stopping.monitor
    if monitor.removeprefix("val_") not in ("loss", *METRICS[task]):
        known = ", ".join(f"{name}, val_{name}" for name in ("loss", *METRICS[task]))
        raise ConfigError(f"fit.early_stopping.monitor: {monitor} is not logged for a {task} task; use one of {known}")
    if config.label_smoothing and task == "regression":
        raise ConfigError("fit.label_smoothing: a regression has no labels to smooth; leave it at 0")
    if config.class_weight != "none" and task == "regression":
        raise ConfigError("fit.class_weight: a regression has no classes; leave it at none")


def with_decay_of_averages(config: Fit, n_steps: int) -> Fit:
    """Replaces `auto` in `fit.ema` by a decay: few steps are too short for long averages.

    Args:
        config: The fit section.
        n_steps: Steps per epoch.
    """
    if config.ema != "auto":
        return config
    return config.model_copy(update={"ema": SHORT_AVERAGES if config.epochs * n_steps < FEW_STEPS else LONG_AVERAGES})


def compile_model(model: keras.Model, config: Fit, *, task: str, n_steps: int, output_scale: np.ndarray) -> Values:
    """Gives a model its loss, metrics and optimizer.

    Args:
        model: Still uncompiled.
        config: The fit section.
        task: `regression`, `binary` or `multiclass`.
        n_steps: Steps per epoch.
        output_scale: `(n_outputs,)`, original units per scaled unit of each target.

    Returns:
        The variables that hold the learning rate, the ratio of AdamW's rate to it, and the scale, by name.
    """
    scale = tf.Variable(output_scale.astype(np.float32), trainable=False)
    ratio = tf.Variable(adamw_ratio(config), trainable=False, dtype=tf.float32)
    rate = config.learning_rate
    if config.schedule in STEP_SCHEDULES:
        rate = tf.Variable(rate, trainable=False, dtype=tf.float32)
    optimizer = _optimizer(config, _schedule(config, rate, n_steps), ratio)
    metrics = _metrics(task, scale)
    model.compile(
        optimizer=optimizer,
        loss=loss_of(config, task),
        # Class weights change the loss but not the metrics, so that training and validation stay comparable.
        **{"weighted_metrics" if config.class_weight == "none" else "metrics": metrics},
        jit_compile=False,  # multi-step calls are compiled as a whole, and single steps gain nothing
    )
    return {
        "learning_rate": rate if config.schedule in STEP_SCHEDULES else optimizer.learning_rate,
        "adamw_ratio": ratio,
        "output_scale": scale,
    }


def adamw_ratio(config: Fit) -> float:
    """Returns AdamW's learning rate within Muon as a multiple of Muon's own."""
    return 1.0 if config.adamw_learning_rate is None else config.adamw_learning_rate / config.learning_rate


def loss_of(config: Fit, task: str) -> keras.losses.Loss:
    """Returns the training loss; networks of members apply it to each member (see member_losses.py).

    Args:
        config: The fit section.
        task: `regression`, `binary` or `multiclass`.
    """
    name, smoothing = config.loss, config.label_smoothing
    losses = {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
        "binary_crossentropy": lambda: keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing),
        "categorical_crossentropy": lambda: (
            SmoothedCrossentropy(smoothing)
            if smoothing
            else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        ),
    }
    return losses[LOSSES[task][0] if name == "auto" else name]()


def _metrics(task: str, scale: tf.Variable) -> list[keras.metrics.Metric]:
    if task == "regression":
        return [RootMeanSquaredError(scale, "rmse"), MeanAbsoluteError(scale, "mae")]
    if task == "binary":
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]  # a logit of 0 is a probability of 0.5
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


def _optimizer(config: Fit, rate: Any, adamw_ratio: Any) -> keras.optimizers.Optimizer:
    options: dict[str, Any] = {"learning_rate": rate, "global_clipnorm": config.clip_norm}
    if config.ema:
        options |= {"use_ema": True, "ema_momentum": config.ema}
    if config.momentum is not None:
        options["momentum"] = config.momentum
    if config.weight_decay is not None:
        options["weight_decay"] = config.weight_decay
    optimizers = keras.optimizers
    if config.optimizer == "muon":
        # Biases and the output layer take the AdamW step (Liu et al. 2025, section 2.2), whose decay is a separate
        # argument.
        decay = {} if config.weight_decay is None else {"adam_weight_decay": config.weight_decay}
        return _sparing(Muon(adam_lr_ratio=adamw_ratio, **decay, **options))
    if config.optimizer == "sgd":
        return optimizers.SGD(nesterov=config.nesterov, **options)
    if config.optimizer == "adamw":
        return _sparing(optimizers.AdamW(**options))
    return {"adam": optimizers.Adam, "rmsprop": optimizers.RMSprop}[config.optimizer](**options)


def _sparing(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Decays kernels only: large biases, scales or embeddings do not make a network more complex."""
    optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    return optimizer


def _schedule(config: Fit, rate: Any, n_steps: int) -> Any:
    """Returns the rate itself, or a schedule over steps that starts from it."""
    if config.schedule == "cosine":
        warmup = round(config.warmup_epochs * n_steps)
        return keras.optimizers.schedules.CosineDecay(  # Loshchilov and Hutter 2017, without restarts
            initial_learning_rate=0.0 if warmup else rate,
            decay_steps=max(1, config.epochs * n_steps - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if config.schedule == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(rate, n_steps, config.decay_rate)
    return rate
