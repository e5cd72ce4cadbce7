"""Keys of numeric embeddings, which come before any architecture."""

from __future__ import annotations

from typing import Literal

from pipeline.schema import PositiveFloat, PositiveInt, Section

# Embeddings that `tune` gives to its networks in turn: networks with different embeddings make different errors, which
# improves their mean. For inputs of deviation 1, a frequency scale of 0.1 is too low (California, periodic: validation
# RMSE 0.463 after 60 epochs; with 1 it is 0.441 after 42).
WAVES = "model.embedding_scale=tag(log,interval(0.2,2.0))"
UNLIKE = (
    ("model.numeric_embedding=cosine", WAVES),
    ("model.numeric_embedding=periodic", WAVES),
    ("model.numeric_embedding=target_bins",),
    ("model.numeric_embedding=piecewise_linear",),
)


class Embeddings(Section):
    """Rules of conf/model/base.yaml: keys of every architecture.

    The only section with defaults in Python: the YAML files of users' own architectures need not name these keys.
    """

    numeric_embedding: Literal["none", "piecewise_linear", "target_bins", "periodic", "cosine"] = "none"
    embedding_width: PositiveInt | Literal["auto"] = "auto"
    embedding_bins: PositiveInt | Literal["auto"] = "auto"
    embedding_scale: PositiveFloat = 0.1
