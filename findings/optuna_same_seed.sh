#!/usr/bin/env bash
# Two Optuna workers on one study with the same sampler seed draw the same points.
#
# Versions:  optuna 5.0.0
# Guess:     The workers share a storage, so the sampler sees what the other has tried and goes on from
#            there; the seed only makes the search repeatable.
# Behaviour: Each sampler draws from its own generator, which starts at the seed and looks neither at the
#            trial's number nor at what others tried: with RandomSampler, and in TPESampler's random start
#            of ten trials, each point of one worker is a point of the other.
# Matters:   A fixed seed in the config is good manners in training code, and the same config is what each
#            job of a cluster gets: with two workers half of these trials buy nothing, with ten workers nine
#            of ten, and nothing says so.
# Source:    https://github.com/optuna/optuna/issues/1547 (equal parameters in distributed trials; seeds are
#            not named there)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-compile \
  ${PINS:-optuna==5.0.0}
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import sys
import warnings

import optuna

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
print("optuna", optuna.__version__)


def pairs(sampler, seeds):
    storage = "sqlite:///study.db"
    name = f"{sampler.__name__}{seeds}"
    optuna.create_study(storage=storage, study_name=name)
    workers = [optuna.load_study(storage=storage, study_name=name, sampler=sampler(seed=seed)) for seed in seeds]
    points = []
    for _ in range(5):
        for worker in workers:  # in turn: each trial is finished before the other worker asks
            trial = worker.ask()
            rate, layers = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True), trial.suggest_int("layers", 1, 5)
            points.append((rate, layers))
            worker.tell(trial, rate)
    return len(points), len(set(points))


seen = {}
for sampler in (optuna.samplers.TPESampler, optuna.samplers.RandomSampler):
    for seeds in ((7, 7), (7, 8)):
        seen[sampler.__name__, seeds] = pairs(sampler, seeds)
        print(f"{sampler.__name__}, seeds {seeds}: trials, different points: {seen[sampler.__name__, seeds]}")
print("guess: as many different points as trials")
as_stated = all(value == ((10, 5) if seeds == (7, 7) else (10, 10)) for (_, seeds), value in seen.items())
sys.exit(0 if as_stated else "no longer as stated")
EOF
