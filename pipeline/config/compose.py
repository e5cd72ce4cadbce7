"""Composes a checked Config from conf/ and overrides, and reports all mistakes, not only Hydra's first."""

import argparse
import contextlib
import logging
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.config import former
from pipeline.config.command_line import options
from pipeline.config.composer import Composer, composer
from pipeline.config.hydra_keys import check_hydra, launcher_problems, plain_words
from pipeline.config.job_list import checked_jobs, resolved
from pipeline.config.launchers import is_launcher_key
from pipeline.config.overrides import apply, first_lines, n_values, unknown_options
from pipeline.config.problems import check
from pipeline.config.quoting import as_typed, how_to_quote
from pipeline.config.ranges import DEPTH, WIDTH, Range, search_space, unsuitable
from pipeline.config.rules import OF_COMMANDS, RESERVED, Config
from pipeline.config.studies import TAG
from pipeline.config.sweep_rules import Sweep
from pipeline.config.unused import as_sweep, of_others
from pipeline.errors import ConfigError, UsageError
from pipeline.runtime.program import program

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it in an installed wheel.
CONF = next(folder for folder in (PACKAGE / "conf", PACKAGE.parent / "conf") if folder.is_dir())
IN_CHECKOUT = CONF.parent == PACKAGE.parent

SERIAL = "basic"  # Hydra's own launcher: one job after another in this process


@dataclass(frozen=True)
class Command:
    """A checked command line."""

    config: Config  # of the only job, or of a sweep's first
    is_sweep: bool
    overrides: list[str]
    space: dict[str, Range]  # ranges of a search, or the values that a grid combines
    is_search: bool
    for_hydra: dict[str, tuple[str, ...]]  # words that Hydra would refuse or misread, and their replacements
    launcher: str  # option of `hydra/launcher`

    def as_hydra_gets(self, words: Iterable[str]) -> list[str]:
        """Replaces words, of the command line or a config file's sweep, by those that Hydra reads correctly."""
        return [one for word in words for one in self.for_hydra.get(word, (word,))]


def mlruns() -> Path:
    """Returns the folder for all output of runs: in the checkout, or for an installed wheel in the current folder."""
    return (CONF.parent if IN_CHECKOUT else Path.cwd()) / "mlruns"


OmegaConf.register_new_resolver("pipeline.mlruns", lambda: str(mlruns()), replace=True)
OmegaConf.register_new_resolver("pipeline.program", program, replace=True)


def load(*overrides: str, config_dir: str | os.PathLike[str] | None = None) -> Config:
    """Composes and checks an experiment, as the command line would.

    Args:
        *overrides: Hydra overrides, such as `"experiment=california"` or `"model.units=[64]"`.
        config_dir: Folder of your own config files, searched after conf/; as `--config-dir`.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.

    Example:
        >>> from pipeline import load
        >>> load("data=iris", "model.units=[16]").model.units
        [16]
        >>> load("fit.epoch=3")
        Traceback (most recent call last):
            ...
        pipeline.errors.ConfigError: fit.epoch: unknown key, did you mean 'fit.epochs'?
    """
    try:
        return parse([*_config_dir_argument(config_dir), *overrides]).config
    except SystemExit:  # argparse exits after --version
        raise UsageError("--version: ends a command line; load takes overrides, such as model.units=[64]") from None


