"""Scores requests that wait at the same time in one call of the model, in its own thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.inference.http.request_errors import RefusedError

Arrays = dict[str, np.ndarray]


class Scorer(Protocol):
    """The part of a model that a batch needs."""

    def predict(self, columns: Arrays) -> Arrays:
        """Outputs with a row for each row of the columns."""


@dataclass(frozen=True)
class Waiting:
    """A checked request that waits for its outputs."""

    model: Scorer  # the model that checked it, even if another one serves now
    columns: Arrays
    n_rows: int
    outputs: asyncio.Future[Arrays]


class Batcher:
    """Takes requests one by one and scores them together.

    While the model computes, arriving requests wait; then all of them are scored at once, up to `batch_rows`. A single
    request waits at most `wait_seconds` for others. Requests whose client is gone are left out. If a call fails, each
    of its requests is scored alone, so that none fails because of another.

    Args:
        batch_rows: Maximum number of rows in one call of the model.
        queue_rows: Maximum number of waiting rows.
        wait_seconds: How long a single request waits for others.
        observe: Called with the numbers of requests and of rows of each call.
    """

    def __init__(
        self, *, batch_rows: int, queue_rows: int, wait_seconds: float, observe: Callable[[int, int], None]
    ) -> None:
        self._batch_rows, self._queue_rows, self._wait_seconds = batch_rows, queue_rows, wait_seconds
        self._observe = observe  # called with the number of requests and of rows of each call
        self._queue: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._task: asyncio.Task[None] | None = None
        self.waiting_rows = 0

    def start(self) -> None:
        """Starts to take requests, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def stop(self) -> None:
        """Stops; requests that still wait are cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for waiting in self._queue:
            waiting.outputs.cancel()
        await asyncio.to_thread(self._thread.shutdown)

    async def predict(self, model: Scorer, columns: Arrays, n_rows: int) -> Arrays:
        """The outputs of some rows.

        Args:
            model: The model.
            columns: Its parsed inputs.
            n_rows: Number of rows.

        Raises:
            RefusedError: 429, too many rows are waiting.
        """
        if self._queue and self.waiting_rows + n_rows > self._queue_rows:
            message = f"{self.waiting_rows} rows are waiting; try again in a second"
            raise RefusedError(429, message, headers={"Retry-After": "1"})
        outputs = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(model, columns, n_rows, outputs))
        self.waiting_rows += n_rows
        self._arrived.set()
        return await outputs

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            if self._wait_seconds and self.waiting_rows < self._batch_rows:
                await asyncio.sleep(self._wait_seconds)
            batch = self._next()
            if batch:
                self._observe(len(batch), sum(waiting.n_rows for waiting in batch))
                results = await loop.run_in_executor(self._thread, _score, batch)
                for waiting, result in zip(batch, results, strict=True):
                    _deliver(waiting, result)

    def _next(self) -> list[Waiting]:
        """The next requests for one model; their rows are within the limit unless the first alone exceeds it."""
        batch: list[Waiting] = []
        n_rows = 0
        while self._queue:
            waiting = self._queue[0]
            if batch and (waiting.model is not batch[0].model or n_rows + waiting.n_rows > self._batch_rows):
                return batch
            self._queue.popleft()
            self.waiting_rows -= waiting.n_rows
            if not waiting.outputs.done():
                batch.append(waiting)
                n_rows += waiting.n_rows
        self._arrived.clear()
        return batch


def _score(batch: list[Waiting]) -> list[Arrays | Exception]:
    """A result for each request: its outputs, or the model's error. Runs in the model's thread."""
    try:
        return list(_scored_together(batch))
    except Exception as error:
        return [error] if len(batch) == 1 else [result for waiting in batch for result in _score([waiting])]


def _scored_together(batch: list[Waiting]) -> list[Arrays]:
    model, first = batch[0].model, batch[0].columns
    if len(batch) == 1:
        return [model.predict(first)]
    outputs = model.predict({name: np.concatenate([waiting.columns[name] for waiting in batch]) for name in first})
    ends = np.cumsum([waiting.n_rows for waiting in batch])
    return [
        {name: values[end - waiting.n_rows : end] for name, values in outputs.items()}
        for waiting, end in zip(batch, ends, strict=True)
    ]


def _deliver(waiting: Waiting, result: Arrays | Exception) -> None:
    if waiting.outputs.done():  # the client has disconnected
        return
    if isinstance(result, Exception):
        waiting.outputs.set_exception(result)
    else:
        waiting.outputs.set_result(result)
