"""The header of a run: the first entry of its journal, from which the store makes the run."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.runtime import process
from pipeline.track.inherited import parent_run_id
from pipeline.track.worker.client import worker

TABLE = "table"  # `data.name` of files, which are named by their path
MAX_NAME_LENGTH = 250  # MLflow's limit


def run_header(config: Config, uri: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the header of a run. The UI nests the runs of a sweep only if they are in its experiment.

    Args:
        config: The experiment.
        uri: Of the store.
        tags: Tags of the run, besides `tracking.tags`.

    Raises:
        TrackingError: The worker has ended.
    """
    tracking = config.tracking
    context, invented = worker().ask("context_tags"), worker().ask("invented_name")
    own = {name: str(value) for name, value in {**tracking.tags, **tags}.items()}
    name = tracking.run_name or name_of(config, invented.result())
    return {
        "uri": uri,
        "experiment": tracking.experiment,
        "name": name,
        "parent": parent_run_id(),
        "tags": context.result() | {"mlflow.runName": name} | own,
        "start": int(time.time() * 1000),
    }


def environment() -> dict[str, str]:
    """Returns tags of versions, code, machine and process.

    Raises:
        TrackingError: The worker has ended.
    """
    found: dict[str, str] = worker().ask("environment").result()
    return found | {"owner": process.name()}


def name_of(config: Config, invented: str) -> str:
    """Returns a default name for a run.

    Args:
        config: The experiment, whose data and model are in the name.
        invented: A random name, as MLflow makes them.
    """
    data = config.data
    source = Path(data.path).name.partition(".")[0] if data.name == TABLE and data.path else data.name
    return re.sub(r"[^\w-]+", "-", f"{source}-{config.model.name}-{invented}")[-MAX_NAME_LENGTH:]
