"""`tune`: the best model in a given time, an ensemble of randomly drawn networks."""

from pipeline.sweep.tune.time_budget import Tuned, tune

__all__ = ["Tuned", "tune"]
