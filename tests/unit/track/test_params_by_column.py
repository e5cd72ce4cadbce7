"""Parameters of a run whose columns have values of their own."""

from pipeline import load
from pipeline.config.former import completed
from pipeline.track.params import params_of


def test_the_parameters_of_a_run_have_the_value_of_all_columns_at_the_key_itself() -> None:
    """So that runs with and without exceptions compare by it, those of earlier versions too."""
    words = ["data=diabetes", "data.input_scaling={shift: 1, scale: 2}", "data.input_scaling.by_column.age=none"]
    params = params_of(load(*words, "data.impute.by_column={default: mean}"))
    found = {key: value for key, value in params.items() if key.startswith(("data.i", "data.category"))}
    assert found == {
        "data.category_encoding": "one_hot",
        "data.impute": "median", "data.impute.by_column.default": "mean", "data.impute_constant": "0.0",
        "data.input_scaling.shift": "1.0", "data.input_scaling.scale": "2.0",
        "data.input_scaling.by_column.age": "none",
    }  # fmt: skip
    before = {
        "data.category_encoding": "one_hot", "data.category_encodings": "{}",
        "data.impute": "median", "data.imputes.default": "mean", "data.impute_constant": "0.0",
        "data.input_scaling.shift": "1.0", "data.input_scaling.scale": "2.0", "data.input_scalings.age": "none",
    }  # fmt: skip
    assert completed(before).items() >= found.items()
    assert not any(key in completed(before) for key in before if key not in found)
