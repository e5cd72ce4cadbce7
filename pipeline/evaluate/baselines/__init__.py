"""Baselines that every network should beat on the same rows: the mean, a linear model and gradient boosting."""

from pipeline.evaluate.baselines.background_fit import BackgroundFit, in_background
from pipeline.evaluate.baselines.comparison import BaselineComparison, compare_with_baselines

__all__ = ["BackgroundFit", "BaselineComparison", "compare_with_baselines", "in_background"]
