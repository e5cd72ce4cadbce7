"""From conf/ and overrides to a checked Config; every mistake is found before Hydra stops at the first."""

import argparse
import contextlib
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
from pipeline.config.quoting import as_typed, how_to_quote, in_shell, quoted
from pipeline.config.ranges import DEPTH, WIDTH, Range, search_space, unsuitable
from pipeline.config.rules import Config
from pipeline.config.sweep_rules import Sweep
from pipeline.errors import ConfigError, UsageError

PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it in an installed wheel.
CONF = next(folder for folder in (PACKAGE / "conf", PACKAGE.parent / "conf") if folder.is_dir())
IN_CHECKOUT = CONF.parent == PACKAGE.parent


@dataclass(frozen=True)
class Command:
    """A command line that was found to be right."""

    config: Config  # of the only job, or of a sweep's first
    is_sweep: bool
    overrides: list[str]
    space: dict[str, Range]  # of a search; of a grid, the values that are combined
    is_search: bool
    for_hydra: dict[str, tuple[str, ...]]  # words that it would refuse though they are right, as it is to get them

    def as_hydra_gets(self, words: Iterable[str]) -> list[str]:
        """Words of the command line, or of a sweep in a config file."""
        return [one for word in words for one in self.for_hydra.get(word, (word,))]


def mlruns() -> Path:
    """Folder of all that runs leave behind: the checkout's, or for an installed wheel the current directory's."""
    return (CONF.parent if IN_CHECKOUT else Path.cwd()) / "mlruns"


OmegaConf.register_new_resolver("pipeline.mlruns", lambda: str(mlruns()), replace=True)


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
    except SystemExit:  # of --version, which argparse ends the process for
        raise UsageError("--version: ends a command line; load takes overrides, such as model.units=[64]") from None


def parse(arguments: Sequence[str]) -> Command:
    """Checks a whole command line, each value of a sweep included.

    Raises:
        ConfigError: Every mistake, a line each, by its full key.
    """
    args = options(arguments)
    with _as_config_errors():
        return _checked(_composer(args), as_typed(args.overrides), args.multirun)


def check_shown(arguments: Sequence[str]) -> None:
    """Checks what Hydra is only to show for keys of an earlier version, of which it would say that there are none.

    Raises:
        ConfigError: There are some, with their new names.
    """
    args = options(arguments)
    with _as_config_errors():
        files = _composer(args)
        typed, lines = former.in_words(files.parse(as_typed(args.overrides)), files.parse)
        lines += files.former_keys(plain_words([override for override in typed if _is_option(files, override)]))
    if lines:
        raise ConfigError("\n".join(lines))


def _composer(args: argparse.Namespace) -> Composer:
    """Of the folders that a command line names."""
    if args.config_dir and not Path(args.config_dir).is_dir():
        raise ConfigError(f"--config-dir: there is no folder {args.config_dir}")
    folder = Path(args.config_path).resolve() if args.config_path else CONF
    own_folder = Path(args.config_dir).resolve() if args.config_dir else None
    elsewhere = [word for word in args.overrides if word.lstrip("+").startswith("hydra.searchpath=")]
    return composer(args.config_name or "config", folder, own_folder, elsewhere)


def from_hydra(config: DictConfig) -> Config:
    """The checked Config of one composed by Hydra."""
    return check(resolved(config))


