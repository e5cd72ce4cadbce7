"""Columns that are constant or empty in training rows: no weight, so that what comes later moves nothing by chance."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import DataError, data, load
from pipeline.data.checks import report_text
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.arrays import to_array
from pipeline.data.preprocessing.features import fit_feature
from pipeline.data.reading.raw_columns import TextArray
from pipeline.data.streaming.refine import refined
from pipeline.data.streaming.running_statistics import Numbers, Texts
from support.constant_columns import CHOICES, KEYS, OTHERS, N, table


@pytest.mark.parametrize("keys", CHOICES, ids=" ".join)
def test_later_values_change_nothing_that_the_network_sees(tmp_path: Path, keys: tuple[str, ...]) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    config = load(*KEYS, f"data.path={tmp_path / 't.csv'}", *keys).data
    rows = data.read_rows(config)
    inputs = data.fit_preprocessing(rows, config).inputs
    expected = to_array(inputs, rows.inputs)
    for name, value in OTHERS.items():
        later = TextArray.of([value] * N) if isinstance(value, str) else np.full(N, value)
        np.testing.assert_array_equal(to_array(inputs, {**rows.inputs, name: later}), expected, name)
    assert not np.allclose(to_array(inputs, {**rows.inputs, "a": np.full(N, 3.0)}), expected)


def test_an_empty_column_is_not_a_boolean_and_the_report_says_what_becomes_of_it(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    config = load(*KEYS, f"data.path={tmp_path / 't.csv'}").data
    dataset = data.load(config)
    kinds = dataset.fit(config).inputs.kinds
    assert (kinds["empty"], kinds["flag"]) == ("numeric", "boolean")
    found = data.report(dataset, kinds)
    assert found.useless == {"empty": "empty", "five": "constant", "flag": "constant", "word": "constant",
                             "day": "constant"}  # fmt: skip
    said = "the model ignores 'empty', 'five', 'flag', 'word', 'day', whatever values come later"
    assert said in report_text.warnings(found)


def test_a_year_that_all_rows_share_has_no_weight() -> None:
    days = [f"2023-01-{1 + row % 28:02}" for row in range(N)]
    feature = fit_feature("when", TextArray.of(days), "date", load("data=diabetes").data, None)
    parts = dict(zip(feature.names, feature.apply(NumpyOps(), np.array(["2031-03-04"], object)), strict=True))
    assert parts["when year"] == 0
    assert parts["when elapsed"] > 1


@pytest.mark.parametrize("scaling", ["standard", "minmax", "quantile"])
@pytest.mark.parametrize("encoding", ["one_hot", "embedding", "ordinal", "hash"])
def test_streamed_columns_are_constant_where_all_rows_say_so(tmp_path: Path, scaling: str, encoding: str) -> None:
    sample = table().assign(rare=0.0, few="p", some=np.nan)
    sample.to_csv(tmp_path / "t.csv", index=False)
    config = load(
        *KEYS, f"data.path={tmp_path / 't.csv'}", "data.missing_indicator=true", f"data.input_scaling={scaling}",
        f"data.category_encoding={encoding}",
    ).data  # fmt: skip
    rows = data.read_rows(config)
    others = {"rare": np.ones(5), "few": TextArray.of("qqqpp"), "some": np.array([3.0, 4, 4, 4, 4]),
              "day": TextArray.of(["2025-01-01"] * 5)}  # fmt: skip
    whole: dict[str, Numbers | Texts] = {}
    for name, values in rows.inputs.items():
        known = whole[name] = Texts() if isinstance(values, TextArray) else Numbers()
        known.add(values)  # type: ignore[arg-type]
        known.add(others.get(name, values))  # type: ignore[arg-type]
    fitted = refined(data.fit_preprocessing(rows, config), whole, {}, config).inputs
    later = {**dict(rows.take(np.arange(5)).inputs), **others}
    columns = {
        name: np.concatenate([np.asarray(values), np.asarray(later[name])]) for name, values in rows.inputs.items()
    }
    parts = np.concatenate([part.reshape(N + 5, -1) for part in fitted.apply(NumpyOps(), columns)], axis=1)
    spread = dict(zip(fitted.names, np.ptp(parts, axis=0), strict=True))
    assert (spread["empty"], spread["five"], spread["flag"], spread["word"]) == (0, 0, 0, 0)
    assert "empty is missing" not in spread
    assert min(spread["rare"], spread["some"], spread["some is missing"], spread["day elapsed"]) > 0
    assert max(moved for name, moved in spread.items() if name.startswith("few")) > 0


def test_a_sample_of_one_date_and_other_text_elsewhere_is_named(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    config = load(*KEYS, f"data.path={tmp_path / 't.csv'}").data
    rows = data.read_rows(config)
    whole: dict[str, Numbers | Texts] = {}
    for name, values in rows.inputs.items():
        known = whole[name] = Texts() if isinstance(values, TextArray) else Numbers()
        known.add(values)  # type: ignore[arg-type]
    whole["day"].add(TextArray.of(["someday"]))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="column 'day' has dates and other text: 'someday'; correct it, or set"):
        refined(data.fit_preprocessing(rows, config), whole, {}, config)
