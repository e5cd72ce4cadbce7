"""Rows to divide, and rules to divide them by, for the tests of splits."""

import functools

import numpy as np
import pandas as pd
import yaml

from pipeline import data, load
from pipeline.config.rules import SPLIT_COLUMN_KINDS, Split
from pipeline.data import Rows, Splits
from pipeline.data.target import make_target

KINDS = ["random", "stratified", "group", "time", "column", "kfold", "group_kfold"]


def read(*overrides: str) -> Rows:
    return data.read_rows(load(*overrides).data)


def divided(*overrides: str) -> tuple[Rows, Splits]:
    rows = read(*overrides)
    return rows, data.split(rows, load(*overrides).data.split)


@functools.cache
def defaults() -> Split:
    return load("data=plain_table", "data.path=t.csv", "data.target=y").data.split


def rules(*overrides: str) -> Split:
    """The split section with these values, and a column `s` to split by where the kind has one."""
    given = {key: yaml.safe_load(value) for key, value in (override.split("=") for override in overrides)}
    column = {"column": "s"} if given.get("kind") in SPLIT_COLUMN_KINDS else {}
    return Split(**(defaults().model_dump() | column | given))


def made(n: int = 200, task: str = "multiclass", column: object = None, n_test: int = 0, seed: int = 0) -> Rows:
    """Rows of random numbers, with three classes or a number to predict, as reading a file gives them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n) if task == "multiclass" else rng.normal(size=n)
    target = make_target({"y": pd.Series(y)}, task)
    values = None if column is None else np.asarray(column, float if np.asarray(column).dtype.kind in "if" else object)
    return Rows("table", {"a": rng.normal(size=n)}, target, None, None, values, n_test)


def columns_to_split_by(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Groups of uneven size, times in no order and with ties, or parts in all spellings."""
    if "group" in kind:
        return np.array([f"g{number}" for number in rng.geometric(0.05, n)], object)
    if kind == "time":
        days = pd.Timestamp("2011-01-31") + pd.to_timedelta(rng.integers(0, 60, n), unit="h")
        return np.array([day.isoformat() for day in days], object)
    if kind == "column":
        return rng.choice(np.array(["train", "Train", "val", "VALID", "validation", "test ", "TEST"], object), n)
    return None
