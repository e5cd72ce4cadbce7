"""The fit stage: strategy, loss, optimizer, callbacks and the training loop."""

from pipeline.fit.checkpoint import keeping
from pipeline.fit.history import History
from pipeline.fit.loop import fit, seed, seed_layers, too_large_told
from pipeline.fit.strategy import describe_devices, scope
from pipeline.fit.trainee import compile_network

__all__ = [
    "History",
    "compile_network",
    "describe_devices",
    "fit",
    "keeping",
    "scope",
    "seed",
    "seed_layers",
    "too_large_told",
]
