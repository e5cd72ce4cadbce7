"""How every command ends: well with exit code 0, by a mistake of its user's with a message and 1 or 2."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from pipeline.errors import PipelineError, UsageError
from pipeline.runtime.files import own_temporary_files
from pipeline.runtime.signals import exit_code, signals_raise


@contextlib.contextmanager
def ends_tidily() -> Iterator[None]:
    """Makes of a mistake a message and exit code 1, or 2 if the words themselves are wrong, as argparse does.

    Of Ctrl-C, SIGTERM, SIGHUP and a reader that has enough, such as `head`, it makes the exit code that shells expect.
    """
    try:
        with signals_raise(), own_temporary_files():
            yield
            sys.stdout.flush()
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
