"""Decides from configs which jobs can be trained as one network."""

from __future__ import annotations

import json
from typing import Any

from pipeline.config.rules import Fit
from pipeline.fit.compile import STEP_SCHEDULES

# Keys that can differ between members.
VALUES_OF_MODEL = {"dropout", "initializer", "l1", "l2"}
VALUES_OF_FIT = {
    "checkpoint", "early_stopping", "execution", "learning_rate", "plateau_factor", "plateau_patience", "resume",
    "strategy", "weight_decay",
}  # fmt: skip


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
    """Returns a key that is equal for jobs that can train as one.

    Args:
        model: The model section.
        fit: The fit section.
    """
    own = VALUES_OF_FIT | (set() if fit.schedule in STEP_SCHEDULES or fit.ema == "auto" else {"epochs"})
    return json.dumps([model.model_dump(exclude=VALUES_OF_MODEL), fit.model_dump(exclude=own)], sort_keys=True)
