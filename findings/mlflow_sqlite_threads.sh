#!/usr/bin/env bash
# Threads that log to one SQLite store at once take several times as long as the same calls in turn.
#
# Versions:  MLflow 3.17.2 with SQLAlchemy 2.1.9
# Guess:     SQLite lets one writer in at a time, so that 320 calls of `log_batch` take about as long from
#            32 threads as from one; threads gain nothing, and lose nothing.
# Behaviour: They take several times as long (9 here). Who finds the store locked sleeps and looks again, up
#            to 100 ms each time, and sleeps while nobody writes; the more wait, the more often. With one lock
#            around the calls the 32 threads are as fast as one.
# Matters:   Runs of one process that log side by side, as of a sweep whose trials are threads, wait for
#            sleepers: closing 64 runs took longer than training them.
# Source:    https://www.sqlite.org/c3ref/busy_timeout.html (a handler that sleeps); of MLflow no page or
#            issue was found that says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-mlflow==3.17.2 sqlalchemy==2.1.9}
cd "$folder"
"$folder/venv/bin/python" - 2>log <<'EOF'
import contextlib
import sys
import threading
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric

print("mlflow", mlflow.__version__)
CALLS, STORE = 320, "sqlite:///store.db"
client = MlflowClient(STORE)
experiment = client.create_experiment("e")


def log(run, n, turn):
    own = MlflowClient(STORE)
    for step in range(n):
        with turn:
            own.log_batch(run, metrics=[Metric(f"m{k}", float(step), step, step) for k in range(8)])


def seconds(n_threads, turn):
    runs = [client.create_run(experiment).info.run_id for _ in range(n_threads)]
    threads = [threading.Thread(target=log, args=(run, CALLS // n_threads, turn)) for run in runs]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


seconds(1, contextlib.nullcontext())  # the first pays for what is made once
one = seconds(1, contextlib.nullcontext())
many, in_turn = seconds(32, contextlib.nullcontext()), seconds(32, threading.Lock())
print(f"{CALLS} calls from one thread: {one:.1f} s\nfrom 32 threads: {many:.1f} s, {many / one:.1f} times")
print(f"from 32 threads in turn: {in_turn:.1f} s, {in_turn / one:.1f} times\nguess: once, about")
sys.exit(0 if many > 2.5 * one and many > 2.5 * in_turn else "no longer as stated")
EOF
