"""Hydra's options on a command line: `--multirun`, `--cfg`, `--config-dir` and others."""

import argparse
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from pipeline.config.quoting import as_typed
from pipeline.errors import UsageError, unknown_words
from pipeline.runtime.program import program


def options(words: Sequence[str]) -> argparse.Namespace:
    """Parses the options of a command line; `overrides` holds the other words.

    Raises:
        UsageError: An option is unknown, has a wrong value or excludes another; Hydra would print a traceback.
    """
    parser = get_args_parser()
    parser.exit_on_error = False
    try:
        args, unknown = parser.parse_known_intermixed_args(list(words))
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    if unknown:
        raise UsageError(unknown_words(unknown, parser._option_string_actions))
    if args.experimental_rerun:
        raise UsageError(f"--experimental-rerun: not supported; {program()} rerun RUN repeats a run")
    if args.resolve and not (args.cfg or args.help):
        raise UsageError("--resolve: needs --cfg, as in --cfg job --resolve")
    asked = {"--cfg": args.cfg, "--info": args.info, "--shell-completion": args.shell_completion, "--run": args.run}
    asked |= {"--multirun": args.run and args.multirun}
    if len(several := [name for name, given in asked.items() if given]) > 1:
        raise UsageError(f"{' and '.join(several)}: use only one of them")
    return args


def only_shows(words: Sequence[str]) -> bool:
    """Whether a command line only prints help or the config."""
    args = options(words)
    return bool(args.help or args.hydra_help or args.cfg or args.info or args.shell_completion)


def as_hydra_takes(words: Sequence[str]) -> list[str]:
    """Reorders words for Hydra, which needs options before overrides, and quotes texts that it would convert.

    Drops `--multirun` if the words only print help or the config.
    """
    between = options(words).overrides
    first = list(words)
    for word in between:
        first.remove(word)
    if only_shows(words):
        first = [word for word in first if word not in ("--multirun", "-m")]
    return [*first, *as_typed(between)]
