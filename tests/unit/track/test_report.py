"""The report on the data, in the run."""

import json
from pathlib import Path

from mlflow import MlflowClient

from pipeline import data, load
from pipeline.track import start


def test_the_run_keeps_the_report(regression_table: Path, store: str) -> None:
    config = load("data=plain_table", f"data.path={regression_table}", "data.target=y", f"tracking.uri={store}")
    dataset = data.load(config.data)
    found = data.report(dataset, dataset.fit(config.data).inputs.kinds)
    with start(config, dataset, about={}) as run:
        run.log_report(found)
    client = MlflowClient(store)
    assert {each.path for each in client.list_artifacts(run.id, "data")} == {"data/report.html", "data/report.json"}
    path = client.download_artifacts(run.id, "data/report.json")
    assert json.loads(Path(path).read_text(encoding="utf-8")) == found.as_dict()
