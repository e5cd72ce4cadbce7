"""Each row of docs/library-facts.md is still so; the page has these rows and no others.

A failure says that a library changed, or that the page was edited: both change together.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
import pytest
from sklearn import metrics

from pipeline import load
from pipeline.data import Target
from pipeline.evaluate import score
from pipeline.sweep.search.samplers import sampler_of
from support import not_finite

TESTS = Path(__file__).parents[1]
Cells = tuple[str, ...]


@functools.cache
def page() -> dict[str, dict[Cells, Cells]]:
    """The page's tables by their headings; each row by its cells in backticks and, of the first table, by what x is."""
    text = (TESTS.parent / "docs" / "library-facts.md").read_text(encoding="utf-8")
    return {part.partition("\n")[0]: _rows(part) for part in text.split("\n## ")[1:]}


def _rows(part: str) -> dict[Cells, Cells]:
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
    n_keys = 2 if lines[0][1] == "x" else 1
    keys = [tuple(cell.strip("`") for cell in cells[:n_keys]) for cells in lines[2:]]
    assert len(set(keys)) == len(keys), f"a row stands twice: {keys}"
    return {key: tuple(cells[n_keys:]) for key, cells in zip(keys, lines[2:], strict=True)}


# NaN and infinity

NOT_FINITE = "NaN and infinity"
RUNTIMES = {"XLA": not_finite.xla_cells, "ONNX Runtime": not_finite.onnx_cells, "LiteRT": not_finite.litert_cells}


@functools.cache
def _of(runtime: str) -> dict[str, str]:
    return RUNTIMES[runtime]()


