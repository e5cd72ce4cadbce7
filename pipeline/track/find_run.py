"""Finds a run by its id in the store, or by the provisional id that it had before."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

JOURNAL_TAG = "journal"  # tag of a run: its provisional id


def run_of(client: MlflowClient, run_id: str) -> MlflowRun:
    """Returns the run with this id or provisional id.

    Args:
        client: Of the store.
        run_id: The id.

    Raises:
        MlflowException: No such run, or the store does not answer.
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
    """Returns the runs that were made for a journal, by id; more than one if an answer of the store was lost.

    Args:
        client: Of the store.
        experiments: Ids of the experiments to search.
        journal: Provisional id of the run.
    """
    found = client.search_runs(list(experiments), f"tags.{JOURNAL_TAG} = '{journal}'")
    return sorted(found, key=lambda run: run.info.run_id)
