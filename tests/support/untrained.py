"""Models that nobody trained."""

from pathlib import Path

import pipeline
from pipeline import data, export, model


def save(folder: Path, *overrides: str) -> Path:
    """Saves the model of a network as it is before training: where its weights do not matter, that is fast."""
    small = "model.width=8" if "model=residual" in overrides else "model.units=[8]"
    config = pipeline.load(small, *overrides)
    rows = data.read_rows(config.data)
    preprocessing = data.fit_preprocessing(rows, config.data)
    arrays = preprocessing.apply(rows)
    training = model.TrainingRows(arrays.x, arrays.y, preprocessing.inputs.numbers)
    network = model.build(config.model, **preprocessing.sizes(rows.target), rows=training)
    reading = data.Reading.of(config.data)
    export.save(export.assemble(rows, preprocessing, network), folder, reading=reading)
    return folder
