"""Any table: strategies of hypothesis for what a file may hold, and for the data section to read it with."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

AWKWARD_NAMES = [
    "x", "y", "a", "A", "Wall Area", "Jitter(%)", "subject#", "self", "class", "", "1", "ü", "a,b", 'say "hi"', "a=b",
    "two\nlines", "price €", "label", "prediction", "NA", "东京",
]  # fmt: skip
EXTREMES = [
    "1e308", "-1e308", "1.7976931348623157e308", "5e-324", "-0", "0", "1e30", "-3e38", "1e-300", "9007199254740993",
    "18446744073709551615", "-9223372036854775808", "99999999999999999999", "1", "0.1",
]  # fmt: skip
INFINITE = ["inf", "-inf", "nan", "Infinity", "1e400"]
DATES = [
    "2024-01-31", "1999-02-28T23:59:59", "2024-02-29 06:30", "31.12.2023", "1/2/2024", "13/2/2024", "2024/1/5 07:00",
    "0001-01-01", "9999-12-31", "2024-02-30", "soon",
]  # fmt: skip
GAPS = ["", "NA", "?", " ", "null"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def numbers(seed: int) -> list[str]:
    return [f"{number:.6g}" for number in np.random.default_rng(seed).normal(100, 30, 60)]


# The values that a column is made of; each row has one of them.
POOLS = st.one_of(
    st.integers(0, 9).map(numbers),
    st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1, max_size=12),
    st.lists(st.sampled_from(EXTREMES), min_size=1, max_size=6),
    st.lists(st.sampled_from(EXTREMES + INFINITE + ["x"]), min_size=1, max_size=4),
    st.lists(st.integers(-3, 5).map(str), min_size=1, max_size=6),
    st.lists(st.integers(10**9, 10**9 + 10**6).map(str), min_size=2, max_size=9),
    st.lists(TEXT, min_size=1, max_size=8),
    st.lists(st.sampled_from(["low", "mid", "high", "Köln", "a,b", 'say "hi"', "two\nlines", " blank "]), min_size=1),
    st.sampled_from([["True", "False"], ["0", "1"], ["yes", "no"], ["TRUE"]]),
    st.lists(st.sampled_from(DATES), min_size=1, max_size=4),
    st.sampled_from([[f"2024-0{1 + day // 28}-{1 + day % 28:02}" for day in range(200)], [""], ["007", "7", "1.5"]]),
)
TARGETS = st.one_of(
    st.integers(0, 9).map(numbers),
    st.sampled_from([["yes", "no"], ["0", "1"], ["True", "False"], ["low", "mid", "high"], ["1", "2", "3", "a,b"]]),
    st.lists(st.floats(-1e30, 1e30).map(repr), min_size=8, max_size=60, unique=True),
)
KINDS = st.sampled_from(["numeric", "category", "boolean", "date"])
SCALINGS = st.sampled_from(["none", "standard", "minmax", "robust", "log1p", "yeo_johnson", "quantile"])
FIXED = st.just({"shift": 1.0, "scale": 2.0})
SPLITS = ["stratified", "kfold", "group", "time", "column", "group_kfold"]
ENCODINGS = st.sampled_from(["one_hot", "embedding", "hash", "ordinal"])
IMPUTATIONS = st.sampled_from(["median", "mean", "most_frequent", "constant"])


@dataclass(frozen=True)
class Case:
    """A file's content and the data section to read it with."""

    content: str
    options: dict[str, Any]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n_rows = draw(st.integers(2, 60) | st.sampled_from([30, 40, 60]) | st.sampled_from([40, 60]))
    n_columns = draw(st.integers(2, 6))
    names = draw(st.lists(st.sampled_from(AWKWARD_NAMES) | TEXT, min_size=n_columns, max_size=n_columns, unique=True))
    columns = [_column(draw, rng, n_rows) for _ in names]
    if draw(st.integers(0, 4)):  # else anything may be the target
        pool = draw(TARGETS)
        columns[-1] = [pool[rng.integers(len(pool))] for _ in range(n_rows)]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([names, *zip(*columns, strict=True)])
    return Case(file.getvalue(), _options(draw, [name.strip() or f"Unnamed: {n}" for n, name in enumerate(names)]))


def _column(draw: st.DrawFn, rng: np.random.Generator, n_rows: int) -> list[str]:
    if draw(st.integers(0, 9)) == 0:
        return [f"{draw(st.sampled_from(['', 'id-']))}{row}" for row in range(n_rows)]
    pool, gap = draw(POOLS), draw(st.sampled_from(GAPS))
    share = draw(st.sampled_from([0, 0, 0, 0.1, 0.5, 0.95]))
    return [gap if rng.random() < share else pool[rng.integers(len(pool))] for _ in range(n_rows)]


def _options(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """Changes of the data section; a column named in one need not be what goes with it."""
    name = st.sampled_from(names)

    def by_column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.dictionaries(name, values, min_size=1, max_size=1)

    given = draw(
        st.fixed_dictionaries(
            {"target": st.just(names[-1]) if draw(st.integers(0, 9)) else st.lists(name, min_size=1, max_size=2)},
            optional={
                "missing_target": st.sampled_from(["drop", "drop", "error"]),
                "missing_values": st.lists(st.sampled_from(["inf", "-999", "x", "soon"]), max_size=3),
                "category_encoding": ENCODINGS,
                "max_categories": st.sampled_from([1, 2, 5]),
                "hash_buckets": st.sampled_from([1, 3, 64]),
                "impute": IMPUTATIONS,
                "impute_constant": st.sampled_from([-1.0, 1e300]),
                "missing_indicator": st.booleans(),
                "input_scaling": SCALINGS | FIXED,
                "output_scaling": SCALINGS | FIXED,
                "clip": st.sampled_from([0.5, 3.0]),
                "drop_useless": st.booleans(),
            },
        )
    )
    if draw(st.integers(0, 4)) == 0:  # often an error, so not too often
        key, values = draw(
            st.sampled_from(
                [("column_kinds", KINDS), ("category_encoding", ENCODINGS), ("impute", IMPUTATIONS),
                 ("input_scaling", SCALINGS | FIXED)]
            )
        )  # fmt: skip
        others = draw(by_column(values))
        given[key] = others if key == "column_kinds" else {"default": given.get(key, draw(values)), "by_column": others}
    if draw(st.integers(0, 9)) == 0:
        given["task"] = draw(st.sampled_from(["regression", "binary", "multiclass"]))
    kind = draw(st.sampled_from(["auto"] * 3 + ["random"] * 4 + SPLITS))
    given["split"] = {
        "kind": kind,
        "column": draw(name) if kind in ("group", "time", "column", "group_kfold") else None,
        "test_fraction": draw(st.sampled_from([0.15, 0.3])),
        "n_folds": draw(st.sampled_from([2, 5])),
    }
    return given
