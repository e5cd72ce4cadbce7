"""The fit stage: strategy, loss, optimizer, callbacks and the training loop."""

from pipeline.fit.compile import compile_network
from pipeline.fit.loop import History, fit, seed
from pipeline.fit.strategy import describe_devices, scope

__all__ = ["History", "compile_network", "describe_devices", "fit", "scope", "seed"]
