"""What lies in files: digests of all below a folder, and of a SavedModel's weights, whose file is never the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

# What a run's own name, id, times or chance are in.
OF_A_RUN = {
    "card.html", "card.md", "config.yaml", "manifest.json", "MLmodel", "fingerprint.pb", "saved_model.pb",
    "variables.data-00000-of-00001", "variables.index",
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def comparable(found: dict[str, str]) -> dict[str, str]:
    """The same of two runs that come to the same; of files that tell of the run itself the names alone."""
    return {path: "" if path.rpartition("/")[2] in OF_A_RUN else digest for path, digest in found.items()}


def weights(saved_model: Path) -> list[str]:
    """Digests of a SavedModel's variables, whose order is by chance."""
    import tensorflow as tf

    found = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    arrays = map(found.get_tensor, set(found.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
    return sorted(hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays)
