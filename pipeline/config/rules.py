"""The rules of conf/: valid keys, their values, and combinations that exclude each other."""

import functools
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from pipeline.config.decision_rules import Decision, check_decision
from pipeline.config.per_column import PerColumn
from pipeline.config.scores import checked_objective
from pipeline.config.search_rules import Search
from pipeline.config.studies import Study
from pipeline.config.sweep_rules import Sweep, check_search
from pipeline.config.tune_rules import Tune
from pipeline.schema import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Rate,
    Section,
    Seed,
    Size,
)

Task = Literal["regression", "binary", "multiclass"]
# YAML reads on and off as booleans.
Switch = Annotated[
    Literal["auto", "on", "off"], BeforeValidator(lambda given: {"True": "on", "False": "off"}.get(repr(given), given))
]

Resume = Annotated[Literal["auto", "off", "force"], BeforeValidator(lambda given: "off" if given is False else given)]

KERAS_SETS = ("mnist", "fashion_mnist", "california_housing")
Baseline = Literal["majority", "linear", "boosting"]
BASELINES: tuple[Baseline, ...] = ("majority", "linear", "boosting")
HAVE_BASELINES = ("table", "california_housing")  # data sets for which `auto` means all baselines
LOSSES: dict[str, tuple[str, ...]] = {
    "regression": ("mse", "mae", "huber"),
    "binary": ("binary_crossentropy",),
    "multiclass": ("categorical_crossentropy",),
}


# Tags that the pipeline sets on runs and sweeps, and reads again.
OWN_TAGS = {
    "alive_at", "begun_at", "command", "data_fingerprint", "device", "error", "fold", "found", "git_commit",
    "git_dirty", "job", "journal", "machine", "new_data", "new_n_rows", "objective", "objectives", "origins",
    "overrides", "owner", "pruned", "pruned_because", "replica_key", "search_space", "share_of_ensemble", "sweep",
    "sweep_keep", "sweep_key", "sweeper", "task", "trial_key", "tuned", "tuned_number",
}  # fmt: skip
OWN_BEGINNINGS = ("best_", "claim.", "mlflow.", "n_rows_", "process.", "version.")
RESERVED = "is set by the pipeline itself; choose another name"
OF_COMMANDS = {"rerun_of", "study"}  # tags that commands set by `tracking.tags`, so that the rules must accept them


class FixedScaling(Section):
    """`(x - shift) / scale` with given values: one for all columns, or one per column."""

    shift: float | list[float]
    scale: PositiveFloat | list[PositiveFloat]


NamedScaling = Literal["none", "standard", "minmax", "robust", "log1p", "yeo_johnson", "quantile"]
Scaling = NamedScaling | FixedScaling
NamedInputScaling = Literal[
    "none", "standard", "minmax", "robust", "log1p", "yeo_johnson", "quantile", "noisy_quantile", "smooth_clip"
]  # fmt: skip
InputScaling = NamedInputScaling | FixedScaling
Kind = Literal["numeric", "category", "boolean", "date"]
Encoding = Literal["auto", "one_hot", "embedding", "hash", "ordinal"]
Imputation = Literal["median", "mean", "most_frequent", "constant"]


class Encodings(PerColumn[Encoding]):
    """Encoding of categories, per column."""


class Imputations(PerColumn[Imputation]):
    """Imputation of missing numbers, per column."""


class InputScalings(PerColumn[InputScaling]):
    """Scaling of numeric inputs, per column."""


SPLIT_COLUMN_KINDS = ("group", "time", "column", "group_kfold")
FOLD_KINDS = ("kfold", "group_kfold")


