"""Opens MLflow's UI on the pipeline's store: `python -m pipeline ui [PORT]`."""

import os
import sys
from collections.abc import Sequence

from pipeline import config as configuration
from pipeline.errors import PipelineError


def main(words: Sequence[str]) -> None:
    """Becomes the server, so that Ctrl-C and exit codes are its own."""
    from pipeline import track

    port = words[0] if words else "5000"
    try:
        with track.connected(configuration.load().tracking) as uri:
            pass  # the store exists now, also when nothing was trained yet
    except PipelineError as error:
        sys.exit(str(error))
    if not uri.startswith("sqlite:"):
        sys.exit(f"the runs are kept by a server: open {uri}")
    # One worker and no job runner: by default a dozen processes start, and answer four times slower.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", port, "--workers", "1"]
    print(f"MLflow on {uri}: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    os.execve(sys.executable, command, environment)
