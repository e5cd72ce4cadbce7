"""Keys of Hydra's own on the command line, `hydra.sweep.dir` and the like: none that is misspelt gets through."""

from hydra import compose
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from pipeline.config.composed import composed, options_of
from pipeline.config.launchers import inspect_launcher
from pipeline.config.overrides import ABSENT
from pipeline.config.problems import keys_of_values, nearest_key

FREE_OF_HYDRA = ("hydra.job.env_set.", "hydra.sweeper.params.")  # below which keys are the user's


def unknown_to_hydra(name: str, overrides: list[Override]) -> list[str]:
    """A line for each of Hydra's own keys that is misspelt; Hydra would advise to add it."""
    keys = [override for override in overrides if not options_of(override.key_or_group)]
    if not keys:
        return []
    groups = [str(o.input_line) for o in overrides if o not in keys and not o.is_sweep_override()]
    settings = composed(name, groups)
    unknown = [o.key_or_group for o in keys if OmegaConf.select(settings, o.key_or_group, default=ABSENT) is ABSENT]
    mistaken = [key for key in unknown if not key.startswith(FREE_OF_HYDRA)]
    values = OmegaConf.to_container(settings.hydra, resolve=False)
    assert isinstance(values, dict)
    known = [f"hydra.{key}" for key in keys_of_values({str(name): value for name, value in values.items()})]
    return [
        f"{key}: unknown key" + (f", did you mean '{near}'?" if (near := nearest_key(key, known)) else "")
        for key in mistaken
    ]


def launcher_problems(launcher: DictConfig, keys: list[Override], name: str, hydra: list[str]) -> list[str]:
    """A line for each key of the launcher that is wrong."""
    problems = inspect_launcher(launcher, keys)
    if problems is None:  # a launcher of others: Hydra knows its keys, and tells of the first that is wrong
        compose(name, [*hydra, *(str(key.input_line) for key in keys)], return_hydra_config=True)
        return []
    return problems
