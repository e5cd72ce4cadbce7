"""Training on a set of Parquet files ten times the memory budget: peak memory, throughput and score."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

BUDGET = 256_000_000  # bytes
N_FILES, MIN_ROWS = 32, 1000
COLUMNS = 20
EPOCHS = 4
# A file's peak memory is that of its own process.
CHILD = """
import json, resource, sys
from pipeline import load, run
from mlflow import MlflowClient
result = run(load(*sys.argv[1:]))
history = [m.value for m in MlflowClient(result.store).get_metric_history(result.run_id, "epoch/seconds")]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print("RESULT", json.dumps({"peak": peak, "epochs": history, "rmse": result.scores["test_rmse"], **result.seconds}))
"""


@dataclass(frozen=True)
class Found:
    """What one run came to."""

    peak: int  # bytes
    epoch: float  # median seconds, the first one left out
    rmse: float  # of the test rows
    data: float  # seconds until the arrays are there


def measure_streaming() -> dict[str, float]:
    """Streams the files, reads the same rows into memory, and streams 1 000 rows by the same command."""
    n_rows = 10 * BUDGET // (8 * (COLUMNS + 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "large", n_rows, N_FILES)
        _write(folder / "small", MIN_ROWS, 1)
        streamed = ["data.streaming=on", f"data.memory_budget={BUDGET // 10**6}MB"]
        small = _run(folder, "small", *streamed)
        large = _run(folder, "large", *streamed)
        memory = _run(folder, "large", "data.streaming=off")
    return {
        "n_rows": n_rows,
        "allowed": small.peak + BUDGET,
        "peak": large.peak,
        "peak_in_memory": memory.peak,
        "rows_per_second": 0.7 * n_rows / large.epoch,
        "ratio": memory.epoch / large.epoch,
        "rmse": large.rmse,
        "rmse_in_memory": memory.rmse,
        "data": large.data,
    }


def streaming_lines(found: dict[str, float]) -> list[str]:
    """A paragraph."""
    return [
        f"**Streaming.** {found['n_rows']:,.0f} rows of {COLUMNS} numbers in {N_FILES} Parquet files, ten times "
        f"`data.memory_budget={BUDGET // 10**6}MB`; network 64-64, batch 1024. Peak memory {found['peak'] / 1e6:,.0f} "
        f"MB; that of the same command on {MIN_ROWS:,} rows and the budget together are "
        f"{found['allowed'] / 1e6:,.0f} MB; with all rows in memory it is {found['peak_in_memory'] / 1e6:,.0f} MB. "
        f"{found['rows_per_second']:,.0f} training rows a second, {found['ratio']:.2f} of those in memory. "
        f"Test RMSE {found['rmse']:.4f}, in memory {found['rmse_in_memory']:.4f}. Before training, two passes over the "
        f"files take {found['data']:.0f} s.",
        "",
    ]


def _write(folder: Path, n_rows: int, n_files: int) -> None:
    folder.mkdir()
    generator = np.random.default_rng(0)
    inner, outer = generator.normal(size=(COLUMNS, 8)), generator.normal(size=8)
    for number, n in enumerate(np.diff(np.linspace(0, n_rows, n_files + 1).astype(int))):
        x = generator.normal(size=(n, COLUMNS))
        y = np.tanh(x @ inner / 4) @ outer + 0.1 * generator.normal(size=n)
        frame = pd.DataFrame(x, columns=[f"x{k}" for k in range(COLUMNS)])
        frame.assign(y=y).to_parquet(folder / f"part{number:03d}.parquet", index=False)


def _run(folder: Path, files: str, *overrides: str) -> Found:
    command = [
        "data=plain_table", f"data.path='{folder / files / '*.parquet'}'", "data.target=y", "model.units=[64,64]",
        "fit.batch_size=1024", f"fit.epochs={EPOCHS}", "fit.execution=compiled",
        f"tracking.uri=sqlite:///{folder / 'mlflow.db'}", *overrides,
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", CHILD, *command], capture_output=True, text=True, check=False)
    result = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if result is None:
        raise RuntimeError(done.stderr[-3000:])
    values = json.loads(result[1])
    return Found(values["peak"], statistics.median(values["epochs"][1:]), values["rmse"], values["seconds_data"])
