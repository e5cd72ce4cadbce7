"""The address of the tracking store: SQLite under mlruns/ by default, or from the config or the environment."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from pipeline.config import mlruns
from pipeline.config.rules import Tracking
from pipeline.errors import TrackingError

VARIABLE = "MLFLOW_TRACKING_URI"


def store_uri(config: Tracking) -> str:
    """Returns the store's address: the config key, else the environment variable, else SQLite under mlruns/.

    Raises:
        TrackingError: The address is a folder, which MLflow 3 does not support.
    """
    uri = config.uri or os.environ.get(VARIABLE) or f"sqlite:///{mlruns() / 'mlflow.db'}"
    if uri.startswith("file:") or "://" not in uri:
        raise TrackingError(
            f"tracking.uri: {uri} is a folder, which MLflow 3 does not support as a store; "
            "use sqlite:///path/to/mlflow.db or the address of a server"
        )
    path = sqlite_path(uri)
    return uri if path is None else f"sqlite:///{path}"


def sqlite_path(uri: str) -> Path | None:
    """Returns the file of a SQLite store; None for other stores."""
    return Path(uri.removeprefix("sqlite:///")).expanduser().absolute() if uri.startswith("sqlite:///") else None


def as_path(uri: str) -> Path:
    """Converts a file URI to a path."""
    return Path(url2pathname(urlparse(uri).path) if uri.startswith("file:") else uri)


def local_path(uri: str) -> str:
    """Converts a file URI to a path; returns other addresses unchanged."""
    return url2pathname(urlparse(uri).path) if uri.startswith("file:") else uri
