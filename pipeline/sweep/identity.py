"""Keys of trials and sweeps: equal if the results must be equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.config import Command, Config, former
from pipeline.config.code import code
from pipeline.config.rules import AROUND_RUNS
from pipeline.errors import PipelineError
from pipeline.runtime.digest import digest

if TYPE_CHECKING:
    from pipeline.data import Dataset

ASIDE = {"baseline_seconds", "baselines", "tracking", *AROUND_RUNS}  # keys that do not affect the network
FILES = {"path", "test_path"}  # keys of data: the contents count, not the paths
OF_FIT = {"checkpoint", "resume"}  # keys of fit that do not affect the network
# Prefixes of overrides that do not belong to a trial.
NO_PART = ("tracking.", *(f"{section}." for section in AROUND_RUNS), "fit.checkpoint=", "fit.resume=")
NO_JOBS = (*NO_PART, "hydra.", "hydra/launcher")  # prefixes of overrides that do not change the jobs
# Keys of search that decide which trials a search runs. `n_trials` is not among them: a larger number resumes it.
OF_A_STUDY = ("sampler", "seed", "pruner", "prune_from", "objectives", "width_of")


def trial_key(config: Config, dataset: Dataset) -> str:
    """Returns a key that is equal for jobs with equal results: of config, rows, split and code.

    Args:
        config: Of the job.
        dataset: Its rows.
    """
    parts = {part: dataset.fingerprint_of(part) for part in dataset.n_rows}
    return digest([_without_places(config), dataset.fingerprint, parts, code()])


def settings_key(config: Config) -> str:
    """Returns a key that is equal for jobs whose results are equal if they have the same rows and split.

    Args:
        config: Of the job.
    """
    return digest(_without_places(config))


def replica_key(config: Config, dataset: Dataset) -> str:
    """Returns a key that is equal for jobs that differ only in seed or validation fold.

    Args:
        config: Of the job.
        dataset: Its rows.
    """
    values = _without_places(config)
    del values["seed"], values["data"]["split"]["seed"], values["data"]["split"]["fold"]
    return digest([values, dataset.fingerprint, code()])


def sweep_key(command: Command, origins: Mapping[str, str]) -> str:
    """Returns a key that is equal for a repeated command: of its jobs and origins, or of the study's name.

    Args:
        command: The command.
        origins: From `origins_of`.
    """
    if command.config.search.study_name is not None:
        return digest(["study", command.config.search.study_name])
    return digest([_that_count(command.overrides), command.is_search, origins])


def is_same_command(overrides: str, others: str) -> bool:
    """Whether two sweeps have the same jobs, whatever their origins.

    Args:
        overrides: Of one sweep, separated by spaces.
        others: Of the other sweep, separated by spaces.
    """
    return _that_count(overrides.split(" ")) == _that_count(others.split(" "))


def origins_of(command: Command) -> dict[str, str]:
    """Returns digests of what a sweep's results depend on, by name; all must be equal to resume a study."""
    config = command.config
    search = config.search.model_dump(include=set(OF_A_STUDY)) if command.is_search else {}
    return {
        "data": _fingerprint(config),
        "ranges": digest(sorted(f"{key}={value}" for key, value in command.space.items())),
        "objective": digest([config.objective, search.pop("objectives", None)]),
        "settings of the search": digest(search),
        "configuration": digest(_without_places(config)),
        "code": code(),
    }


def differences(origins: Mapping[str, str], begun: Mapping[str, str]) -> list[str]:
    """Returns the names of the origins that changed since a sweep was started.

    Args:
        origins: As they are now.
        begun: As they were when the sweep was started.
    """
    names = [name for name, value in origins.items() if begun.get(name) != value]
    if "ranges" in names or "data" in names:  # which change the configuration too
        names = [name for name in names if name != "configuration"]
    return names


def _that_count(overrides: Iterable[str]) -> list[str]:
    lines = map(former.with_new_key, overrides)
    return sorted(line for line in lines if not line.lstrip("+~").startswith(NO_JOBS))


def _fingerprint(config: Config) -> str:
    """Returns the fingerprint of the first job's rows, or the error if they cannot be read."""
    from pipeline import data

    try:
        return data.load(config.data).fingerprint
    except PipelineError as error:
        return str(error)


def _without_places(config: Config) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(exclude=dict.fromkeys(ASIDE, True) | {"fit": OF_FIT})
    for section in (values["data"], values["data"]["split"]):
        for name in FILES & set(section):
            section[name] = section[name] is not None
    return values