class Split(Section):
    """Split into training, validation and test rows."""

    kind: Literal["auto", "random", "stratified", "indices", "group", "time", "column", "kfold", "group_kfold"]
    path: str | None
    test_path: str | None
    column: str | None
    n_folds: Annotated[int, Field(ge=2)]
    fold: NonNegativeInt
    val_fraction: Fraction
    test_fraction: Fraction | None
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "indices" and self.path is None:
            raise ValueError("kind: indices needs path, an .npz with the arrays train, val and test")
        if self.kind in SPLIT_COLUMN_KINDS and self.column is None:
            raise ValueError(f"column: missing; {self.kind} needs the column to split by, as in data.split.column=name")
        if self.kind not in SPLIT_COLUMN_KINDS and self.column is not None:
            kinds = ", ".join(SPLIT_COLUMN_KINDS)
            raise ValueError(f"column: is used only with kind={kinds}, but kind is {self.kind}")
        if self.fold >= self.n_folds:
            raise ValueError(f"fold: counts from 0, so with n_folds={self.n_folds} the last is {self.n_folds - 1}")
        if self.fold and self.kind not in FOLD_KINDS:
            raise ValueError(f"fold: is used only with kind={' and '.join(FOLD_KINDS)}, but kind is {self.kind}")
        if self.kind not in ("auto", "indices") and self.path is not None:
            raise ValueError(f"path: is used only with kind=indices, but kind is {self.kind}; omit one of them")
        drawn_by_fraction = self.test_path is None and self.kind not in ("column", *FOLD_KINDS)
        if drawn_by_fraction and self.val_fraction + (self.test_fraction or 0) >= 1:
            raise ValueError(
                f"val_fraction: {self.val_fraction} and test_fraction {self.test_fraction} leave no rows to train on; "
                "their sum must be below 1"
            )
        return self


class Data(Section):
    """Rows, target and preprocessing."""

    name: Literal[
        "table", "digits", "breast_cancer", "wine", "iris", "diabetes", "linnerud", "mnist", "fashion_mnist",
        "california_housing",
    ]  # fmt: skip
    path: str | None
    target: str | list[str] | None
    drop: list[str]
    task: Task | Literal["auto"]
    sample_weight: str | None
    query: str | None
    delimiter: str
    header: bool
    columns: list[str] | None
    encoding: str
    decimal: Literal[".", ","]
    comment: str | None
    missing_values: list[str | int | float]
    column_formats: dict[str, str]
    missing_target: Literal["error", "drop"]
    column_kinds: dict[str, Kind]
    drop_useless: bool
    category_encoding: Encodings
    max_categories: PositiveInt
    hash_buckets: PositiveInt
    impute: Imputations
    impute_constant: float
    missing_indicator: bool
    input_scaling: InputScalings
    clip: PositiveFloat | None
    two_valued: Literal["as_is", "zero_one"]
    ordered_numbers: Literal["number", "number_and_one_hot"]
    narrowest_range: NonNegativeFloat
    output_scaling: Scaling
    output_clip: Literal["none", "range"]
    streaming: Switch
    memory_budget: Size | None
    split: Split

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name == "table" and self.path is None:
            raise ValueError("path: missing; give the CSV or Parquet file to read, as in data.path=my.csv")
        if self.name == "table" and not self.target:
            raise ValueError("target: missing; name the column to predict, as in data.target=price")
        if self.name not in (*KERAS_SETS, "table") and self.path is not None:
            raise ValueError(f"path: {self.name} is bundled and does not read a file; use data=table for your own file")
        if self.streaming == "on" and (self.name != "table" or self.query is not None):
            source = "the rows of a query are" if self.name == "table" else f"{self.name} is"
            raise ValueError(f"streaming: on reads CSV and Parquet files, but {source} in memory; use auto or off")
        return self


# Keys that hold either a value or `{default: ..., by_column: ...}`.
PER_COLUMN = ("data.category_encoding", "data.impute", "data.input_scaling")


class EarlyStopping(Section):
    """Early stopping."""

    patience: NonNegativeInt | None
    monitor: Literal["loss", "val_loss", "rmse", "val_rmse", "mae", "val_mae", "accuracy", "val_accuracy"]
    min_delta: NonNegativeFloat
    start_from_epoch: NonNegativeInt


