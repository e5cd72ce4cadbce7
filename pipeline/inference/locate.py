"""Finds a model by any of its names: a folder, a run, a registered name, or the best run of an experiment.

Every command that starts from a finished model calls `resolve`. A folder needs neither MLflow nor a store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError

if TYPE_CHECKING:
    from pipeline.compare.resolve_best import Best

log = logging.getLogger(__name__)

BEST = "best:"

FORMS = "a run id, runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, best:EXPERIMENT, or a folder"
WITHIN = (".", "saved_model", "artifacts/saved_model")  # location of the SavedModel in a run or an MLflow model


@dataclass(frozen=True)
class FoundModel:
    """A model's location and origin."""

    reference: str  # as the user gave it
    path: Path  # the SavedModel's folder
    run_id: str | None  # None for a folder, whose manifest may name a run
    name: str  # registered name, or that of the run's experiment or of the folder
    version: str | None  # registered version


def resolve(reference: str, tracking_uri: str | None = None) -> FoundModel:
    """Finds a model.

    Args:
        reference: One of FORMS. A folder is a SavedModel, an MLflow model that holds one, or what `export` made for
            TensorFlow Serving, whose highest version is used.
        tracking_uri: URI of the tracking store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: The model does not exist, with the nearest names; or a run has no model, with the reason.
        TrackingError: The store cannot be used.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return FoundModel(reference, _saved_model(folder, reference), None, folder.resolve().name, None)
    if folder.is_file():
        raise ModelError(f"{reference}: is a file; a model is {FORMS}")
    from pipeline.track.find_model import find_stored  # late: MLflow takes seconds, and folders do not need it

    best = best_run(reference, tracking_uri)
    if best is not None:
        log.info(best.summary)
    stored = find_stored(reference if best is None else best.run_id, tracking_uri)
    path = _saved_model(stored.folder, reference)
    return FoundModel(reference, path, stored.run_id, stored.name, stored.version)


def best_run(reference: str, tracking_uri: str | None = None) -> Best | None:
    """The run that `best:EXPERIMENT` refers to; None for any other reference.

    Args:
        reference: One of FORMS.
        tracking_uri: URI of the tracking store; None for the default, see `resolve`.

    Raises:
        ModelError: The experiment does not exist, none of its runs has a score, or its runs are not comparable.
        TrackingError: The store cannot be used.
    """
    if not reference.startswith(BEST) or Path(reference).exists():
        return None
    from pipeline.compare.resolve_best import best_of  # late, as above

    return best_of(reference.removeprefix(BEST), tracking_uri)


def stands_for(reference: str, tracking_uri: str | None = None) -> str:
    """What a reference refers to now, such as the version of an alias or the id of the best run; cheap enough to poll.

    Args:
        reference: One of FORMS.
        tracking_uri: URI of the tracking store; None for the default, see `resolve`.

    Raises:
        ModelError: The reference refers to nothing any more.
        TrackingError: The store cannot be used.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return str(_saved_model(folder, reference))
    if reference.startswith(BEST):
        from pipeline.compare.resolve_best import best_id_of

        return best_id_of(reference.removeprefix(BEST), tracking_uri)
    from pipeline.track.find_model import stands_for as in_store  # late, as above

    return in_store(reference, tracking_uri)


def _saved_model(folder: Path, reference: str) -> Path:
    """The SavedModel that a folder is, or contains as MLflow or TensorFlow Serving stores it."""
    versions = [path.name for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    newest = [max(versions, key=int)] if versions else []
    for place in (*WITHIN, *newest):
        if (folder / place / "saved_model.pb").is_file():
            return (folder / place).resolve()
    raise ModelError(
        f"{reference}: {folder} contains no SavedModel (saved_model.pb); a model is {FORMS}. "
        "Pickled models are not loaded"
    )
