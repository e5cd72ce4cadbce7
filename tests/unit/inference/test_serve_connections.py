"""What clients that hold a connection and ask nothing, or not to the end, cost the others: over real sockets."""

import contextlib
import http.client
import json
import logging
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pipeline.inference.http import connections, start_server
from pipeline.inference.http.served_model import Served
from pipeline.inference.http.service import Service
from support.kinds import ROW
from support.serving import LIMITS, Answer, serving, wait_for

BEGUN = b"GET /ping HTTP/1.1\r\nHost: a\r\n"
PING = BEGUN + b"\r\n"
POST = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ROOM = "4 connections are open already; try again in a second"


class Held:
    """A connection that stays open for a while."""

    def __init__(self, port: int, sent: bytes = b"", receives: int | None = None) -> None:
        self.socket = socket.socket()
        if receives is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(sent)

    def answer(self) -> Answer:
        """The next answer."""
        found = http.client.HTTPResponse(self.socket)
        found.begin()
        return Answer(found.status, found.read().decode(), {name.lower(): value for name, value in found.getheaders()})

    def ends(self) -> bool:
        """Whether the server closes it."""
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


@pytest.fixture
def hold() -> Iterator[Callable[..., Held]]:
    """Opens connections, and closes them at the end."""
    with contextlib.ExitStack() as stack:

        def opened(*given: bytes | int, **options: int) -> Held:
            held = Held(*given, **options)  # type: ignore[arg-type]
            stack.callback(held.socket.close)
            return held

        yield opened


def number(service: Service, name: str) -> float:
    """One of the server's metrics."""
    lines = service.metrics.page().decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"pipeline_serve_{name}")), 0.0)


def test_a_head_that_does_not_end_is_given_up_though_bytes_come(kinds: Served, hold: Callable[..., Held]) -> None:
    with serving(kinds, head_seconds=0.4) as (client, service):
        start = time.monotonic()
        held = hold(client.port, BEGUN)
        for _ in range(3):
            time.sleep(0.1)
            held.socket.sendall(b"x")
        answer = held.answer()
        assert 0.3 < time.monotonic() - start < 3
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.json["message"] == answer.json["error"] == "the head of a request did not arrive within 0.4 s"
        assert held.ends()
        assert number(service, 'connections_refused_total{reason="late"}') == 1
        silent = hold(client.port)
        assert silent.ends()  # without a word, for it has asked nothing
        assert 0.3 < time.monotonic() - start < 6


def test_the_head_after_an_answer_has_the_same_limit(kinds: Served, hold: Callable[..., Held]) -> None:
    with serving(kinds, head_seconds=0.4) as (client, _):
        held = hold(client.port, PING)
        assert held.answer().status == 200
        time.sleep(0.6)  # longer than a head may take: nothing is asked, and the connection stays
        held.socket.sendall(PING)
        assert held.answer().status == 200
        held.socket.sendall(BEGUN)
        assert held.answer().status == 408
        assert held.ends()


def test_the_rest_of_a_refused_body_has_the_bodys_limit(kinds: Served, hold: Callable[..., Held]) -> None:
    with serving(kinds, token="secret", head_seconds=0.2, body_seconds=0.6) as (client, _):
        start = time.monotonic()
        held = hold(client.port, POST % 9000 + b"{")
        assert held.answer().status == 401
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - start < 5:
                held.socket.sendall(b" ")
                time.sleep(0.05)
        assert 0.5 < time.monotonic() - start < 5


def test_beyond_the_limit_503_at_once_and_only_there(kinds: Served, hold: Callable[..., Held]) -> None:
    body = json.dumps({"instances": [ROW]}).encode()
    with serving(kinds, connections=4, head_seconds=0.5, body_seconds=5.0) as (client, service):
        working = [hold(client.port, POST % len(body) + body[:9]) for _ in range(4)]
        wait_for(lambda: number(service, "requests_in_work") == 4)
        for _ in range(30):
            start = time.monotonic()
            answer = client.post("/invocations", {"instances": [ROW]})
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert (answer.json["error_code"], answer.json["message"]) == ("TEMPORARILY_UNAVAILABLE", ROOM)
            assert time.monotonic() - start < 3
        assert number(service, "connections ") == 4
        for held in working:  # whoever was there first is answered
            held.socket.sendall(body[9:])
            assert held.answer().status == 200
        for held in working:
            held.socket.close()
        wait_for(lambda: number(service, "connections ") == 0)
        assert client.post("/invocations", {"instances": [ROW]}).status == 200
        assert number(service, 'connections_refused_total{reason="full"}') == 30


