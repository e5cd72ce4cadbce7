"""Section: the base of every part of the configuration, and the ranges its values share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class Section(BaseModel):
    """A part of the configuration: strict types, no unknown keys, no defaults, frozen once checked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
LARGEST = 3.4e38  # that float32 holds, in which networks compute
PositiveFloat = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegativeFloat = Annotated[float, Field(ge=0, le=LARGEST)]
Fraction = Annotated[float, Field(gt=0, lt=1)]  # of rows: neither none nor all
Rate = Annotated[float, Field(ge=0, lt=1)]  # of something dropped or kept: none is fine
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def n_bytes(size: str) -> int:
    """Bytes of a size such as `512MB` or `1.5 GiB`; ValueError for what is none."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)\s*", size, re.IGNORECASE)
    number = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    if not number:
        raise ValueError(f"should be a size such as 512MB or 8GB, got {size!r}")
    return number


def _checked_size(size: str) -> str:
    n_bytes(size)
    return size


Size = Annotated[str, AfterValidator(_checked_size)]
