"""Decides from configs which jobs can be trained as one network."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from pipeline.config.rules import Fit
from pipeline.fit.compile import STEP_SCHEDULES

# Keys that can differ between members.
VALUES_OF_MODEL = {"dropout", "embedding_scale", "initializer", "l1", "l2", "units"}
VALUES_OF_FIT = {
    "checkpoint", "early_stopping", "execution", "learning_rate", "plateau_factor", "plateau_patience", "resume",
    "strategy", "weight_decay",
}  # fmt: skip

N_INPUTS = 16  # of a typical table: the rows are not read yet
MAX_WORK = 2  # times the multiplications that a network needs alone


def why_alone(model: Any, fit: Fit) -> str | None:
    """Returns why a network trains alone; None if it can train with others.

    Args:
        model: The model section.
        fit: The fit section.
    """
    if model.name != "dense":
        return f"model={model.name} is not a plain stack of dense layers"
    return next((why for applies, why in _reasons(model, fit) if applies), None)


def _reasons(model: Any, fit: Fit) -> list[tuple[bool, str]]:
    normalizes = model.batch_norm if isinstance(model.batch_norm, bool) else any(model.batch_norm)
    return [
        (normalizes, "model.batch_norm"),
        (fit.optimizer == "muon", "fit.optimizer=muon"),
        (fit.max_minutes is not None, "fit.max_minutes counts its own time"),
        (fit.checkpoint is True, "fit.checkpoint=true"),
        (fit.mixed_precision, "fit.mixed_precision"),
        (fit.execution in ("graph", "stock"), f"fit.execution={fit.execution}"),
        (fit.strategy == "mirrored" or fit.devices is not None, "it trains on several devices"),
    ]


def shape(model: Any, fit: Fit) -> str:
    """Returns a key that is equal for jobs that can train as one; `packs` divides them by the sizes of the networks.

    Args:
        model: The model section.
        fit: The fit section.
    """
    own = VALUES_OF_FIT | (set() if fit.schedule in STEP_SCHEDULES or fit.ema == "auto" else {"epochs"})
    return json.dumps([model.model_dump(exclude=VALUES_OF_MODEL), fit.model_dump(exclude=own)], sort_keys=True)


def packs(units: Sequence[Sequence[int]], n_most: int) -> list[list[int]]:
    """Divides networks with the same `shape` into packs, largest networks first.

    Padding makes each network of a pack as deep and as wide as the largest. It at most doubles a network's
    multiplications.

    Args:
        units: Widths of the hidden layers of each network.
        n_most: Maximum size of a pack.

    Returns:
        Indices of networks; a pack can be a single network.
    """
    found: list[list[int]] = []
    for index in sorted(range(len(units)), key=lambda index: (-_work(units[index]), list(units[index]))):
        for pack in found:
            if len(pack) < n_most and _fit([units[one] for one in (*pack, index)]):
                pack.append(index)
                break
        else:
            found.append([index])
    return found


def _fit(units: Sequence[Sequence[int]]) -> bool:
    """Returns whether padding costs each network at most MAX_WORK times its own work."""
    padded = [max(widths) for widths in itertools.zip_longest(*units, fillvalue=0)]
    return _work(padded) <= MAX_WORK * min(map(_work, units))


def _work(units: Sequence[int]) -> int:
    """Estimates the multiplications for a row."""
    return sum(n_in * n_out for n_in, n_out in itertools.pairwise([N_INPUTS, *units, 1]))
