"""Follows a model's name: when an alias moves, loads and tests the new model before it serves."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ModelError, PipelineError
from pipeline.inference.http.served_model import Served
from pipeline.inference.http.service import Service
from pipeline.inference.locate import FoundModel

log = logging.getLogger(__name__)


class ModelReloader:
    """Checks every few seconds whether the model's name refers to another model.

    Args:
        service: The service whose model is switched.
        identity: Returns what the name refers to now; cheap.
        find: Finds that model, and fetches its files from a remote store; an error is retried at the next check.
        load: Loads a model and tests it. One that cannot be loaded is tried again only when its files have changed.
        known: What the name referred to when the current model was loaded.
        seconds: Time between two checks.
    """

    def __init__(
        self,
        service: Service,
        identity: Callable[[], str],
        find: Callable[[], FoundModel],
        load: Callable[[FoundModel], Served],
        *,
        known: str,
        seconds: float,
    ) -> None:
        self._service, self._identity, self._find, self._load, self._seconds = service, identity, find, load, seconds
        self._known = known
        self._refused: _Refused | None = None
        self._complaint = ""

    async def run(self) -> None:
        """Checks until it is cancelled; after an error, the current model continues to serve."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.look()

    async def look(self) -> None:
        """Checks once, and switches to another model if there is one that works."""
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
        if self._refused is not None and await asyncio.to_thread(self._refused.is_still, identity):
            return  # loading it again would not help
        found = await asyncio.to_thread(self._find)
        files = await asyncio.to_thread(_files, found.path)  # before they are read: they may still be copied
        try:
            model = await asyncio.to_thread(self._load, found)
            check_replaces(self._service.model, model)
        except ModelError:
            self._refused = _Refused(identity, found.path, files)
            raise
        self._service.switch(model)
        self._known, self._refused = identity, None
        self._service.metrics.reloaded("serves")
        log.info("version %s of %s now serves (run %s)", model.version, model.name, model.run_id)
        await asyncio.to_thread(_forget)

    def _complain(self, text: str) -> None:
        """Logs each reason once, not every few seconds."""
        self._service.metrics.reloaded("refused")
        if text != self._complaint:
            log.error("the current model continues to serve: %s", text)
        self._complaint = text


@dataclass(frozen=True)
class _Refused:
    """A model that could not be loaded, or does not replace the current one."""

    identity: str
    path: Path
    files: list[tuple[str, int, int]]

    def is_still(self, identity: str) -> bool:
        """Whether the name refers to the same files, unchanged."""
        return identity == self.identity and _files(self.path) == self.files


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """Returns each file of a folder with its size and the time of its last change."""
    known = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return [(str(path.relative_to(folder)), state.st_size, state.st_mtime_ns) for path, state in known]


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
