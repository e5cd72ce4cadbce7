"""Reads a finished sweep for a study, and logs the study to its parent run."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mlflow
from matplotlib.figure import Figure
from mlflow.entities import Run as MlflowRun

from pipeline.config.rules import Tracking
from pipeline.config.studies import TAG
from pipeline.errors import TrackingError
from pipeline.runtime.signals import held
from pipeline.track import metric_names
from pipeline.track.address import local_path
from pipeline.track.query import search
from pipeline.track.store import connected


@dataclass(frozen=True)
class StudyTrial:
    """A run of a study's sweep."""

    run_id: str
    is_finished: bool
    params: dict[str, str]
    metrics: dict[str, float]
    n_rows_train: int | None  # None if it ended before its rows were split


@dataclass(frozen=True)
class StudiedSweep:
    """The sweep of a study."""

    run_id: str
    trials: list[StudyTrial]
    folder: str  # of the study's artifacts: a path, or an address in a remote store

    @property
    def n_rows_train(self) -> int:
        """Largest number of training rows of a run; 0 if unknown."""
        return max((trial.n_rows_train for trial in self.trials if trial.n_rows_train is not None), default=0)

    def history(self, trial: StudyTrial, name: str) -> list[float]:
        """Returns a value that a run logged in each epoch.

        Args:
            trial: The run.
            name: Plain name of the value.
        """
        return [entry.value for entry in metric_names.history(mlflow.MlflowClient(), trial.run_id, name)]

    def inputs(self, trial: StudyTrial) -> dict[str, float]:
        """Returns the importance of each input in a run's network, by name."""
        return mlflow.artifacts.load_dict(f"runs:/{trial.run_id}/inputs.json")

    @held()
    def log(self, pictures: Mapping[str, Figure], texts: Mapping[str, str], found: str) -> None:
        """Logs the study's pictures and texts to the parent run, and its findings as a tag.

        Args:
            pictures: By name.
            texts: By file name.
            found: The findings.
        """
        client = mlflow.MlflowClient()
        for name, figure in pictures.items():
            client.log_figure(self.run_id, figure, f"study/{name}.png")
        for name, text in texts.items():
            client.log_text(self.run_id, text, f"study/{name}")
        client.set_tag(self.run_id, "found", found[:5000])  # MLflow limits tags to 8000


@contextlib.contextmanager
def studied(tracking: Tracking, study: str) -> Iterator[StudiedSweep]:
    """Yields the sweep of this study that ended last.

    Args:
        tracking: Of the store.
        study: Name of the study.

    Raises:
        TrackingError: The store has no sweep of the study.
    """
    with connected(tracking) as uri:
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(tracking.experiment)
        where = [experiment.experiment_id] if experiment else []
        query = f"tags.{TAG} = '{study}'"
        runs = search(where, query, "attributes.end_time DESC") if where else []
        parents = [run for run in runs if "sweep" in run.data.tags]
        if not parents:
            raise TrackingError(f"tracking.uri: {uri} has no sweep of the study {study} in {tracking.experiment}")
        parent = parents[0]
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        children.sort(key=lambda run: run.info.start_time)  # the order of the sweep's values
        yield StudiedSweep(
            parent.info.run_id, [_trial(child) for child in children], local_path(f"{parent.info.artifact_uri}/study")
        )


def _trial(run: MlflowRun) -> StudyTrial:
    return StudyTrial(
        run_id=run.info.run_id,
        is_finished=run.info.status == "FINISHED",
        params=dict(run.data.params),
        metrics=metric_names.plain_values(run.data.metrics),
        n_rows_train=int(run.data.tags["n_rows_train"]) if "n_rows_train" in run.data.tags else None,
    )
