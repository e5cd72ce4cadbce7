"""Raw rows to check an export with: the run's validation rows, and unusual ones made from them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data import Rows
from pipeline.data.reading.input_column import InputColumn
from pipeline.errors import PipelineError
from pipeline.export.manifest import Manifest
from pipeline.export.model_columns import raw_columns
from pipeline.export.out_of_range import changed, gaps_and_unseen

MAX_ROWS = 2000


@dataclass(frozen=True)
class HeldOut:
    """Raw rows, with targets if available."""

    columns: dict[str, np.ndarray]
    rows: Rows | None  # with targets, to compute a score
    origin: str  # as a report describes them


def held_out(manifest: Manifest, run_id: str | None, tracking_uri: str | None) -> HeldOut:
    """The run's validation rows, or the export's own example if the run's data cannot be read.

    Args:
        manifest: The model's manifest.
        run_id: The run; None if unknown.
        tracking_uri: URI of the tracking store.
    """
    run_id = run_id or manifest.run_id
    try:
        if run_id is None:
            raise PipelineError("the run is unknown")
        rows = _validation_rows(run_id, tracking_uri)
        if list(rows.inputs) != list(manifest.inputs):  # of a run that logged no fingerprint
            raise PipelineError("the data now has other columns")
        rows = rows.take(slice(MAX_ROWS))
        columns = {name: np.asarray(column) for name, column in rows.inputs.items()}
        return HeldOut(columns, rows, f"{len(rows)} validation rows")
    except PipelineError as error:
        columns = raw_columns(list(manifest.inputs.values()), manifest.example).columns
        n_rows = len(next(iter(columns.values())))
        why = str(error).splitlines()[0]
        return HeldOut(columns, None, f"{n_rows} rows of the export's own example only, not validation rows ({why})")


def _validation_rows(run_id: str, tracking_uri: str | None) -> Rows:
    from pipeline import config as configuration
    from pipeline import data, track

    with tempfile.TemporaryDirectory() as folder, track.store_of(tracking_uri):
        config = configuration.from_yaml(track.config_of_run(run_id, Path(folder)))
        trained_on = track.tag_of(run_id, "data_fingerprint")
    dataset = data.without_useless(data.load(config.data, config.decision.calibration), config.data)
    if trained_on not in (None, dataset.fingerprint):
        raise PipelineError("the data have changed since training")
    return dataset.part("val")


def with_awkward(columns: Mapping[str, np.ndarray], inputs: Mapping[str, InputColumn]) -> dict[str, np.ndarray]:
    """The rows, and for each column one with a gap, and for each text column one with an unknown text.

    An array is unchanged.

    Args:
        columns: Raw columns.
        inputs: The model's columns.
    """
    awkward, _ = changed(dict(columns), gaps_and_unseen(inputs))
    return {name: np.concatenate([values, awkward[name]]) for name, values in columns.items()}
