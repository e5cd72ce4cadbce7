"""The fit stage: strategy, loss, optimizer, callbacks and the training loop."""

from pipeline.fit.checkpoint import keeping
from pipeline.fit.history import History
from pipeline.fit.loop import fit, memory_error_explained, seed, seed_layers
from pipeline.fit.snapshot import Snapshot
from pipeline.fit.strategy import describe_devices, scope
from pipeline.fit.trainable_model import compile_network

__all__ = [
    "History",
    "Snapshot",
    "compile_network",
    "describe_devices",
    "fit",
    "keeping",
    "memory_error_explained",
    "scope",
    "seed",
    "seed_layers",
]
