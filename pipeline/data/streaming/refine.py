"""Replaces statistics of a sample by those of all training rows, if these are known exactly.

Means, deviations, ends, gaps and the counts of categories are known. Medians and other quantiles, and the curves of
`yeo_johnson`, `log1p`, `quantile` and `noisy_quantile`, remain those of the sample.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pipeline.config.quoting import by_column
from pipeline.config.rules import Data, Kind
from pipeline.data.ops import NumpyOps
from pipeline.data.preprocessing.category_columns import Embedded, OneHot, Ordinal, vocabulary_of
from pipeline.data.preprocessing.date_columns import Date
from pipeline.data.preprocessing.features import Feature, fit_feature
from pipeline.data.preprocessing.network_inputs import TableInputs
from pipeline.data.preprocessing.number_columns import Number, becomes_zero_one, imputation_of, unless_narrow
from pipeline.data.preprocessing.preprocessing import Preprocessing
from pipeline.data.preprocessing.scaling import LARGEST, ComposedTransform, flat, zero_one
from pipeline.data.preprocessing.scaling.statistics import BROADEST, NARROWEST
from pipeline.data.preprocessing.scaling.targets import OutputScaler
from pipeline.data.preprocessing.scaling.transforms import Affine, Clip
from pipeline.data.reading.dates import format_of
from pipeline.data.reading.raw_columns import RawColumn, TextArray
from pipeline.data.streaming.running_statistics import Numbers, Texts
from pipeline.errors import DataError

log = logging.getLogger(__name__)


def refined(
    fitted: Preprocessing, inputs: Mapping[str, Numbers | Texts], targets: Mapping[str, Numbers], config: Data
) -> Preprocessing:
    """The preprocessing with the statistics of all training rows.

    Args:
        fitted: Preprocessing that was fitted on a sample.
        inputs: Statistics by input column.
        targets: Statistics by target of a regression; empty for classes, which are not scaled.
        config: The data section.
    """
    assert isinstance(fitted.inputs, TableInputs)
    features = []
    for feature in fitted.inputs.features:
        known, kind = inputs[feature.column], fitted.inputs.kinds[feature.column]
        features.append(_feature(_varied(feature, known, kind, config), known, kind, config))
    features.sort(key=lambda feature: isinstance(feature, Embedded))
    return Preprocessing(
        replace(fitted.inputs, features=tuple(features)), _outputs(fitted.outputs, list(targets.values()), config)
    )


def _varied(feature: Feature, known: Numbers | Texts, kind: Kind, config: Data) -> Feature:
    """Refits the feature of a column with one category or date in the sample and several in all rows.

    Raises:
        DataError: The sample has a date, and other rows other text.
    """
    if not (isinstance(feature, Ordinal) and len(feature.vocabulary) == 1 and known.counts and len(known.counts) > 1):
        return feature
    levels = list(known.counts)
    values: RawColumn = TextArray.of(map(str, levels)) if isinstance(known, Texts) else np.array(levels, np.float64)
    if kind == "date" and isinstance(values, TextArray) and format_of(values.levels) is None:
        others = [text for text in levels if text not in feature.vocabulary.values][:3]
        raise DataError(
            f"column {feature.column!r} has dates and other text: {', '.join(map(repr, others))}; correct it, or set "
            f"{by_column('data.column_kinds', {feature.column: 'category'})}"
        )
    return fit_feature(feature.column, values, kind, config, None)


def _feature(feature: Feature, known: Numbers | Texts, kind: Kind, config: Data) -> Feature:
    if isinstance(feature, Number) and isinstance(known, Numbers):
        return _number(feature, known, kind, config)
    if isinstance(feature, OneHot | Embedded | Ordinal) and known.counts is not None:
        return _category(feature, known, config)
    if isinstance(feature, Date) and isinstance(known, Texts):
        _require_dates(feature, known)
    return feature


def _number(feature: Number, known: Numbers, kind: Kind, config: Data) -> Number:
    way = imputation_of(feature.column, kind, config)
    fill = known.mean if way == "mean" and known.n and np.isfinite(known.mean) else feature.fill
    if way == "most_frequent" and known.counts:
        fill = max(known.counts, key=lambda value: (known.counts[value], -value))  # type: ignore[index]
    scaling = config.input_scaling.of(feature.column)
    whole = known.with_gaps_as(fill)
    if whole.low == whole.high:
        chain = flat(fill)
    elif becomes_zero_one(feature.column, config) and known.counts is not None and len(known.counts) == 2:
        chain = zero_one(known.low, known.high, config.clip)
    elif feature.scaling.is_flat or feature.scaling.is_zero_one:  # the sample has only one or two values
        bounded = ComposedTransform((Affine(0.0, 1.0), Clip(LARGEST if config.clip is None else config.clip)))
        log.info("column %r: the sample has too few values, so all rows standardize it", feature.column)
        chain = _chain(bounded, whole, "minmax" if scaling == "minmax" else "standard")
    else:
        chain = _chain(feature.scaling, whole, str(scaling))
    chain = unless_narrow(chain, fill, (whole.low, whole.high), config)
    indicator = bool(config.missing_indicator and known.n_gaps and known.n)
    return replace(feature, fill=fill, indicator=indicator, scaling=chain)


def _chain(chain: ComposedTransform, known: Numbers, scaling: str) -> ComposedTransform:
    """The transform with the shift and scale of all rows, if it is a straight line from moments or ends."""
    shift, scale = {
        "standard": (known.mean, known.deviation),
        "minmax": (known.low, known.high - known.low),
    }.get(scaling, (np.nan, np.nan))
    if not (np.isfinite(shift) and np.isfinite(scale)) or not known.n:
        return chain
    if known.low == known.high:
        shift, scale = known.low, 1.0
    affine = Affine(float(shift), float(min(scale, BROADEST)) if scale > NARROWEST else 1.0)
    return replace(chain, steps=(affine, *chain.steps[1:]))


def _category(feature: OneHot | Embedded | Ordinal, known: Numbers | Texts, config: Data) -> Feature:
    if not known.counts:
        return feature
    dtype = object if isinstance(known, Texts) else np.float64
    values, counts = np.array(list(known.counts), dtype), np.array(list(known.counts.values()))
    vocabulary = vocabulary_of(feature.column, values, counts, config.max_categories)
    if not isinstance(feature, Ordinal):
        return replace(feature, vocabulary=vocabulary)
    index = vocabulary.index(NumpyOps(), values)
    there, weight = index[index >= 0], counts[index >= 0]
    mean = float(np.average(there, weights=weight))
    deviation = float(np.sqrt(np.average(np.square(there - mean), weights=weight))) or 1.0
    return replace(feature, vocabulary=vocabulary, mean=mean, deviation=deviation)


def _outputs(outputs: OutputScaler, known: list[Numbers], config: Data) -> OutputScaler:
    if not known:
        return outputs
    scaled = _scaled_outputs(outputs, known, config)
    return scaled.within([(n.low, n.high) for n in known]) if outputs.keeps_range else scaled


def _scaled_outputs(outputs: OutputScaler, known: list[Numbers], config: Data) -> OutputScaler:
    if not outputs.is_affine or not isinstance(config.output_scaling, str):
        return outputs
    chains = tuple(_chain(chain, n, config.output_scaling) for chain, n in zip(outputs.chains, known, strict=True))
    worth = np.array([chain.steps[0].scale for chain in chains if isinstance(chain.steps[0], Affine)])
    return replace(outputs, chains=chains, units_per_scaled=worth)


def _require_dates(feature: Date, known: Texts) -> None:
    """Raises DataError if text that the sample lacks is not a date."""
    texts = np.array([text for text in known.counts if text], dtype=object)
    wrong = texts[np.isnan(feature.written.days(NumpyOps(), texts))]
    if len(wrong):
        raise DataError(
            f"column {feature.column!r} has {len(wrong)} values that are not dates as {feature.written.name}: "
            f"{', '.join(map(repr, wrong[:3]))}; correct them, or set "
            f"{by_column('data.column_kinds', {feature.column: 'category'})}"
        )
