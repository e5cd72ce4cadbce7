"""The rules of a study: a question, the sweep that answers it, and what is drawn and told of it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.scores import DIRECTIONS
from pipeline.schema import PositiveFloat, Section

Scale = Literal["linear", "log"]
TAG = "study"  # of the runs of a study's sweep, by which the sweep is found
REPEATS = ("seed", "data.split.seed", "data.split.fold")  # what is repeated only to know the spread
PARTS = ("train", "val", "test", "gap")
MEASURED = (
    "n_parameters", "n_zero_weights", "n_zero_inputs", "seconds_fit", "seconds_per_epoch", "seconds_to_loss",
    "epochs_to_loss", "epochs_trained", "best_epoch",
)  # fmt: skip


class Axis(Section):
    """What changes from left to right."""

    key: str
    reads: Literal["value", "width", "depth", "word"]
    scale: Scale
    label: str


class Panel(Section):
    """One of the diagrams beside each other."""

    quantities: Annotated[list[str], Field(min_length=1)]
    scale: Scale


class Study(Section):
    """A question, its sweep and its picture."""

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
        """All that is drawn or told, each once."""
        drawn = [quantity for panel in self.panels for quantity in panel.quantities]
        judged = [] if self.best_by == "objective" else [self.best_by]
        return list(dict.fromkeys([*drawn, *self.tells, *judged]))

    def check_place(self, key: str) -> None:
        """Raises ValueError for a swept key that the picture knows nothing of: its runs would be taken for one."""
        shown = [self.axis.key, *self.lines, *self.best_of]
        if key not in REPEATS and not any(one == key or one.startswith(f"{key}.") for one in shown):
            raise ValueError(
                f"sweep: {key} is swept but has no place; name it in axis, lines or best_of "
                f"(only {', '.join(REPEATS)} are averaged over)"
            )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [*MEASURED, *(f"{part}_{score}" for part in PARTS for score in DIRECTIONS)]
        for quantity in self.quantities:
            if quantity not in known:
                raise ValueError(f"panels: there is no quantity {quantity!r}; there are {', '.join(known)}")
        if self.target_loss is None and any(quantity.endswith("_to_loss") for quantity in self.quantities):
            raise ValueError("target_loss: missing; seconds_to_loss and epochs_to_loss need the loss to reach")
        for key in self.sweep:
            self.check_place(key)
        if ("curves" in self.pictures) == (self.axis.reads == "word"):
            raise ValueError("pictures: curves is for an axis of numbers, dots for one of words")
        return self
