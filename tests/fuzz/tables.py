"""Random tables by the seed: read in blocks against read at once, and trained on by the real command path."""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from pipeline import DataError, PipelineError, data, load, run
from pipeline.config.rules import Data
from pipeline.data.splits.parts import NAMES
from pipeline.data.streaming.streamed_dataset import Streamed
from support.any_table import Case, cases

MIN_ROWS, MAX_ROWS = 120, 500
MIN_COMPARED = 0.7  # of the tables; the others are refused either way
BLOCK_BYTES = (1_500, 4_000, 10**6)  # a few rows, some dozens, all
TINY = ("fit.epochs=1", "fit.execution=graph", "model.units=[4]")
# Words that say what to do, or a key to do it with.
REMEDY = re.compile(
    r"\b(use|set|give|name|correct|remove|leave|drop|fill|write|try|change|add|store|make|install|quote|unzip|needs?|"
    r"takes|must|should be|did you mean|missing;|there are|the \w+( \w+)? are|omit|choose|select|delete|"
    r"rename|replace)\b|=\S", re.IGNORECASE
)  # fmt: skip
GIVEN = ("column", "indices")  # kinds of split that the table says
Rng = np.random.Generator


@dataclass(frozen=True)
class Drawn:
    """A table as a user might have it, and the data section to read it with."""

    frame: pd.DataFrame
    options: dict[str, Any]
    form: str  # csv, csv.gz, semicolon (and a decimal comma) or parquet
    n_files: int
    has_test_file: bool
    block_bytes: int


def streamed_differences(count: int, seed: int) -> list[str]:
    """Reads random tables in blocks and at once, with a sample that holds all rows, so that both must be the same.

    Args:
        count: Tables.
        seed: Of the first; table `n` is that of `seed + n` alone, whatever `count` is.

    Returns:
        A line for each table that differs: its seed, and what differs.
    """
    outcomes = {number: compared(draw(np.random.default_rng(number))) for number in range(seed, seed + count)}
    n_compared = sum(outcome != "refused" for outcome in outcomes.values())
    assert n_compared >= MIN_COMPARED * count, f"only {n_compared} of {count} tables could be compared"
    return [f"seed {number}: {text}" for number, text in outcomes.items() if text not in ("", "refused")]


def compared(drawn: Drawn) -> str:
    """Nothing where a table is the same either way, `refused` where it is refused either way, or what differs."""
    with tempfile.TemporaryDirectory() as folder, _blocks_of(drawn.block_bytes):
        options = drawn.options | _written(drawn, Path(folder))
        streamed = _loaded(options | {"streaming": "on"})
        split = options["split"]
        if isinstance(streamed, str) and streamed.startswith("data.split:") and split["kind"] not in GIVEN:
            return "refused"  # a hash divides so few rows as chance has it; at once every part has its share
        if not isinstance(streamed, str):
            if split["kind"] not in GIVEN:
                split = _as_drawn(split, _parts(streamed, _with_target(drawn)), Path(folder) / "as_drawn.npz")
            streamed = _staged(options | {"streaming": "on"})
        drop = [options["split"]["column"]] if split["column"] != options["split"]["column"] else []
        at_once = _staged(options | {"streaming": "off", "split": split, "drop": drop})
        if isinstance(streamed, str) or isinstance(at_once, str):
            return _refusals(streamed, at_once)
        return "; ".join(_differing(streamed, at_once))


def _refusals(streamed: Any, at_once: Any) -> str:
    if isinstance(streamed, str) and isinstance(at_once, str):
        return "refused"
    refused, message = ("streamed", streamed) if isinstance(streamed, str) else ("at once", at_once)
    return f"only {refused} it is refused: {message}"


@dataclass(frozen=True)
class Staged:
    """What the data stage makes of a table."""

    dataset: data.Dataset
    preprocessing: data.Preprocessing
    train: data.Arrays
    val: data.Arrays
    report: dict[str, Any]
    scored: dict[str, list[data.Rows]]


def _loaded(options: dict[str, Any]) -> data.Dataset | str:
    """The rows, or their refusal."""
    try:
        return data.load(Data.model_validate(options))
    except DataError as error:
        return str(error)


def _staged(options: dict[str, Any]) -> Staged | str:
    """The stage's outcome, or its refusal."""
    config = Data.model_validate(options)
    try:
        dataset = data.without_useless(data.load(config), config)
        preprocessing = dataset.fit(config)
        preprocessing.check(dataset.rows)
        train, val = dataset.arrays(preprocessing)
        report = data.report(dataset, preprocessing.inputs.kinds).as_dict()
        scored: dict[str, list[data.Rows]] = {part: [] for part in NAMES}
        for part, rows in dataset.scored():
            scored[part].append(rows)
    except DataError as error:
        return str(error)
    return Staged(dataset, preprocessing, train, val, report, scored)


