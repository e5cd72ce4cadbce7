"""A whole `make train`, from the start of the process to its end, beside the bare import of what it needs."""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 3
BARE = "import tensorflow, mlflow"


def measure_whole_run() -> dict[str, float]:
    """Median seconds: of the run, of the bare import, and of the run's parts.

    `before` is what comes before the data: Python, Hydra, the config; `after` what comes after the last part: closing
    the run, the tables, the end of the process.
    """
    bare, whole, parts = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "mlflow.db"
        train = [sys.executable, "-m", "pipeline", "train", f"tracking.uri=sqlite:///{store}"]
        _seconds(train)  # lays the store's tables, and warms the disk's cache
        for _ in range(REPEATS):
            bare.append(_seconds([sys.executable, "-c", BARE]))
            whole.append(_seconds(train))
            parts.append(_logged(store))
    found = {name: statistics.median(part[name] for part in parts) for name in parts[0]}
    total = statistics.median(whole)
    return {"whole": total, "bare": statistics.median(bare), **found, "outside": total - sum(found.values())}


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet)
    return time.perf_counter() - start


def _logged(store: Path) -> dict[str, float]:
    """The parts that the newest run logged, whose process has ended; earlier versions named one `seconds_fit`."""
    query = """
        SELECT key, value FROM metrics
        WHERE (key LIKE 'seconds/%' OR key LIKE 'seconds\\_%' ESCAPE '\\') AND key NOT LIKE '%first_epoch'
        AND run_uuid = (SELECT run_uuid FROM runs ORDER BY start_time DESC LIMIT 1)
    """
    with sqlite3.connect(store) as connection:
        return {key[len("seconds/") :]: value for key, value in connection.execute(query)}
