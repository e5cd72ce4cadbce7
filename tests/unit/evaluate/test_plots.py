"""Pictures of a run: names of the data are drawn as they are."""

import io
import warnings

import numpy as np
import pytest

from pipeline.data import Target
from pipeline.evaluate.plots import draw

EPOCHS = [{"loss": 1.0, "val_loss": 1.2}]
NAMES = ["$5 or $7", r"$\nosuch$", "_hidden", "town", "東京", "a\nb", "\x87", ""]


def classes(names: list[str]) -> tuple[Target, dict[str, np.ndarray]]:
    task = "binary" if len(names) == 2 else "multiclass"
    numbers = np.arange(3 * len(names)) % len(names)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(names)), len(numbers))
    return Target(task, ("label",), numbers[:, None], np.array(names, object)), {"probabilities": probabilities}


@pytest.mark.parametrize("names", [NAMES, ["_a", "$"]], ids=str)
def test_labels_of_any_characters(names: list[str]) -> None:
    target, outputs = classes(names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = draw(EPOCHS, 1, {"val": target, "test": target}, {"val": outputs, "test": outputs})
        for figure in pictures.values():
            figure.savefig(io.BytesIO())
    shown = [text.get_text() for text in pictures["roc"].axes[0].get_legend().get_texts()]
    assert len(shown) == (1 if len(names) == 2 else len(names))


def test_columns_of_any_name() -> None:
    values = np.random.default_rng(0).normal(size=(9, 2))
    target = Target("regression", (r"$\nosuch$", "_price"), values, np.array([]))
    outputs = {"prediction": values}
    figure = draw(EPOCHS, 1, {"val": target, "test": target}, {"val": outputs, "test": outputs})["residuals"]
    figure.savefig(io.BytesIO())
    assert len(figure.axes[0].get_legend().get_texts()) == 2
