"""The rules of conf/config.yaml's section `sweep`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.scores import MEASURED, OF_AN_EXPORT, checked_objective
from pipeline.schema import NonNegativeInt, PositiveFloat, PositiveInt, Section, Seed


class Sweep(Section):
    """What a sweep does around its trials."""

    resume: Literal["auto", "off"]
    keep: Literal["all", "best", "none"]
    max_failures: PositiveInt | None
    max_trials: PositiveInt
    sampler: Literal["random", "tpe", "cmaes", "grid", "qmc"]
    n_trials: PositiveInt
    timeout: PositiveFloat | PositiveInt | None
    pruner: Literal["none", "median", "successive_halving", "hyperband"]
    prune_from: PositiveInt
    objectives: list[str] | None
    depth: NonNegativeInt | None
    width: PositiveInt | None
    width_of: Literal["network", "layer"]
    seed: Seed
    study: Annotated[str, Field(min_length=1)] | None
    storage: Annotated[str, Field(min_length=1)] | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.study is not None and self.resume == "off":
            raise ValueError("study: a study of that name is gone on with; give another name, or leave resume at auto")
        if self.objectives is None:
            return self
        if len(self.objectives) < 2:
            raise ValueError(f"objectives: several make a front, got {self.objectives}; for one set objective")
        for name in self.objectives:
            if name in OF_AN_EXPORT and self.keep != "all":
                raise ValueError(f"keep: {self.keep} exports no trial, so that none has {name}; set sweep.keep=all")
            if name not in (*MEASURED, *OF_AN_EXPORT):
                checked_objective(name, MEASURED)
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives: each once, got {self.objectives}")
        if self.pruner != "none":
            raise ValueError("pruner: one score decides which trial is poor; leave it at none, or give one objective")
        if self.sampler == "cmaes":
            raise ValueError("sampler: cmaes has one objective; use tpe, or random, qmc or grid")
        return self