@functools.cache
def _with_onednn(setting: str) -> dict[str, dict[str, str]]:
    """Of a process of its own: TensorFlow reads the setting once."""
    done = subprocess.run(
        [sys.executable, "-m", "support.not_finite"],
        cwd=TESTS, env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": setting}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    cells: dict[str, dict[str, str]] = json.loads(done.stdout)
    return cells


@pytest.mark.parametrize("row", not_finite.ROWS, ids=" of ".join)
def test_not_finite_numbers_in_compiled_and_exported_models(row: tuple[str, str]) -> None:
    """What hangs on the processor, as LiteRT's softplus does, stands on the page as `inf or 88.38`."""
    found = [_of(runtime)[" of ".join(row)] for runtime in RUNTIMES]
    reported = [cell.split(" or ") for cell in page()[NOT_FINITE][row][4:]]
    assert all(value in cell for value, cell in zip(found, reported, strict=True)), (found, reported)


@pytest.mark.slow
@pytest.mark.parametrize("row", not_finite.ROWS, ids=" of ".join)
def test_not_finite_numbers_in_tensorflow(row: tuple[str, str]) -> None:
    found = [_with_onednn(setting)[column][" of ".join(row)] for setting in "01" for column in ("eager", "graph")]
    assert tuple(found) == page()[NOT_FINITE][row][:4]


# Initializers

INITIALIZERS = "Initializers of stacked kernels"
MEMBERS, INPUTS, OUTPUTS = 8, 16, 32
# By initializer: the bound of a uniform one, the deviation of others, of one kernel, of a stack, in an EinsumDense.
SPREADS: dict[str, tuple[float, float, float]] = {
    "glorot_uniform": (
        (6 / (INPUTS + OUTPUTS)) ** 0.5,
        (6 / (MEMBERS * (INPUTS + OUTPUTS))) ** 0.5,
        (6 / (INPUTS + MEMBERS * OUTPUTS)) ** 0.5,
    ),
    "he_normal": ((2 / INPUTS) ** 0.5, (2 / (MEMBERS * INPUTS)) ** 0.5, (2 / INPUTS) ** 0.5),
    "lecun_normal": ((1 / INPUTS) ** 0.5, (1 / (MEMBERS * INPUTS)) ** 0.5, (1 / INPUTS) ** 0.5),
    "orthogonal": ((1 / OUTPUTS) ** 0.5, (1 / (MEMBERS * INPUTS)) ** 0.5, (1 / (MEMBERS * INPUTS)) ** 0.5),
}


@pytest.mark.parametrize("name", SPREADS)
def test_initializers_of_stacked_kernels(name: str) -> None:
    def seeded(seed: int) -> Any:
        return keras.initializers.get({"class_name": name, "config": {"seed": seed}})

    def of_einsum(seed: int) -> Any:
        layer = keras.layers.EinsumDense("bki,kio->bko", (MEMBERS, OUTPUTS), kernel_initializer=seeded(seed))
        layer.build((None, MEMBERS, INPUTS))
        return layer.kernel

    ways: list[Callable[[int], Any]] = [
        lambda seed: seeded(seed)((INPUTS, OUTPUTS)),
        lambda seed: seeded(seed)((MEMBERS, INPUTS, OUTPUTS)),
        of_einsum,
    ]
    drawn = [np.stack([keras.ops.convert_to_numpy(way(seed)) for seed in range(8)]) for way in ways]
    found = [float(np.abs(kernels).max() if name == "glorot_uniform" else kernels.std()) for kernels in drawn]
    assert found == pytest.approx(SPREADS[name], rel=0.03)
    assert tuple(f"{value:.3f}" for value in SPREADS[name]) == page()[INITIALIZERS][(name,)][1:]


# Scores

SCORES = "Scores without a class"
TRUTH = np.array([0, 0, 1, 1])
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1], [0.2, 0.3, 0.5]])
LABELS = PROBABILITIES.argmax(axis=1)
ONE_HOT = np.eye(3)[TRUTH]
CALLS: dict[str, tuple[str, Callable[[], float]]] = {
    "roc_auc_score(y, p, multi_class='ovr')": (
        "roc_auc", lambda: metrics.roc_auc_score(TRUTH, PROBABILITIES, multi_class="ovr")),
    "roc_auc_score(y, p, multi_class='ovr', labels=[0, 1, 2])": (
        "roc_auc", lambda: metrics.roc_auc_score(TRUTH, PROBABILITIES, multi_class="ovr", labels=[0, 1, 2])),
    "roc_auc_score(y, p, multi_class='ovo', labels=[0, 1, 2])": (
        "roc_auc", lambda: metrics.roc_auc_score(TRUTH, PROBABILITIES, multi_class="ovo", labels=[0, 1, 2])),
    "roc_auc_score(one_hot, p, average='macro')": (
        "roc_auc", lambda: metrics.roc_auc_score(ONE_HOT, PROBABILITIES, average="macro")),
    "roc_auc_score(one_hot, p, average='weighted')": (
        "roc_auc", lambda: metrics.roc_auc_score(ONE_HOT, PROBABILITIES, average="weighted")),
    "roc_auc_score(one_hot, p, average='micro')": (
        "roc_auc", lambda: metrics.roc_auc_score(ONE_HOT, PROBABILITIES, average="micro")),
    "average_precision_score(one_hot, p, average='macro')": (
        "pr_auc", lambda: metrics.average_precision_score(ONE_HOT, PROBABILITIES, average="macro")),
    "average_precision_score(one_hot, p, average='weighted')": (
        "pr_auc", lambda: metrics.average_precision_score(ONE_HOT, PROBABILITIES, average="weighted")),
    "log_loss(y, p)": ("log_loss", lambda: metrics.log_loss(TRUTH, PROBABILITIES)),
    "log_loss(y, p, labels=[0, 1, 2])": (
        "log_loss", lambda: metrics.log_loss(TRUTH, PROBABILITIES, labels=[0, 1, 2])),
    "f1_score(y, label, average='macro')": ("f1_macro", lambda: metrics.f1_score(TRUTH, LABELS, average="macro")),
    "accuracy_score(y, label)": ("accuracy", lambda: metrics.accuracy_score(TRUTH, LABELS)),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_scores_without_a_class(call: str) -> None:
    name, compute = CALLS[call]
    target = Target("multiclass", ("y",), TRUTH[:, None], np.array(["a", "b", "c"]))
    ours = score(target, {"probabilities": PROBABILITIES})
    assert (_reported(compute), f"{ours[name]:.3f}" if name in ours else "left out") == page()[SCORES][(call,)]


def _reported(compute: Callable[[], float]) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = compute()
        except ValueError:
            return "ValueError"
    cell = "NaN" if np.isnan(value) else f"{value:.3f}"
    return ", ".join([cell, *sorted({entry.category.__name__ for entry in caught})])


# Searches

SEARCHES = "Searches that share a seed"
ROUNDS = 3
RANGES: dict[str, optuna.distributions.BaseDistribution] = {"x": optuna.distributions.FloatDistribution(0, 1)}


def _same_points(sampler_for: Callable[[int, int], optuna.samplers.BaseSampler], n_before: int) -> str:
    """Of rounds in which two workers of one study each ask for a trial, in how many both get the same point.

    Args:
        sampler_for: The sampler of a worker and of the place of the trial that it asks for.
        n_before: Trials that the study has at the start.
    """
    study = optuna.create_study()
    for number in range(n_before):
        params = {"x": (number + 0.5) / n_before}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=RANGES, value=params["x"]))
    same = 0
    for _ in range(ROUNDS):
        trials = []
        for worker in range(2):
            study.sampler = sampler_for(worker, len(study.trials))
            trials.append(study.ask(RANGES))
        for trial in trials:
            study.tell(trial, trial.params["x"])
        same += trials[0].params == trials[1].params
    return f"{same} of {ROUNDS}"


