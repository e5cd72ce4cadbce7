"""How every command ends: well with exit code 0, by a mistake of its user's with a message and 1 or 2."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from pipeline.errors import PipelineError, UsageError
from pipeline.runtime.atomic_files import own_temporary_files
from pipeline.runtime.signals import exit_code, signals_raise
from pipeline.runtime.stdout import lossy_output


@contextlib.contextmanager
def ends_tidily(*, prints_log: bool = False) -> Iterator[None]:
    """Makes of a mistake a message and exit code 1, or 2 if the words themselves are wrong, as argparse does.

    Of Ctrl-C, SIGTERM, SIGHUP and a reader that has enough, such as `head`, it makes the exit code that shells expect.
    A disk that is full under what is printed ends no work; where that is all that the command is for, it ends with 1.

    Args:
        prints_log: Whether what is printed only tells how the work goes on, and is kept elsewhere.
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would stumble over it once more when it ends
        sys.exit(128 + signal.SIGPIPE)
