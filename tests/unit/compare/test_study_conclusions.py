"""Studies: nothing is said that the figures do not bear out."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.compare.study import conclusions, questions, words
from pipeline.compare.study.figures import Line, Point
from pipeline.config.studies import Study


@functools.cache
def read(name: str) -> Study:
    return questions.read(name)[1]


def a_study(name: str = "width", **changes: object) -> Study:
    return Study.model_validate(read(name).model_dump() | changes)


def a_line(quantity: str, rows: dict[float | str, Sequence[float]], name: str = "") -> Line:
    """A line from the values of the repetitions at each position."""
    points = [Point(x, {quantity: np.array(values)}, (), (None,) * 0) for x, values in rows.items()]
    return Line(name, tuple(points))


def reported(rows: dict[float | str, Sequence[float]], quantity: str = "val_rmse", **changes: object) -> str:
    study = a_study(tells=[quantity], **{"target_loss": 0.2, **changes})
    return " ".join(conclusions.sentences(study, [a_line(quantity, rows)]))


@pytest.mark.parametrize(
    ("rows", "quantity", "sentence"),
    [
        (
            {1: [60, 61, 59], 8: [50, 51.5, 49], 64: [70, 71, 69.5]},
            "val_rmse",
            "Validation RMSE is best in between: 50.2 at 8, against 60 at 1 and 70.2 at 64.",
        ),
        (
            {1: [60, 61, 59], 8: [50, 51.5, 49], 64: [20, 21, 19.5]},
            "train_rmse",
            "Training RMSE falls from 60 at 1 to 20.2 at 64.",
        ),
        (
            {1: [50, 51, 49], 8: [71, 73, 69], 64: [60, 61.5, 59]},
            "test_rmse",
            "Test RMSE is worst in between: 71 at 8, against 50 at 1 and 60.2 at 64.",
        ),
        (
            {1: [60, 50, 40], 8: [45, 55, 48], 64: [55, 41, 58]},
            "val_rmse",
            "Validation RMSE shows no change beyond the seeds' spread (50 at 1, 51.3 at 64).",
        ),
        (
            {1: [0.80, 0.81, 0.79], 8: [0.95, 0.96, 0.94], 64: [0.70, 0.72, 0.71]},
            "test_accuracy",
            "Test accuracy is best in between: 0.95 at 8, against 0.8 at 1 and 0.71 at 64.",
        ),
        (
            {0: [3, 2, 3], 1: [300, 310, 305]},
            "n_zero_weights",
            "Number of weights at zero rises from 2.67 at 0 to 305 at 1.",
        ),
        (
            {1: [60, 61, 59], 8: [50, 51.5, 49], 64: [40, 70, 51]},
            "val_rmse",
            "Validation RMSE changes from 60 at 1 to 50.2 at 8; later changes are within the seeds' spread.",
        ),
        (
            {1: [40, 60, 49], 8: [50, 51.5, 39], 64: [70, 71.5, 59.5]},
            "val_rmse",
            "Validation RMSE changes from 46.8 at 8 to 67 at 64; earlier changes are within the seeds' spread.",
        ),
        (
            {1: [60, 61, math.nan], 8: [math.nan] * 3, 64: [math.nan] * 3},
            "val_rmse",
            "Validation RMSE is known at 0 of 3 points (not in every run at 1, 8, 64).",
        ),
        (
            {1: [9, 9.5, 9.2], 8: [3, 3.1, 3.3], 64: [1, 1, math.nan]},
            "epochs_to_loss",
            "Epochs to validation loss 0.2 falls from 9.23 at 1 to 3.13 at 8 (not reached in every run at 64).",
        ),
        (
            {1: [60], 8: [20]},
            "val_rmse",
            "Validation RMSE is 60 at 1 and 20 at 8, in one run each, which cannot tell a difference from chance.",
        ),
    ],
    ids=[
        "turns", "falls", "humped", "noise", "highest", "zeros", "then_level", "level_first", "never",
        "incomplete", "one_seed",
    ],
)  # fmt: skip
def test_what_is_said_of_an_axis_of_numbers(
    rows: dict[float | str, Sequence[float]], quantity: str, sentence: str
) -> None:
    assert reported(rows, quantity) == sentence


def test_repetitions_are_compared_in_pairs() -> None:
    # Each seed has its own level, far apart; the difference is the same in all.
    assert reported({1: [10, 100, 1000], 8: [9, 99.1, 998.9]}) == "Validation RMSE falls from 370 at 1 to 369 at 8."
    assert reported({1: [10, 100, 1000], 8: [9, 99, 999]}) == "Validation RMSE falls from 370 at 1 to 369 at 8."
    assert "no change" in reported({1: [10, 100, 1000], 8: [10, 100, 1000]})


def test_times_and_log_losses_are_compared_by_their_ratio() -> None:
    rows: dict[float | str, Sequence[float]] = {1: [2, 1, 1.5], 64: [40, 230, 110]}
    assert reported(rows, "val_rmse").startswith("Validation RMSE shows no change beyond the seeds' spread")
    assert reported(rows, "seconds_fit") == "Time of training in seconds rises from 1.5 at 1 to 127 at 64."


def test_what_is_said_of_options_without_order() -> None:
    rows: dict[float | str, Sequence[float]] = {
        "none": [60, 61, 59], "standard": [50, 51.5, 49], "robust": [51, 50, 49.5],
    }  # fmt: skip
    study = a_study("input_scaling", tells=["val_rmse"])
    (sentence,) = conclusions.sentences(study, [a_line("val_rmse", rows)])
    assert sentence == (
        "Validation RMSE is best (lowest) with standard 50.2; within the seeds' spread of it: robust 50.2; "
        "beyond it: none 60."
    )


def test_several_lines_are_reported_one_by_one_and_then_compared_at_their_best() -> None:
    lines = [
        a_line("val_log_loss", {1: [0.5, 0.6, 0.5], 4: [0.2, 0.3, 0.2]}, "relu"),
        a_line("val_log_loss", {1: [0.7, 0.8, 0.7], 4: [2.1, 2.2, 2.1]}, "sigmoid"),
    ]
    assert conclusions.sentences(a_study("activation", tells=["val_log_loss"]), lines) == [
        "Relu: validation log loss falls from 0.533 at 1 to 0.233 at 4.",
        "Sigmoid: validation log loss rises from 0.733 at 1 to 2.13 at 4.",
        "Each at its best, validation log loss is best (lowest) with relu 0.233; beyond it: sigmoid 0.733.",
    ]


def test_numbers_in_words() -> None:
    assert [words.number(value) for value in (0.012345, 12.345, 1234.5, 0.0, math.nan)] == [
        "0.0123", "12.3", "1 234", "0", "none",
    ]  # fmt: skip
    assert words.name("gap_log_loss") == "overfitting gap in log loss"
    assert words.name("seconds_to_loss", 0.2) == "seconds to validation loss 0.2"
