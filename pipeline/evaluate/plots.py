"""Plots of a run: learning curves, and predictions against the truth, as on validation and test rows."""

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from sklearn.metrics import confusion_matrix, roc_curve

from pipeline.data import Target

MAX_CLASSES = 20  # with more, the confusion matrix omits its numbers and the ROC plot its legend
TITLE = 1.0  # the top of the axes; without it Matplotlib lays out all labels again to find that position
MAX_TICKS = 5  # per axis: ticks take most of the drawing time
MAX_POINTS = 5000  # of a scatter plot: more only take longer to draw


def draw(
    epochs: Sequence[dict[str, float]],
    best_epoch: int | None,
    targets: dict[str, Target],
    outputs: dict[str, dict[str, np.ndarray]],
) -> dict[str, Figure]:
    """Draws the plots of the task.

    Args:
        epochs: Values of each epoch.
        best_epoch: Epoch whose weights were kept, from 1.
        targets: The truth, by split.
        outputs: Outputs of the assembled model, by split.
    """
    kinds = {"predicted_vs_actual": _scatter, "residuals": _residuals}
    if targets["val"].task != "regression":
        kinds = {"confusion_matrix": _confusion, "roc": _roc}
    pictures = {"learning_curves": _learning_curves(epochs, best_epoch)}
    for name, panel in kinds.items():
        figure = _figure(len(targets), fitted=panel is _confusion)
        for axes, part in zip(figure.axes, targets, strict=True):
            panel(axes, targets[part], outputs[part])
            axes.set_title(f"{name.replace('_', ' ')}, {part}", y=TITLE)
        pictures[name] = figure
    return pictures


def _figure(n_panels: int, fitted: bool = False) -> Figure:
    """Makes panels side by side; `fitted` fits margins to long names, which takes as long as the drawing."""
    width, height = 5.5 * n_panels, 4.5
    figure = Figure(figsize=(width, height), layout="constrained" if fitted else None)
    FigureCanvasAgg(figure)
    for axes in figure.subplots(1, n_panels, squeeze=False).flat:
        axes.locator_params(nbins=MAX_TICKS)
    if not fitted:
        inches = {"left": 0.85 / width, "right": 1 - 0.15 / width, "bottom": 0.55 / height, "top": 1 - 0.35 / height}
        figure.subplots_adjust(**inches, wspace=0.24)
    return figure


def _learning_curves(epochs: Sequence[dict[str, float]], best_epoch: int | None) -> Figure:
    """Draws loss and metrics of training and validation: the distance of the two lines is the overfitting gap."""
    names = [name for name in epochs[0] if f"val_{name}" in epochs[0]]
    figure = _figure(len(names))
    numbers = np.arange(1, len(epochs) + 1)
    for axes, name in zip(figure.axes, names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            values = [epoch[key] for epoch in epochs]
            axes.plot(numbers, values, label=label, marker="o" if len(epochs) == 1 else None)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="gray", linestyle=":", label=f"epoch {best_epoch} kept")
        axes.set_xlabel("epoch")
        axes.set_title(name, y=TITLE)
        if name == "loss" and min(epoch[key] for epoch in epochs for key in (name, f"val_{name}")) > 0:
            axes.set_yscale("log")
        axes.legend()
    return figure


def _scatter(axes: Axes, target: Target, outputs: dict[str, np.ndarray]) -> None:
    low, high = np.inf, -np.inf
    for name, truth, prediction in _columns(target, outputs):
        axes.scatter(truth, prediction, s=6, alpha=0.4, label=_drawable(name))
        low, high = min(low, truth.min(), prediction.min()), max(high, truth.max(), prediction.max())
    axes.plot([low, high], [low, high], color="gray", linestyle=":")
    axes.set(xlabel="actual", ylabel="predicted")
    axes.legend()


def _residuals(axes: Axes, target: Target, outputs: dict[str, np.ndarray]) -> None:
    for name, truth, prediction in _columns(target, outputs):
        axes.scatter(prediction, prediction - truth, s=6, alpha=0.4, label=_drawable(name))
    axes.axhline(0, color="gray", linestyle=":")
    axes.set(xlabel="predicted", ylabel="predicted - actual")
    axes.legend()


def _columns(target: Target, outputs: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    shown = slice(None, None, -(-len(target.values) // MAX_POINTS))
    truth, prediction = target.values[shown].T, outputs["prediction"][shown].T
    return list(zip(target.names, truth, prediction, strict=True))


def _confusion(axes: Axes, target: Target, outputs: dict[str, np.ndarray]) -> None:
    classes = np.arange(len(target.classes))
    counts = confusion_matrix(target.values[:, 0], target.named(outputs), labels=classes)
    axes.imshow(counts, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="actual")
    if len(classes) > MAX_CLASSES:
        return
    names = [_drawable(str(label)) for label in target.classes]
    axes.set_xticks(classes, names, rotation=45, ha="right")
    axes.set_yticks(classes, names)
    for row, column in np.ndindex(counts.shape):
        dark = counts[row, column] > counts.max() / 2
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color="white" if dark else "black")


def _roc(axes: Axes, target: Target, outputs: dict[str, np.ndarray]) -> None:
    truth, probabilities = target.values[:, 0], outputs["probabilities"]
    present = np.unique(truth)
    for number in [1] if len(target.classes) == 2 else range(len(target.classes)):
        if number in present and len(present) > 1:
            false_rate, true_rate, _ = roc_curve(truth == number, probabilities[:, number])
            axes.plot(false_rate, true_rate, label=_drawable(str(target.classes[number])))
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    if axes.get_legend_handles_labels()[1] and len(target.classes) <= MAX_CLASSES:
        axes.legend(fontsize="small")


def _drawable(name: str) -> str:
    """Escapes a name of the data for Matplotlib.

    In Matplotlib `$` starts a formula, and a label that starts with `_` is left out of the legend. A character that its
    font lacks gives a warning and a box; here it gives only the box.
    """
    known = _characters()
    boxed = "".join(character if ord(character) in known else "\N{WHITE SQUARE}" for character in name)
    return (f" {boxed}" if boxed.startswith("_") or not boxed else boxed).replace("$", r"\$")


@functools.cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())
