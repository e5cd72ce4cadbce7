"""SQLite stores whose folder was moved or copied: their artifact addresses still name the former folder.

Reading still finds artifacts next to the store; writing is refused until `relocate` has corrected the addresses,
because those of a copy name the folder of the original.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import urlparse

import mlflow
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from pipeline.errors import TrackingError
from pipeline.runtime.program import program
from pipeline.track.address import as_path, sqlite_path

FOLDER = "artifacts"  # next to the store's file
ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}


class ArtifactsBesideStore(LocalArtifactRepository):
    """An artifact repository that looks next to a moved store if an address names its former folder."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        store = sqlite_path(tracking_uri or mlflow.get_tracking_uri())
        found = None if store is None else find_beside(as_path(artifact_uri), store)
        super().__init__(artifact_uri if found is None else found.as_uri(), tracking_uri, registry_uri)


for scheme in ("", "file"):
    _artifact_repository_registry.register(scheme, ArtifactsBesideStore)


def find_beside(path: Path, store: Path) -> Path | None:
    """Finds an artifact next to a store that was moved or copied; None if its address is right.

    Args:
        path: Address of the artifact.
        store: File of the store.
    """
    folder = store.parent / FOLDER
    if path.is_relative_to(store.parent):
        return None
    tails = (path.parts[i + 1 :] for i, part in enumerate(path.parts) if part == FOLDER)
    return next((found for tail in tails if tail and (found := folder.joinpath(*tail)).exists()), None)


def check_place(experiment: str, location: str, uri: str) -> None:
    """Checks that artifacts are not written to the folder of another store.

    Args:
        experiment: Name of the experiment.
        location: Its artifact address.
        uri: Of the store.

    Raises:
        TrackingError: The store was moved or copied.
    """
    store = sqlite_path(uri)
    if store is not None and _is_former(location, store):
        raise TrackingError(
            f"tracking.uri: the store {store} was moved or copied: experiment {experiment} stores its artifacts in "
            f"{as_path(location)}. Correct that first: {program()} relocate --uri {uri}"
        )


def relocate(uri: str) -> dict[str, int]:
    """Changes all addresses that name a former folder of a SQLite store to its current folder.

    Returns:
        Number of changed addresses in each of MLflow's tables.

    Raises:
        TrackingError: The store is a server's, or cannot be used.
    """
    store = sqlite_path(uri)
    if store is None:
        raise TrackingError(f"--uri: {uri} is not a SQLite store; servers need no relocation")
    try:
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            locations = [row[0] for row in database.execute("SELECT DISTINCT artifact_location FROM experiments")]
            former = [location for location in locations if _is_former(location, store)]
            changed = {table: _change(database, table, former, store) for table in ADDRESSES}
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise TrackingError(f"--uri: {store} cannot be used: {error}") from None
    return changed


def _change(database: sqlite3.Connection, table: str, former: list[str], store: Path) -> int:
    """Changes the addresses in a table; returns their number."""
    new, changed = (store.parent / FOLDER).as_uri(), 0
    for column in ADDRESSES[table]:
        for old in former:
            is_below = f"{column} = ? OR substr({column}, 1, ?) = ?"
            found = database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {is_below}",
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )
            changed += found.rowcount
    return changed


def _is_former(location: str, store: Path) -> bool:
    """Whether an experiment's artifacts are in a former folder of the store, rather than in a folder that a user chose.

    A former folder does not exist any more, or contains a store of the same name, the original of this copy.
    """
    path = as_path(location)
    is_ours = urlparse(location).scheme == "file" and path.name == FOLDER and path.parent != store.parent
    return is_ours and (not path.exists() or (path.parent / store.name).exists())