def _each_its_own(**arguments: Any) -> Callable[[int, int], optuna.samplers.BaseSampler]:
    """A TPE for each worker, which it keeps, as a process does."""
    workers = [optuna.samplers.TPESampler(seed=1, **arguments) for _ in range(2)]
    return lambda worker, place: workers[worker]


def _random() -> Callable[[int, int], optuna.samplers.BaseSampler]:
    workers = [optuna.samplers.RandomSampler(seed=1) for _ in range(2)]
    return lambda worker, place: workers[worker]


def _ours() -> Callable[[int, int], optuna.samplers.BaseSampler]:
    settings = load("search.sampler=tpe", "search.seed=1").search
    return lambda worker, place: sampler_of(settings, place)


SHARED: dict[str, tuple[Callable[[], Callable[[int, int], optuna.samplers.BaseSampler]], int]] = {
    "RandomSampler(seed=1)": (_random, 0),
    "TPESampler(seed=1), its random start": (_each_its_own, 0),
    "TPESampler(seed=1), after 20 trials": (_each_its_own, 20),
    "TPESampler(seed=1, constant_liar=False), after 20 trials": (lambda: _each_its_own(constant_liar=False), 20),
    "search.sampler=tpe search.seed=1, its random start": (_ours, 0),
    "search.sampler=tpe search.seed=1, after 20 trials": (_ours, 20),
}


@pytest.mark.parametrize("way", SHARED)
def test_searches_that_share_a_seed(way: str) -> None:
    samplers, n_before = SHARED[way]
    assert (_same_points(samplers(), n_before),) == page()[SEARCHES][(way,)]


def test_constant_liar_is_the_default_of_tpe_and_of_ours() -> None:
    assert inspect.signature(optuna.samplers.TPESampler).parameters["constant_liar"].default is True
    assert vars(_ours()(0, 0))["_constant_liar"] is True


def test_the_page_has_these_rows_and_no_others() -> None:
    rows = {
        NOT_FINITE: not_finite.ROWS,
        INITIALIZERS: [(name,) for name in SPREADS],
        SCORES: [(call,) for call in CALLS],
        SEARCHES: [(way,) for way in SHARED],
    }
    assert {heading: list(table) for heading, table in page().items()} == rows
