"""Scaling: a chain of transforms for each column, fitted on training rows, applied and inverted."""

from pipeline.data.preprocessing.scaling.composed_transform import ComposedTransform
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
    Transform,
    YeoJohnson,
)

__all__ = [
    "LARGEST",
    "TRAINABLE",
    "Affine",
    "Between",
    "Clip",
    "ComposedTransform",
    "Log1p",
    "OutputScaler",
    "Quantile",
    "Scaler",
    "SmoothClip",
    "Transform",
    "YeoJohnson",
    "fit_scaling",
    "fixed_scaling",
    "flat",
    "zero_one",
]