class Fit(Section):
    """Training."""

    loss: Literal["auto", "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy"]
    epochs: PositiveInt
    batch_size: PositiveInt | Literal["auto", "full"]
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
    learning_rate: PositiveFloat
    adamw_learning_rate: PositiveFloat | None
    momentum: Rate | None
    nesterov: bool
    weight_decay: NonNegativeFloat | None
    clip_norm: PositiveFloat | None
    class_weight: Literal["none", "balanced"]
    label_smoothing: Rate
    ema: Rate | Literal["auto"] | None
    max_minutes: PositiveFloat | None
    checkpoint: Literal["auto"] | bool
    resume: Resume
    schedule: Literal["constant", "cosine", "exponential", "reduce_on_plateau"]
    warmup_epochs: NonNegativeFloat
    decay_rate: Annotated[float, Field(gt=0, le=1)]
    plateau_factor: Fraction
    plateau_patience: NonNegativeInt
    early_stopping: EarlyStopping
    execution: Literal["auto", "compiled", "graph", "stock"]
    mixed_precision: bool
    strategy: Literal["auto", "none", "mirrored"]
    devices: list[str] | None

    @model_validator(mode="after")
    def _suits_the_optimizer(self) -> Self:
        if self.momentum is not None and self.optimizer not in ("sgd", "rmsprop", "muon"):
            raise ValueError(
                f"momentum: {self.optimizer} has no momentum; use sgd, rmsprop or muon, or fit.momentum=null"
            )
        if self.adamw_learning_rate is not None and self.optimizer != "muon":
            raise ValueError(
                f"adamw_learning_rate: {self.optimizer} has one learning rate; use fit.learning_rate, or "
                "fit.optimizer=muon"
            )
        if self.nesterov and (self.optimizer != "sgd" or not self.momentum):
            raise ValueError("nesterov: needs optimizer=sgd and a momentum above 0")
        if self.weight_decay is not None and self.optimizer not in ("adamw", "muon"):
            raise ValueError(
                f"weight_decay: {self.optimizer} does not support it; use adamw or muon, model.l2, or "
                "fit.weight_decay=null"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup_epochs and self.schedule != "cosine":
            raise ValueError(f"warmup_epochs: needs schedule=cosine, but schedule is {self.schedule}")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs: {self.warmup_epochs} must be less than fit.epochs={self.epochs}")
        if self.devices is not None and not self.devices:
            raise ValueError("devices: is empty; name devices as in [GPU:0, GPU:1], or give null for all GPUs")
        if self.devices is not None and self.strategy == "none":
            raise ValueError("devices: strategy=none uses one device; omit devices or use strategy=mirrored")
        return self


class Tracking(Section):
    """Tracking store, experiment, name and tags of a run."""

    uri: str | None
    experiment: Annotated[str, Field(min_length=1)]
    run_name: str | None
    tags: dict[str, str | int | float | bool]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if taken := [name for name in self.tags if is_own_tag(name)]:
            raise ValueError(f"tags: {', '.join(taken)} {RESERVED}")
        return self


def is_own_tag(name: str) -> bool:
    """Whether the pipeline itself sets a tag of this name, other than by `tracking.tags`."""
    return name in OWN_TAGS or name.startswith(OWN_BEGINNINGS)


# Sections that say what is done around runs: no run of its own follows from them.
AROUND_RUNS = ("study", "sweep", "search", "tune")


class Config(Section):
    """A checked experiment. `model` holds the Spec of the architecture that `model.name` picks.

    Example:
        >>> from pipeline import load
        >>> config = load("data=iris")
        >>> config.model.name, config.fit.optimizer
        ('dense', 'adam')
    """

    seed: Seed
    objective: Annotated[str, AfterValidator(lambda value: checked_objective(value))]
    baselines: Literal["auto"] | list[Baseline]
    baseline_seconds: PositiveFloat
    data: Data
    model: Any
    fit: Fit
    decision: Decision
    tracking: Tracking
    sweep: Sweep
    search: Search
    tune: Tune
    study: Study | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.data.task != "auto":
            check_loss(self.fit.loss, self.data.task)
            check_decision(self.decision, self.data.task)
        check_search(self.search, self.sweep)
        if self.fit.class_weight != "none" and self.data.task == "regression":
            raise ValueError("fit.class_weight: a regression has no classes; leave it at none")
        return self


def chosen_baselines(config: Config) -> list[Baseline]:
    """Returns the baselines of a run, without duplicates."""
    if config.baselines == "auto":
        return list(BASELINES) if config.data.name in HAVE_BASELINES else []
    return list(dict.fromkeys(config.baselines))


def start_over(config: Config) -> list[str]:
    """Returns the keys that are `off` and therefore make a repeated command start over."""
    given = {"fit.resume": config.fit.resume, "sweep.resume": config.sweep.resume}
    return [key for key, value in given.items() if value == "off"]


@functools.cache
def schema(model_spec: type[Section] | None) -> type[Config]:
    """Returns Config with the rules of one architecture for the section `model`; None leaves it unchecked."""
    if model_spec is None:
        return Config
    return create_model("Config", __base__=Config, model=(model_spec, ...))


def check_loss(loss: str, task: str) -> None:
    """Checks a loss against the task.

    Args:
        loss: Value of `fit.loss`.
        task: `regression`, `binary` or `multiclass`.

    Raises:
        ValueError: The loss does not suit the task.
    """
    if loss != "auto" and loss not in LOSSES[task]:
        raise ValueError(f"fit.loss: {loss} does not suit a {task} task; use auto or {' or '.join(LOSSES[task])}")
