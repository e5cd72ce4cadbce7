"""What a store knows of a run: its values, and its files by their contents."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Run

# What differs from run to run, or says which run it is: tags, and files with its name, its times or chance in them.
TAGS_OF_A_RUN = ("alive_at", "journal", "mlflow.note.content", "mlflow.runName", "mlflow.parentRunId", "owner")
FILES_OF_A_RUN = {
    "card.html", "card.md", "config.yaml", "manifest.json", "MLmodel", "fingerprint.pb", "saved_model.pb",
    "variables.data-00000-of-00001", "variables.index",
}  # fmt: skip


def known(uri: str, found: Run) -> dict[str, Any]:
    """What a store knows of a run, but for times and what only says which run it is."""
    client = MlflowClient(uri)
    series = {
        name: [(entry.step, entry.value) for entry in client.get_metric_history(found.info.run_id, name)]
        for name in found.data.metrics
    }
    outputs = found.outputs.model_outputs if found.outputs else []
    models = [client.get_logged_model(one.model_id) for one in outputs]
    artifacts, kept = files(uri, found.info.artifact_uri)
    return {
        "status": found.info.status,
        "params": {name: value for name, value in found.data.params.items() if name != "tracking.experiment"},
        "tags": {name: value for name, value in found.data.tags.items() if name not in TAGS_OF_A_RUN},
        "steps": {name: [step for step, _ in values] for name, values in series.items()},
        "values": {name: values for name, values in series.items() if "seconds" not in name},
        "inputs": sorted(one.dataset.digest for one in found.inputs.dataset_inputs) if found.inputs else [],
        "artifacts": comparable(artifacts),
        "weights": kept,
        "models": [str(one.status) for one in models],
        "files of models": [comparable(files(uri, one.artifact_location)[0]) for one in models],
    }


def files(uri: str, where: str) -> tuple[dict[str, str], list[str]]:
    """What lies at an address of artifacts, as the store gives it, and the weights of the SavedModel in it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(mlflow.artifacts.download_artifacts(where, dst_path=folder, tracking_uri=uri))
        saved = next(place.rglob("saved_model.pb"), None)
        return digests(place), weights(saved.parent) if saved else []


def digests(folder: Path) -> dict[str, str]:
    """Of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def comparable(found: dict[str, str]) -> dict[str, str]:
    """The same of two runs that come to the same; of files that tell of the run itself the names alone."""
    return {path: "" if path.rpartition("/")[2] in FILES_OF_A_RUN else digest for path, digest in found.items()}


def weights(saved_model: Path) -> list[str]:
    """Digests of a SavedModel's variables, whose order is by chance."""
    import tensorflow as tf

    found = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    arrays = map(found.get_tensor, set(found.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
    return sorted(hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays)