def parse(arguments: Sequence[str], command: str | None = None) -> Command:
    """Checks a whole command line, including each value of a sweep.

    Args:
        arguments: Overrides and Hydra's options.
        command: Name of the command, whose unused keys are reported; None for a config without a command.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    args = options(arguments)
    with _as_config_errors():
        return _checked(_composer(args), as_typed(args.overrides), args.multirun, command)


def check_shown(arguments: Sequence[str]) -> None:
    """Checks a command line that only prints the config for keys of earlier versions, which Hydra does not know.

    Raises:
        ConfigError: Keys of earlier versions, with their new names.
    """
    args = options(arguments)
    with _as_config_errors():
        files = _composer(args)
        typed, lines = former.in_words(files.parse(as_typed(args.overrides)), files.parse)
        lines += files.former_keys(plain_words([override for override in typed if _is_option(files, override)]))
    if lines:
        raise ConfigError("\n".join(lines))


def _composer(args: argparse.Namespace) -> Composer:
    """Returns the composer for the folders that a command line names."""
    if args.config_dir and not Path(args.config_dir).is_dir():
        raise ConfigError(f"--config-dir: the folder {args.config_dir} does not exist")
    folder = Path(args.config_path).resolve() if args.config_path else CONF
    own_folder = Path(args.config_dir).resolve() if args.config_dir else None
    elsewhere = [word for word in args.overrides if word.lstrip("+").startswith("hydra.searchpath=")]
    return composer(args.config_name or "config", folder, own_folder, elsewhere)


def from_hydra(config: DictConfig) -> Config:
    """Checks a config that Hydra has composed."""
    return check(resolved(config))


def from_yaml(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """Reads and checks a complete composed config, such as a run logs; adds keys that earlier versions did not log.

    Args:
        path: The YAML file.
        overrides: Changes to it, `key=value`.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    with _as_config_errors():
        config = former.complete(OmegaConf.load(Path(path)))
        parse = OverridesParser.create().parse_overrides
        parsed, problems = former.in_words(parse(as_typed(overrides)), parse)
        problems += [
            f"{o.input_line}: one value only; a sweep cannot be rerun" for o in parsed if o.is_sweep_override()
        ]
        problems += [
            f"{o.input_line}: a rerun takes single keys, as in fit.epochs=100; use train to choose files"
            for o in parsed
            if _chooses_a_file(o)
        ]
        problems = problems or [line for override in parsed for line in apply(config, override, override.value())]
    if problems:
        raise ConfigError("\n".join(problems))
    for line in of_others(parsed, "rerun", is_sweep=False, is_search=False):
        log.warning(line)
    return from_hydra(config)


def to_yaml(config: Config) -> str:
    """Writes a config as YAML, which `from_yaml` reads."""
    return OmegaConf.to_yaml(OmegaConf.create(config.model_dump()))


@contextlib.contextmanager
def _as_config_errors() -> Iterator[None]:
    """Turns errors of Hydra, OmegaConf and YAML into ConfigError."""
    try:
        yield
    except OverrideParseException as error:
        raise ConfigError(
            f"{error.override}: not an override such as key=value: {first_lines(error)}\n{how_to_quote(error.override)}"
        ) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(first_lines(error) + former.of_missing_file(str(error))) from None
    except (YAMLError, UnicodeDecodeError) as error:  # their messages name the file or the position
        raise ConfigError(f"a config file is not YAML: {error}") from None


@dataclass(frozen=True)
class _Given:
    """The overrides of a command line, by who handles them."""

    own: list[Override]
    launcher: list[Override]  # keys in Hydra's section that this package checks
    hydra: list[Override]


@dataclass(frozen=True)
class _How:
    """How the jobs of a command line run."""

    is_sweep: bool
    is_search: bool
    swept: list[Override]  # by a config file
    problems: list[str]  # of the launcher, a line each
    launcher: str


def _by_whom(overrides: Sequence[Override]) -> _Given:
    own = [override for override in overrides if not override.key_or_group.startswith("hydra")]
    launcher = [override for override in overrides if is_launcher_key(override)]
    return _Given(own, launcher, [override for override in overrides if override not in own + launcher])


