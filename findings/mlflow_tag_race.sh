#!/usr/bin/env bash
# Two clients that set one MLflow tag at the same moment: one of them gets an error.
#
# Versions:  MLflow 3.17.2 with SQLAlchemy 2.1.9
# Guess:     `set_tag` and `set_experiment_tag` insert or overwrite, so that of two simultaneous calls the
#            later one wins, and both return.
# Behaviour: The store looks for the tag and then inserts it. Both find none, one inserts, and the other
#            raises MlflowException, with BAD_REQUEST and a database's IntegrityError as its text. It leaves no
#            trace: the same call, made again, succeeds. `log_param` of an equal value raises nothing.
# Matters:   A tag is the obvious lock between machines that share a store. Whoever takes the error for
#            `the store is away`, or for `the request is wrong`, loses a run about once in ten simultaneous
#            starts.
# Source:    https://github.com/mlflow/mlflow/issues/8442 (an open report of the error, whose cause is not found there)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-mlflow==3.17.2 sqlalchemy==2.1.9}
cd "$folder"
"$folder/venv/bin/python" - 2>log <<'EOF'
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

print("mlflow", mlflow.__version__)
CLIENTS, TAGS = 4, 100
client = MlflowClient("sqlite:///store.db")
experiment = client.create_experiment("e")
run = client.create_run(experiment).info.run_id


def errors(write):
    """Has every client write each value at the same moment, and returns the errors."""
    found = []

    def once(number, client_number, start):
        start.wait()
        try:
            write(number, client_number)
        except MlflowException as error:
            found.append((number, client_number, str(error).split("\n")[0]))

    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(TAGS):
            start = threading.Barrier(CLIENTS)
            list(pool.map(once, [number] * CLIENTS, range(CLIENTS), [start] * CLIENTS))
    return found


of_tags = errors(lambda number, own: client.set_experiment_tag(experiment, f"claim {number}", str(own)))
of_params = errors(lambda number, own: client.log_param(run, f"p{number}", "equal"))
print(f"{TAGS} tags by {CLIENTS} clients at once: {len(of_tags)} errors, such as")
print(f"  {of_tags[0][2] if of_tags else 'none'}")
print(f"{TAGS} parameters of equal value: {len(of_params)} errors\nguess: 0 and 0")
for number, own, _ in of_tags:
    client.set_experiment_tag(experiment, f"claim {number}", str(own))  # again: no error
expected = of_tags and all("IntegrityError" in text for *_, text in of_tags) and not of_params
sys.exit(0 if expected else "no longer as stated")
EOF
