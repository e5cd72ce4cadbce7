"""What a request may cost, and who may ask."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from pipeline.inference.http.request_errors import RefusedError

DRAINED_BODIES = 4  # how many times the largest allowed body is read and forgotten, so that the answer is read at all


@dataclass(frozen=True)
class Limits:
    """All that is bounded."""

    connections: int  # open at a time
    head_seconds: float  # from a connection, or the first byte of a request, to the end of the request's head
    body_bytes: int
    body_seconds: float  # from the request's head to the end of its body
    answer_seconds: float  # for the client to read an answer
    rows: int  # of one request
    requests: int  # in work at a time
    queue_rows: int  # checked and waiting for the model
    batch_rows: int  # scored in one call
    wait_seconds: float  # of a lone request, for others to join it


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body of a request.

    Raises:
        RefusedError: 413, it is too large; 408, it takes too long; 415, it is compressed.
        ClientDisconnect: The client hung up.
    """
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise RefusedError(415, f"content-encoding {encoding} is not read; send the body plain")
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request, limits.body_bytes)
    except TimeoutError:
        raise RefusedError(408, f"the body did not arrive within {limits.body_seconds:g} s") from None


async def _read(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else 0
    too_large = size > most
    read, chunks = 0, []
    if not (too_large and size > DRAINED_BODIES * most):
        async for chunk in request.stream():
            read += len(chunk)
            too_large = too_large or read > most
            if read > DRAINED_BODIES * most:
                break
            if not too_large:
                chunks.append(chunk)
    if too_large:
        given = f"{size} bytes" if size else f"more than {most} bytes"
        raise RefusedError(413, f"a body of {given}; {most} are allowed", headers={"Connection": "close"})
    return b"".join(chunks)


def authorize(request: Request, token: str | None) -> None:
    """Lets pass whoever names the token; comparing takes as long whatever is wrong with it.

    Raises:
        RefusedError: 401.
    """
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.encode("latin-1"), token.encode())  # Latin-1 is what headers are read as
    if not right or scheme.lower() != "bearer":
        message = "this server asks for a token: Authorization: Bearer <token>"
        raise RefusedError(401, message, headers={"WWW-Authenticate": "Bearer"})
