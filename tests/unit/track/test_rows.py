"""Metrics as plain rows: the store knows what it would know had MLflow written each of them."""

import math
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from pipeline.track.spool import rows
from pipeline.track.spool.journal import Journal
from pipeline.track.spool.log_to_mlflow import Transfer

SERIES = [("loss", 300), ("val_loss", 300), ("learning_rate", 4), ("objective", 1)]
ODD = {7: math.nan, 8: math.inf, 9: -math.inf, 300: math.nan}  # values of some steps
NOW = 1_700_000_000_000


@pytest.fixture
def client(store: str) -> MlflowClient:
    return MlflowClient(store)


def values() -> list[list[Any]]:
    chance = np.random.default_rng(0)
    found = [
        [name, ODD.get(step, float(chance.normal())), NOW + step, step]
        for name, n_steps in SERIES
        for step in range(1, n_steps + 1)
    ]
    return sorted(found, key=lambda value: value[3])


def known(client: MlflowClient, run_id: str) -> dict[str, Any]:
    """As text, for NaN is unlike itself."""
    run = client.get_run(run_id)
    series = {
        name: [(one.step, one.timestamp, str(one.value)) for one in client.get_metric_history(run_id, name)]
        for name, _ in SERIES
    }
    return series | {"latest": {one.key: (one.step, one.timestamp, str(one.value)) for one in run.data._metric_objs}}


def sent(client: MlflowClient, run_id: str, batches: list[list[list[Any]]]) -> None:
    for batch in batches:
        earlier, last = rows.divided(batch)
        taken = rows.add_rows(client, run_id, earlier)
        client.log_batch(run_id, [Metric(*value) for value in (last if taken else batch)])


def test_the_store_knows_the_same(client: MlflowClient, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they come in batches, and when they come again, in others."""
    monkeypatch.setattr(rows, "FEWEST", 1)
    where = client.create_experiment("rows")
    plain, ours = (client.create_run(where).info.run_id for _ in range(2))
    every = values()
    client.log_batch(plain, [Metric(*value) for value in every])
    for size in (70, 41, len(every)):
        sent(client, ours, [every[start : start + size] for start in range(0, len(every), size)])
        assert known(client, ours) == known(client, plain)


def test_what_was_written_before_the_process_died_is_no_hindrance(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows without the latest value, which comes in a smaller batch then."""
    monkeypatch.setattr(rows, "FEWEST", 1)
    where = client.create_experiment("died")
    plain, ours = (client.create_run(where).info.run_id for _ in range(2))
    every = values()
    client.log_batch(plain, [Metric(*value) for value in every])
    assert rows.add_rows(client, ours, rows.divided(every)[0])
    sent(client, ours, [every[:100], every[100:]])
    assert known(client, ours) == known(client, plain)


def test_a_journal_goes_that_way(client: MlflowClient, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(MlflowClient, "log_batch", lambda self, run_id, metrics=(), **_: seen.extend(metrics))
    run_id = client.create_run(client.create_experiment("journal")).info.run_id
    journal = Journal({"uri": store, "run_id": run_id, "start": NOW})
    journal.log(values())
    journal.close()
    Transfer(journal.folder, alive=True).send()
    journal.release()
    journal.folder.remove()
    assert sorted(metric.key for metric in seen) == sorted(name for name, _ in SERIES)
    assert len(client.get_metric_history(run_id, "loss")) == 299  # the last is what MLflow is told


def test_few_go_by_mlflow_and_none_to_a_run_that_is_not_there(client: MlflowClient) -> None:
    assert not rows.add_rows(client, "0" * 32, values()[:10])
    with pytest.raises(MlflowException, match="not found"):
        rows.add_rows(client, "0" * 32, values())
