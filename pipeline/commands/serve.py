"""`serve`: serves a model over HTTP."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.commands.arguments import Parser, making, real_number, whole_number
from pipeline.commands.ending import ends_tidily
from pipeline.inference.locate import resolve

if TYPE_CHECKING:
    from pipeline.inference.http.limits import Limits

TOKEN = "PIPELINE_SERVE_TOKEN"
NOTES = f"""\
It answers POST /invocations (MLflow: dataframe_split, dataframe_records, instances, inputs, and text/csv), POST
/v1/models/NAME:predict (TensorFlow Serving: instances, inputs), and GET /docs, /openapi.json, /ping, /health, /version,
/metrics, /v1/models/NAME and /v1/models/NAME/metadata. If the variable {TOKEN} is set, all but /ping and
/health require it (Authorization: Bearer ...), /docs by a field in the browser. SIGTERM and Ctrl-C stop the server once
running requests are answered.

example:
  %(prog)s best:california --port 8081
"""


def main(words: Sequence[str]) -> None:
    """Runs the command line."""
    with ends_tidily():
        run(parser().read(words))


def parser() -> Parser:
    """Makes the parser of this command."""
    found = Parser("serve", NOTES)
    found.add_model()
    at_least_one, given = whole_number(1), "; default: %(default)s"
    found.add_argument("--host", default="127.0.0.1", help=f"address to listen on; 0.0.0.0 for all{given}")
    found.add_argument(
        "--port", type=whole_number(0, 65_535), default=8080, help=f"port to listen on; 0 for a free one{given}"
    )
    found.add_argument("--name", help="the model's name in /v1/models/NAME; default: as in MODEL")
    found.add_argument(
        "--poll-seconds",
        type=real_number(0.1),
        default=10.0,
        help=f"interval of checks whether an alias or best: has moved{given}",
    )
    found.add_argument(
        "--max-connections",
        type=at_least_one,
        default=1000,
        help=f"open at once, else 503; idle ones are closed first{given}",
    )
    found.add_argument(
        "--head-seconds",
        type=real_number(0.1),
        default=10.0,
        help=f"time limit for a request's headers, else 408{given}",
    )
    found.add_argument(
        "--max-body-mb", type=real_number(0.001), default=16.0, help=f"largest body of a request, else 413{given}"
    )
    found.add_argument(
        "--body-seconds", type=real_number(0.1), default=30.0, help=f"time limit for a request's body, else 408{given}"
    )
    found.add_argument(
        "--answer-seconds",
        type=real_number(0.1),
        default=60.0,
        help=f"time limit for a client to read an answer, else it is cut off{given}",
    )
    found.add_argument("--max-rows", type=at_least_one, default=10_000, help=f"rows of a request, else 413{given}")
    found.add_argument("--max-requests", type=at_least_one, default=512, help=f"concurrent requests, else 429{given}")
    found.add_argument("--max-queue-rows", type=at_least_one, default=100_000, help=f"waiting rows, else 429{given}")
    found.add_argument("--batch-rows", type=at_least_one, default=1024, help=f"most rows scored in one call{given}")
    found.add_argument(
        "--batch-wait-ms",
        type=real_number(0),
        default=0.0,
        help=f"how long a request waits for others to join it{given}",
    )
    found.add_strict()
    found.add_trust()
    found.add_store()
    return found


def run(args: argparse.Namespace) -> None:
    """Loads the model and serves it until a signal arrives.

    Raises:
        PipelineError: The model does not exist, or the address is not available.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    token = os.environ.get(TOKEN) or None
    if token is None and not _is_local(args.host):
        logging.warning(
            "--host %s: anyone who reaches this address can use it; set %s to ask for a token", args.host, TOKEN
        )
    from pipeline.inference.http.start_server import serve  # TensorFlow takes seconds to import

    serve(
        args.model,
        find=lambda: making(lambda: resolve(args.model, args.uri), args.uri),
        name=args.name,
        uri=args.uri,
        trust=args.trust,
        address=(args.host, args.port),
        limits=_limits(args),
        token=token,
        strict=args.strict,
        poll_seconds=args.poll_seconds,
    )


def _limits(args: argparse.Namespace) -> Limits:
    from pipeline.inference.http.limits import Limits

    return Limits(
        connections=args.max_connections,
        head_seconds=args.head_seconds,
        answer_seconds=args.answer_seconds,
        body_bytes=int(args.max_body_mb * 1e6),
        body_seconds=args.body_seconds,
        rows=args.max_rows,
        requests=args.max_requests,
        queue_rows=args.max_queue_rows,
        batch_rows=args.batch_rows,
        wait_seconds=args.batch_wait_ms / 1000,
    )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
