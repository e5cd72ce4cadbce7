"""How fast a file is predicted, and what memory it takes: `python -m benchmarks.prediction [ROWS ...]`.

A table of 20 mixed columns, as CSV and as Parquet, of each number of rows; a process each, so that peaks are its own.
1 000 000 and 10 000 000 rows take about five minutes and 3 GB of disk; 100 000 and 1 000 000 half a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

PART_ROWS = 100_000  # written at a time
TRAINING_ROWS = 5_000
WORKER = """
import json, resource, sys
from pathlib import Path
from pipeline.runtime.startup import import_tensorflow
import_tensorflow()
from pipeline.inference.batch.predict_file import predict
model, source, output = sys.argv[1:]
done = predict(model, Path(source), Path(output), keep=["id"])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([done.n_rows, done.seconds, peak]))
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[1_000_000, 10_000_000], help="sizes of the table")
    parser.add_argument("--folder", type=Path, help="where to write the tables; default: a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        model = _trained(Path(folder))
        print("| file | rows | seconds | rows a minute | peak memory |\n|---|--:|--:|--:|--:|")
        for kind in ("csv", "parquet"):
            for n_rows in args.rows:
                source, output = Path(folder) / f"table.{kind}", Path(folder) / f"out.{kind}"
                _write(source, n_rows)
                done, seconds, peak = _predicted(model, source, output)
                print(
                    f"| {kind} | {done:,} | {seconds:.1f} | {done / seconds * 60:,.0f} | {peak:,.0f} MB |", flush=True
                )


def table(n_rows: int, seed: int) -> pd.DataFrame:
    """Ten numbers, three of them with gaps; two counts; seven texts; a date: 20 columns, besides id and target."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {"id": np.arange(n_rows) + seed * PART_ROWS}
    columns |= {f"number_{k}": rng.normal(size=n_rows).round(5) for k in range(10)}
    columns |= {f"count_{k}": rng.integers(0, 1000, n_rows) for k in range(2)}
    columns |= {f"text_{k}": _texts(rng, n_rows, 5 + 10 * k) for k in range(7)}
    days = pd.date_range("2000-01-01", periods=3000).strftime("%Y-%m-%d").to_numpy(object)
    frame = pd.DataFrame(columns | {"day": days[rng.integers(0, 3000, n_rows)], "y": rng.normal(size=n_rows)})
    for k in range(3):
        frame.loc[rng.random(n_rows) < 0.1, f"number_{k}"] = np.nan
    return frame


def _texts(rng: np.random.Generator, n_rows: int, n_categories: int) -> np.ndarray:
    return np.array([f"category {k}" for k in range(n_categories)], object)[rng.integers(0, n_categories, n_rows)]


def _write(path: Path, n_rows: int) -> None:
    writer = None
    for part in range(-(-n_rows // PART_ROWS)):
        rows = pa.Table.from_pandas(table(min(PART_ROWS, n_rows - part * PART_ROWS), part), preserve_index=False)
        if writer is None:
            kind = pq.ParquetWriter if path.suffix == ".parquet" else arrow_csv.CSVWriter
            writer = kind(path, rows.schema)
        writer.write_table(rows)
    if writer is not None:
        writer.close()


def _trained(folder: Path) -> str:
    from pipeline import load, run

    path = folder / "training.csv"
    table(TRAINING_ROWS, 0).to_csv(path, index=False)
    keys = ("data=plain_table", f"data.path='{path}'", "data.target=y", "data.drop=[id]", "model.units=[64,64]")
    return str(run(load(*keys, "fit.epochs=1", f"tracking.uri='sqlite:///{folder}/mlflow.db'")).model_path)


def _predicted(model: str, source: Path, output: Path) -> list[float]:
    line = [sys.executable, "-c", WORKER, model, str(source), str(output)]
    ended = subprocess.run(line, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
