"""What a run is made of in the store, as the first entry of its journal."""

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

TABLE = "table"  # name of data that its file tells apart
MAX_NAME_LENGTH = 250  # MLflow's limit


def run_header(config: Config, uri: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is made of in the store. A sweep's runs lie in its experiment, else the UI does not nest them."""
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
    """What a run is called that was given no name: its data, its model, and what MLflow invents, for there are more."""
    data = config.data
    source = Path(data.path).name.partition(".")[0] if data.name == TABLE and data.path else data.name
    return re.sub(r"[^\w-]+", "-", f"{source}-{config.model.name}-{_invented_name()}")[-MAX_NAME_LENGTH:]


def _invented_name() -> str:
    """As MLflow invents it. Python's generator, which it draws from, is seeded like everything else."""
    state = random.getstate()
    random.seed()
    try:
        return _generate_random_name()
    finally:
        random.setstate(state)