def from_yaml(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Config:
    """The checked Config of a whole composed configuration in a file, as a run logs it, with `key=value` overrides.

    Runs of earlier versions have logged fewer keys.
    """
    with _as_config_errors():
        config = former.complete(OmegaConf.load(Path(path)))
        parse = OverridesParser.create().parse_overrides
        parsed, problems = former.in_words(parse(as_typed(overrides)), parse)
        problems += [
            f"{o.input_line}: one value only; a sweep cannot be rerun" for o in parsed if o.is_sweep_override()
        ]
        problems = problems or [line for override in parsed for line in apply(config, override, override.value())]
    if problems:
        raise ConfigError("\n".join(problems))
    return from_hydra(config)


def to_yaml(config: Config) -> str:
    """A configuration as YAML, which `from_yaml` reads."""
    return OmegaConf.to_yaml(OmegaConf.create(config.model_dump()))


@contextlib.contextmanager
def _as_config_errors() -> Iterator[None]:
    """Hydra's and OmegaConf's own errors in our words."""
    try:
        yield
    except OverrideParseException as error:
        raise ConfigError(
            f"{error.override}: not an override such as key=value: {first_lines(error)}\n{how_to_quote(error.override)}"
        ) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(first_lines(error)) from None
    except (YAMLError, UnicodeDecodeError) as error:  # which name the file, or what is near the fault
        raise ConfigError(f"a config file is not YAML: {error}") from None


@dataclass(frozen=True)
class _Given:
    """The overrides of a command line by whom they are for."""

    own: list[Override]
    launcher: list[Override]  # keys that are Hydra's by their place, and ours by their meaning
    hydra: list[Override]


def _by_whom(overrides: Sequence[Override]) -> _Given:
    own = [override for override in overrides if not override.key_or_group.startswith("hydra")]
    launcher = [override for override in overrides if is_launcher_key(override)]
    return _Given(own, launcher, [override for override in overrides if override not in own + launcher])


def _checked(files: Composer, words: list[str], multirun: bool) -> Command:
    """Composes every job that the overrides stand for and gathers what is wrong with any of them."""
    typed, former_words = former.in_words(files.parse(words), files.parse)
    given = _by_whom(typed)
    check_hydra(files, given.hydra)
    hydra = plain_words(given.hydra)
    settings = files.settings(hydra, plain_words([o for o in given.own if _is_option(files, o)]))
    is_search = settings.runtime.choices["hydra/sweeper"] == "search"
    is_sweep = multirun or settings.mode == RunMode.MULTIRUN
    of_file = files.parse(_of_file(settings, given.own) if is_sweep else [])
    own = [*given.own, *former.in_words(of_file, files.parse)[0]]  # whose former keys are told of with their file
    jobs = checked_jobs(files, own, is_search)
    space = search_space(own, files.options_of)[0] if is_sweep else {}
    problems = [
        *former_words,
        *jobs.problems,
        *_misplaced_sweep(own, is_sweep, is_search),
        *launcher_problems(files, settings.launcher, given.launcher, hydra),
        *(_unsuitable(jobs.configs, space, is_search) if is_sweep and jobs.configs else []),
        *(_too_many(own, jobs.configs[0].sweep) if is_sweep and jobs.configs and not is_search else []),
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return Command(jobs.configs[0], is_sweep, words, space, is_search, jobs.for_hydra)


def _is_option(files: Composer, override: Override) -> bool:
    """Whether an override picks files that there are."""
    options = files.options_of(override.key_or_group)
    return bool(options) and not unknown_options(override, options)


def _unsuitable(configs: Sequence[Config], space: dict[str, Range], is_search: bool) -> list[str]:
    """What of a sweep does not go together."""
    lines = []
    if not is_search and configs[0].search.study_name is not None:
        lines.append("search.study_name: is for hydra/sweeper=search; leave it out: a grid goes on by its own command")
    architectures = list(dict.fromkeys(config.model.name for config in configs))
    return lines + unsuitable(space, configs[0].search, architectures, is_search)


def _too_many(overrides: Sequence[Override], sweep: Sweep) -> list[str]:
    """A line where a grid has more jobs than were reckoned with."""
    total = math.prod(n_values(override) for override in overrides if override.is_sweep_override())
    if total <= sweep.max_trials:
        return []
    return [
        f"sweep.max_trials: {total:,} jobs are more than {sweep.max_trials:,}; add sweep.max_trials={total}, or draw "
        "some of them with hydra/sweeper=search search.sampler=random search.n_trials=100"
    ]


def _of_file(settings: DictConfig, given: Sequence[Override]) -> list[str]:
    """The overrides of a sweep that a config file gives and the command line does not."""
    typed = {override.key_or_group for override in given}
    return [f"{key}={value}" for key, value in (settings.sweeper.get("params") or {}).items() if key not in typed]


def _misplaced_sweep(overrides: list[Override], is_sweep: bool, is_search: bool) -> list[str]:
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not is_sweep:
        line = str(swept[0].input_line)
        key, _, value = line.partition("=")
        one = in_shell(f"{key}={quoted(value)}")
        return [f"{line}: several values make a sweep; add -m (command sweep), or quote a value with a comma: {one}"]
    if any(override.key_or_group == "tracking.uri" for override in swept):
        return ["tracking.uri: a sweep's runs lie in one store; give one address"]
    if is_search and any(override.key_or_group == "objective" for override in swept):
        return ["objective: decides which trial of a search is best; give one score, or several by search.objectives"]
    several = [o.key_or_group for o in swept if o.key_or_group.startswith(("sweep.", "search."))]
    return [f"{key}: belongs to the whole sweep; give one value" for key in several if key not in (DEPTH, WIDTH)]


def _config_dir_argument(config_dir: str | os.PathLike[str] | None) -> list[str]:
    return [] if config_dir is None else ["--config-dir", os.fspath(config_dir)]
