"""Scaling: a chain of transforms for each column, fitted on training rows, applied and inverted."""

from pipeline.data.preprocessing.scaling.chain import Chain
from pipeline.data.preprocessing.scaling.fitting import LARGEST, TRAINABLE, fit_scaling, fixed_scaling, flat, zero_one
from pipeline.data.preprocessing.scaling.matrix import Scaler
from pipeline.data.preprocessing.scaling.targets import OutputScaler
from pipeline.data.preprocessing.scaling.transforms import (
    Affine,
    Between,
    Clip,
    Log1p,
    Quantile,
    SmoothClip,
    Step,
    YeoJohnson,
)

__all__ = [
    "LARGEST",
    "TRAINABLE",
    "Affine",
    "Between",
    "Chain",
    "Clip",
    "Log1p",
    "OutputScaler",
    "Quantile",
    "Scaler",
    "SmoothClip",
    "Step",
    "YeoJohnson",
    "fit_scaling",
    "fixed_scaling",
    "flat",
    "zero_one",
]