@pytest.mark.parametrize("sent", [b"", PING], ids=["nothing asked", "asked and answered"])
def test_idle_connections_make_room(
    kinds: Served, hold: Callable[..., Held], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 60.0)
    with serving(kinds, connections=4, head_seconds=20.0) as (client, service):
        held = [hold(client.port, sent) for _ in range(20)]
        refused = sum(one.answer().status == 503 for one in held) if sent else 16
        assert refused == 16  # those that were first have only just come
        wait_for(lambda: number(service, 'connections_refused_total{reason="full"}') == 16)
        assert client.get("/ping").status == 503
        monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)  # as if that time had passed
        start = time.monotonic()
        for _ in range(20):
            assert client.post("/invocations", {"instances": [ROW]}).status == 200
        assert time.monotonic() - start < 5
        if not sent:
            assert held[0].ends()  # the first that came, for it was idle for longest
        last = held[3].socket
        last.sendall(PING)  # the others were left alone
        last.settimeout(10)
        assert last.recv(17).startswith(b"HTTP/1.1 200 OK")


def test_slow_heads_cost_others_no_more_than_their_time(kinds: Served, hold: Callable[..., Held]) -> None:
    with serving(kinds, connections=4, head_seconds=0.5) as (client, _):
        held = [hold(client.port, BEGUN) for _ in range(20)]
        statuses = []
        start = time.monotonic()
        while 200 not in statuses:
            asked = time.monotonic()
            statuses.append(client.get("/ping").status)
            assert time.monotonic() - asked < 3
            assert time.monotonic() - start < 10
            time.sleep(0.05)
        assert set(statuses) <= {200, 503}
        reported = [one.answer().status for one in held]
        assert set(reported) == {408, 503}
        assert reported.count(408) >= 4


def test_a_burst_is_answered_or_refused_and_never_torn(kinds: Served) -> None:
    with serving(kinds, connections=8) as (client, service):
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: client.post("/invocations", {"instances": [ROW]}), range(200)))
        assert {answer.status for answer in answers} <= {200, 503}
        assert sum(answer.status == 200 for answer in answers) >= 8
        wait_for(lambda: number(service, "connections ") == 0)


def test_an_answer_that_nobody_reads_is_given_up(kinds: Served, hold: Callable[..., Held]) -> None:
    n_rows = 60_000  # 8 MB of answer, which the system does not keep for a client
    body = json.dumps({"inputs": {name: [value] * n_rows for name, value in ROW.items()}}).encode()
    limits = {"connections": 1, "answer_seconds": 0.5, "body_seconds": 5.0, "rows": n_rows, "body_bytes": 10_000_000}
    with serving(kinds, **limits) as (client, service):
        held = hold(client.port, POST % len(body) + body, receives=4096)
        wait_for(lambda: number(service, 'connections_refused_total{reason="unread"}') == 1)
        assert client.get("/ping").status == 200
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            held.answer()


def test_a_refused_client_that_goes_on_sending_is_cut(kinds: Served, hold: Callable[..., Held]) -> None:
    with serving(kinds, connections=1) as (client, _):
        hold(client.port, BEGUN)
        refused = hold(client.port)
        with pytest.raises(ConnectionError):
            refused.socket.sendall(b" " * 100_000_000)


def test_as_many_connections_as_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: asked.append(given))
    caplog.set_level(logging.WARNING)
    for known, expected, set_to in (
        ((256, resource.RLIM_INFINITY), 1000, [(1300, resource.RLIM_INFINITY)]),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 1000, []),
        ((4096, 4096), 1000, []),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, known=known: known)
        assert start_server.with_files_for(replace(LIMITS, connections=1000)).connections == expected
        assert asked == set_to
        asked.clear()
    assert caplog.text == ""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert start_server.with_files_for(replace(LIMITS, connections=1000)).connections == 724
    assert "--max-connections 1000 needs 1300 open files, but this process may open 1024 (ulimit -Hn)" in caplog.text
