"""How the steps of an epoch run: one by one as in stock Keras, or many per call, compiled by XLA or not."""

import logging

import tensorflow as tf

from pipeline.config.rules import Fit
from pipeline.errors import ConfigError

log = logging.getLogger(__name__)

# Compiling takes up to 0.9 s more than tracing the graph, and saves 0.15 ms per step of California 8-64-64-1 at batch
# 32 and 0.36 ms of 8-208-208-1 at batch 256 (two CPU cores): both pay from 2 500 steps on, larger networks sooner.
STEPS_WORTH_COMPILING = 2500


def choose_execution(config: Fit, n_steps: int) -> str:
    """Chooses `compiled`, `graph` or `stock`, and logs the reason.

    Args:
        config: The fit section.
        n_steps: Steps per epoch.

    Raises:
        ConfigError: The configured execution does not run on several devices.
    """
    steps = config.epochs * n_steps
    if tf.distribute.has_strategy():
        if config.execution in ("compiled", "graph"):
            raise ConfigError(f"fit.execution: {config.execution} trains on one device; mirrored needs auto or stock")
        chosen, why = "stock", "several replicas"
    elif config.execution != "auto":
        chosen, why = config.execution, "as set"
    else:
        chosen = "compiled" if steps >= STEPS_WORTH_COMPILING else "graph"
        why = f"at most {steps} steps, {'enough' if chosen == 'compiled' else 'too few'} to pay for compiling"
    log.info("execution %s: %s", chosen, why)
    return chosen
