"""The rules of conf/config.yaml's section `search`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.scores import MEASURED, OF_AN_EXPORT, checked_objective
from pipeline.schema import NonNegativeInt, PositiveFloat, PositiveInt, Section, Seed


class Search(Section):
    """Sampling, pruning, ranges of depth and width, and storage of a search."""

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
    study_name: Annotated[str, Field(min_length=1)] | None
    storage: Annotated[str, Field(min_length=1)] | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.objectives is None:
            return self
        if len(self.objectives) < 2:
            raise ValueError(f"objectives: needs at least two, got {self.objectives}; for a single one set objective")
        for name in self.objectives:
            if name not in (*MEASURED, *OF_AN_EXPORT):
                checked_objective(name, MEASURED)
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives: must not repeat, got {self.objectives}")
        if self.pruner != "none":
            raise ValueError(
                "pruner: needs a single objective; leave it at none, or set objective instead of search.objectives"
            )
        if self.sampler == "cmaes":
            raise ValueError("sampler: cmaes supports one objective; use tpe, random, qmc or grid")
        return self
