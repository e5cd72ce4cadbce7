"""The scores of a run as metrics of its logged model, each with its dataset."""

from __future__ import annotations

from mlflow.entities import Metric
from mlflow.entities import Run as MlflowRun

from pipeline.track.tracked_run import datasets_of

PARTS = ("train", "val", "test")


def scores_of_model(run: MlflowRun, model_id: str) -> list[Metric]:
    """Returns the final scores of a run as metrics of its model, with equal times, so that the run has them only once.

    Args:
        run: The run.
        model_id: Of the logged model.
    """
    rows, found = datasets_of(run), []
    for metric in run.data._metric_objs:
        part = "val" if metric.key == "objective" else metric.key.partition("_")[0]
        if part not in PARTS or metric.step != 0:  # `val_loss` is logged per epoch
            continue
        dataset = rows.get(part)
        known = {"dataset_name": dataset.name, "dataset_digest": dataset.digest} if dataset else {}
        found.append(Metric(metric.key, metric.value, metric.timestamp, metric.step, model_id=model_id, **known))
    return found
