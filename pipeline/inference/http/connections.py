"""Limits connections, below the level of requests: their number, and how long a client may block one.

uvicorn waits indefinitely for the head of a first request and for an answer to be read, and with too many open
connections it refuses the requests of all. Here idle connections are closed to admit new ones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.inference.http.limits import Limits
from pipeline.inference.http.metrics import Metrics
from pipeline.inference.http.protocols import MLFLOW, TENSORFLOW
from pipeline.inference.http.request_errors import RefusedError

IDLE_SECONDS = 1.0  # a client that has just connected or been answered is about to send a request
# Closing a connection while the client's bytes arrive would discard the answer. So the client has some time to read why
# it was refused, and to close. Only a limited number of connections are kept open for that.
LINGER_SECONDS = 2.0
LINGER_BYTES = 1_000_000
MAX_LINGERING = 100


class Connections:
    """The open connections, and which of them are idle.

    Args:
        limits: Of the server.
        metrics: Count the connections.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.lingering: set[Connection] = set()
        self._open: set[Connection] = set()
        self._idle: dict[Connection, float] = {}  # since when, the longest idle first
        metrics.connections.set_function(lambda: len(self._open))

    def admit(self, connection: Connection, now: float) -> bool:
        """Whether one more connection may be open, if necessary in place of the one that has been idle longest.

        Args:
            connection: The new connection.
            now: The time in seconds.
        """
        if len(self._open) >= self.limits.connections:
            longest = next(iter(self._idle), None)
            if longest is None or now - self._idle[longest] < IDLE_SECONDS:
                return False
            self.leave(longest)
            longest.transport.close()
        self._open.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Forgets a closed connection."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def rest(self, connection: Connection, now: float) -> None:
        """Marks a connection as idle.

        Args:
            connection: The connection.
            now: The time in seconds.
        """
        if connection in self._open:
            self._idle.setdefault(connection, now)

    def work(self, connection: Connection) -> None:
        """Marks a connection as not idle."""
        self._idle.pop(connection, None)


class Connection(H11Protocol):
    """A connection. asyncio or uvicorn calls each method, which then calls uvicorn's own."""

    shared: ClassVar[Connections]
    _late: asyncio.TimerHandle | None = None  # closes the connection if a request's head does not arrive
    _unread: asyncio.TimerHandle | None = None  # closes the connection if an answer is not read
    _discarded: int | None = None  # bytes since the refusal

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # paused means that something is unread
        if self.shared.admit(self, self.loop.time()):
            self._await_head()
            return
        many = self.shared.limits.connections
        message = f"{many} connections are open already; try again in a second"
        self._refuse("full", RefusedError(503, message, headers={"Retry-After": "1"}))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by either side."""
        self._cancel("_late")
        self._cancel("_unread")
        self.shared.leave(self)
        self.shared.lingering.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request have arrived."""
        if self._discarded is None:
            self.shared.work(self)
            super().data_received(data)
            self._await_head()
            return
        self._discarded += len(data)
        if self._discarded > LINGER_BYTES:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """A request has been answered."""
        super().on_response_complete()
        if not (self._in_request or self.transport.is_closing()):
            self.shared.rest(self, self.loop.time())

    def pause_writing(self) -> None:
        """Part of an answer waits for the client to read it."""
        super().pause_writing()
        self._unread = self._unread or self._after(self.shared.limits.answer_seconds, self._cut)

    def resume_writing(self) -> None:
        """The client has read everything."""
        super().resume_writing()
        self._cancel("_unread")

    @property
    def _in_request(self) -> bool:
        """Whether a head has arrived and its request is not answered; its body has a limit of its own."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _has_begun_head(self) -> bool:
        return self.conn.their_state is h11.IDLE and self.conn.trailing_data[0] != b""

    def _await_head(self) -> None:
        """Limits the time from now, or from the first call, until a head arrives; bytes meanwhile do not extend it."""
        if self._in_request or self.transport.is_closing():
            self._cancel("_late")
            return
        forgotten = self.conn.their_state is h11.SEND_BODY  # the rest of a body whose request was refused
        limits = self.shared.limits
        if not (forgotten or self._has_begun_head):
            self.shared.rest(self, self.loop.time())
        if self._late is None:
            self._late = self._after(limits.body_seconds if forgotten else limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._has_begun_head:
            seconds = self.shared.limits.head_seconds
            self._refuse("late", RefusedError(408, f"the head of a request did not arrive within {seconds:g} s"))
        else:
            self.transport.close()

    def _cut(self) -> None:
        self.shared.metrics.refused.labels("unread").inc()
        self.transport.abort()

    def _refuse(self, reason: str, refused: RefusedError) -> None:
        """Sends an error without a request, and closes the connection."""
        self.shared.metrics.refused.labels(reason).inc()
        self.shared.leave(self)
        content = json.dumps(MLFLOW.refusal(refused) | TENSORFLOW.refusal(refused)).encode()
        about = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
        more = {name.lower(): value for name, value in refused.headers.items()}  # as in all other answers
        headers: list[Any] = [*self.server_state.default_headers, *(about | more).items()]
        response = h11.Response(status_code=refused.status, reason=HTTPStatus(refused.status).phrase, headers=headers)
        for event in (response, h11.Data(content), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if len(self.shared.lingering) >= MAX_LINGERING:
            self.transport.close()
            return
        self._discarded = 0
        self.shared.lingering.add(self)
        self.transport.write_eof()
        self._cancel("_late")
        self._late = self._after(LINGER_SECONDS, self.transport.abort)

    def _after(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, act)

    def _cancel(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


def protocol(limits: Limits, metrics: Metrics) -> type[Connection]:
    """The protocol class for `uvicorn.Config(http=...)` of one server.

    Args:
        limits: The server's limits.
        metrics: The server's metrics.
    """

    class OfServer(Connection):
        shared = Connections(limits, metrics)

    return OfServer
