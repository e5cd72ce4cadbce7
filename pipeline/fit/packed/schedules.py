"""Learning-rate schedules as factors, so that members of one pack can have different rates."""

from __future__ import annotations

import numpy as np

from pipeline.config.rules import Fit


def factors(config: Fit, n_steps: int, updates: np.ndarray) -> np.ndarray:
    """Returns the factors of a learning rate at some updates, as in Keras's schedules.

    Args:
        config: The fit section.
        n_steps: Steps per epoch.
        updates: Number of earlier updates, for each update.
    """
    if config.schedule == "exponential":
        return config.decay_rate ** (updates / n_steps)
    if config.schedule != "cosine":
        return np.ones(len(updates))
    warmup = round(config.warmup_epochs * n_steps)
    length = max(1, config.epochs * n_steps - warmup)
    done = np.clip((updates - warmup) / length, 0, 1)
    falling = 0.5 * (1 + np.cos(np.pi * done))  # Loshchilov and Hutter 2017, without restarts
    return np.where(updates < warmup, updates / max(1, warmup), falling)
