"""Load for a server, from a process of its own: `python -m benchmarks.load`; reads a plan, writes what it found.

It speaks HTTP by itself, a few lines for each request, so that it takes little of the two cores that the server needs
as well.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 1e-5  # times max(1, |value|): the last digits depend on how many rows are scored together

TIMER_SECONDS = 0.002  # asyncio's timer rings up to a millisecond late, which is not the server's doing


@dataclass
class Found:
    """What came of a load."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # seconds, of the requests that were answered
    faults: list[str] = field(default_factory=list)  # answers that were not what they had to be
    hung_up: int = 0


class Client:
    """A connection that is kept, and opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: dict[str, Any]) -> tuple[int, bytes] | None:
        """Status and body; None if the client hung up itself, as the request says."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = request["bytes"]
        whole = request["sent"] == 1
        writer.write(request["head"] + (body if whole else body[: int(len(body) * request["sent"])]))
        if not whole:
            await self.close()
            return None
        head = await reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        start = lowered.index(b"content-length:") + len(b"content-length:")
        content = await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
        if b"connection: close" in lowered:
            await self.close()
        return int(head[9:12]), content

    async def close(self) -> None:
        """Ends the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def prepared(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requests with their bytes made beforehand."""
    for request in requests:
        body = request.pop("body").encode()
        request["bytes"] = body
        head = (
            f"POST {request['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {request['content_type']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        request["head"] = head.encode()
    return requests


async def at_once(port: int, requests: list[dict[str, Any]], *, clients: int, n: int, seconds: float) -> Found:
    """Some clients, each asking on as soon as it has its answer, until so many were asked or the time is over."""
    found, rng, left = Found(), random.Random(0), n
    weights = [request["weight"] for request in requests]
    start = time.perf_counter()

    async def one() -> None:
        nonlocal left
        client = Client(port)
        while left > 0 and time.perf_counter() - start < seconds:
            left -= 1
            await _ask(client, rng.choices(requests, weights)[0], found)
        await client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    found.seconds = time.perf_counter() - start
    return found


async def paced(port: int, requests: list[dict[str, Any]], *, per_second: float, n: int, clients: int = 8) -> Found:
    """So many requests a second, whether or not those before are answered; a wait for a connection counts."""
    found, free = Found(), asyncio.Queue[Client]()
    for _ in range(clients):
        free.put_nowait(Client(port))
    start = time.perf_counter()

    async def one(number: int) -> None:
        client = await free.get()
        await _ask(client, requests[number % len(requests)], found, due=start + number / per_second)
        free.put_nowait(client)

    asked = []
    for number in range(n):
        due = start + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter() - TIMER_SECONDS))
        while time.perf_counter() < due:
            await asyncio.sleep(0)
        asked.append(asyncio.create_task(one(number)))
    await asyncio.gather(*asked)
    while not free.empty():
        await free.get_nowait().close()
    found.seconds = time.perf_counter() - start
    return found


async def _ask(client: Client, request: dict[str, Any], found: Found, due: float | None = None) -> None:
    start = time.perf_counter() if due is None else due
    try:
        answer = await client.ask(request)
    except (OSError, asyncio.IncompleteReadError) as error:
        found.faults.append(f"{request['path']}: {type(error).__name__} {error}")
        await client.close()
        return
    if answer is None:
        found.hung_up += 1
        return
    found.latencies.append(time.perf_counter() - start)
    if not _right(request, *answer):
        found.faults.append(f"{request['path']}: {answer[0]} instead of {request['status']}: {answer[1][:200]!r}")


def _right(request: dict[str, Any], status: int, content: bytes) -> bool:
    if status != request["status"]:
        return False
    answer = json.loads(content)
    if status != 200:
        return request["answer"] in json.dumps(answer, ensure_ascii=False)
    return alike(answer, request["answer"])


def alike(found: Any, expected: Any) -> bool:
    """Whether two answers are the same but for the last digits of numbers."""
    if isinstance(expected, float) and isinstance(found, int | float):
        return math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, dict) and isinstance(found, dict):
        return list(found) == list(expected) and all(alike(found[key], expected[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(alike, found, expected))
    return type(found) is type(expected) and found == expected


def main() -> None:
    """Does what each line of standard input asks for, with the requests that the first line names."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        groups = {name: prepared(requests) for name, requests in json.load(file).items()}
    for line in sys.stdin:
        job = json.loads(line)
        kind, group = {"at_once": at_once, "paced": paced}[job.pop("kind")], groups[job.pop("group")]
        found = asyncio.run(kind(job.pop("port"), group, **job))
        latencies = sorted(found.latencies)
        result = {
            "seconds": found.seconds,
            "answered": len(latencies),
            "hung_up": found.hung_up,
            "faults": len(found.faults),
            "first_faults": found.faults[:5],
            "median": latencies[len(latencies) // 2],
            "p99": latencies[int(len(latencies) * 0.99)],
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
