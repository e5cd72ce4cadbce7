"""The manifest in every export: the model's inputs and outputs, its origin, and the hash of each file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.data import Reading
from pipeline.data.reading.input_column import InputColumn, TextFormat, columns_of
from pipeline.errors import ModelError
from pipeline.export.calibration_values import Learned

EXTRA = "assets.extra"  # a folder that TensorFlow Serving reserves for users' own files
MANIFEST = f"{EXTRA}/manifest.json"
SCHEMA = f"{EXTRA}/schema.json"
PREPROCESSING = f"{EXTRA}/preprocessing.json"
CARD = (f"{EXTRA}/card.md", f"{EXTRA}/card.html")  # not hashed, because the author completes it
FORMAT = 2  # of the manifest; higher ones come from newer versions of this package
# What a manifest of format 1 may lack about a column, and the value that applied.
OLDER = {"kind": "numeric", "gaps": True, "fill": "what the model fills gaps with", "numbers": None}
OLDER_ARRAY = {"kind": "numeric", "gaps": False, "fill": None}
LEARNED = tuple(known.name for known in fields(Learned))
BOUNDED = ("prediction", "lower", "upper")  # outputs of a regression with bounds
PACKAGES = ("dense-pipeline", "tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class Manifest:
    """The description of an export. It does not depend on time or machine."""

    task: str  # regression, binary or multiclass
    target: list[str]
    classes: list[Any]  # labels in the order of the probabilities; empty for a regression
    inputs: dict[str, InputColumn]  # by raw column
    outputs: dict[str, dict[str, Any]]  # by name: shape, dtype
    threshold: float | None = None  # for two classes: the second's probability from which on it is the label
    interval: dict[str, Any] | None = None  # for a regression with bounds, see `conformal.Interval`
    prediction_set: dict[str, Any] | None = None  # for classes with sets of labels, see `conformal.PredictionSet`
    run_id: str | None = None
    reading: dict[str, Any] = field(default_factory=dict)  # how the training files are written
    example: dict[str, list[Any]] = field(default_factory=dict)  # raw columns of a few rows; a gap is None or ""
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 by path
    format: int = FORMAT

    @property
    def learned(self) -> Learned:
        """What is applied to the network's outputs."""
        return Learned.of({name: getattr(self, name) for name in LEARNED})

    @property
    def table_columns(self) -> list[str]:
        """The columns of a table of outputs: `prediction` or `prediction_<target>`, or `label`, `probability_<class>`.

        Bounds are `lower` and `upper`, or `lower_<target>` and `upper_<target>`; a set of labels is `prediction_set`.
        """
        if self.task == "regression":
            kinds = BOUNDED if self.interval else BOUNDED[:1]
            return [kind if len(self.target) == 1 else f"{kind}_{name}" for kind in kinds for name in self.target]
        sets = ["prediction_set"] if self.prediction_set else []
        return ["label", *sets, *(f"probability_{label}" for label in self.classes)]


def installed_versions() -> dict[str, str]:
    """Versions of the packages that a model's numbers depend on."""
    return {name: version(name) for name in PACKAGES}


def write(manifest: Manifest, folder: Path) -> None:
    """Writes the manifest of an export whose other files are complete.

    Args:
        manifest: The manifest.
        folder: The export's folder.
    """
    content: dict[str, Any] = {known.name: getattr(manifest, known.name) for known in fields(manifest)}
    columns = {name: column.to_json() for name, column in manifest.inputs.items()}
    written = next(iter(manifest.inputs.values())).text  # the same for all columns
    content |= {"inputs": columns, "text": asdict(written), "files": hashes(folder), "format": FORMAT}
    path = folder / MANIFEST
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in an export except the manifest and the model card."""
    free = {folder / name for name in (MANIFEST, *CARD)}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in free)
    return {path.relative_to(folder).as_posix(): _hash(path) for path in files}


def read(folder: Path) -> Manifest:
    """Reads the manifest without checking the files.

    Raises:
        ModelError: The manifest is missing, or this version cannot read it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(
            f"{folder} has no {MANIFEST}, which every export of this pipeline carries, so it cannot be checked; "
            "--trust loads it nevertheless"
        )
    return _parsed(path, set(Manifest.__dataclass_fields__))


def verify(folder: Path) -> Manifest:
    """Reads the manifest of an export and checks that its files are unchanged.

    Raises:
        ModelError: The manifest is missing, or a file is missing, was changed, or was added where TensorFlow reads.
    """
    manifest = read(folder)
    found = hashes(folder)
    missing = sorted(set(manifest.files) - set(found))
    changed = sorted(name for name, value in found.items() if manifest.files.get(name, value) != value)
    added = sorted(name for name in set(found) - set(manifest.files) if not name.startswith(EXTRA))
    faults = [
        f"{', '.join(names)} {word}"
        for names, word in ((missing, "missing"), (changed, "changed"), (added, "added"))
        if names
    ]
    if faults or not manifest.files:
        raise ModelError(
            f"{folder} does not match its manifest: {'; '.join(faults) or 'it lists no files'}. Export it again, or "
            "load it with --trust"
        )
    return manifest


def trusted(folder: Path) -> Manifest:
    """What is known about a model that is loaded without a check.

    Raises:
        ModelError: The model has neither manifest nor schema, so its columns are unknown.
    """
    if (folder / MANIFEST).is_file():
        return read(folder)
    path = folder / SCHEMA
    if not path.is_file():
        raise ModelError(f"{folder} has neither {MANIFEST} nor {SCHEMA}, so its columns are unknown, even with --trust")
    return _parsed(path, {"task", "target", "classes", "inputs", *LEARNED})


def _parsed(path: Path, names: set[str]) -> Manifest:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format", FORMAT) > FORMAT:
            raise ModelError(
                f"{path} has format {content['format']}, but this version reads format {FORMAT}; update the package"
            )
        given = {name: value for name, value in content.items() if name in names}
        return Manifest(**{"outputs": {}, **given, "inputs": _inputs(content)})
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(f"{path} cannot be read as a manifest: {error}") from None


def _inputs(content: dict[str, Any]) -> dict[str, InputColumn]:
    """The columns; a manifest of format 1, or a schema, lacks some of their properties."""
    if "text" in content:
        return columns_of(content["inputs"], content["text"])
    text = Reading(**content["reading"]).text if content.get("reading") else TextFormat()
    older = {name: OLDER_ARRAY if len(about["shape"]) == 2 else OLDER for name, about in content["inputs"].items()}
    return {name: InputColumn.of(name, older[name] | about, text) for name, about in content["inputs"].items()}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
