#!/usr/bin/env bash
# Optuna's queue on SQLite gives one trial to two processes.
#
# Versions:  optuna 5.0.0, sqlalchemy 2.1.9
# Guess:     `ask` gives each trial that `enqueue_trial` put into the study to one process: the storage changes
#            WAITING to RUNNING and says who was first, and SQLite lets one writer in at a time.
# Behaviour: Two processes that ask at once are given the same number, two to ten times in a hundred. The storage
#            reads the state with SELECT ... FOR UPDATE, which on SQLite is a plain SELECT without a lock, so
#            both see WAITING and both write RUNNING. Trials that are added as RUNNING never have one number.
# Matters:   The trial is computed twice, neither knows it, and the second `tell` raises after all that work.
# Source:    https://github.com/optuna/optuna/issues/4002, and Optuna's FAQ on parallel work with SQLite, which
#            advises against it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-optuna==5.0.0 sqlalchemy==2.1.9}
cd "$folder"
cat > asks.py <<'EOF'
import sys
from multiprocessing import get_context
from os import getpid

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
ROUNDS, STORE = 200, "sqlite:///study.db"


def enqueued(study):
    study.enqueue_trial({"x": 0.5})
    return study.ask().number


def added(study):
    before = {trial.number for trial in study.get_trials(deepcopy=False) if trial.user_attrs.get("of") == getpid()}
    study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.RUNNING, user_attrs={"of": getpid()}))
    after = {trial.number for trial in study.get_trials(deepcopy=False) if trial.user_attrs.get("of") == getpid()}
    return (after - before).pop()


def work(way, barrier, numbers):
    study = optuna.load_study(study_name=way.__name__, storage=STORE)
    barrier.wait()
    numbers.put([way(study) for _ in range(ROUNDS)])


def twice(way):
    optuna.create_study(study_name=way.__name__, storage=STORE)
    start = get_context("spawn")
    barrier, numbers = start.Barrier(2), start.Queue()
    workers = [start.Process(target=work, args=(way, barrier, numbers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    given = numbers.get() + numbers.get()
    for worker in workers:
        worker.join()
    return len(given) - len(set(given))


if __name__ == "__main__":
    print("optuna", optuna.__version__)
    seen = twice(enqueued), twice(added)
    print(f"of {2 * ROUNDS} trials given to both of two processes: enqueued and asked for {seen[0]}, added {seen[1]}")
    print("guess: 0 and 0")
    sys.exit(0 if seen[0] and not seen[1] else "no longer as stated")
EOF
"$folder/venv/bin/python" asks.py
