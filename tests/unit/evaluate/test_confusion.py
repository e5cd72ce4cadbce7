"""Errors of two classes at 0.5 and at a learned threshold, by hand."""

import numpy as np
import pytest

from pipeline.config.decision_rules import Decision
from pipeline.data import Target
from pipeline.evaluate import Evaluation
from pipeline.evaluate.confusion import BinaryDecisions, binary_decisions

SECOND = np.array([0.9, 0.6, 0.5, 0.2])  # the positive class's probability; 0.5 ties, and is the first class
TRUTH = np.array([1, 0, 1, 0])


def of(threshold: float | None, weight: np.ndarray | None = None, truth: np.ndarray = TRUTH) -> BinaryDecisions | None:
    config = Decision(
        temperature=False, threshold="none" if threshold is None else "cost", precision=0.9, false_positive_cost=1.0,
        false_negative_cost=5.0, interval=None, prediction_set=None,
    )  # fmt: skip
    target = Target("binary", ("y",), truth.reshape(-1, 1), np.array(["no", "yes"], object))
    outputs = {"probabilities": np.stack([1 - SECOND, SECOND], axis=1)}
    if threshold is not None:
        outputs["label"] = target.classes[(threshold <= SECOND).astype(int)]
    parts = ("train", "val", "test")
    made = Evaluation({}, dict.fromkeys(parts, target), dict.fromkeys(parts, outputs), dict.fromkeys(parts, weight), {})
    return binary_decisions(config, made, threshold)


def test_before_and_after() -> None:
    made = of(0.4)
    assert made
    assert [entry.title for entry in made.confusions] == ["val at 0.5", "val at 0.4", "test at 0.5", "test at 0.4"]
    before, after = made.confusions[2:]
    assert list(before.counts.values()) == [1, 1, 1, 1]
    assert before.scores == {"precision": 0.5, "recall": 0.5, "F1": 0.5, "mean cost": 6 / 4}
    assert list(after.counts.values()) == [2, 1, 0, 1]
    assert after.scores == pytest.approx({"precision": 2 / 3, "recall": 1.0, "F1": 0.8, "mean cost": 1 / 4})
    assert made.text == "yes, at a probability of 0.4 or more (decision.threshold=cost)"
    assert made.costs == "a false positive costs 1, a false negative 5"


def test_rows_are_counted_and_scores_weigh_them() -> None:
    made = of(None, np.array([1.0, 2.0, 3.0, 4.0]))
    assert made
    assert [entry.title for entry in made.confusions] == ["val at 0.5", "test at 0.5"]
    assert made.text == "yes, at a probability of 0.5 or more"
    entry = made.confusions[0]
    assert list(entry.counts.values()) == [1, 1, 1, 1]
    assert entry.scores == pytest.approx({"precision": 1 / 3, "recall": 1 / 4, "F1": 2 / 7, "mean cost": 17 / 10})


def test_what_is_undefined_is_left_out() -> None:
    made = of(0.95, truth=np.zeros(4, int))
    assert made
    assert made.confusions[1].scores == {"precision": None, "recall": None, "F1": None, "mean cost": 0.0}


def test_other_tasks_have_none() -> None:
    target = Target("multiclass", ("y",), np.array([[0], [1], [2]]), np.array([0, 1, 2]))
    config = Decision(
        temperature=False, threshold="none", precision=0.9, false_positive_cost=1.0, false_negative_cost=1.0,
        interval=None, prediction_set=None,
    )  # fmt: skip
    assert binary_decisions(config, Evaluation({}, {"test": target}, {}, {}, {}), None) is None
