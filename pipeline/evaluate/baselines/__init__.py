"""Is it any good? What every network should beat: the mean, a linear model, gradient boosting, on the same rows."""

from pipeline.evaluate.baselines.beside import Beside, beside
from pipeline.evaluate.baselines.standing import Standing, standing

__all__ = ["Beside", "Standing", "beside", "standing"]
