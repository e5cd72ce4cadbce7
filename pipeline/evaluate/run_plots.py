"""What the plots of a run show. Another process draws them, which takes as long as the export beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.data import Target
from pipeline.evaluate import Columns, Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN_BY = "pipeline.evaluate.plots"  # the module that the other process can import in advance
SHOWN = ("val", "test")


@dataclass(frozen=True)
class RunPlots:
    """The values in the plots; called, it draws them.

    Attributes:
        epochs: Values of each epoch.
        best_epoch: Epoch whose weights were kept, from 1.
        targets: The truth, by split.
        outputs: Outputs of the assembled model, by split.
    """

    epochs: Sequence[dict[str, float]]
    best_epoch: int | None
    targets: dict[str, Target]
    outputs: dict[str, Columns]

    @classmethod
    def of(cls, epochs: Sequence[dict[str, float]], best_epoch: int | None, found: Evaluation) -> RunPlots:
        """Takes them from an evaluation.

        Args:
            epochs: Values of each epoch.
            best_epoch: Epoch whose weights were kept, from 1.
            found: Predictions of the assembled model.
        """
        targets = {part: found.targets[part] for part in SHOWN}
        return cls(epochs, best_epoch, targets, {part: found.outputs[part] for part in SHOWN})

    def __call__(self) -> dict[str, Figure]:
        """Draws the plots; returns them by name."""
        from pipeline.evaluate import plots  # lazy: only the other process needs Matplotlib

        return plots.draw(self.epochs, self.best_epoch, self.targets, self.outputs)
