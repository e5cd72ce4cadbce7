"""Connections, below their requests: how many there may be, and how long a client may keep one waiting.

uvicorn waits for ever for the head of a first request and for an answer to be read, and once too many connections are
open, it refuses the requests of all of them. Here connections on which nothing is asked make room for new ones.
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

IDLE_SECONDS = 1.0  # a client that has just connected, or just been answered, is about to ask
# A connection that is closed while bytes of its client arrive takes the answer away with it: so the client has some
# time to read why it was refused, and close. Only so many are kept for that.
LINGER_SECONDS = 2.0
LINGER_BYTES = 1_000_000
MAX_LINGERING = 100


class Connections:
    """Those that are open, and which of them have nothing to do."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.lingering: set[Connection] = set()
        self._open: set[Connection] = set()
        self._idle: dict[Connection, float] = {}  # since when, the longest first
        metrics.connections.set_function(lambda: len(self._open))

    def admit(self, connection: Connection, now: float) -> bool:
        """Whether one more may be open; if need be, in place of the one that has been idle for longest."""
        if len(self._open) >= self.limits.connections:
            longest = next(iter(self._idle), None)
            if longest is None or now - self._idle[longest] < IDLE_SECONDS:
                return False
            self.leave(longest)
            longest.transport.close()
        self._open.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """One counts no longer."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def rest(self, connection: Connection, now: float) -> None:
        """From now on one is idle."""
        if connection in self._open:
            self._idle.setdefault(connection, now)

    def work(self, connection: Connection) -> None:
        """One is not idle."""
        self._idle.pop(connection, None)


class Connection(H11Protocol):
    """One of them. Each method is called by asyncio or by uvicorn, whose own it goes on to."""

    shared: ClassVar[Connections]
    _late: asyncio.TimerHandle | None = None  # ends it when the head of a request does not come
    _unread: asyncio.TimerHandle | None = None  # ends it when an answer is not read
    _discarded: int | None = None  # bytes since it was refused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # paused means: something is unread
        if self.shared.admit(self, self.loop.time()):
            self._await_head()
            return
        many = self.shared.limits.connections
        message = f"{many} connections are open already; try again in a second"
        self._refuse("full", RefusedError(503, message, headers={"Retry-After": "1"}))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whichever side."""
        self._cancel("_late")
        self._cancel("_unread")
        self.shared.leave(self)
        self.shared.lingering.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        if self._discarded is None:
            self.shared.work(self)
            super().data_received(data)
            self._await_head()
            return
        self._discarded += len(data)
        if self._discarded > LINGER_BYTES:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """A request is answered."""
        super().on_response_complete()
        if not (self._in_request or self.transport.is_closing()):
            self.shared.rest(self, self.loop.time())

    def pause_writing(self) -> None:
        """Some of an answer waits for the client to read."""
        super().pause_writing()
        self._unread = self._unread or self._after(self.shared.limits.answer_seconds, self._cut)

    def resume_writing(self) -> None:
        """The client has read all."""
        super().resume_writing()
        self._cancel("_unread")

    @property
    def _in_request(self) -> bool:
        """Whether a head has come whose request is not answered; its body has a limit of its own."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _has_begun_head(self) -> bool:
        return self.conn.their_state is h11.IDLE and self.conn.trailing_data[0] != b""

    def _await_head(self) -> None:
        """Gives the client so long from now, or from when this began; what it sends meanwhile does not prolong it."""
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
        """Answers without a request, and ends it."""
        self.shared.metrics.refused.labels(reason).inc()
        self.shared.leave(self)
        content = json.dumps(MLFLOW.refusal(refused) | TENSORFLOW.refusal(refused)).encode()
        about = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
        more = {name.lower(): value for name, value in refused.headers.items()}  # as all other answers have them
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
    """What uvicorn makes one of for each client, `uvicorn.Config(http=...)`, for one server."""

    class OfServer(Connection):
        shared = Connections(limits, metrics)

    return OfServer
