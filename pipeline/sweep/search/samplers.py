"""Optuna's samplers and pruners by the names of conf/config.yaml."""

import numpy as np
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler

from pipeline.config.search_rules import Search

KEPT_OF = 3  # successive halving and Hyperband keep one of so many trials (Li et al. 2018 use 3 or 4)
COMPARED_FROM = 5  # trials that must have ended before the median pruner starts


def sampler_of(search: Search, place: int) -> BaseSampler:
    """Returns the sampler of one trial, whose random state depends only on the seed and the trial's place.

    Args:
        search: Name of the sampler, and seed.
        place: Of the trial, from 0.
    """
    seed = int(np.random.SeedSequence([search.seed, place]).generate_state(1)[0])
    if search.sampler == "tpe":
        return TPESampler(seed=seed)
    if search.sampler == "cmaes":
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return RandomSampler(seed=seed)  # never used: these trials are drawn ahead


def pruner_of(search: Search, epochs: int) -> BasePruner:
    """Returns the pruner of a search.

    Args:
        search: Name of the pruner, and its first epoch.
        epochs: Maximum number of epochs of a trial.
    """
    if search.pruner == "median":
        return MedianPruner(n_startup_trials=COMPARED_FROM, n_warmup_steps=search.prune_from)
    if search.pruner == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=search.prune_from, reduction_factor=KEPT_OF)
    if search.pruner == "hyperband":
        return HyperbandPruner(
            min_resource=search.prune_from, max_resource=max(epochs, search.prune_from), reduction_factor=KEPT_OF
        )
    return NopPruner()
