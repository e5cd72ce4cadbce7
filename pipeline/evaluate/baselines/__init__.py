"""Is it any good? What every network should beat: the mean, a linear model, gradient boosting, on the same rows."""

from pipeline.evaluate.baselines.background_fit import BackgroundFit, in_background
from pipeline.evaluate.baselines.comparison import BaselineComparison, compare_with_baselines

__all__ = ["BackgroundFit", "BaselineComparison", "compare_with_baselines", "in_background"]
