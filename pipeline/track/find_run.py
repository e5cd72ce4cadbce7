"""A run by either of its ids: the store's, or the one that it had before the store had it."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

TRAINED = "trained"  # folder among the artifacts of a run: what a model can be made of
JOURNAL_TAG = "journal"  # of a run: its provisional id, by which it is found whatever id the store gave it


def run_of(client: MlflowClient, run_id: str) -> MlflowRun:
    """The run that has this id, or had it before the store gave it one.

    Raises:
        MlflowException: There is none, or the store does not answer.
    """
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST" or not run_id.isalnum():
            raise
        found = with_journal(client, [one.experiment_id for one in client.search_experiments()], run_id)
        if not found:
            raise
        return found[0]


def with_journal(client: MlflowClient, experiments: Sequence[str], journal: str) -> list[MlflowRun]:
    """The runs that were made for a journal, in an order of their own; more than one where an answer was lost."""
    found = client.search_runs(list(experiments), f"tags.{JOURNAL_TAG} = '{journal}'")
    return sorted(found, key=lambda run: run.info.run_id)
