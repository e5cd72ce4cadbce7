"""The search: a sweeper of Hydra's on Optuna's ask and tell. Optuna is imported in this folder alone, and late."""

from pipeline.sweep.search.plugin import register

__all__ = ["register"]
