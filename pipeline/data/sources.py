"""Where rows come from: scikit-learn's bundled sets, Keras's sets, and CSV or Parquet files."""

import gzip
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.errors import DataError

PARQUET = (".parquet", ".pq", ".parquet.gz", ".pq.gz")
TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


@dataclass(frozen=True)
class Table:
    """Rows with named columns, inputs and targets alike."""

    frame: pd.DataFrame
    default_target: str | None = None
    n_test_file_rows: int = 0


@dataclass(frozen=True)
class Images:
    """Rows of numbers that have no names."""

    x: np.ndarray  # (n_rows, n_inputs)
    y: np.ndarray  # (n_rows,)
    test_rows: np.ndarray | None = None  # row numbers of the official test set


def read(config: Data) -> Table | Images:
    """Reads the rows that `data.name` and `data.path` stand for.

    Raises:
        DataError: The file is missing or is not what its name says, or a download fails.
    """
    return SOURCES[config.name](config)


def read_table(path: Path) -> pd.DataFrame:
    """Reads a CSV, TSV or Parquet file, gzipped or not.

    Raises:
        DataError: With the file and what is wrong with it.
    """
    _require(path)
    name = path.name.lower()
    if not name.endswith(PARQUET + TEXT):
        raise DataError(f"data.path: {path} is none of {', '.join(TEXT + PARQUET)}")
    try:
        frame = _read_parquet(path) if name.endswith(PARQUET) else _read_text(path)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise DataError(f"data.path: {path} cannot be read as a table: {str(error).strip()}") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"data.path: {path} cannot be read: {str(error).strip()}") from None
    if frame.empty:
        raise DataError(f"data.path: {path} has no rows")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    if path.suffix.lower() != ".gz":
        return pd.read_parquet(path)
    with gzip.open(path) as file:
        return pd.read_parquet(file)


def _read_text(path: Path) -> pd.DataFrame:
    separator = "\t" if ".tsv" in path.name.lower() else ","
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, encoding="utf-8-sig").iloc[0]
    repeated = header[header.duplicated()].unique()
    if len(repeated):
        raise DataError(f"data.path: {path} has more than one column named {', '.join(map(repr, repeated))}")
    with warnings.catch_warnings():
        # A row with more fields than the header would otherwise lose them, or shift all columns by one.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path, sep=separator, encoding="utf-8-sig", skipinitialspace=True, index_col=False, low_memory=False
        )


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
    return Table(read_table(path), default_target="MedHouseVal")


def _downloaded(name: str) -> Path:
    """Lets Keras download its copy, once, and gives the path of it."""
    import keras

    try:
        getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataError(
            f"data.path: {name} could not be downloaded ({error}); where there is no network, give a local copy "
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
    assert config.path is not None  # a rule of the Data section
    return Table(read_table(Path(config.path).expanduser()))


def _require(path: Path) -> None:
    if not path.exists():
        raise DataError(f"data.path: there is no file {path} (looked for from {Path.cwd()})")


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
