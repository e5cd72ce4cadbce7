"""Runs an exported file in its own runtime, in a new process, and measures its deviation from the pipeline."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipeline.data import Preprocessing
from pipeline.data.preprocessing.network_inputs import TableInputs
from pipeline.errors import ExportError
from pipeline.export.assemble import BATCH_ROWS, Columns
from pipeline.export.deviation import network_inputs
from pipeline.export.loaded_model import LoadedModel

RUNTIMES = Path(__file__).with_name("runtimes")
SECONDS = 600
BLURRED = 1e-6  # in scaled units; a greater loss through float32 is reported


def run_fresh(program: str, file: Path, inputs: Columns, *arguments: str) -> Columns:
    """Runs a file with one of the programs in RUNTIMES, and returns its outputs.

    Args:
        program: The program.
        file: The exported file.
        inputs: Arrays by input.
        *arguments: Further arguments of the program.

    Raises:
        ExportError: The runtime is not installed, or cannot run the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        _write_arrays(given, inputs)
        # -I: Python ignores the current folder and the environment when it imports modules.
        line = [sys.executable, "-I", str(RUNTIMES / program), str(file.resolve()), str(given), str(found), *arguments]
        ended = subprocess.run(line, capture_output=True, text=True, cwd=folder, timeout=SECONDS, check=False)
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            remedy = "; pip install 'dense-pipeline[litert,onnx]'" if last.startswith("ModuleNotFoundError") else ""
            raise ExportError(f"{file.name} was created, but does not run in a new process: {last}{remedy}")
        with np.load(found, allow_pickle=False) as outputs:
            return dict(outputs)


def _write_arrays(path: Path, arrays: Columns) -> None:
    """Like `np.savez`, which reserves some argument names: a column may be called `file`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, _plain(values), allow_pickle=False)


def _plain(values: np.ndarray) -> np.ndarray:
    """Text in a type that numpy stores without pickling."""
    return values.astype(str) if values.dtype == object else values


def scaled_predictions(model: LoadedModel, preprocessing: Preprocessing, columns: Columns) -> np.ndarray:
    """The network's outputs, scaled or logits, after numpy's preprocessing, as in training.

    Args:
        model: The model.
        preprocessing: Its preprocessing.
        columns: Raw columns.
    """
    x = network_inputs(preprocessing, columns).astype(np.float32)
    starts = range(0, len(x), BATCH_ROWS)
    blocks = [model.saved_model.network(tf.constant(x[start : start + BATCH_ROWS])) for start in starts]
    return np.concatenate([block.numpy() for block in blocks])


def blurred(preprocessing: Preprocessing, columns: Columns) -> list[str]:
    """Columns whose raw numbers lose digits in float32, the worst first, with the loss.

    Args:
        preprocessing: The model's preprocessing.
        columns: Raw columns.
    """
    if not isinstance(preprocessing.inputs, TableInputs):
        return []
    numbers = {name: values for name, values in columns.items() if values.dtype != object}
    rounded = {name: values.astype(np.float32).astype(np.float64) for name, values in numbers.items()}
    exact, inexact = (network_inputs(preprocessing, columns | given) for given in (numbers, rounded))
    names = [feature.column for feature in preprocessing.inputs.features for _ in feature.names]
    lost = np.nanmax(np.abs(exact - inexact), axis=0)
    worst = sorted(zip(lost, names, strict=True), reverse=True)
    return [f"{name!r} by {value:.1g}" for value, name in worst if value > BLURRED]
