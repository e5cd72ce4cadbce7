"""`ui`: opens MLflow's UI on the pipeline's store."""

import argparse
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Sequence

from pipeline.commands.arguments import Parser, tracking, whole_number
from pipeline.commands.ending import ends_tidily
from pipeline.errors import TrackingError
from pipeline.inference.locate import best_run
from pipeline.runtime.program import program

HOST = "127.0.0.1"
PORT = 5000
NOTES = """\
Prints the address to open. Ctrl-C stops it. If an MLflow server keeps the runs, open that server's UI instead.

examples:
  %(prog)s                        runs of the experiment that was used last
  %(prog)s --run best:iris        the best run of an experiment
  %(prog)s 5001 --sweep nimble-grouse-772
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("ui", NOTES)
    port = whole_number(1, 65_535)
    found.add_argument("port", metavar="PORT", nargs="?", type=port, default=PORT, help=f"default: {PORT}")
    which = found.add_mutually_exclusive_group()
    which.add_argument("--run", metavar="RUN", help="show this run: its id, or best:EXPERIMENT")
    which.add_argument(
        "--sweep", metavar="NAME", help="show a sweep's trials, best first: name or id of its parent run"
    )
    which.add_argument("--experiment", metavar="NAME", help="show its runs; default: the experiment that was used last")
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Replaces this process by the server, so that Ctrl-C and exit codes are the server's.

    Raises:
        PipelineError: The store cannot be used, belongs to a server or lacks the run, sweep or experiment, or the port
            is taken.
    """
    settings = tracking(args.uri)
    best = None if args.run is None else best_run(args.run, args.uri)
    from pipeline import track  # MLflow takes seconds to import

    with track.connected(settings) as uri:  # creates the store if nothing was trained yet
        if args.run is not None:
            page = track.page_of_run(args.run if best is None else best.run_id)
        elif args.sweep is not None:
            page = track.page_of_sweep(args.sweep)
        else:
            page = track.page_of_experiment(args.experiment)
    if not uri.startswith("sqlite:"):
        raise TrackingError(f"a server keeps the runs: open {uri.rstrip('/')}{page}")
    _check_port(args.port, page)
    # One worker and no job runner: the default of a dozen processes answers four times slower.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    where = ["--backend-store-uri", uri, "--host", HOST, "--port", str(args.port)]
    print(f"MLflow on {uri}; open {_address(args.port, page)} (Ctrl-C stops it)", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "ui", *where, "--workers", "1"], environment)


def _address(port: int, page: str) -> str:
    """Returns the address to open in a browser."""
    return f"http://{HOST}:{port}{page}"


def _check_port(port: int, page: str) -> None:
    """Raises TrackingError if the port is not available: MLflow would print a traceback after some seconds."""
    with contextlib.closing(socket.socket()) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise TrackingError(f"port {port}: {error.strerror}; {_remedy(port, page, error.errno)}") from None


def _remedy(port: int, page: str, number: int | None) -> str:
    other = f"{program()} ui {port + 1 if port < 65_535 else 5001}"
    if number != errno.EADDRINUSE:
        return f"use another, as in {other}"
    return f"if MLflow runs there already, open {_address(port, page)}, else use another, as in {other}"