def _parts(dataset: data.Dataset, with_target: np.ndarray) -> dict[str, np.ndarray]:
    """The row numbers of each part, through all files."""
    assert isinstance(dataset, Streamed)
    assert len(dataset.rows) == len(dataset), "the sample has to hold all rows"
    parts = np.concatenate([parts for _, parts, _ in dataset.blocks("looked at")])
    return {part: with_target[parts == number] for number, part in enumerate(NAMES)}


def _as_drawn(split: dict[str, Any], parts: dict[str, np.ndarray], path: Path) -> dict[str, Any]:
    """The split that lists what a streamed table drew by its hashes: only so are the rows the same at once."""
    np.savez(path, **parts)
    return split | {"kind": "indices", "path": str(path), "column": None}


def _differing(streamed: Staged, at_once: Staged) -> Iterator[str]:
    one, other = streamed.dataset, at_once.dataset
    target, expected = one.rows.target, other.rows.target
    checks: dict[str, Callable[[], bool]] = {
        "rows": lambda: (len(one), dict(one.n_rows)) == (len(other), dict(other.n_rows)),
        "task": lambda: (target.task, target.names) == (expected.task, expected.names),
        "classes": lambda: _same(target.classes, expected.classes),
        "fingerprint": lambda: one.fingerprint == other.fingerprint,
        "columns": lambda: list(one.rows.inputs) == list(other.rows.inputs),
        "kinds": lambda: streamed.preprocessing.inputs.kinds == at_once.preprocessing.inputs.kinds,
        "names": lambda: streamed.preprocessing.inputs.names == at_once.preprocessing.inputs.names,
        "sizes": lambda: streamed.preprocessing.sizes(target) == at_once.preprocessing.sizes(expected),
        "unit": lambda: np.allclose(_worth(streamed), _worth(at_once), rtol=1e-6),
        "report": lambda: streamed.report == at_once.report,
    }
    for what, is_same in checks.items():
        if not is_same():
            yield what
    yield from _arrays_differing(streamed, at_once)
    for part in NAMES:
        yield from _scored_differing(part, streamed.scored[part], at_once.scored[part])


def _worth(staged: Staged) -> np.ndarray:
    return staged.preprocessing.outputs.units_per_scaled


def _arrays_differing(streamed: Staged, at_once: Staged) -> Iterator[str]:
    for part in ("train", "val"):
        for name in ("x", "y", "sample_weight"):
            found, expected = getattr(getattr(streamed, part), name), getattr(getattr(at_once, part), name)
            if (found is None) != (expected is None):
                yield f"{name} of {part} is there in one only"
            elif found is not None and not _near(found[:], expected):
                yield f"{name} of {part}, shape {found[:].shape} and {expected.shape}"


def _near(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=1e-5, atol=1e-5)


def _scored_differing(part: str, blocks: list[data.Rows], whole: list[data.Rows]) -> Iterator[str]:
    (rows,) = whole
    if not _same(np.concatenate([block.target.originals() for block in blocks]), rows.target.originals()):
        yield f"targets to score of {part}"
    for name, column in rows.inputs.items():
        if not _same(np.concatenate([np.asarray(block.inputs[name]) for block in blocks]), np.asarray(column)):
            yield f"inputs to score of {part}, column {name!r}"


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape or (one.dtype == object) != (other.dtype == object):
        return False
    return bool((one == other).all() if one.dtype.kind in "Ob" else np.array_equal(one, other, equal_nan=True))


