"""Section: the base of every part of the configuration, and the ranges its values share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the configuration: strict types, no unknown keys, no defaults, frozen once checked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]  # of rows: neither none nor all
Rate = Annotated[float, Field(ge=0, lt=1)]  # of something dropped or kept: none is fine
Seed = Annotated[int, Field(ge=0, lt=2**32)]
