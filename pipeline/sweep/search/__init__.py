"""The search: a Hydra sweeper on Optuna's ask-and-tell interface. Only this folder imports Optuna, and late."""

from pipeline.sweep.search.plugin import register

__all__ = ["register"]
