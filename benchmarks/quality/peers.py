"""Who is compared: each is given training and validation rows and says what it makes of the test rows."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.frames import Part, parts
from benchmarks.quality.tables import Table
from pipeline import run, tune
from pipeline.config import load
from pipeline.data import Target
from pipeline.evaluate import score

MAX_ROUNDS, PATIENCE = 10_000, 100  # of boosting; early stopping by the validation rows ends it before

Parts = Mapping[str, Part]
Predict = Callable[[pd.DataFrame], np.ndarray]  # numbers (n_rows,), or probabilities (n_rows, n_classes)
Fit = Callable[[Part, Part, bool, int], Predict]  # training and validation rows, whether classes, seed


@dataclass(frozen=True)
class Peer:
    """One of those compared."""

    title: str
    module: str  # that must be there
    packages: tuple[str, ...]  # whose versions decide its scores
    seeds: int  # that are worth their time
    measure: Callable[[Table, int], dict[str, Any]]  # gives test scores and seconds

    @property
    def is_missing(self) -> bool:
        """Whether its package is not installed."""
        return importlib.util.find_spec(self.module) is None


def network(*words: str, prefix: str = "test_") -> Callable[[Table, int], dict[str, Any]]:
    """The pipeline itself: reading, preprocessing and training count, and what it costs to log and export does not.

    Args:
        words: Of its command line, besides the table's.
        prefix: Of the scores that count, which goes from their names where these are of the test rows.
    """

    def measure(table: Table, seed: int) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            config = load(
                *words, *table.words, *table.split_words(seed), f"seed={seed}", "baselines=[]",
                f"tracking.uri=sqlite:///{Path(folder) / 'mlflow.db'}",
            )  # fmt: skip
            result = run(config)
        scores = {key.removeprefix("test_"): value for key, value in result.scores.items() if key.startswith(prefix)}
        seconds = sum(result.seconds[f"seconds_{part}"] for part in ("data", "build", "fit"))
        return {"scores": scores, "seconds": seconds}

    return measure


def tuned(minutes: int) -> Callable[[Table, int], dict[str, Any]]:
    """The ensemble of a time budget."""

    def measure(table: Table, seed: int) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            store = f"tracking.uri=sqlite:///{Path(folder) / 'mlflow.db'}"
            words = (*table.words, *table.drawing_words(seed), f"seed={seed}", "baselines=[]", store)
            result = tune("data=table", *words, f"tune.minutes={minutes}").result
        scores = {key.removeprefix("test_"): value for key, value in result.scores.items() if key.startswith("test_")}
        return {"scores": scores, "seconds": result.seconds["seconds_networks"]}

    return measure


def _other(fit: Fit) -> Callable[[Table, int], dict[str, Any]]:
    """A library that takes frames, one model for each target."""

    def measure(table: Table, seed: int) -> dict[str, Any]:
        config, dataset = table.dataset(seed)
        of_parts, target = parts(config, dataset), dataset.part("test").target
        start = time.perf_counter()
        outputs = _outputs(fit, of_parts, target, seed)
        return {"scores": score(target, outputs), "seconds": time.perf_counter() - start}

    return measure


def _outputs(fit: Fit, of_parts: Parts, target: Target, seed: int) -> dict[str, np.ndarray]:
    train, val, test = (of_parts[part] for part in ("train", "val", "test"))
    if target.task != "regression":
        return {"probabilities": np.asarray(fit(train, val, True, seed)(test.x), np.float64)}
    columns = []
    for y, y_val in zip(train.y.T, val.y.T, strict=True):
        predict = fit(Part(train.x, y), Part(val.x, y_val), False, seed)
        columns.append(np.asarray(predict(test.x), np.float64).reshape(-1))
    return {"prediction": np.stack(columns, axis=1)}


def _lightgbm(train: Part, val: Part, is_classes: bool, seed: int) -> Predict:
    import lightgbm

    kind = lightgbm.LGBMClassifier if is_classes else lightgbm.LGBMRegressor
    model = kind(n_estimators=MAX_ROUNDS, learning_rate=0.05, random_state=seed, verbose=-1)
    stopping = lightgbm.early_stopping(PATIENCE, verbose=False)
    model.fit(train.x, train.y, eval_X=(val.x,), eval_y=(val.y,), callbacks=[stopping])
    return model.predict_proba if is_classes else model.predict


def _catboost(train: Part, val: Part, is_classes: bool, seed: int) -> Predict:
    """Its own rate hangs on the number of rounds, so that this stays at its default, 1 000."""
    import catboost

    categories = list(train.x.select_dtypes("category"))

    def own(x: pd.DataFrame) -> pd.DataFrame:
        """A gap of a category is one of its texts."""
        return x.assign(**{name: x[name].astype(object).fillna("").astype(str) for name in categories})

    kind = catboost.CatBoostClassifier if is_classes else catboost.CatBoostRegressor
    model = kind(random_seed=seed, cat_features=categories, verbose=False, allow_writing_files=False)
    model.fit(own(train.x), train.y, eval_set=(own(val.x), val.y), early_stopping_rounds=PATIENCE)
    predict = model.predict_proba if is_classes else model.predict
    return lambda x: predict(own(x))


def _xgboost(train: Part, val: Part, is_classes: bool, seed: int) -> Predict:
    import xgboost

    kind = xgboost.XGBClassifier if is_classes else xgboost.XGBRegressor
    model = kind(n_estimators=MAX_ROUNDS, early_stopping_rounds=PATIENCE, enable_categorical=True, random_state=seed)
    model.fit(train.x, train.y, eval_set=[(val.x, val.y)], verbose=False)
    return model.predict_proba if is_classes else model.predict


def _pytabkit(name: str, **for_classes: Any) -> Fit:
    """The tuned defaults (Holzmüller et al. 2024) of a network in pytabkit, early stopping by what it is scored by.

    Its networks take no gaps in numbers: these go to the training median, with a 0/1 column beside.
    """

    def fit(train: Part, val: Part, is_classes: bool, seed: int) -> Predict:
        from pytabkit.models.sklearn import sklearn_interfaces

        kind = getattr(sklearn_interfaces, f"{name}_{'Classifier' if is_classes else 'Regressor'}")
        numbers = list(train.x.select_dtypes("number"))
        medians = train.x[numbers].median()
        with_gaps = [column for column in numbers if train.x[column].isna().any()]

        def own(x: pd.DataFrame) -> pd.DataFrame:
            gaps = {f"{column}_gap": x[column].isna().astype(float) for column in with_gaps}
            return x.fillna(dict(medians)).assign(**gaps)

        model = kind(random_state=seed, device="cpu", **(for_classes if is_classes else {}))
        model.fit(own(train.x), train.y, X_val=own(val.x), y_val=val.y)
        predict = model.predict_proba if is_classes else model.predict
        return lambda x: predict(own(x))

    return fit


PIPELINE = ("dense-pipeline", "tensorflow", "keras")
# A bound of the clock would make scores depend on what else the machine does.
TABLE = ("data=table", "fit.max_minutes=60")
MINUTES = 3  # of tune
PYTABKIT = ("pytabkit", "torch")
PEERS = {
    "pipeline": Peer("this pipeline", "pipeline", PIPELINE, 3, network(*TABLE)),
    "dense": Peer("its dense network", "pipeline", PIPELINE, 3, network("data=plain_table", "model=dense", "fit=adam")),
    "tune": Peer(f"tune, {MINUTES} minutes", "pipeline", PIPELINE, 1, tuned(MINUTES)),
    "lightgbm": Peer("LightGBM", "lightgbm", ("lightgbm",), 3, _other(_lightgbm)),
    "catboost": Peer("CatBoost", "catboost", ("catboost",), 3, _other(_catboost)),
    "xgboost": Peer("XGBoost", "xgboost", ("xgboost",), 3, _other(_xgboost)),
    "realmlp": Peer(
        "RealMLP_TD",
        "pytabkit",
        PYTABKIT,
        1,
        _other(_pytabkit("RealMLP_TD", val_metric_name="cross_entropy", use_ls=False)),
    ),
    "tabm_d": Peer("TabM_D", "pytabkit", PYTABKIT, 1, _other(_pytabkit("TabM_D", val_metric_name="cross_entropy"))),
}
