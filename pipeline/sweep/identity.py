"""What makes two trials the same: what their result follows from, and nothing else."""

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

ASIDE = {"baseline_seconds", "baselines", "tracking", *AROUND_RUNS}  # keys that no network depends on
FILES = {"path", "test_path"}  # of data: what is in them counts, not where they lie
OF_FIT = {"checkpoint", "resume"}  # and those of fit
# How overrides begin that are no part of a trial.
NO_PART = ("tracking.", *(f"{section}." for section in AROUND_RUNS), "fit.checkpoint=", "fit.resume=")
NO_JOBS = (*NO_PART, "hydra.", "hydra/launcher")  # nor make other jobs
# Of search: what decides which trials a search has. How many there are does not: more trials go on with it.
OF_A_STUDY = ("sampler", "seed", "pruner", "prune_from", "objectives", "width_of")


def trial_key(config: Config, dataset: Dataset) -> str:
    """The same for two jobs whose results must be the same: config, rows, split, package and code."""
    parts = {part: dataset.fingerprint_of(part) for part in dataset.n_rows}
    return digest([_without_places(config), dataset.fingerprint, parts, code()])


def replica_key(config: Config, dataset: Dataset) -> str:
    """The same for jobs that differ by chance only: in their seed, or in the fold that validates them."""
    values = _without_places(config)
    del values["seed"], values["data"]["split"]["seed"], values["data"]["split"]["fold"]
    return digest([values, dataset.fingerprint, code()])


def sweep_key(command: Command, origins: Mapping[str, str]) -> str:
    """The same for a command that is given again: its jobs, and what they follow from; a study has its name."""
    if command.config.search.study_name is not None:
        return digest(["study", command.config.search.study_name])
    return digest([_that_count(command.overrides), command.is_search, origins])


def is_same_command(overrides: str, others: str) -> bool:
    """Whether two sweeps have the same jobs by what was typed, each with blanks between; not what these follow from."""
    return _that_count(overrides.split(" ")) == _that_count(others.split(" "))


def origins_of(command: Command) -> dict[str, str]:
    """What the trials of a sweep follow from, by name; who goes on with a study must have all of it alike."""
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
    """Names of what a sweep follows from that is another thing than when it was begun."""
    names = [name for name, value in origins.items() if begun.get(name) != value]
    if "ranges" in names or "data" in names:  # with which the configuration changes too
        names = [name for name in names if name != "configuration"]
    return names


def _that_count(overrides: Iterable[str]) -> list[str]:
    lines = map(former.with_new_key, overrides)
    return sorted(line for line in lines if not line.lstrip("+~").startswith(NO_JOBS))


def _fingerprint(config: Config) -> str:
    """Of the first job's rows; a sweep whose data cannot be read begins anew when they can."""
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
