"""Where MLflow's pages have a description."""

NOTE = "mlflow.note.content"  # tag of a run: what its page says at the top, in Markdown
MAX_NOTE_LENGTH = 7_900  # letters; MLflow's limit of a tag is 8000
MAX_DESCRIPTION_LENGTH = 5_000  # of registered models and versions
