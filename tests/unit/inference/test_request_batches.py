"""Requests that are scored together: none waits for ever, none fails for another's sake, each gets its own rows."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from pipeline.inference.http.request_batches import Arrays, Batcher
from pipeline.inference.http.request_errors import RefusedError


class Doubles:
    """Doubles a column; waits until it is let, and counts what it was asked. A negative number is its poison."""

    def __init__(self) -> None:
        self.calls: list[list[float]] = []
        self.let = threading.Event()
        self.entered = threading.Event()

    def predict(self, columns: Arrays) -> Arrays:
        self.calls.append(columns["a"].tolist())
        self.entered.set()
        assert self.let.wait(10)
        if (columns["a"] < 0).any():
            raise ValueError("poison")
        return {"b": 2 * columns["a"]}


def column(*values: float) -> Arrays:
    return {"a": np.array(values, np.float64)}


def run(story: Callable[[Batcher, Doubles], Awaitable[None]], **limits: Any) -> None:
    async def whole() -> None:
        model = Doubles()
        options = {"batch_rows": 4, "queue_rows": 100, "wait_seconds": 0.0, "observe": lambda *_: None} | limits
        batcher = Batcher(**options)
        batcher.start()
        try:
            await asyncio.wait_for(story(batcher, model), 20)
        finally:
            model.let.set()
            await batcher.stop()

    asyncio.run(whole())


async def held(batcher: Batcher, model: Doubles) -> asyncio.Task[Arrays]:
    """A first request that keeps the model busy, so that what comes next waits."""
    first = asyncio.create_task(batcher.predict(model, column(0), 1))
    await asyncio.to_thread(model.entered.wait, 10)
    return first


def test_what_waits_goes_together_within_the_limit_and_comes_back_apart() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        first = await held(batcher, model)
        sizes = [1, 2, 1, 6, 0, 1]
        given = [np.arange(size) + 10.0 * number for number, size in enumerate(sizes)]
        tasks = [asyncio.create_task(batcher.predict(model, {"a": values}, len(values))) for values in given]
        await asyncio.sleep(0)
        model.let.set()
        for values, outputs in zip(given, await asyncio.gather(*tasks), strict=True):
            np.testing.assert_array_equal(outputs["b"], 2 * values)
        assert (await first)["b"].tolist() == [0]
        assert [len(call) for call in model.calls] == [1, 4, 6, 1]

    run(story)


def test_a_request_that_fails_fails_alone() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        await held(batcher, model)
        tasks = [asyncio.create_task(batcher.predict(model, column(value), 1)) for value in (1, -1, 2)]
        await asyncio.sleep(0)
        model.let.set()
        one, poisoned, two = await asyncio.gather(*tasks, return_exceptions=True)
        assert (one["b"].tolist(), two["b"].tolist()) == ([2], [4])
        assert isinstance(poisoned, ValueError)
        assert (await batcher.predict(model, column(3), 1))["b"].tolist() == [6]

    run(story)


@pytest.mark.parametrize("when", ["waiting", "in work"])
def test_a_client_that_hangs_up_disturbs_nobody(when: str) -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        first = await held(batcher, model)
        gone = first if when == "in work" else asyncio.create_task(batcher.predict(model, column(7), 1))
        stays = asyncio.create_task(batcher.predict(model, column(8), 1))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        model.let.set()
        assert (await stays)["b"].tolist() == [16]
        assert gone.cancelled()
        assert model.calls == [[0], [8]]
        assert batcher.waiting_rows == 0

    run(story)


def test_requests_for_another_model_go_by_themselves() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        await held(batcher, model)
        other = Doubles()
        other.let.set()
        asked = [(model, 1), (model, 2), (other, 3), (model, 4)]
        tasks = [asyncio.create_task(batcher.predict(which, column(value), 1)) for which, value in asked]
        await asyncio.sleep(0)
        model.let.set()
        assert [outputs["b"].tolist() for outputs in await asyncio.gather(*tasks)] == [[2], [4], [6], [8]]
        assert (model.calls, other.calls) == ([[0], [1, 2], [4]], [[3]])

    run(story)


def test_a_full_queue_refuses_and_recovers() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        await held(batcher, model)
        waiting = asyncio.create_task(batcher.predict(model, column(*range(5)), 5))  # the first may be of any size
        await asyncio.sleep(0)
        with pytest.raises(RefusedError, match="5 rows are waiting; try again in a second") as refused:
            await batcher.predict(model, column(1), 1)
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
        model.let.set()
        await waiting
        assert (await batcher.predict(model, column(1), 1))["b"].tolist() == [2]

    run(story, queue_rows=3)


def test_a_lone_request_waits_for_others_as_long_as_configured() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        model.let.set()
        one = asyncio.create_task(batcher.predict(model, column(1), 1))
        await asyncio.sleep(0.01)
        await asyncio.gather(one, batcher.predict(model, column(2), 1))
        assert model.calls == [[1, 2]]

    run(story, wait_seconds=0.2)


def test_stopping_cancels_what_waits() -> None:
    async def story(batcher: Batcher, model: Doubles) -> None:
        await held(batcher, model)
        waiting = asyncio.create_task(batcher.predict(model, column(1), 1))
        await asyncio.sleep(0)
        threading.Timer(0.05, model.let.set).start()
        await batcher.stop()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(story)
