"""Follows what a name stands for: when an alias moves, the new model is loaded and tried before it serves."""

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
    """Looks every few seconds whether the model's name stands for another one.

    Args:
        service: Whose model is switched.
        identity: Tells what the name stands for now; cheap.
        load: Loads that, and tries it.
        known: What it stood for when the model of the moment was loaded.
        seconds: Between two looks.
    """

    def __init__(
        self, service: Service, identity: Callable[[], str], load: Callable[[], Served], *, known: str, seconds: float
    ) -> None:
        self._service, self._identity, self._load, self._seconds = service, identity, load, seconds
        self._known = known
        self._complaint = ""

    async def run(self) -> None:
        """Looks until it is cancelled; whatever goes wrong, the model of the moment goes on serving."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._look()
                self._complaint = ""
            except PipelineError as error:
                self._complain(str(error))
            except Exception as error:  # of a store, which may raise anything
                self._complain(f"{type(error).__name__}: {error}")

    async def _look(self) -> None:
        identity = await asyncio.to_thread(self._identity)
        if identity == self._known:
            return
        try:
            model = await asyncio.to_thread(self._load)
            check_replaces(self._service.model, model)
        except ModelError:
            self._known = identity  # it will not become better by loading it again
            raise
        self._service.switch(model)
        self._known = identity
        self._service.metrics.reloaded("serves")
        log.info("version %s of %s serves now (run %s)", model.version, model.name, model.run_id)
        await asyncio.to_thread(_forget)

    def _complain(self, text: str) -> None:
        """Once for each reason, not every few seconds."""
        self._service.metrics.reloaded("refused")
        if text != self._complaint:
            log.error("the model that served goes on serving: %s", text)
        self._complaint = text


def check_replaces(old: Served, new: Served) -> None:
    """Whether requests that the old model takes are answered by the new one in the same form.

    Raises:
        ModelError: It needs other columns, or gives other outputs.
    """
    known = {column.name: column for column in old.columns}
    faults = [
        f"column {column.name!r} is {'another type' if column.name in known else 'new'}"
        for column in new.columns
        if column.name not in known
        or (known[column.name].is_text, known[column.name].width) != (column.is_text, column.width)
    ]
    if list(old.labels.names) != list(new.labels.names):
        faults.append(f"it gives {', '.join(new.labels.names)} instead of {', '.join(old.labels.names)}")
    if faults:
        raise ModelError(
            f"version {new.version} of {new.name} does not replace version {old.version}: {'; '.join(faults)}; "
            "start the server anew to serve it"
        )


def _forget() -> None:
    """Frees the model before, which lies among the objects that collecting passes over."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
