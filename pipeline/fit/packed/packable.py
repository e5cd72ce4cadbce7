"""Decides from configs which jobs can be trained as one network."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from pipeline.config.rules import Fit
from pipeline.fit.compile import STEP_SCHEDULES

# Keys that can differ between members.
VALUES_OF_MODEL = {"dropout", "initializer", "l1", "l2", "units"}
VALUES_OF_FIT = {
    "checkpoint", "early_stopping", "execution", "learning_rate", "plateau_factor", "plateau_patience", "resume",
    "strategy", "weight_decay",
}  # fmt: skip

N_INPUTS = 16  # of a typical table: what a first layer's work is estimated by
MOST_PADDING = 2.0  # times the members' own work: alone, each would take more than that, and be compiled by itself


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
        (model.numeric_embedding != "none", f"model.numeric_embedding={model.numeric_embedding}"),
        (fit.optimizer == "muon", "fit.optimizer=muon"),
        (fit.max_minutes is not None, "fit.max_minutes counts its own time"),
        (fit.checkpoint is True, "fit.checkpoint=true"),
        (fit.mixed_precision, "fit.mixed_precision"),
        (fit.execution in ("graph", "stock"), f"fit.execution={fit.execution}"),
        (fit.strategy == "mirrored" or fit.devices is not None, "it trains on several devices"),
    ]


def shape(model: Any, fit: Fit) -> str:
    """Returns a key that is equal for jobs that can train as one, some of them padded.

    Args:
        model: The model section.
        fit: The fit section.
    """
    own = VALUES_OF_FIT | (set() if fit.schedule in STEP_SCHEDULES or fit.ema == "auto" else {"epochs"})
    # Activations of single layers belong to layers of the same number, and nothing can pass by the only layer.
    depth = len(model.units) if isinstance(model.activation, list) else bool(model.units)
    return json.dumps([depth, model.model_dump(exclude=VALUES_OF_MODEL), fit.model_dump(exclude=own)], sort_keys=True)


def packs(units: Sequence[Sequence[int]], n_most: int) -> list[list[int]]:
    """Divides networks with the same `shape` into packs, from the largest network to the smallest.

    Args:
        units: Widths of the hidden layers of each network.
        n_most: Maximum size of a pack.

    Returns:
        Numbers of networks. The work of a padded pack is at most MOST_PADDING times that of its networks.
    """
    found: list[list[int]] = []
    for number in sorted(range(len(units)), key=lambda number: (-_work(units[number]), number)):
        last = found[-1] if found else []
        if last and len(last) < n_most and _padding([units[one] for one in (*last, number)]) <= MOST_PADDING:
            last.append(number)
        else:
            found.append([number])
    return found


def _padding(units: Sequence[Sequence[int]]) -> float:
    """Returns the work of networks that are padded to the largest, as a multiple of their own."""
    largest = [max(widths) for widths in itertools.zip_longest(*units, fillvalue=0)]
    return len(units) * _work(largest) / sum(map(_work, units))


def _work(units: Sequence[int]) -> int:
    """Estimates the multiplications for a row."""
    return sum(n_in * n_out for n_in, n_out in itertools.pairwise([N_INPUTS, *units, 1]))