def _checked(files: Composer, words: list[str], multirun: bool, command: str | None) -> Command:
    """Composes and checks every job of the overrides, and collects the problems of all."""
    typed, former_words = former.in_words(files.parse(words), files.parse)
    given = _by_whom(typed)
    check_hydra(files, given.hydra)
    how = _how(files, given, multirun)
    own = [*given.own, *former.in_words(how.swept, files.parse)[0]]  # former keys of a file are reported with the file
    jobs = checked_jobs(files, own, how.is_search)
    space = search_space(own, files.options_of)[0] if how.is_sweep else {}
    problems = [
        *former_words,
        *jobs.problems,
        *(line for config in jobs.configs for line in _tags_of_commands(config, own)),
        *_misplaced_sweep(own, how.is_sweep, how.is_search, command),
        *_unused(given.own, how, command),
        *how.problems,
        *(_unsuitable(jobs.configs, space, how.is_search) if how.is_sweep and jobs.configs else []),
        *(_too_many(own, jobs.configs[0].sweep) if how.is_sweep and jobs.configs and not how.is_search else []),
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    for note in jobs.notes:
        log.warning(note)
    return Command(jobs.configs[0], how.is_sweep, words, space, how.is_search, jobs.for_hydra, how.launcher)


def _how(files: Composer, given: _Given, multirun: bool) -> _How:
    """Reads how to run from Hydra's section, which takes long to compose, unless nothing sets it."""
    groups = plain_words([override for override in given.own if _is_option(files, override)])
    if not (given.hydra or given.launcher or files.have_settings(groups)):
        return _How(multirun, is_search=False, swept=[], problems=[], launcher=SERIAL)
    hydra = plain_words(given.hydra)
    settings = files.settings(hydra, groups)
    is_sweep = multirun or settings.mode == RunMode.MULTIRUN
    return _How(
        is_sweep,
        is_search=settings.runtime.choices["hydra/sweeper"] == "search",
        swept=files.parse(_of_file(settings, given.own) if is_sweep else []),
        problems=launcher_problems(files, settings.launcher, given.launcher, hydra),
        launcher=settings.runtime.choices["hydra/launcher"],
    )


def _chooses_a_file(override: Override) -> bool:
    """Whether an override names a file of a config group, rather than the values of the section."""
    key = override.key_or_group
    return key.startswith("hydra") or ((CONF / key).is_dir() and isinstance(override.value(), str))


def _is_option(files: Composer, override: Override) -> bool:
    """Whether an override selects existing files of a config group."""
    options = files.options_of(override.key_or_group)
    return bool(options) and not unknown_options(override, options)


def _unsuitable(configs: Sequence[Config], space: dict[str, Range], is_search: bool) -> list[str]:
    """Returns a line for each conflict within a sweep."""
    lines = []
    if not is_search and configs[0].search.study_name is not None:
        lines.append(
            "search.study_name: applies to searches only; a grid resumes when its command is repeated. Omit it, or add "
            "hydra/sweeper=search"
        )
    architectures = list(dict.fromkeys(config.model.name for config in configs))
    return lines + unsuitable(space, configs[0].search, architectures, is_search)


def _tags_of_commands(config: Config, overrides: Sequence[Override]) -> list[str]:
    """Returns a line for each tag that only a command may set, such as `study` to the name of the study that runs."""
    studies = [override.value() for override in overrides if override.key_or_group == "study"]
    set_here = {name for name, value in config.tracking.tags.items() if not (name == TAG and value in studies)}
    return [f"tracking.tags: {name} {RESERVED}" for name in sorted(set_here & OF_COMMANDS)]


def _unused(overrides: Sequence[Override], how: _How, command: str | None) -> Iterator[str]:
    """Yields a line for each typed key that the command does not use; none for a config without a command."""
    if command is not None:
        yield from of_others(overrides, command, is_sweep=how.is_sweep, is_search=how.is_search)


def _too_many(overrides: Sequence[Override], sweep: Sweep) -> list[str]:
    """Returns a line if a grid has more jobs than `sweep.max_trials`."""
    total = math.prod(n_values(override) for override in overrides if override.is_sweep_override())
    if total <= sweep.max_trials:
        return []
    return [
        f"sweep.max_trials: the sweep has {total:,} jobs, over {sweep.max_trials:,}; add sweep.max_trials={total}, "
        "or draw some of them with hydra/sweeper=search search.sampler=random search.n_trials=100"
    ]


def _of_file(settings: DictConfig, given: Sequence[Override]) -> list[str]:
    """Returns the sweep of a config file, without the keys that the command line gives."""
    typed = {override.key_or_group for override in given}
    return [f"{key}={value}" for key, value in (settings.sweeper.get("params") or {}).items() if key not in typed]


def _misplaced_sweep(overrides: list[Override], is_sweep: bool, is_search: bool, command: str | None) -> list[str]:
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not is_sweep:
        return [as_sweep(swept[0], command)]
    if any(override.key_or_group == "tracking.uri" for override in swept):
        return ["tracking.uri: all runs of a sweep are logged to one store; give one address"]
    if is_search and any(override.key_or_group == "objective" for override in swept):
        return ["objective: a search ranks its trials by one score; give one, or several in search.objectives"]
    several = [o.key_or_group for o in swept if o.key_or_group.startswith(("sweep.", "search."))]
    return [f"{key}: applies to the whole sweep; give one value" for key in several if key not in (DEPTH, WIDTH)]


def _config_dir_argument(config_dir: str | os.PathLike[str] | None) -> list[str]:
    return [] if config_dir is None else ["--config-dir", os.fspath(config_dir)]
