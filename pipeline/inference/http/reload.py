"""Follows a model's name: when an alias moves, loads and tests the new model before it serves."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable

from pipeline.errors import ModelError, PipelineError
from pipeline.inference.http.served_model import Served
from pipeline.inference.http.service import Service

log = logging.getLogger(__name__)


class ModelReloader:
    """Checks every few seconds whether the model's name refers to another model.

    Args:
        service: The service whose model is switched.
        identity: Returns what the name refers to now; cheap.
        load: Loads that model and tests it.
        known: What the name referred to when the current model was loaded.
        seconds: Time between two checks.
    """

    def __init__(
        self, service: Service, identity: Callable[[], str], load: Callable[[], Served], *, known: str, seconds: float
    ) -> None:
        self._service, self._identity, self._load, self._seconds = service, identity, load, seconds
        self._known = known
        self._complaint = ""

    async def run(self) -> None:
        """Checks until it is cancelled; after an error, the current model continues to serve."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._look()
                self._complaint = ""
            except PipelineError as error:
                self._complain(str(error))
            except Exception as error:  # a store may raise anything
                self._complain(f"{type(error).__name__}: {error}")

    async def _look(self) -> None:
        identity = await asyncio.to_thread(self._identity)
        if identity == self._known:
            return
        try:
            model = await asyncio.to_thread(self._load)
            check_replaces(self._service.model, model)
        except ModelError:
            self._known = identity  # loading it again would not help
            raise
        self._service.switch(model)
        self._known = identity
        self._service.metrics.reloaded("serves")
        log.info("version %s of %s now serves (run %s)", model.version, model.name, model.run_id)
        await asyncio.to_thread(_forget)

    def _complain(self, text: str) -> None:
        """Logs each reason once, not every few seconds."""
        self._service.metrics.reloaded("refused")
        if text != self._complaint:
            log.error("the current model continues to serve: %s", text)
        self._complaint = text


def check_replaces(old: Served, new: Served) -> None:
    """Checks that the new model takes the old model's requests and answers in the same form.

    Args:
        old: The model that serves.
        new: The model to replace it.

    Raises:
        ModelError: The new model needs other columns, or has other outputs.
    """
    known = {column.name: column for column in old.columns}
    faults = [
        f"column {column.name!r} {'has another type' if column.name in known else 'is new'}"
        for column in new.columns
        if column.name not in known
        or (known[column.name].is_text, known[column.name].width) != (column.is_text, column.width)
    ]
    if list(old.labels.names) != list(new.labels.names):
        faults.append(f"it gives {', '.join(new.labels.names)} instead of {', '.join(old.labels.names)}")
    if faults:
        raise ModelError(
            f"version {new.version} of {new.name} does not replace version {old.version}: {'; '.join(faults)}; "
            "restart the server to serve it"
        )


def _forget() -> None:
    """Frees the previous model, which is among the objects that garbage collection skips."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
