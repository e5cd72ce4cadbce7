"""Loads a model by any of its names, ready to predict."""

from __future__ import annotations

from pipeline.export.loaded_model import LoadedModel
from pipeline.inference.locate import resolve


def load_model(reference: str, *, trust: bool = False, tracking_uri: str | None = None) -> LoadedModel:
    """Finds a model and loads it.

    Args:
        reference: A run id, `models:/NAME@ALIAS`, `models:/NAME/VERSION`, `best:EXPERIMENT`, or a folder.
        trust: Whether to load a model that has no manifest or does not match it; see `LoadedModel`.
        tracking_uri: URI of the tracking store; None for $MLFLOW_TRACKING_URI or, without it, SQLite under mlruns/.

    Raises:
        ModelError: The model does not exist, or does not match its manifest.
        TrackingError: The store cannot be used.

    Example:
        >>> from pipeline import load, load_model, run
        >>> result = run(load("data=iris", "fit.epochs=2"))
        >>> model = load_model(result.run_id)  # or "best:iris"
        >>> model.manifest.classes
        ['setosa', 'versicolor', 'virginica']
        >>> model.predict(model.manifest.example)["probabilities"].shape
        (2, 3)
    """
    return LoadedModel(resolve(reference, tracking_uri).path, trust)
