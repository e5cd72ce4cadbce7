"""What a run is made of in the store, as the first entry of its journal."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.name_utils import _generate_random_name

from pipeline.config import Config
from pipeline.track.children import parent_run_id


def run_header(config: Config, uri: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is made of in the store. A sweep's runs lie in its experiment, else the UI does not nest them."""
    tracking = config.tracking
    own = {name: str(value) for name, value in {**tracking.tags, **tags}.items()}
    name = tracking.run_name or _invented_name()
    return {
        "uri": uri,
        "experiment": tracking.experiment,
        "name": name,
        "parent": parent_run_id(),
        "tags": resolve_tags({"mlflow.runName": name} | own),
        "start": int(time.time() * 1000),
    }


def _invented_name() -> str:
    """As MLflow invents it. Python's generator, which it draws from, is seeded like everything else."""
    state = random.getstate()
    random.seed()
    try:
        return _generate_random_name()
    finally:
        random.setstate(state)
