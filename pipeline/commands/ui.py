"""`ui`: MLflow's UI on the pipeline's store."""

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Sequence

from pipeline.commands.arguments import Parser, tracking, whole_number
from pipeline.commands.ending import ends_tidily
from pipeline.errors import TrackingError
from pipeline.runtime.program import program

HOST = "127.0.0.1"


def main(words: Sequence[str]) -> None:
    """The command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """The words that it takes."""
    found = Parser("ui", "Ctrl-C ends it. Where the runs are kept by an MLflow server, that server has the UI.")
    port = whole_number(1, 65_535)
    found.add_argument("port", metavar="PORT", nargs="?", type=port, default=5000, help="default: 5000")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Becomes the server, so that Ctrl-C and exit codes are its own.

    Raises:
        PipelineError: The store cannot be used, has a server of its own, or the port is taken.
    """
    settings = tracking(args.uri)
    _check_port(args.port)
    from pipeline import track  # MLflow takes seconds to import

    with track.connected(settings) as uri:  # which makes the store where nothing was trained yet
        page = track.page_of_newest()
    if not uri.startswith("sqlite:"):
        raise TrackingError(f"the runs are kept by a server: open {uri.rstrip('/')}{page}")
    # One worker and no job runner: by default a dozen processes start, and answer four times slower.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    where = ["--backend-store-uri", uri, "--host", HOST, "--port", str(args.port)]
    print(f"MLflow on {uri}: http://{HOST}:{args.port}{page} (Ctrl-C ends it)", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "ui", *where, "--workers", "1"], environment)


def _check_port(port: int) -> None:
    """Raises TrackingError where MLflow could not listen, which it tells by a traceback after some seconds."""
    with contextlib.closing(socket.socket()) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            other = port + 1 if port < 65_535 else 5001
            raise TrackingError(
                f"port {port}: {error.strerror}; take another, as in {program()} ui {other} (make ui PORT={other})"
            ) from None
