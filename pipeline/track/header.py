"""The header of a run: the first entry of its journal, from which the store makes the run."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.name_utils import _generate_random_name

from pipeline.config import Config
from pipeline.track.children import parent_run_id

TABLE = "table"  # `data.name` of files, which are named by their path
MAX_NAME_LENGTH = 250  # MLflow's limit


def run_header(config: Config, uri: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the header of a run. The UI nests the runs of a sweep only if they are in its experiment.

    Args:
        config: The experiment.
        uri: Of the store.
        tags: Tags of the run, besides `tracking.tags`.
    """
    tracking = config.tracking
    own = {name: str(value) for name, value in {**tracking.tags, **tags}.items()}
    name = tracking.run_name or name_of(config)
    return {
        "uri": uri,
        "experiment": tracking.experiment,
        "name": name,
        "parent": parent_run_id(),
        "tags": resolve_tags({"mlflow.runName": name} | own),
        "start": int(time.time() * 1000),
    }


def name_of(config: Config) -> str:
    """Returns a default name for a run: data, model, and a random name as MLflow makes them."""
    data = config.data
    source = Path(data.path).name.partition(".")[0] if data.name == TABLE and data.path else data.name
    return re.sub(r"[^\w-]+", "-", f"{source}-{config.model.name}-{_invented_name()}")[-MAX_NAME_LENGTH:]


def _invented_name() -> str:
    """Returns a random name from MLflow, with a fresh seed: the run has seeded Python's generator."""
    state = random.getstate()
    random.seed()
    try:
        return _generate_random_name()
    finally:
        random.setstate(state)
