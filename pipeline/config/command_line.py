"""Options among the words of a command line, which are Hydra's: `--multirun`, `--cfg`, `--config-dir` and others."""

import argparse
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from pipeline.config.quoting import as_typed
from pipeline.errors import UsageError, unknown_words


def options(words: Sequence[str]) -> argparse.Namespace:
    """The options by their names, and as `overrides` the words between them.

    Raises:
        UsageError: There is no such option, its value is wrong, or some do not go together: Hydra would tell of that
            by a traceback.
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
        raise UsageError("--experimental-rerun: not here; python -m pipeline rerun RUN repeats a run")
    if args.resolve and not (args.cfg or args.help):
        raise UsageError("--resolve: belongs to --cfg, as in --cfg job --resolve")
    asked = {"--cfg": args.cfg, "--info": args.info, "--shell-completion": args.shell_completion, "--run": args.run}
    asked |= {"--multirun": args.run and args.multirun}
    if len(several := [name for name, given in asked.items() if given]) > 1:
        raise UsageError(f"{' and '.join(several)}: only one at a time")
    return args


def only_shows(words: Sequence[str]) -> bool:
    """Whether a command line asks for help or for the config, and so runs nothing."""
    args = options(words)
    return bool(args.help or args.hydra_help or args.cfg or args.info or args.shell_completion)


def as_hydra_takes(words: Sequence[str]) -> list[str]:
    """The same words with the options first, which Hydra does not take between others, and texts as they are typed.

    Where they only ask for something to be shown, they do not ask for a sweep as well.
    """
    between = options(words).overrides
    first = list(words)
    for word in between:
        first.remove(word)
    if only_shows(words):
        first = [word for word in first if word not in ("--multirun", "-m")]
    return [*first, *as_typed(between)]
