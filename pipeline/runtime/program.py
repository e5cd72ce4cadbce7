"""What this package's commands are called where they run, so that a command that is printed works when it is pasted."""

import shlex
import shutil
import sys
from pathlib import Path

SCRIPT = "dense-pipeline"  # that the installed package has


def program() -> str:
    """What the commands were called by: the script, or the interpreter, with its path where a shell has another one."""
    called = Path(sys.argv[0].removesuffix(" train").strip("'"))  # `train` writes there what Hydra is to show
    if called.name == SCRIPT:
        return SCRIPT if _is_found(SCRIPT, called) else _path(called)
    python = Path(sys.executable)
    return f"{'python' if _is_found('python', python) else _path(python)} -m pipeline"


def _is_found(name: str, program: Path) -> bool:
    """Whether a shell takes this program for the name."""
    found = shutil.which(name)
    return found is not None and Path(found).parent == program.absolute().parent


def _path(program: Path) -> str:
    """As short as a shell takes it."""
    absolute, here = program.absolute(), Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
