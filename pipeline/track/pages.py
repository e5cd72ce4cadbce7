"""Names and limits of descriptions on MLflow's pages."""

NOTE = "mlflow.note.content"  # tag of a run: description at the top of its page, in Markdown
MAX_NOTE_LENGTH = 7_900  # characters; MLflow limits tags to 8000
MAX_DESCRIPTION_LENGTH = 5_000  # of registered models and versions
