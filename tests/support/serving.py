"""A server in a thread, on a free port, and a client that speaks HTTP to it."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn

from pipeline.inference import locate
from pipeline.inference.http.app import Background, application
from pipeline.inference.http.connections import protocol
from pipeline.inference.http.limits import Limits
from pipeline.inference.http.served_model import Served, load
from pipeline.inference.http.service import Service
from pipeline.inference.http.start_server import bound_socket

LIMITS = Limits(  # of time ample, for a busy machine may halt a client; tests of a limit set it themselves
    connections=200,
    head_seconds=20.0,
    answer_seconds=20.0,
    body_bytes=1_000_000,
    body_seconds=20.0,
    rows=10_000,
    requests=64,
    queue_rows=50_000,
    batch_rows=256,
    wait_seconds=0.0,
)
JSON = {"Content-Type": "application/json"}


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """The content, by the rules of JSON: no NaN."""
        return json.loads(self.text, parse_constant=lambda name: pytest_fail(name))


def pytest_fail(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@dataclass(frozen=True)
class Client:
    """Speaks to a port, a connection per request."""

    port: int

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, content: Any, **headers: str) -> Answer:
        """Sends bytes or text as they are, all else as JSON."""
        body = content if isinstance(content, bytes | str) else json.dumps(content)
        return self._ask("POST", path, body, JSON | {name.replace("_", "-"): value for name, value in headers.items()})

    def raw(self, header: str, body: bytes, hang_up: bool = False) -> Any:
        """Sends a head and as much of a body as is given, and reads what comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            head = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
            connection.sendall(head.encode() + body)
            if hang_up:
                return None
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))

    def _ask(self, method: str, path: str, body: bytes | str | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))
        finally:
            connection.close()


@contextlib.contextmanager
def listening(app: Any, http: Any = "auto") -> Iterator[Client]:
    """Runs an application until the end of the block, and sees it end; `http` is what speaks to each client."""
    bound = bound_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", http=http, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield Client(bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        bound.close()
        assert not thread.is_alive()


@contextlib.contextmanager
def serving(
    model: Served,
    *,
    token: str | None = None,
    strict: bool = False,
    background: Callable[[Service], Background] | None = None,
    **limits: float,
) -> Iterator[tuple[Client, Service]]:
    """Serves a model with some limits of its own."""
    service = Service(model, replace(LIMITS, **limits), token, strict)
    app = application(service, background(service) if background else None)
    with listening(app, protocol(service.limits, service.metrics)) as client:
        yield client, service


def wait_for(what: Callable[[], Any], seconds: float = 60) -> None:
    """Until it is so, at most a while."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def served(folder: str | Path, name: str) -> Served:
    """A model from its folder."""
    return load(locate.resolve(str(folder)), name=name, trust=False)
