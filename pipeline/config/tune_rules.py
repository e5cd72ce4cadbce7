"""The rules of conf/config.yaml's section `tune`."""

from typing import Literal, Self

from pydantic import model_validator

from pipeline.schema import PositiveFloat, PositiveInt, Section, Seed


class Tune(Section):
    """Limits of `tune`, and what it selects."""

    minutes: PositiveFloat | None
    n_trials: PositiveInt | None
    patience: PositiveInt | None
    max_entries: PositiveInt
    folds: PositiveInt | Literal["auto"]
    distill: bool
    optimizers: list[Literal["adamw", "muon"]]
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minutes is None and self.n_trials is None:
            raise ValueError("minutes: null needs tune.n_trials; or set tune.minutes=10")
        return self
