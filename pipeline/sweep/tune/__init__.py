"""`tune`: the best model in a given time, an ensemble of networks that are drawn and trained one after the other."""

from pipeline.sweep.tune.time_budget import Tuned, tune

__all__ = ["Tuned", "tune"]
