"""The rules of a study: a question, the sweep that answers it, and its diagrams and sentences."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.scores import DIRECTIONS
from pipeline.schema import PositiveFloat, Section

Scale = Literal["linear", "log"]
TAG = "study"  # tag of the runs of a study's sweep
REPEATS = ("seed", "data.split.seed", "data.split.fold")  # keys that are swept only to estimate the spread
PARTS = ("train", "val", "test", "gap")
MEASURED = (
    "n_parameters", "n_zero_weights", "n_zero_inputs", "seconds_fit", "seconds_per_epoch", "seconds_to_loss",
    "epochs_to_loss", "epochs_trained", "best_epoch",
)  # fmt: skip


class Axis(Section):
    """The horizontal axis of a diagram."""

    key: str
    reads: Literal["value", "width", "depth", "word"]
    scale: Scale
    label: str


class Panel(Section):
    """One diagram of a row of diagrams."""

    quantities: Annotated[list[str], Field(min_length=1)]
    scale: Scale


class Study(Section):
    """A question, its sweep and its pictures."""

    question: str
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]]
    axis: Axis
    lines: list[str]
    best_of: list[str]
    best_by: str
    panels: Annotated[list[Panel], Field(min_length=1)]
    tells: Annotated[list[str], Field(min_length=1)]
    pictures: Annotated[list[Literal["curves", "dots", "learning_curves", "inputs"]], Field(min_length=1)]
    target_loss: PositiveFloat | None

    @property
    def quantities(self) -> list[str]:
        """All quantities of diagrams and sentences, without duplicates."""
        drawn = [quantity for panel in self.panels for quantity in panel.quantities]
        judged = [] if self.best_by == "objective" else [self.best_by]
        return list(dict.fromkeys([*drawn, *self.tells, *judged]))

    def check_place(self, key: str) -> None:
        """Checks that a swept key appears in the picture; else its runs would be averaged.

        Raises:
            ValueError: The key does not appear.
        """
        shown = [self.axis.key, *self.lines, *self.best_of]
        if key not in REPEATS and not any(one == key or one.startswith(f"{key}.") for one in shown):
            raise ValueError(
                f"sweep: {key} is swept but not shown; name it in axis, lines or best_of "
                f"(only {', '.join(REPEATS)} are averaged over)"
            )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [*MEASURED, *(f"{part}_{score}" for part in PARTS for score in DIRECTIONS)]
        for quantity in self.quantities:
            if quantity not in known:
                raise ValueError(f"panels: unknown quantity {quantity!r}; the quantities are {', '.join(known)}")
        if self.target_loss is None and any(quantity.endswith("_to_loss") for quantity in self.quantities):
            raise ValueError("target_loss: missing; seconds_to_loss and epochs_to_loss need a loss to reach")
        for key in self.sweep:
            self.check_place(key)
        if ("curves" in self.pictures) == (self.axis.reads == "word"):
            raise ValueError("pictures: use curves for an axis of numbers, dots for an axis of words")
        return self
