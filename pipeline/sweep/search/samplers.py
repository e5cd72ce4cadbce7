"""Optuna's samplers and pruners by the names of conf/config.yaml."""

import numpy as np
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler

from pipeline.config.search_rules import Search

KEPT_OF = 3  # successive halving and Hyperband: one trial of so many goes on (Li et al. 2018 take 3 or 4)
COMPARED_FROM = 5  # trials that must have ended before the median of trials says anything


def sampler_of(search: Search, place: int) -> BaseSampler:
    """The sampler of one trial: its chance follows from the seed and the trial's place, whenever it is asked for."""
    seed = int(np.random.SeedSequence([search.seed, place]).generate_state(1)[0])
    if search.sampler == "tpe":
        return TPESampler(seed=seed)
    if search.sampler == "cmaes":
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return RandomSampler(seed=seed)  # never asked: these trials are drawn ahead


def pruner_of(search: Search, epochs: int) -> BasePruner:
    """The pruner of trials that have at most so many epochs."""
    if search.pruner == "median":
        return MedianPruner(n_startup_trials=COMPARED_FROM, n_warmup_steps=search.prune_from)
    if search.pruner == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=search.prune_from, reduction_factor=KEPT_OF)
    if search.pruner == "hyperband":
        return HyperbandPruner(
            min_resource=search.prune_from, max_resource=max(epochs, search.prune_from), reduction_factor=KEPT_OF
        )
    return NopPruner()
