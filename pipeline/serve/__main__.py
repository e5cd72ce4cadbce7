"""The command line: `python -m pipeline.serve MODEL [--port 8080]`."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Callable

from pipeline.errors import PipelineError
from pipeline.find import FORMS
from pipeline.serve.limits import Limits
from pipeline.signals import exit_code, sigterm_raises

TOKEN = "PIPELINE_SERVE_TOKEN"
EPILOG = f"""
It answers POST /invocations (MLflow: dataframe_split, dataframe_records, instances, inputs, and text/csv), POST
/v1/models/NAME:predict (TensorFlow Serving: instances, inputs), and GET /docs, /openapi.json, /ping, /health, /version,
/metrics, /v1/models/NAME and /v1/models/NAME/metadata. If the variable {TOKEN} is set, all but /ping and
/health ask for it (Authorization: Bearer ...). SIGTERM and Ctrl-C end it when all requests in work are answered.
"""


def main() -> None:
    """Loads the model and serves it until a signal comes."""
    args = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    token = os.environ.get(TOKEN) or None
    if token is None and not _is_local(args.host):
        logging.warning("--host %s: whoever reaches this address can ask; set %s to ask for a token", args.host, TOKEN)
    try:
        with sigterm_raises():
            from pipeline.serve import run  # late: --help needs no TensorFlow

            run.serve(
                args.model,
                name=args.name,
                uri=args.uri,
                trust=args.trust,
                address=(args.host, args.port),
                limits=_limits(args),
                token=token,
                poll_seconds=args.poll_seconds,
            )
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:  # while the model was loading
        sys.exit(exit_code(interrupt))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.serve",
        description="Serves a model over HTTP.",
        epilog=EPILOG,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help=FORMS)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
    parser.add_argument("--port", type=_whole(0), default=8080, help="port to listen on; 0 for a free one")
    parser.add_argument("--name", help="the model's name in /v1/models/NAME; else that it was found by")
    parser.add_argument("--uri", help="store of the runs; else $MLFLOW_TRACKING_URI, else SQLite under mlruns/")
    parser.add_argument("--trust", action="store_true", help="serve what does not match its manifest, or has none")
    parser.add_argument(
        "--poll-seconds", type=float, default=10.0, help="look this often whether an alias, best: or latest has moved"
    )
    parser.add_argument("--max-body-mb", type=float, default=16.0, help="largest body of a request, in MB; else 413")
    parser.add_argument("--body-seconds", type=float, default=30.0, help="longest time for a body to arrive; else 408")
    parser.add_argument("--max-rows", type=_whole(1), default=10_000, help="most rows of a request; else 413")
    parser.add_argument("--max-requests", type=_whole(1), default=512, help="most requests in work; else 429")
    parser.add_argument("--max-queue-rows", type=_whole(1), default=100_000, help="most rows that wait; else 429")
    parser.add_argument("--batch-rows", type=_whole(1), default=1024, help="most rows scored in one call")
    parser.add_argument(
        "--batch-wait-ms", type=float, default=0.0, help="how long a request waits for others to be scored with"
    )
    return parser


def _limits(args: argparse.Namespace) -> Limits:
    return Limits(
        body_bytes=int(args.max_body_mb * 1e6),
        body_seconds=args.body_seconds,
        rows=args.max_rows,
        requests=args.max_requests,
        queue_rows=args.max_queue_rows,
        batch_rows=args.batch_rows,
        wait_seconds=args.batch_wait_ms / 1000,
    )


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if (number := int(text)) < least:
            raise ValueError
        return number

    whole.__name__ = f"whole number from {least} on"
    return whole


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
