"""What sweeps must reach: `make bench-sweeps [PART=...]`; nothing else should run meanwhile.

parallel_32   n_jobs=2 beside the serial launcher, California 64-64, batch 32      3 minutes
parallel_256  the same, 208-208 with dropout, batch 256                            3 minutes
mlflow        share of a trial of ten seconds that tracking takes                  3 minutes
packed        64 trials trained as one network, beside one run of stock Keras (and, if PACKED_BEFORE names
              the folder of another build, the same trials by that); 256 wide members       3 minutes
one_store     200 short trials by 4 processes on one SQLite store                  5 minutes

The parts with California need california_housing/california_sklearn.csv and splits/california.npz under PIPELINE_DATA.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import packed
from benchmarks.works import DATA

TRIALS = 6  # of a sweep that is timed: three for each worker
CALIFORNIA = [
    "experiment=california",
    f"data.path={DATA / 'california_housing/california_sklearn.csv'}",
    f"data.split.path={DATA / 'splits/california.npz'}",
    "fit.early_stopping.patience=null",
    "fit.schedule=constant",
    "fit.warmup_epochs=0",
    "fit.execution=compiled",
]
SMALL = [*CALIFORNIA, "model.units=[64,64]", "model.dropout=0.0", "fit.batch_size=32", "fit.epochs=750"]
LARGE = [*CALIFORNIA, "model.units=[208,208]", "model.dropout=0.2", "fit.batch_size=256", "fit.epochs=250"]


def parallel(name: str, overrides: list[str]) -> None:
    """Times the same trials one after the other with both cores, and two at a time with a core each."""
    seeds = "seed=" + ",".join(str(number) for number in range(TRIALS))
    seconds, longest = {}, {}
    for label, launcher in (("serial", "basic"), ("n_jobs=2", "local")):
        with tempfile.TemporaryDirectory() as folder:
            jobs = ["hydra.launcher.n_jobs=2"] if launcher == "local" else []
            start = time.perf_counter()
            _sweep(Path(folder), f"hydra/launcher={launcher}", *jobs, *overrides, seeds)
            seconds[label] = time.perf_counter() - start
            longest[label] = _fit_seconds(Path(folder))
        print(
            f"{name}, {label}: {seconds[label]:.1f} s for {TRIALS} trials, fit {longest[label]:.1f} s each", flush=True
        )
    print(f"{name}: n_jobs=2 is {seconds['serial'] / seconds['n_jobs=2']:.2f} x faster", flush=True)


def mlflow_share() -> None:
    """Adds up what tracking takes of a trial: of epochs the processor's seconds, of the rest, which it waits for, all.

    And the processor's seconds of the process beside it. Trials with and without epochs logged differ by less than
    trials do that are the same.
    """
    import psutil

    from pipeline import load, run
    from pipeline.track import run as tracking
    from pipeline.track.worker.client import worker

    spent = {"epochs": 0.0, "rest": 0.0}

    def time_it(owner: type, method: str, clock: Callable[[], float], kind: str) -> None:
        function = getattr(owner, method)

        def timed(*args: object, **kwargs: object) -> object:
            start = clock()
            try:
                return function(*args, **kwargs)
            finally:
                spent[kind] += clock() - start

        setattr(owner, method, timed)

    time_it(tracking.Epochs, "log", time.thread_time, "epochs")
    for method in ("log_final", "log_report", "log_inputs", "log_saved_model", "close"):  # the pictures do not count
        time_it(tracking.Run, method, time.perf_counter, "rest")
    for name, overrides in (("64-64, batch 32", SMALL), ("208-208, batch 256", LARGE)):
        with tempfile.TemporaryDirectory() as folder:
            config = load(*overrides, f"tracking.uri=sqlite:///{folder}/mlflow.db")
            run(config)  # imports, lays tables and compiles
            beside = psutil.Process(worker().pid)
            seen: dict[str, list[float]] = {"epochs": [], "rest": [], "whole": [], "beside": []}
            for _ in range(3):
                spent.update(epochs=0.0, rest=0.0)
                start, before = time.perf_counter(), sum(beside.cpu_times()[:2])
                opening = run(config).seconds["seconds_open_run"]
                seen["whole"].append(time.perf_counter() - start)
                seen["epochs"].append(spent["epochs"])
                seen["rest"].append(spent["rest"] + opening)
                seen["beside"].append(sum(beside.cpu_times()[:2]) - before)
            epochs, rest, whole, other = (statistics.median(values) for values in seen.values())
            reported = f"epochs {epochs:.2f} s, the rest {rest:.2f} s of {whole:.1f} s: {(epochs + rest) / whole:.1%}"
            print(f"mlflow, {name}: {reported}; {other:.2f} s of a processor in the worker", flush=True)


def one_store() -> None:
    """Has four processes write 200 runs, and looks for what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = "seed=" + ",".join(str(number) for number in range(200))
        start = time.perf_counter()
        said = _sweep(
            Path(folder), "hydra/launcher=local", "hydra.launcher.n_jobs=4", "data=iris", "fit.epochs=5", seeds
        )
        query = """
            SELECT status, COUNT(*), MIN(n), MAX(n) FROM (
                SELECT r.status AS status, COUNT(m.key) AS n FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
                LEFT JOIN metrics m ON m.run_uuid = r.run_uuid
                WHERE t.key = 'mlflow.parentRunId' GROUP BY r.run_uuid)
            GROUP BY status
        """
        with sqlite3.connect(Path(folder) / "mlflow.db") as store:
            for status, n_runs, fewest, most in store.execute(query):
                print(f"one_store: {n_runs} runs {status}, with {fewest} to {most} values of metrics each")
        print(f"one_store: {time.perf_counter() - start:.0f} s, {said.count(' failed: ')} failures reported")


def _sweep(folder: Path, *overrides: str) -> str:
    line = [sys.executable, "-m", "pipeline", "train", "-m", *overrides]
    places = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/sweep"]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run([*line, *places], capture_output=True, text=True, env=quiet, check=False)
    if ended.returncode:
        sys.exit(f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
    shutil.rmtree(folder / "sweep")
    return ended.stdout


def _fit_seconds(folder: Path) -> float:
    with sqlite3.connect(folder / "mlflow.db") as store:
        return statistics.median(
            value for (value,) in store.execute("SELECT value FROM metrics WHERE key = 'seconds/fit'")
        )


def packed_part() -> None:
    """See packed.py."""
    packed.whole_command()
    packed.large_pack()


PARTS: dict[str, Callable[[], None]] = {
    "parallel_32": lambda: parallel("64-64, batch 32", SMALL),
    "parallel_256": lambda: parallel("208-208, batch 256", LARGE),
    "packed": packed_part,
    "mlflow": mlflow_share,
    "one_store": one_store,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="make bench-sweeps", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(PARTS) + "; none: all")
    chosen = parser.parse_args().part or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"unknown part {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
