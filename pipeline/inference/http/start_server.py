"""Runs a server, from the model's name until the server ends."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import math
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from pipeline.errors import PipelineError
from pipeline.inference import locate
from pipeline.inference.http.limits import Limits
from pipeline.runtime.startup import import_tensorflow

if TYPE_CHECKING:
    from pipeline.inference.http.reload import ModelReloader
    from pipeline.inference.http.service import Service

log = logging.getLogger(__name__)

BACKLOG = 2048
OTHER_FILES = 300  # files that may be open besides connections: of TensorFlow, of a store, of refused clients
LAST_SECONDS = 30  # for the last answers after the last body has arrived; a client may never read its answer


class ServeError(PipelineError):
    """The server cannot listen at its address."""


def serve(
    reference: str,
    *,
    find: Callable[[], locate.FoundModel],
    name: str | None,
    uri: str | None,
    trust: bool,
    address: tuple[str, int],
    limits: Limits,
    token: str | None,
    strict: bool,
    poll_seconds: float,
) -> None:
    """Serves until SIGTERM or Ctrl-C, and then finishes open requests.

    Args:
        reference: Name of the model: a run, an alias, a folder or `best:EXPERIMENT`.
        find: Returns the model that the reference names now.
        name: Under which it is served; None for its own.
        uri: Address of the MLflow store; None for the default.
        trust: Whether to load files that do not match their manifest.
        address: Host and port.
        limits: Of the server.
        token: That requests must send; None for no token.
        strict: Whether a missing value in a column that had none in training is an error.
        poll_seconds: Between two looks for a newer model.

    Raises:
        PipelineError: The model does not exist or does not work, or the address is in use.
    """
    with contextlib.closing(bound_socket(*address)) as listening:
        known = locate.stands_for(reference, uri)
        found = find()
        # oneDNN prepares and keeps a kernel for each number of rows: memory grew by a tenth in 100 000 requests, and a
        # row through 1024-1024-1024-1024 took 1.7 ms instead of 1.0.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
        import_tensorflow()
        from pipeline.inference.http import docs
        from pipeline.inference.http.reload import ModelReloader
        from pipeline.inference.http.served_model import load
        from pipeline.inference.http.service import Service

        model = load(found, name=name, trust=trust)
        service = Service(model, with_files_for(limits), token, strict)
        follower = ModelReloader(
            service,
            lambda: locate.stands_for(reference, uri),
            find,
            lambda there: load(there, name=model.name, trust=trust),
            known=known,
            seconds=poll_seconds,
        )
        at = f"http://{_shown(listening)}"
        log.info("%s, version %s (%s), at %s", model.name, model.version, Path(found.path), at)
        log.info("try %s/docs (Ctrl-C ends the server), or:", at)
        log.info("%s", docs.curl(at, model, asks_for_token=service.asks_for_token))
        _run(service, follower, listening)
        log.info("all requests have been answered")


def _run(service: Service, follower: ModelReloader, listening: socket.socket) -> None:
    """Answers requests on an open socket until a signal ends the server."""
    from pipeline.inference.http.app import application
    from pipeline.inference.http.connections import protocol

    config = uvicorn.Config(
        application(service, follower.run), http=protocol(service.limits, service.metrics), ws="none",
        log_level="warning", access_log=False, backlog=BACKLOG,
        timeout_graceful_shutdown=int(service.limits.body_seconds) + LAST_SECONDS,
    )  # fmt: skip
    gc.collect()
    gc.freeze()  # loaded objects stay, and scanning them repeatedly would delay requests
    with _signals_end_quietly():
        uvicorn.Server(config).run(sockets=[listening])


def with_files_for(limits: Limits) -> Limits:
    """Limits connections to the files that this process may open, after asking the system for more if necessary."""
    known = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (math.inf if files == resource.RLIM_INFINITY else files for files in known)
    wanted = limits.connections + OTHER_FILES
    if soft >= wanted:
        return limits
    allowed = int(min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, known[1]))
    if allowed == wanted:
        return limits
    possible = max(allowed - OTHER_FILES, 1)
    log.warning(
        "--max-connections %d needs %d open files, but this process may open %d (ulimit -Hn); the limit is now %d",
        limits.connections, wanted, allowed, possible,
    )  # fmt: skip
    return replace(limits, connections=possible)


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that has its port before the model is loaded, but accepts connections only when the server listens.

    It names its protocol, because asyncio disables Nagle's algorithm only for such sockets. Otherwise an answer that is
    written in two parts takes 40 ms.

    Args:
        host: Name or address.
        port: Port; 0 for a free one.

    Raises:
        ServeError: The address cannot be used.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as closed_unless_bound:
            bound = closed_unless_bound.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(where)
            closed_unless_bound.pop_all()
    except OSError as error:
        taken = "; another server uses the port, choose another --port" if error.errno == errno.EADDRINUSE else ""
        raise ServeError(f"cannot listen on {host}, port {port}: {error.strerror}{taken}") from None
    return bound


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Ignores signals that uvicorn sends again after it has stopped: the server has finished."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
