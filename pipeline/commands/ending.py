"""Exit codes of all commands: 0 for success, 1 or 2 with a message for a user's mistake."""

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence

from pipeline.errors import PipelineError, UsageError
from pipeline.runtime.atomic_files import own_temporary_files
from pipeline.runtime.program import program
from pipeline.runtime.signals import exit_code, signals_raise
from pipeline.runtime.stdout import lossy_output


@contextlib.contextmanager
def ends_tidily(*, prints_log: bool = False) -> Iterator[None]:
    """Turns a mistake into a message and exit code 1, or 2 for wrong arguments, as argparse does.

    Ctrl-C, SIGTERM, SIGHUP and a reader that closes the pipe, such as `head`, give the exit codes that shells expect.
    If the disk under standard output is full, work continues; a command that only prints exits with 1.

    Args:
        prints_log: Whether the output is only progress, which is also kept elsewhere.
    """
    try:
        with signals_raise(), own_temporary_files(), lossy_output() as output:
            output.is_log |= prints_log
            yield
            output.flush()
        if output.is_lost and not output.is_log:
            sys.exit(1)
    except UsageError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except PipelineError as error:
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python fails again when it flushes at exit
        sys.exit(128 + signal.SIGPIPE)


@contextlib.contextmanager
def tells_how_to_resume(command: str, words: Sequence[str], off: Sequence[str]) -> Iterator[None]:
    """Prints the command that resumes the work when Ctrl-C or another signal ends it.

    Args:
        command: Name of the command.
        words: Its arguments.
        off: Keys that are `off`, with which the same command would start over.
    """
    try:
        yield
    except KeyboardInterrupt:
        from pipeline.runtime.console import (  # rich is slow to import, which --help avoids
            console,
            say_labelled,
        )

        kept = [word for word in words if word.partition("=")[0].lstrip("+") not in off]
        again = shlex.join([command, *kept, *(f"{key}=auto" for key in off)])
        say_labelled(console(), "resume with", f"{program()} {again}")
        raise
