"""Bounds and sets of labels: their quantile by brute force, in every space, runtime and door; how often they hold."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from scipy import stats

from pipeline import ConfigError, DataError, data, load
from pipeline.config.decision_rules import Calibration
from pipeline.data import Target
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.scaling import OutputScaler
from pipeline.errors import TrainingError
from pipeline.export.conformal import Interval, interval_of, prediction_set_of, quantile, range_of_coverage, rank
from pipeline.export.formats.convert import export
from pipeline.export.loaded_model import LoadedModel
from pipeline.export.out_of_fold import out_of_fold
from pipeline.export.output_table import as_text
from pipeline.inference.batch.predict_file import predict
from pipeline.inference.locate import resolve
from pipeline.inference.score_file import score_file
from pipeline.train import Result, prepare
from support.serving import served, serving

BOUNDED = ("data=diabetes", "decision.interval=0.9")
IN_ORDER = ("data.split.kind=time", "data.split.column=bmi")  # no folds of these: rows are kept
OF_MEMBERS = (
    "data=linnerud", "data.output_scaling=log1p", "data.output_clip=range", "decision.interval=0.5",
    "data.split.val_fraction=0.4", "model=tabm", "model.members=4", "model.units=[8]",
)  # fmt: skip
SETS = ("data=iris", "decision.prediction_set=0.6", "model.units=[16]")


@pytest.mark.parametrize(("n", "coverage", "expected"), [(9, 0.9, 9), (10, 0.9, 10), (99, 0.9, 90), (29, 0.9, 27)])
def test_the_rank_is_the_finite_sample_one(n: int, coverage: float, expected: int) -> None:
    assert rank(n, coverage) == expected
    assert quantile(np.arange(n, 0, -1.0), coverage) == expected


@pytest.mark.parametrize(
    ("coverage", "n_val", "kept"),
    [(0.9, 66, 29), (0.9, 27, 9), (0.9, 52, 29), (0.9, 3000, 1499), (0.9, 13, 0), (0.5, 2, 1), (0.99, 100, 0)],
)
def test_about_half_is_kept_and_holds_the_coverage_exactly(coverage: float, n_val: int, kept: int) -> None:
    calibration = Calibration("decision.interval", coverage)
    assert calibration.n_rows(n_val) == kept
    if kept:
        assert rank(kept, coverage) / (kept + 1) == pytest.approx(coverage)
        assert rank(calibration.fewest, coverage) == calibration.fewest
        assert calibration.fewest == 1 or rank(calibration.fewest - 1, coverage) == calibration.fewest


def test_the_range_of_coverage_is_that_of_drawn_rows() -> None:
    rng, n, n_test = np.random.default_rng(0), 29, 50
    drawn = rng.normal(size=(3000, n + n_test))
    within = [(row[n:] <= quantile(row[:n], 0.9)).mean() for row in drawn]
    low, high = range_of_coverage(n, 0.9, 0.9, n_test)
    assert np.mean(within) == pytest.approx(0.9, abs=0.005)
    assert low == pytest.approx(np.quantile(within, 0.05), abs=0.021)
    assert high == pytest.approx(np.quantile(within, 0.95), abs=0.021)
    assert range_of_coverage(n, 0.9, 0.9) == pytest.approx(stats.beta(27, 3).interval(0.9))


def regression(values: np.ndarray) -> Target:
    return Target("regression", tuple(f"y{at}" for at in range(values.shape[1])), values, np.array([]))


@pytest.mark.parametrize("has_members", [False, True])
@pytest.mark.parametrize("clip", ["none", "range"])
@pytest.mark.parametrize("scaling", ["standard", "minmax", "log1p", "yeo_johnson", "quantile"])
def test_bounds_hold_as_often_as_asked_in_original_units(scaling: str, clip: str, has_members: bool) -> None:
    """Of 20 draws: targets of two columns, skewed, whose noise grows with them."""
    rng, n, n_test, covered = np.random.default_rng(0), 199, 2000, []
    for _ in range(20):
        truth = np.exp(rng.normal(0, 1, (n + n_test + 3000, 2))) * [1, 1000]
        train, kept, test = np.split(truth, [3000, 3000 + n])
        scaler = OutputScaler.fit(train, scaling, "data.output_scaling", clip)  # type: ignore[arg-type]
        outputs = [scaler.apply(part) + rng.normal(0, 0.3, part.shape) for part in (kept, test)]
        floors = (0.1, 0.2) if has_members else None
        if has_members:
            outputs = [np.concatenate([part, rng.uniform(0, 1, part.shape)], axis=1) for part in outputs]
        interval = interval_of(0.9, regression(kept), outputs[0], scaler, floors)
        predictions, lower, upper = np.stack(interval.bounds(NumpyOps(), scaler, list(outputs[1].T)))
        assert (lower <= predictions).all()
        assert (predictions <= upper).all()
        assert np.isfinite([lower, upper]).all()
        assert (predictions == scaler.invert(outputs[1][:, :2]).T).all()
        covered.append(((lower <= test.T) & (upper >= test.T)).mean(axis=1))
    assert np.mean(covered, axis=0) == pytest.approx([0.9, 0.9], abs=0.015)


def test_what_cannot_be_predicted_is_reported() -> None:
    scaler = OutputScaler.fit(np.arange(100.0)[:, np.newaxis], "quantile", "data.output_scaling")
    kept = np.linspace(0, 400, 50)[:, np.newaxis]
    with pytest.raises(TrainingError, match=r"set data.output_scaling=standard"):
        interval_of(0.9, regression(kept), scaler.apply(kept), scaler, None)


def test_sets_are_the_labels_that_are_probable_enough() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], 5000)
    truth = (rng.random((5000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    target = Target("multiclass", ("y",), truth[:, np.newaxis], np.array([3, 5, 7]))
    found = prediction_set_of(0.8, target.take(slice(999)), probabilities[:999])
    sets = found.of(probabilities[999:])
    assert sets[np.arange(4001), truth[999:]].mean() == pytest.approx(0.8, abs=0.03)
    own = np.sort(probabilities[np.arange(999), truth[:999]])[::-1]
    assert found.level == own[799]


def test_sets_as_text() -> None:
    sets = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]])
    assert as_text(sets, ["a b", 2, True]).tolist() == ["a b | True", "", "a b | True", "2"]
    assert as_text(sets[:0], ["a b", 2, True]).tolist() == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["data=iris", "decision.interval=0.9"], "decision.interval: bounds are for a regression, but"),
        (
            ["data=diabetes", "decision.prediction_set=0.9"],
            "decision.prediction_set: a regression has no class",
        ),
        (
            ["data=iris", "data.task=multiclass", "decision.interval=0.9"],
            "set decision.interval=null decision.pred",
        ),
        (["decision.interval=1.0"], "decision.interval: .*less than 1"),
        (["decision.prediction_set=0"], "decision.prediction_set: .*greater than 0"),
        (["decision.interval=much"], "decision.interval: "),
    ],
)
def test_what_does_not_go_together(trained: Callable[..., Result], keys: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(*keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([*BOUNDED[:1], *IN_ORDER], r"decision.interval: 0.99 needs at least 99 rows .* of the \d\d validation rows; "
         r"set data.split.val_fraction=0.4 or decision.interval=0.95"),
        (["data=linnerud"], r"of the 3 validation rows; set decision.interval=0.9"),
        ([*BOUNDED[:1], *IN_ORDER, "data.split.val_fraction=0.01"], "decision.interval=0.6"),
    ],
)  # fmt: skip
def test_too_few_rows_are_reported_with_remedies_that_work(keys: list[str], message: str) -> None:
    config = load(*keys, "decision.interval=0.99")
    with pytest.raises(DataError, match=message) as reported:
        data.load(config.data, config.decision.calibration)
    for remedy in str(reported.value).partition("; set ")[2].split(" or "):
        better = load(*keys, *["decision.interval=0.99"] * (not remedy.startswith("decision")), remedy)
        dataset = data.load(better.data, better.decision.calibration)
        assert bool(len(dataset.calibration)) == bool({*IN_ORDER} & {*keys})


def kept(*keys: str) -> tuple[data.Dataset, data.Dataset]:
    config = load(*keys)
    return data.load(config.data), data.load(config.data, Calibration("decision.interval", 0.5))


def in_rows(rows: data.Rows, column: str) -> set[object]:
    return set(np.asarray(rows.inputs[column]).tolist())


@pytest.mark.parametrize(
    "keys",
    [[], ["data.split.kind=group", "data.split.column=g"], ["data.split.kind=time", "data.split.column=t"],
     ["data.split.kind=column", "data.split.column=part"], ["data.split.kind=kfold"],
     ["data.split.kind=group_kfold", "data.split.column=g"], ["data.streaming=on"],
     ["data.streaming=on", "data.split.kind=group", "data.split.column=g"],
     ["data.streaming=on", "data.split.kind=time", "data.split.column=t"]],
)  # fmt: skip
def test_rows_that_are_kept_choose_nothing_however_rows_are_divided(
    table: Callable[..., Path], keys: list[str]
) -> None:
    rng, n = np.random.default_rng(0), 1400
    path = table(
        a=np.arange(n), g=rng.integers(0, 100, n), t=rng.permutation(n), y=rng.normal(size=n),
        part=rng.choice(["train", "val", "test"], n),
    )  # fmt: skip
    words = ("data=plain_table", f"data.path={path}", "data.target=y", "data.column_kinds={g: numeric, t: numeric}")
    before, after = kept(*words, *keys)
    parts = {part: in_rows(after.part(part), "a") for part in ("train", "val", "test")}
    of_calibration = in_rows(after.calibration, "a")
    assert parts["train"] == in_rows(before.part("train"), "a")
    assert parts["test"] == in_rows(before.part("test"), "a")
    assert parts["val"] | of_calibration == in_rows(before.part("val"), "a")
    assert not parts["val"] & of_calibration
    assert 0.25 <= len(of_calibration) / len(before.part("val")) <= 0.75
    assert not len(before.calibration)
    if "data.split.column=g" in keys:
        assert not in_rows(after.part("val"), "g") & in_rows(after.calibration, "g")
    if keys == ["data.split.kind=time", "data.split.column=t"]:
        assert max(in_rows(after.part("val"), "t")) < min(in_rows(after.calibration, "t"))  # type: ignore[type-var]


@pytest.mark.slow
def test_nothing_of_the_kept_rows_reaches_the_network(trained_once: Callable[..., Result]) -> None:
    """Scores that choose are of the other validation rows, and training is that without bounds."""
    result, config = trained_once(*BOUNDED, *IN_ORDER), load(*BOUNDED, *IN_ORDER)
    dataset = data.load(config.data, config.decision.calibration)
    val, model = dataset.part("val"), LoadedModel(Path(result.model_path))
    assert (len(val), len(dataset.calibration)) == (38, 29)
    errors = model.predict_raw(val.inputs)["prediction"] - val.target.values
    assert result.scores["val_rmse"] == pytest.approx(np.sqrt((errors**2).mean()))


def test_bounds_by_hand(trained_once: Callable[..., Result], store: str) -> None:
    result, config = trained_once(*BOUNDED, *IN_ORDER), load(*BOUNDED, *IN_ORDER)
    dataset = data.load(config.data, config.decision.calibration)
    model = LoadedModel(Path(result.model_path))
    outputs = {part: model.predict_raw(rows.inputs) for part, rows in dataset.scored()}
    of_kept = model.predict_raw(dataset.calibration.inputs)["prediction"] - dataset.calibration.target.values
    half = np.sort(np.abs(of_kept[:, 0]))[26]
    assert outputs["test"]["upper"] - outputs["test"]["prediction"] == pytest.approx(half, rel=1e-6)
    assert outputs["test"]["prediction"] - outputs["test"]["lower"] == pytest.approx(half, rel=1e-6)
    truth = dataset.part("test").target.values
    covered = ((outputs["test"]["lower"] <= truth) & (truth <= outputs["test"]["upper"])).mean()
    assert result.scores["test_coverage"] == pytest.approx(covered)
    assert result.scores["test_interval_width"] == pytest.approx(2 * half, rel=1e-6)
    run = MlflowClient(store).get_run(result.run_id)
    assert run.data.metrics["test_coverage"] == pytest.approx(covered)
    assert run.data.tags["n_rows_calibration"] == "29"
    assert "gap_coverage" not in run.data.metrics
    card = (Path(result.model_path) / "assets.extra" / "card.md").read_text()
    assert "## Uncertainty" in card
    assert f"| 0.9 | {covered:.5g} |" in card
    assert "The quantile is from 29 rows that neither trained nor chose anything." in card


def test_few_rows_calibrate_out_of_fold(trained_once: Callable[..., Result]) -> None:
    config = load(*BOUNDED, "fit.epochs=20", "fit.learning_rate=0.01")
    result, prepared = trained_once(*BOUNDED, "fit.epochs=20", "fit.learning_rate=0.01"), prepare(config)
    made = out_of_fold(config, prepared.dataset, prepared.preprocessing, prepared.train, prepared.val)
    assert made is not None
    predicted = prepared.preprocessing.outputs.invert(made.astype(np.float64))
    errors = np.abs(predicted - prepared.dataset.rows.target.values[: len(made)])[:, 0]
    model = LoadedModel(Path(result.model_path))
    outputs = model.predict_raw(prepared.dataset.part("test").inputs)
    half = np.sort(errors)[rank(len(errors), 0.9) - 1]
    assert outputs["upper"] - outputs["prediction"] == pytest.approx(half, rel=1e-5)
    in_sample = np.abs(
        model.predict_raw(prepared.dataset.part("train").inputs)["prediction"]
        - prepared.dataset.part("train").target.values
    )
    assert np.quantile(in_sample, 0.9) < 0.95 * half  # rows that trained have smaller errors
    card = (Path(result.model_path) / "assets.extra" / "card.md").read_text()
    assert f"The quantile is from {len(errors)} rows out of fold" in card


@pytest.mark.slow
def test_bounds_of_members_in_every_runtime(trained_once: Callable[..., Result], tmp_path: Path) -> None:
    """Each file's bounds are compared with the pipeline's by the export itself; here with one another."""
    result = trained_once(*OF_MEMBERS)
    loaded = LoadedModel(Path(result.model_path))
    interval = loaded.manifest.learned.interval
    assert interval is not None
    assert interval.floors is not None
    rows = data.read_rows(load(*OF_MEMBERS).data).inputs
    outputs = loaded.predict(rows)
    assert (outputs["lower"] <= outputs["prediction"]).all()
    assert (outputs["prediction"] <= outputs["upper"]).all()
    widths = np.log1p(outputs["upper"]) - np.log1p(outputs["lower"])
    assert (widths.max(axis=0) > 1.1 * widths.min(axis=0)).any()  # where members disagree they are wider
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    found = export(resolve(result.model_path), "onnx", tmp_path)
    (file,) = found.folder.glob("*.onnx")
    given = {column.argument: np.asarray(rows[name], np.float64) for name, column in loaded.manifest.inputs.items()}
    names = ["prediction", "lower", "upper"]
    for name, values in zip(names, runtime.InferenceSession(file).run(names, given), strict=True):
        np.testing.assert_allclose(values, outputs[name], rtol=1e-5)
    content = json.loads(next(found.folder.glob("*.json")).read_text())
    assert content["outputs"]["upper"]["of"] == ["Weight", "Waist", "Pulse"]


@pytest.mark.slow
@pytest.mark.parametrize("keys", [OF_MEMBERS, SETS])
def test_litert_and_the_saved_model_for_serving(
    trained_once: Callable[..., Result], tmp_path: Path, keys: tuple[str, ...]
) -> None:
    result = trained_once(*keys)
    for kind in ("litert", "savedmodel", "onnx"):
        files = export(resolve(result.model_path), kind, tmp_path / kind).files  # type: ignore[arg-type]
        assert files[0].difference < 1e-5


def test_an_export_with_other_bounds_is_refused(trained_once: Callable[..., Result]) -> None:
    from pipeline import export as exported

    result, config = trained_once(*BOUNDED), load(*BOUNDED)
    model, dataset = LoadedModel(Path(result.model_path)), data.load(config.data)
    preprocessing, test = dataset.fit(config.data), dataset.part("test")
    interval = model.manifest.learned.interval
    assert isinstance(interval, Interval)
    wider = replace(interval, quantiles=(interval.quantiles[0] * 1.001,))
    served, network = model.predict_raw(test.inputs), lambda x, training: model.saved_model.network(x)
    assert exported.difference(served, test, preprocessing, network, interval) < 1e-5  # type: ignore[arg-type]
    assert exported.difference(served, test, preprocessing, network, wider) > 1e-4  # type: ignore[arg-type]


def csv_of(rows: data.Rows, path: Path) -> Path:
    columns = {name: np.asarray(column) for name, column in rows.inputs.items()}
    columns |= dict(zip(rows.target.names, rows.target.originals().T, strict=True))
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_files_and_frames_have_bounds(trained_once: Callable[..., Result], tmp_path: Path) -> None:
    result = trained_once(*OF_MEMBERS)
    rows = data.read_rows(load(*OF_MEMBERS).data)
    source = csv_of(rows, tmp_path / "rows.csv")
    predict(result.model_path, source, tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    targets = ["Weight", "Waist", "Pulse"]
    assert list(found) == [f"{kind}_{name}" for kind in ("prediction", "lower", "upper") for name in targets]
    outputs = LoadedModel(Path(result.model_path)).predict(pd.read_csv(source))
    np.testing.assert_allclose(found[[f"upper_{name}" for name in targets]], outputs["upper"])
    scores = score_file(result.model_path, source).scores
    truth = rows.target.values
    expected = ((outputs["lower"] <= truth) & (truth <= outputs["upper"])).mean(axis=0)
    assert [scores[f"coverage_{name}"] for name in targets] == pytest.approx(expected)


def test_files_and_the_mlflow_model_have_sets(trained_once: Callable[..., Result], tmp_path: Path, store: str) -> None:
    import mlflow

    result = trained_once(*SETS)
    source = csv_of(data.read_rows(load(*SETS).data), tmp_path / "rows.csv")
    predict(result.model_path, source, tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    model = LoadedModel(Path(result.model_path))
    outputs = model.predict(pd.read_csv(source))
    level = model.manifest.learned.prediction_set.level  # type: ignore[union-attr]
    assert (outputs["prediction_set"] == (outputs["probabilities"] >= level)).all()
    expected = [" | ".join(np.array(model.manifest.classes)[row > 0]) for row in outputs["prediction_set"]]
    assert found["prediction_set"].tolist() == expected
    assert {" | " in text for text in expected} == {True, False}
    mlflow.set_tracking_uri(store)
    loaded = mlflow.pyfunc.load_model(f"runs:/{result.run_id}/model")
    assert loaded.predict(pd.read_csv(source))["prediction_set"].tolist() == expected
    assert loaded.metadata.signature.outputs.input_names()[:2] == ["label", "prediction_set"]
    sizes = outputs["prediction_set"].sum(axis=1)
    scores = score_file(result.model_path, source).scores
    assert scores["set_size"] == pytest.approx(sizes.mean())
    card = (Path(result.model_path) / "assets.extra" / "card.md").read_text()
    assert "least ambiguous sets" in card


@pytest.mark.parametrize("keys", [OF_MEMBERS, SETS])
def test_the_server_answers_with_them(trained_once: Callable[..., Result], keys: tuple[str, ...]) -> None:
    model = served(trained_once(*keys).model_path, "m")
    example = model.example
    outputs = model.loaded.predict(example)
    with serving(model) as (client, _):
        records = client.post("/invocations", {"inputs": example}).json["predictions"]
        by_name = client.post("/v1/models/m:predict", {"inputs": example}).json["outputs"]
        described, page = client.get("/openapi.json").json["info"]["description"], client.get("/docs").text
        signature = client.get("/v1/models/m/metadata").json["metadata"]["signature_def"]["signature_def"]
    assert list(records[0]) == model.loaded.manifest.table_columns
    if keys == SETS:
        assert by_name["prediction_set"] == outputs["prediction_set"].tolist()
        assert [record["prediction_set"] for record in records] == as_text(
            outputs["prediction_set"], model.loaded.manifest.classes
        ).tolist()
        promise = "prediction_set contains the true label of 0.6 of all rows."
        assert signature["serving_default"]["outputs"]["prediction_set"]["dtype"] == "DT_INT32"
    else:
        np.testing.assert_allclose(by_name["upper"], outputs["upper"])
        assert [record["lower_Waist"] for record in records] == pytest.approx(outputs["lower"][:, 1])
        promise = "lower and upper contain the true value of 0.5 of all rows."
    assert promise in described
    assert promise in page


@pytest.mark.slow
@pytest.mark.parametrize("streaming", ["on", "off"])
def test_rows_in_blocks_and_weights_have_bounds(
    trained: Callable[..., Result], table: Callable[..., Path], streaming: str
) -> None:
    rng, n = np.random.default_rng(0), 6000
    a = rng.normal(size=n)
    path = table(a=a, g=rng.integers(0, 300, n), w=rng.uniform(0, 2, n), y=np.exp(a) + rng.normal(0, 0.3, n))
    keys = (f"data.path={path}", "data.target=y", "data.sample_weight=w", "data.split.column=g")
    result = trained(
        "data=plain_table", *keys, "data.split.kind=group", f"data.streaming={streaming}", "data.memory_budget=64MB",
        "data.output_scaling=yeo_johnson", "decision.interval=0.9",
    )  # fmt: skip
    assert result.scores["test_coverage"] == pytest.approx(0.9, abs=0.05)
    card = (Path(str(result.model_path)) / "assets.extra" / "card.md").read_text()
    assert "Each row counts alike here, whatever its weight." in card
    assert "Test rows are of other groups than those of calibration" in card
