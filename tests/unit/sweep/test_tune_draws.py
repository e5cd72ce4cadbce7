"""The configurations that `tune` draws."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pipeline import load
from pipeline.errors import SweepError
from pipeline.sweep.tune.configurations import Drawn, configurations

EXPERIMENTS = sorted(path.stem for path in Path("conf/experiment").glob("*.yaml"))


def drawn(*words: str, n: int = 8) -> list[Drawn]:
    return list(itertools.islice(configurations(("data=iris", *words), load("data=iris", *words)), n))


def test_optimizers_are_drawn_if_they_are_listed_and_change_no_other_value() -> None:
    plain, varied = drawn(), drawn("tune.optimizers=[adamw,muon]")
    assert {one.config.fit.optimizer for one in plain[1:]} == {"adamw"}
    assert {one.config.fit.optimizer for one in varied[1:]} == {"adamw", "muon"}
    assert varied[0].config.fit == plain[0].config.fit  # as configured
    for before, after in zip(plain, varied, strict=True):
        assert [word for word in after.words if not word.startswith("fit.optimizer=")] == list(before.words)


@pytest.mark.parametrize("word", ["fit=sgd", "fit=gradient_descent", "fit.optimizer=adam", "fit.optimizer=rmsprop"])
def test_an_optimizer_without_weight_decay_can_be_set(word: str) -> None:
    found = drawn(word)
    assert len({one.config.fit.optimizer for one in found}) == 1
    assert all(one.config.fit.weight_decay is None for one in found)


@pytest.mark.parametrize("word", ["fit=sgd", "fit.optimizer=muon", "fit.optimizer=adam"])
def test_an_optimizer_cannot_be_both_set_and_varied(word: str) -> None:
    with pytest.raises(SweepError, match=r"tune\.optimizers: the command sets the optimizer .* omit one of them"):
        drawn(word, "tune.optimizers=[adamw,muon]")


@pytest.mark.parametrize(
    ("words", "scales"),
    [
        (["model.numeric_embedding=target_bins"], {0.1}),
        (["model=dense", "model.numeric_embedding=none"], {0.1}),
        (["model.numeric_embedding=periodic", "model.embedding_scale=0.5"], {0.5}),
    ],
)
def test_a_set_embedding_is_not_given_the_values_of_another(words: list[str], scales: set[float]) -> None:
    found = drawn(*words)
    assert len({one.config.model.numeric_embedding for one in found}) == 1
    assert {one.config.model.embedding_scale for one in found} == scales


def test_the_scale_of_a_set_embedding_is_drawn() -> None:
    found = drawn("model.numeric_embedding=cosine")
    assert {one.config.model.numeric_embedding for one in found} == {"cosine"}
    assert len({one.config.model.embedding_scale for one in found}) == len(found)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_variations_of_an_experiment_can_be_trained(name: str) -> None:
    """The third was of another architecture, with keys that the experiment's optimizer does not have."""
    table = [] if name == "breast_cancer" else ["data.path=rows.csv", "data.target=[y]"]
    words = [f"experiment={name}", *table]
    config = load(*words)
    found = list(itertools.islice(configurations(words, config), 10))
    assert {one.config.model.name for one in found} == {config.model.name}
