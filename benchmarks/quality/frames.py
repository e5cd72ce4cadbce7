"""Raw columns as the peers take them: a pandas frame with categories as categories and gaps as gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config import Config
from pipeline.data import InMemory, RawColumn, Rows, TextArray, fit_preprocessing


@dataclass(frozen=True)
class Part:
    """Rows that train, validate or test."""

    x: pd.DataFrame
    y: np.ndarray  # (n_rows, n_targets), or for classes (n_rows,) their numbers


def parts(config: Config, dataset: InMemory) -> dict[str, Part]:
    """The rows of each part. Dates are days since 1970, as any user would make them; all other text is categories."""
    kinds = fit_preprocessing(dataset.part("train"), config.data).inputs.kinds
    names = {name: f"column_{number}" for number, name in enumerate(dataset.rows.inputs)}  # some take no other signs
    frame = pd.DataFrame(
        {names[name]: _column(values, is_date=kinds[name] == "date") for name, values in dataset.rows.inputs.items()}
    )
    return {part: _part(dataset.part(part), frame.iloc[place]) for part, place in dataset.splits.parts().items()}


def _part(rows: Rows, x: pd.DataFrame) -> Part:
    y = rows.target.values
    return Part(x.reset_index(drop=True), y if rows.target.task == "regression" else y[:, 0])


def _column(values: RawColumn, *, is_date: bool) -> pd.Series:
    if not isinstance(values, TextArray):
        return pd.Series(values)
    texts = pd.Series(np.asarray(values), dtype=object).replace("", None)
    if is_date:
        return (pd.to_datetime(texts) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    return texts.astype("category")
