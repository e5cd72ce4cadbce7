"""Checks overrides of Hydra's own keys, such as `hydra.sweep.dir`, for misspelt names."""

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from pipeline.config.composer import Composer
from pipeline.config.launchers import inspect_launcher
from pipeline.config.overrides import unknown_options
from pipeline.config.problems import keys_of_values, nearest_key
from pipeline.errors import ConfigError

ABSENT = object()
FREE_OF_HYDRA = ("hydra.job.env_set.", "hydra.sweeper.params.")  # prefixes of keys that the user names


def plain_words(overrides: Sequence[Override]) -> list[str]:
    """Returns the overrides with a single value, as typed."""
    return [str(override.input_line) for override in overrides if not override.is_sweep_override()]


def check_hydra(composer: Composer, overrides: Sequence[Override]) -> None:
    """Checks Hydra's groups and keys, except those of the launcher. Hydra would advise to add a misspelt key.

    Args:
        composer: Of the config files.
        overrides: Those that begin with `hydra`.

    Raises:
        ConfigError: A plugin or key does not exist.
    """
    groups, keys, problems = [], [], []
    for override in overrides:
        if options := composer.options_of(override.key_or_group):
            groups.append(override)
            problems += unknown_options(override, options)
        else:
            keys.append(override)
    problems = problems or (_unknown_keys(composer, groups, keys) if keys else [])
    if problems:
        raise ConfigError("\n".join(problems))


def _unknown_keys(composer: Composer, groups: Sequence[Override], keys: Sequence[Override]) -> list[str]:
    settings = composer.whole(plain_words(groups))
    unknown = [o.key_or_group for o in keys if OmegaConf.select(settings, o.key_or_group, default=ABSENT) is ABSENT]
    mistaken = [key for key in unknown if not key.startswith(FREE_OF_HYDRA)]
    values = OmegaConf.to_container(settings.hydra, resolve=False)
    assert isinstance(values, dict)
    known = [f"hydra.{key}" for key in keys_of_values({str(name): value for name, value in values.items()})]
    return [
        f"{key}: unknown key" + (f", did you mean '{near}'?" if (near := nearest_key(key, known)) else "")
        for key in mistaken
    ]


def launcher_problems(
    composer: Composer, launcher: DictConfig, keys: Sequence[Override], hydra: Sequence[str]
) -> list[str]:
    """Returns a line for each wrong key of the launcher.

    Args:
        composer: Of the config files.
        launcher: The section `hydra.launcher`, composed without these overrides.
        keys: Overrides of its keys.
        hydra: The other overrides of Hydra's keys.
    """
    problems = inspect_launcher(launcher, keys)
    if problems is None:  # a third-party launcher: Hydra knows its keys, and reports the first wrong one
        composer.whole([*hydra, *(str(key.input_line) for key in keys)])
        return []
    return problems
