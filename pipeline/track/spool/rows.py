"""Metrics of many epochs on their way into MLflow's own SQLite file, all but the last of each as plain rows.

MLflow makes an object of its database layer of each value, and compares it with the last one that it knows: 70 us, a
third of a second for a trial of ten seconds with short epochs. That it does so with the last value of each is enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlflow import MlflowClient

COLUMNS = {"run_uuid", "key", "value", "timestamp", "step", "is_nan"}  # as we know them; another MLflow may have others
LARGEST = 1.7976931348623157e308  # what stands for infinity there
Value = list[Any]  # name, value, time in ms, step
FEWEST = 50  # values for which it is worth a transaction more


def divided(values: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Metrics in two parts: those after which another of the same name comes, and those that are to be the latest.

    The very last value of a metric is in the second part however a run's values come in batches, also when they are
    sent again: so it is always MLflow that writes it, and keeps it as the latest.
    """
    last: dict[str, Value] = {}
    for value in values:
        if value[0] not in last or _order(value) > _order(last[value[0]]):
            last[value[0]] = value
    return [value for value in values if value is not last[value[0]]], list(last.values())


def _order(value: Value) -> tuple[int, int, float]:
    """By which MLflow tells which of two is the later."""
    return value[3], value[2], _stored(value[1])


def _stored(value: float) -> float:
    """The number that stands for a value."""
    return 0.0 if math.isnan(value) else min(max(value, -LARGEST), LARGEST)


def add_rows(client: MlflowClient, run_id: str, values: Sequence[Value]) -> bool:
    """Adds metrics of an open run; those that it has already change nothing.

    Returns:
        Whether they were added. Where they are few, or the store is another than SQLite, MLflow is to take them.

    Raises:
        MlflowException: The run is not there, or the file cannot be written.
    """
    store: Any = getattr(client._tracking_client, "store", None)
    if len(values) < FEWEST or getattr(store, "db_type", None) != "sqlite":
        return False
    from mlflow.store.tracking.dbmodels.models import SqlMetric  # which the client of a server does not need

    if set(SqlMetric.__table__.columns.keys()) != COLUMNS:
        return False
    rows = [
        {
            "run_uuid": run_id, "key": name, "timestamp": at, "step": step, "is_nan": math.isnan(value),
            "value": _stored(value),
        }
        for name, value, at, step in values
    ]  # fmt: skip
    with store.ManagedSessionMaker(read_only=False) as session:
        store._check_run_is_active(store._get_run(run_uuid=run_id, session=session))
        session.execute(SqlMetric.__table__.insert().prefix_with("OR IGNORE"), rows)
    return True
