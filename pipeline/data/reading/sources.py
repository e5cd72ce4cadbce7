"""Where rows come from: scikit-learn's bundled sets, Keras's sets, and tables in files or databases."""

import gzip
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading import read_tables
from pipeline.errors import DataError


@dataclass(frozen=True)
class Table:
    """Rows with named columns: inputs and targets."""

    frame: pd.DataFrame
    default_target: str | None = None
    n_test_file_rows: int = 0  # rows of a separate test file, which come last
    row_numbers: np.ndarray | None = None  # (n_rows,) number of each row through all files; None if all rows are there
    n_first: int | None = None  # rows of the files before the test file, with those that were left out


@dataclass(frozen=True)
class Images:
    """Rows of numbers without column names."""

    x: np.ndarray  # (n_rows, n_inputs)
    y: np.ndarray  # (n_rows,)
    test_rows: np.ndarray | None = None  # row numbers of the official test set


def read(config: Data) -> Table | Images:
    """Reads the rows that `data.name` and `data.path` stand for.

    Raises:
        DataError: The file is missing or is not what its name says, or a download fails.
    """
    return SOURCES[config.name](config)


def _bundled(load: str) -> Callable[[Data], Table]:
    def read_bundled(config: Data) -> Table:
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, load)(as_frame=True)
        frame = bunch.frame.copy()
        if "target" in frame and len(getattr(bunch, "target_names", [])):
            frame["target"] = np.asarray(bunch.target_names, dtype=object)[frame["target"]]
        return Table(frame)

    return read_bundled


def _digits(config: Data) -> Images:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return Images(x, y)


def _image_set(config: Data) -> Images:
    """MNIST or Fashion-MNIST: training rows first, then the official test rows."""
    path = Path(config.path).expanduser() if config.path else _downloaded(config.name)
    _require(path)
    names = ("x_train", "y_train", "x_test", "y_test")
    if path.is_dir():
        files = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        arrays = [_read_idx(path / f"{file}-ubyte.gz") for file in files]
    else:
        arrays = _read_npz(path, names)
    x_train, y_train, x_test, y_test = arrays
    x = np.concatenate([x_train, x_test])
    return Images(
        x=x.reshape(len(x), -1),
        y=np.concatenate([y_train, y_test]),
        test_rows=np.arange(len(x_train), len(x)),
    )


def _california_housing(config: Data) -> Table | Images:
    path = Path(config.path).expanduser() if config.path else _downloaded(config.name)
    if path.suffix == ".npz":
        _require(path)
        x, y = _read_npz(path, ("x", "y"))
        return Images(x, y)
    frame, n_test_file_rows = read_tables(config.model_copy(update={"path": str(path)}))
    return Table(frame, "MedHouseVal", n_test_file_rows)


def _downloaded(name: str) -> Path:
    """The path of Keras's copy, which is downloaded once."""
    import keras

    try:
        getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataError(
            f"data.path: {name} could not be downloaded ({error}); without a network, give a local copy "
            f"with data.path=path/to/{name}.npz"
        ) from None
    folder = Path(keras.config.keras_home() if hasattr(keras.config, "keras_home") else "~/.keras").expanduser()
    return folder / "datasets" / ("fashion-mnist" if name == "fashion_mnist" else f"{name}.npz")


def _read_npz(path: Path, names: tuple[str, ...]) -> list[np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in names if name not in file]
            if missing:
                raise DataError(f"data.path: {path} lacks the arrays {', '.join(missing)}; it has {', '.join(file)}")
            return [file[name] for name in names]
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"data.path: {path} cannot be read as .npz: {error}") from None


def _read_idx(path: Path) -> np.ndarray:
    """Reads the format of the MNIST files: two zero bytes, type, rank, sizes as big-endian int32, then the bytes."""
    _require(path)
    try:
        content = gzip.decompress(path.read_bytes())
        sizes = np.frombuffer(content, ">i4", count=content[3], offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)
    except (OSError, EOFError, IndexError, ValueError, zlib.error) as error:
        raise DataError(f"data.path: {path} cannot be read as an idx file: {error}") from None


def _table(config: Data) -> Table:
    frame, n_test_file_rows = read_tables(config)
    return Table(frame, n_test_file_rows=n_test_file_rows)


def _require(path: Path) -> None:
    if not path.exists():
        raise DataError(f"data.path: file {path} does not exist (looked for from {Path.cwd()})")


SOURCES: dict[str, Callable[[Data], Table | Images]] = {
    "table": _table,
    "digits": _digits,
    "breast_cancer": _bundled("load_breast_cancer"),
    "wine": _bundled("load_wine"),
    "iris": _bundled("load_iris"),
    "diabetes": _bundled("load_diabetes"),
    "linnerud": _bundled("load_linnerud"),
    "mnist": _image_set,
    "fashion_mnist": _image_set,
    "california_housing": _california_housing,
}
