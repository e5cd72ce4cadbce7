"""Embeddings of numbers, in front of any architecture: the keys that ask for it."""

from __future__ import annotations

from typing import Literal

from pipeline.schema import PositiveFloat, PositiveInt, Section

# What `tune` gives networks in turn. Errors of networks with unlike embeddings are unlike, and their mean is better for
# it. Of inputs that deviate by 1, frequencies of 0.1 are too low for what lies close together (California, periodic:
# validation RMSE 0.463 after 60 epochs, and at 1 0.441 after 42).
WAVES = "model.embedding_scale=tag(log,interval(0.2,2.0))"
UNLIKE = (
    ("model.numeric_embedding=cosine", WAVES),
    ("model.numeric_embedding=periodic", WAVES),
    ("model.numeric_embedding=target_bins",),
    ("model.numeric_embedding=piecewise_linear",),
)


class Embeddings(Section):
    """Rules of conf/model/base.yaml: keys of every architecture.

    The one section with values in Python: architectures of users' own, whose YAML does not name these keys, have none.
    """

    numeric_embedding: Literal["none", "piecewise_linear", "target_bins", "periodic", "cosine"] = "none"
    embedding_width: PositiveInt | Literal["auto"] = "auto"
    embedding_bins: PositiveInt | Literal["auto"] = "auto"
    embedding_scale: PositiveFloat = 0.1
