"""From a request to its answer: token, body, checks, batch, and the answer in the protocol's format."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from pipeline.data.reading.parse_inputs import Cleaned
from pipeline.inference.http.bodies import Given, from_csv, from_json
from pipeline.inference.http.limits import Limits, authorize, read_body
from pipeline.inference.http.metrics import Metrics
from pipeline.inference.http.protocols import MLFLOW, Protocol
from pipeline.inference.http.request_batches import Batcher
from pipeline.inference.http.request_errors import RefusedError
from pipeline.inference.http.request_values import check
from pipeline.inference.http.served_model import Served

log = logging.getLogger(__name__)

Result = TypeVar("Result")

LARGE_BODY = 100_000  # bytes; reading larger bodies would delay other requests too long
LARGE_ANSWER = 1000  # rows
LARGE_AT_ONCE = 2  # each thread keeps the most memory that it ever needed
HUNG_UP = 499  # the status that other servers log; nobody reads it


class Service:
    """Answers requests with the current model.

    Args:
        model: The model to begin with.
        limits: Of the server.
        token: That requests must send; None for no token.
        strict: Whether a missing value in a column that had none in training is an error.
    """

    def __init__(self, model: Served, limits: Limits, token: str | None, strict: bool = False) -> None:
        self.metrics = Metrics()
        self.limits, self._token = limits, token
        self.strict = strict  # whether gaps in columns that had none in training are refused
        self._in_work = 0
        self._threads = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large")
        self.metrics.in_work.set_function(lambda: self._in_work)
        self.batcher = Batcher(
            batch_rows=limits.batch_rows,
            queue_rows=limits.queue_rows,
            wait_seconds=limits.wait_seconds,
            observe=self.metrics.scored,
        )
        self.switch(model)

    def switch(self, model: Served) -> None:
        """Replaces the model; requests that the previous one has checked are still answered by it."""
        self.model = model
        self.metrics.serves(model.name, model.version)

    @property
    def asks_for_token(self) -> bool:
        """Whether requests need a token."""
        return self._token is not None

    def authorize(self, request: Request) -> None:
        """Refuses requests without the token, if there is one."""
        authorize(request, self._token)

    async def respond(
        self, request: Request, protocol: Protocol, check_address: Callable[[Served], None] = lambda model: None
    ) -> Response:
        """The answer to a prediction request; errors have the protocol's format too.

        Args:
            request: The request.
            protocol: Format of the request and the answer.
            check_address: Raises RefusedError if the address names another model.
        """
        start = time.perf_counter()
        self._in_work += 1
        try:
            self.authorize(request)
            check_address(self.model)
            if self._in_work > self.limits.requests:
                message = f"{self.limits.requests} requests are being answered; try again in a second"
                raise RefusedError(429, message, headers={"Retry-After": "1"})
            media_type = _media_type(request) if protocol is MLFLOW else "application/json"
            content = await self._predict(await read_body(request, self.limits), media_type, protocol)
            response = Response(content, media_type="application/json")
        except RefusedError as refused:
            response = JSONResponse(protocol.refusal(refused), refused.status, refused.headers)
        except ClientDisconnect:
            response = Response(status_code=HUNG_UP)
        except Exception:
            log.exception("a request failed")
            failed = RefusedError(500, "the server failed to answer this request; see its log")
            response = JSONResponse(protocol.refusal(failed), 500)
        finally:
            self._in_work -= 1
        self.metrics.answered(protocol.name, response.status_code, time.perf_counter() - start)
        return response

    async def _predict(self, body: bytes, media_type: str, protocol: Protocol) -> bytes:
        model = self.model

        def read() -> tuple[Given, Cleaned]:
            if media_type == "text/csv":
                given = from_csv(body, model.columns, self.limits.rows)
            else:
                given = from_json(body, protocol.forms, model.columns, self.limits.rows)
            return given, check(model.columns, given.values, self.strict)

        given, cleaned = read() if len(body) < LARGE_BODY else await self._aside(read)
        n_rows, form = given.n_rows, given.form
        outputs = await self.batcher.predict(model, cleaned.columns, n_rows)
        if n_rows < LARGE_ANSWER:
            return protocol.answer(outputs, model.labels, form, cleaned.new_gaps)
        return await self._aside(lambda: protocol.answer(outputs, model.labels, form, cleaned.new_gaps))

    async def _aside(self, work: Callable[[], Result]) -> Result:
        """Runs long work outside the event loop, so that small requests are answered meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _media_type(request: Request) -> str:
    """JSON or CSV, distinguished as in MLflow's scoring server."""
    given = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in given.split(";"))
    if media_type not in ("application/json", "text/csv"):
        message = f"content-type {given or 'is missing'}: send Content-Type: application/json or text/csv"
        raise RefusedError(415, message)
    charsets = [parameter for parameter in parameters if parameter.startswith("charset=")]
    if any(charset not in ("charset=utf-8", 'charset="utf-8"') for charset in charsets):
        raise RefusedError(415, f"content-type {given}: the body must be UTF-8")
    return media_type