@contextmanager
def _blocks_of(n_bytes: int) -> Iterator[None]:
    """Blocks as small as those of little files have to be to show what the blocks of large ones do."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("survey", "streamed_dataset"):
            patch.setattr(f"pipeline.data.streaming.{module}.block_bytes", lambda budget: n_bytes)
        yield


@cache
def _defaults() -> dict[str, Any]:
    return load("data=plain_table", "data.path=x.csv", "data.target=y").data.model_dump()


def trained_failures(count: int, seed: int) -> list[str]:
    """Trains tiny networks on odd tables as the command does: from config files to scores of a verified export.

    Args:
        count: Tables that are trained on; those that are refused do not count.
        seed: Of what is drawn.

    Returns:
        A line for each traceback, score that is not finite, or message without a remedy.
    """
    failures: list[str] = []
    n_trained = 0

    @hypothesis.seed(seed)
    @settings(
        max_examples=50 * count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases())
    def look(case: Case) -> None:
        nonlocal n_trained
        if n_trained == count:
            return
        with tempfile.TemporaryDirectory() as folder:
            failure, was_trained = _trained(case, Path(folder), store)
        n_trained += was_trained
        if failure:
            failures.append(f"{failure}\n{case}")

    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        look()
    assert n_trained == count, f"only {n_trained} tables could be trained on"
    return failures


def _trained(case: Case, folder: Path, store: str) -> tuple[str, bool]:
    """What went wrong, if anything did, and whether a network was trained."""
    try:
        result = run(load("experiment=odd", f"tracking.uri={store}", *TINY, config_dir=_experiment(case, folder)))
    except PipelineError as error:
        return "" if REMEDY.search(str(error)) else f"a refusal without a remedy: {error}", False
    except Exception:
        return traceback.format_exc(), False
    wrong = {name: score for name, score in result.scores.items() if not np.isfinite(score)}
    return (f"scores that are no numbers: {wrong}" if wrong else ""), True


def _experiment(case: Case, folder: Path) -> Path:
    """A folder of config files, in which columns may have any name: the command line takes not all of them."""
    path = folder / "t.csv"
    path.write_text(case.content, encoding="utf-8", newline="")
    content = {"defaults": [{"override /data": "plain_table"}], "data": case.options | {"path": str(path)}}
    (folder / "experiment").mkdir()
    text = "# @package _global_\n" + yaml.safe_dump(content, allow_unicode=True)
    (folder / "experiment" / "odd.yaml").write_text(text, encoding="utf-8")
    return folder


# How a column's values come about; each takes the generator and the number of rows.
def _of(values: list[Any], shares: list[float] | None = None) -> Callable[[Rng, int], pd.Series]:
    return lambda rng, n: pd.Series(rng.choice(np.array(values, dtype=object), n, p=shares)).infer_objects()


def _sorted(column: Callable[[Rng, int], pd.Series]) -> Callable[[Rng, int], pd.Series]:
    """A value that comes late is in none of the first blocks."""
    return lambda rng, n: column(rng, n).sort_values(ignore_index=True)


def _then(
    first: Callable[[Rng, int], pd.Series], last: Callable[[Rng, int], pd.Series]
) -> Callable[[Rng, int], pd.Series]:
    """Values of one kind in the first half of the rows, and of another in the last."""
    return lambda rng, n: pd.concat(
        [first(rng, n // 2).astype(object), last(rng, n - n // 2).astype(object)], ignore_index=True
    )


def _with_last(column: Callable[[Rng, int], pd.Series], last: Any) -> Callable[[Rng, int], pd.Series]:
    def drawn(rng: Rng, n: int) -> pd.Series:
        values = column(rng, n).astype(object)
        values.iloc[-1] = last
        return values

    return drawn


def _days(rng: Rng, n: int, written: str = "%Y-%m-%d") -> pd.Series:
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")).dt.strftime(
        written
    )


TEXTS = ["Ulm", "Köln", "a, b", 'say "hi"', "two\nlines", "Bonn"]
INPUTS: tuple[Callable[[Rng, int], pd.Series], ...] = (
    lambda rng, n: pd.Series(rng.normal(50, 20, n)),
    lambda rng, n: pd.Series(rng.exponential(3, n)),
    lambda rng, n: pd.Series(rng.integers(-1000, 1000, n)),
    lambda rng, n: pd.Series(rng.integers(1, 5, n)),
    lambda rng, n: pd.Series(rng.integers(0, 2, n)),
    lambda rng, n: pd.Series(rng.random(n) < 0.3),
    lambda rng, n: pd.Series(rng.integers(10**9, 10**9 + 50, n)),
    lambda rng, n: pd.Series(rng.integers(2**40, 2**40 + 9, n)),
    lambda rng, n: pd.Series([f"id-{row}" for row in range(n)]),
    lambda rng, n: pd.Series(np.arange(n)),
    _days,
    lambda rng, n: _days(rng, n, "%d.%m.%Y"),
    lambda rng, n: _days(rng, n, "%Y-%m-%dT%H:%M:%S"),
    _sorted(_days),
    _sorted(lambda rng, n: pd.Series(rng.normal(50, 20, n))),
    _of(TEXTS),
    _of(TEXTS, [0.9, 0.06, 0.01, 0.01, 0.01, 0.01]),
    _sorted(_of(["low", "mid", "high"])),
    _of(["007", "010", "7"]),
    _of(["yes", "no"]),
    _of(["1.5"]),
    _of(["only"]),
    _of([0.1, 1e30, -1e-30]),
    _with_last(_of([1, 2, 3]), "B7"),
    _with_last(_of(["true", "false"]), "maybe"),
    _with_last(_of([1, 2, 3]), "020"),
    _with_last(_of([1.0]), 2.0),
    _then(_of([1, 2, 3]), _of([True, False])),
    _then(_of([0.5, 1.5]), _of([2**64 + 1, 2**63 + 1])),
    lambda rng, n: pd.Series(rng.integers(2**50, 2**50 + 9, n)),
    lambda rng, n: pd.Series(rng.normal(0, 1e-200, n)),
)
TARGETS: tuple[Callable[[Rng, int], pd.Series], ...] = (
    lambda rng, n: pd.Series(rng.normal(1000, 30, n)),
    lambda rng, n: pd.Series(rng.integers(0, 500, n)),
    lambda rng, n: pd.Series(rng.exponential(3, n)),
    _of([0, 1], [0.9, 0.1]),
    _of([0, 1, 2]),
    _of([-1, 5, 7]),
    _of([0.0, 1.0]),
    _of([1.0, 2.0, 3.0]),
    _of([0.5, 1.5]),
    _of([True, False]),
    _of(["yes", "no"], [0.8, 0.2]),
    _of(["low", "mid", "high"]),
    _of(["007", "010", "7"]),
    _of(["1", "2"]),
    _of(["1.0", "2.50"]),
    _of([2**53, 2**53 + 1]),
    _sorted(_of([0, 1, 2])),
    _sorted(_of(["low", "mid", "high"])),
    _sorted(_of([True, False])),
    _with_last(_of([1, 2]), "x"),
    _with_last(_of([1, 2]), 1.5),
    _then(_of([1, 2, 3]), _of([True, False])),
    _then(_of([-5, 7]), _of([2**63 + 1, 2**64 + 1])),
    lambda rng, n: pd.Series([int(value) * 10**15 for value in rng.integers(1, 10**5, n)], dtype=object),
    lambda rng, n: pd.Series(rng.normal(1e15, 3, n)),
)
SCALINGS = ("none", "standard", "minmax", "robust", "log1p", "yeo_johnson", "quantile", {"shift": 1.0, "scale": 2.0})
OF_INPUTS = (*SCALINGS, "smooth_clip", "noisy_quantile")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "input_scaling": OF_INPUTS,
    "two_valued": ("zero_one",),
    "ordered_numbers": ("number_and_one_hot",),
    "narrowest_range": (1e-6, 0.5),
    "output_scaling": SCALINGS,
    "category_encoding": ("embedding", "hash", "ordinal"),
    "max_categories": (1, 2, 5),
    "hash_buckets": (1, 3),
    "impute": ("mean", "most_frequent", "constant"),
    "impute_constant": (-1.0,),
    "missing_indicator": (True,),
    "missing_values": (["-999", "unknown"], [-999]),
    "clip": (0.5, 3.0),
    "drop_useless": (True,),
    "task": ("regression", "binary", "multiclass"),
}
KINDS_OF_SPLIT = ("auto", "auto", "random", "kfold", "group", "group_kfold", "time", "column", "indices")


def draw(rng: Rng) -> Drawn:
    """A table, its options and its form."""
    n = int(rng.integers(MIN_ROWS, MAX_ROWS))
    names = rng.permutation(["a", "b", "Wall Area", "Köln", "e", "1st", "x=y"])[: int(rng.integers(1, 6))]
    columns = {str(name): _with_gaps(_pick(rng, INPUTS)(rng, n), rng) for name in names}
    targets = {"y": _pick(rng, TARGETS)(rng, n)}
    if rng.random() < 0.1:
        targets = {name: pd.Series(rng.normal(5, 2, n)) for name in ("y", "z")}
    if rng.random() < 0.15:
        targets = {name: _with_gaps(values, rng, shares=(0.1,)) for name, values in targets.items()}
    options: dict[str, Any] = {"target": list(targets) if len(targets) > 1 else "y", "missing_target": "drop"}
    for key, values in OPTIONS.items():
        if rng.random() < (0.05 if key == "task" else 0.25):
            options[key] = _pick(rng, values)
    if rng.random() < 0.3:
        columns["weight"] = pd.Series(rng.uniform(0.5, 2, n))
        options["sample_weight"] = "weight"
    options["split"], by = _split(rng, n)
    return Drawn(
        pd.DataFrame({**columns, **by, **targets}),
        options,
        form=_pick(rng, ("csv", "csv", "csv.gz", "semicolon", "parquet")),
        n_files=int(rng.integers(1, 4)),
        has_test_file=options["split"]["kind"] in ("auto", "random") and rng.random() < 0.25,
        block_bytes=_pick(rng, BLOCK_BYTES),
    )


def _pick(rng: Rng, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _with_gaps(column: pd.Series, rng: Rng, shares: tuple[float, ...] = (0, 0, 0, 0.1, 0.5, 0.95, 1)) -> pd.Series:
    """Gaps all over a column, or in its first or last rows only."""
    share, where = _pick(rng, shares), _pick(rng, ("all over", "all over", "first", "last"))
    n = len(column)
    order = {"all over": rng.permutation(n), "first": np.arange(n), "last": np.arange(n)[::-1]}[where]
    gaps = np.zeros(n, bool)
    gaps[order[: int(share * n)]] = True
    return column.mask(gaps) if gaps.any() else column


def _split(rng: Rng, n: int) -> tuple[dict[str, Any], dict[str, pd.Series]]:
    """The section `data.split`, and the column that it goes by."""
    kind = _pick(rng, KINDS_OF_SPLIT)
    asked = {"kind": kind, "seed": int(rng.integers(100)), "test_fraction": 0.2, "val_fraction": 0.2}
    if kind not in ("group", "group_kfold", "time", "column"):
        return asked, {}
    columns: dict[str, tuple[Callable[[Rng, int], pd.Series], ...]] = {
        "column": (_of(["train", "train", "Validation", " test "]),),
        "time": (_days, lambda rng, n: pd.Series(rng.integers(0, 900, n)), lambda rng, n: pd.Series(rng.random(n))),
    }
    groups = (_of([f"g{number}" for number in range(30)]), lambda rng, n: pd.Series(rng.integers(0, 40, n)))
    return asked | {"column": "by"}, {"by": _pick(rng, columns.get(kind, groups))(rng, n)}


def _written(drawn: Drawn, folder: Path) -> dict[str, Any]:
    """Writes the files, and gives the options that read them."""
    frame, n = drawn.frame, len(drawn.frame)
    n_tests = n // 5 if drawn.has_test_file else 0
    cuts = np.linspace(0, n - n_tests, drawn.n_files + 1).astype(int)
    suffix = {"semicolon": "csv"}.get(drawn.form, drawn.form)
    for number in range(drawn.n_files):
        _write(frame[cuts[number] : cuts[number + 1]], folder / f"part{number}.{suffix}", drawn.form)
    options = _defaults() | {"path": str(folder / f"part*.{suffix}"), "memory_budget": "64MB"}
    split = _defaults()["split"] | drawn.options["split"]
    if n_tests:
        _write(frame[n - n_tests :], folder / f"test.{suffix}", drawn.form)
        split |= {"test_path": str(folder / f"test.{suffix}"), "test_fraction": None}
    if split["kind"] == "indices":
        split["path"] = str(folder / "asked.npz")
        _list_parts(drawn, folder / "asked.npz")
    if drawn.form == "semicolon":
        options |= {"delimiter": ";", "decimal": ","}
    return options | drawn.options | {"path": options["path"], "split": split}


def _write(frame: pd.DataFrame, path: Path, form: str) -> None:
    frame = frame.reset_index(drop=True)
    if form == "parquet":
        mixed = [name for name in frame if frame[name].dtype == object]
        texts = {name: frame[name].map(str, na_action="ignore") for name in mixed}
        frame.assign(**texts).to_parquet(path, row_group_size=50)
    elif form == "semicolon":
        frame.to_csv(path, index=False, sep=";", decimal=",")
    else:
        frame.to_csv(path, index=False, na_rep="NA")


def _with_target(drawn: Drawn) -> np.ndarray:
    """The numbers of the rows that have one."""
    target = drawn.options["target"]
    names = [target] if isinstance(target, str) else target
    return np.flatnonzero(drawn.frame[names].notna().all(axis=1).to_numpy())


def _list_parts(drawn: Drawn, path: Path) -> None:
    there = _with_target(drawn)
    shares = [0.5, 0.2, 0.2, 0.1]  # the last is in none of the parts
    part = np.random.default_rng(drawn.options["split"]["seed"]).choice(4, len(there), p=shares)
    np.savez(path, **{name: there[part == number] for number, name in enumerate(NAMES)})
