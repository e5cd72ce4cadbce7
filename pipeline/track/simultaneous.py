"""Writes to the store that other processes make at the same moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from mlflow.exceptions import MlflowException

ATTEMPTS = 20
MAX_PAUSE = 0.05  # seconds
UNIQUE = ("IntegrityError", "UniqueViolation")  # in the messages of SQLite and MySQL, and of PostgreSQL


def retried(write: Callable[[], None]) -> None:
    """Calls a function that writes to the store, and again if another process has written the same at that moment.

    MLflow first searches for a dataset or a tag and then inserts it; of two simultaneous inserts one fails, and finds
    the other on retry.

    Args:
        write: Writes once; it can be repeated.
    """
    for attempt in range(ATTEMPTS):
        try:
            write()
            return
        except MlflowException as error:
            if not any(name in str(error) for name in UNIQUE) or attempt + 1 == ATTEMPTS:
                raise
            time.sleep(random.SystemRandom().uniform(0, MAX_PAUSE))  # the seeded generator belongs to the network
