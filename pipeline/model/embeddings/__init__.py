"""Embeddings of numbers, in front of any architecture: the keys that ask for it."""

from __future__ import annotations

from typing import Literal

from pipeline.schema import PositiveFloat, PositiveInt, Section


class Embeddings(Section):
    """Rules of conf/model/base.yaml: keys of every architecture.

    The one section with values in Python: architectures of users' own, whose YAML does not name these keys, have none.
    """

    numeric_embedding: Literal["none", "piecewise_linear", "target_bins", "periodic", "cosine"] = "none"
    embedding_width: PositiveInt | Literal["auto"] = "auto"
    embedding_bins: PositiveInt | Literal["auto"] = "auto"
    embedding_scale: PositiveFloat = 0.1
