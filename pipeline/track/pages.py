"""MLflow's pages: their addresses, and where they have a description.

Without a workflow type MLflow 3 shows what it has for language models.
"""

import mlflow

TRAINING = "workflowType=machine_learning"
NOTE = "mlflow.note.content"  # tag of a run: what its page says at the top, in Markdown
MAX_NOTE_LENGTH = 7_900  # letters; MLflow's limit of a tag is 8000
MAX_DESCRIPTION_LENGTH = 5_000  # of registered models and versions


def page_of_newest() -> str:
    """Where MLflow lists the runs of the experiment that was used last, behind the address of a server.

    Needs the store to be connected; of a store without runs it is the list of experiments.
    """
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments(max_results=1000)]
    newest = client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=1)
    return f"/#/experiments/{newest[0].info.experiment_id}/runs?{TRAINING}" if newest else f"/#/experiments?{TRAINING}"
