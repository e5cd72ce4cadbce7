"""Random names for runs, as MLflow makes them."""

from __future__ import annotations

import random

from mlflow.utils.name_utils import _generate_random_name


def invented_name() -> str:
    """Returns two words and a number, drawn with a fresh seed: a run may have seeded Python's generator."""
    state = random.getstate()
    random.seed()
    try:
        name: str = _generate_random_name()
        return name
    finally:
        random.setstate(state)
