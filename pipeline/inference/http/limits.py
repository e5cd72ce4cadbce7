"""Limits of requests, and the check of their token."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from pipeline.inference.http.request_errors import RefusedError

DRAINED_BODIES = 4  # times the largest allowed body is read and discarded, so that the client reads the answer


@dataclass(frozen=True)
class Limits:
    """All limits of a server."""

    connections: int  # open at a time
    head_seconds: float  # from the connection, or a request's first byte, to the end of the request's head
    body_bytes: int
    body_seconds: float  # from the request's head to the end of its body
    answer_seconds: float  # for the client to read an answer
    rows: int  # of a request
    requests: int  # in work at a time
    queue_rows: int  # checked and waiting for the model
    batch_rows: int  # scored in one call
    wait_seconds: float  # that a single request waits for others


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body of a request.

    Args:
        request: The request.
        limits: Of the server.

    Raises:
        RefusedError: 413, it is too large; 408, it takes too long; 415, it is compressed.
        ClientDisconnect: The client hung up.
    """
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise RefusedError(415, f"content-encoding {encoding} is not supported; send the body uncompressed")
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
        raise RefusedError(413, f"a body of {given}; at most {most} are allowed", headers={"Connection": "close"})
    return b"".join(chunks)


def authorize(request: Request, token: str | None) -> None:
    """Accepts requests with the right token; the comparison takes equally long for all wrong ones.

    Args:
        request: The request.
        token: The token; None accepts all requests.

    Raises:
        RefusedError: 401, the token is missing or wrong.
    """
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.encode("latin-1"), token.encode())  # headers are decoded as Latin-1
    if not right or scheme.lower() != "bearer":
        message = "this server asks for a token: Authorization: Bearer <token>"
        raise RefusedError(401, message, headers={"WWW-Authenticate": "Bearer"})
