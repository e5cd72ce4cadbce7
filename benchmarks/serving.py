"""`make bench-serve`: how fast the server answers beside `mlflow models serve`, and whether it stays right and lean."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import report
from benchmarks.requests import Request, Requests

NAME = "bench"
N_NUMBERS, N_TEXTS = 12, 8
CLIENTS = 32
PER_SECOND = 100
WARM_UP = 5000  # requests before the memory of the soak is first looked at
START_SECONDS = 120

Result = dict[str, Any]


def main() -> None:
    """Measures and writes the lines into docs/benchmarks.md; ends with 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(prog="make bench-serve", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of ours and MLflow's (default: 5)")
    parser.add_argument("--seconds", type=float, default=10, help="of each turn (default: 10)")
    parser.add_argument("--requests", type=int, default=100_000, help="of the mixed load (default: 100000)")
    args = parser.parse_args()
    console = Console() if Console().is_terminal else Console(width=120)
    found = measure_serving(args.rounds, args.seconds, args.requests, console.print)
    lines = serving_lines(found)
    report.keep("serving", lines)
    console.print(Markdown("\n".join(lines)))
    if found["faults"]:
        sys.exit("\n".join(found["faults"]))


def measure_serving(rounds: int, seconds: float, n_mixed: int, say: Any = print) -> Result:
    """Trains a model, serves it by both servers, and puts them under load in turns.

    Args:
        rounds: How often each is measured.
        seconds: Of each measurement.
        n_mixed: Requests of the mixed load.
        say: Called with the progress.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        run_id, rows = _train(Path(folder), store)
        plan = _plan(Path(folder), run_id, store, rows)
        say("a model is trained; both servers start")
        with _ours(run_id, store) as ours, _mlflow(run_id, store) as mlflow, _load(plan) as load:
            ports = {"ours": ours[1], "mlflow": mlflow}
            turns: dict[str, list[Result]] = {name: [] for name in ports}
            paced = []
            for number in range(rounds):
                for name, port in ports.items():
                    turns[name].append(_at_once(load, port, "single", n=10**9, seconds=seconds))
                n = int(PER_SECOND * seconds)
                paced.append(load(kind="paced", group="single", port=ours[1], per_second=PER_SECOND, n=n))
                say(f"round {number + 1} of {rounds}: {', '.join(_shown(name, turns[name][-1]) for name in ports)}; "
                    f"{PER_SECOND} a second: median {1000 * paced[-1]['median']:.1f} ms")  # fmt: skip
            process = psutil.Process(ours[0])
            warm = _at_once(load, ours[1], "mixed", n=min(WARM_UP, n_mixed), seconds=600)
            before = process.memory_info().rss
            mixed = _at_once(load, ours[1], "mixed", n=n_mixed, seconds=3600)
            after = process.memory_info().rss
    faults = warm["first_faults"] + mixed["first_faults"] + [fault for turn in paced for fault in turn["first_faults"]]
    per_second = {name: statistics.median(t["answered"] / t["seconds"] for t in found) for name, found in turns.items()}
    return {
        "per_second": per_second,
        "median": statistics.median(turn["median"] for turn in paced),
        "p99": statistics.median(turn["p99"] for turn in paced),
        "mixed": mixed,
        "faults": faults,
        "memory": (before, after),
        "rounds": rounds,
        "seconds": seconds,
    }


def serving_lines(found: Result) -> list[str]:
    """A sentence for each."""
    ours, mlflow = found["per_second"]["ours"], found["per_second"]["mlflow"]
    mixed, (before, after) = found["mixed"], found["memory"]
    n_mixed = mixed["answered"] + mixed["hung_up"]
    return [
        f"**Serving.** One process, single rows of {N_NUMBERS} numbers and {N_TEXTS} texts (64-64 network), the load "
        f"from another process. At {PER_SECOND} requests a second the median is {1000 * found['median']:.1f} ms and "
        f"the 99th percentile {1000 * found['p99']:.1f} ms. Under {CLIENTS} clients `make serve` answers {ours:,.0f} "
        f"requests a second, `mlflow models serve` {mlflow:,.0f} ({ours / mlflow:.1f} x; medians of "
        f"{found['rounds']} alternating turns of {found['seconds']:g} s). Of {n_mixed:,} mixed requests in "
        f"{mixed['seconds']:.0f} s, good, bad, huge and hung up, {mixed['faults']} had a wrong answer; the server's "
        f"memory went from {before / 1e6:,.0f} to {after / 1e6:,.0f} MB ({after / before - 1:+.1%}).",
        "",
    ]


def _train(folder: Path, store: str) -> tuple[str, pd.DataFrame]:
    """Id of a run on a drawn table, and rows to ask for."""
    rng = np.random.default_rng(0)
    n = 4000
    columns: dict[str, Any] = {f"number {k}": rng.normal(size=n).round(4) for k in range(N_NUMBERS)}
    columns |= {f"text {k}": rng.choice([f"Köln {k}{j}" for j in range(3 + k)], n) for k in range(N_TEXTS)}
    frame = pd.DataFrame(columns)
    frame.loc[frame.index % 10 == 0, ["number 0", "text 0"]] = None
    frame.assign(y=frame["number 1"] * 10 + rng.normal(size=n)).to_csv(folder / "t.csv", index=False)
    train = [sys.executable, "-m", "pipeline", "train", "data=plain_table", f"data.path={folder}/t.csv",
             "data.target=y", "fit.epochs=3", f"tracking.uri={store}", "tracking.experiment=bench"]  # fmt: skip
    subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
    from pipeline.inference import locate

    run_id = locate.resolve("best:bench", store).run_id
    assert run_id is not None
    return run_id, frame.iloc[:1000]


def _plan(folder: Path, run_id: str, store: str, rows: pd.DataFrame) -> Path:
    """Requests with the truth about them, as the load's process reads them."""
    from pipeline.export.loaded_model import LoadedModel
    from pipeline.inference import locate

    requests = Requests(NAME, LoadedModel(locate.resolve(run_id, store).path), rows)
    groups: dict[str, list[Request]] = {"single": requests.single_rows(500), "mixed": requests.mixed()}
    plan = folder / "plan.json"
    plan.write_text(json.dumps({name: [asdict(request) for request in group] for name, group in groups.items()}))
    return plan


@contextlib.contextmanager
def _ours(run_id: str, store: str) -> Iterator[tuple[int, int]]:
    """Id of the process and port."""
    port = _free_port()
    command = ["-m", "pipeline", "serve", run_id, "--uri", store, "--name", NAME, "--port", str(port)]
    with _process([sys.executable, *command], port) as process:
        yield process.pid, port


@contextlib.contextmanager
def _mlflow(run_id: str, store: str) -> Iterator[int]:
    port = _free_port()
    command = ["-m", "mlflow", "models", "serve", "-m", f"runs:/{run_id}/model", "--env-manager", "local",
               "--port", str(port)]  # fmt: skip
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where it looks for uvicorn
    with _process([sys.executable, *command], port, MLFLOW_TRACKING_URI=store, PATH=path):
        yield port


@contextlib.contextmanager
def _process(command: list[str], port: int, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is ready; it and what it started end with the block."""
    process = subprocess.Popen(
        command,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(process, port)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # of the group that was made for it
        process.wait(60)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(map(str, process.args))} did not start") from None
            time.sleep(0.2)


@contextlib.contextmanager
def _load(plan: Path) -> Iterator[Any]:
    """A function that has the load's process do a job and gives what it found."""
    command = [sys.executable, "-m", "benchmarks.load", str(plan)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def job(**options: Any) -> Result:
            asks.write(json.dumps(options) + "\n")
            asks.flush()
            result: Result = json.loads(answers.readline())
            return result

        yield job
        asks.close()


def _at_once(load: Any, port: int, group: str, *, n: int, seconds: float) -> Result:
    result: Result = load(kind="at_once", group=group, port=port, clients=CLIENTS, n=n, seconds=seconds)
    return result


def _shown(name: str, turn: Result) -> str:
    return f"{name} {turn['answered'] / turn['seconds']:,.0f} a second"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
