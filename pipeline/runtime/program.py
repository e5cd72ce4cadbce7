"""How to call this package's commands here, so that printed commands work when pasted."""

import shlex
import shutil
import sys
from pathlib import Path

SCRIPT = "dense-pipeline"  # of the installed package
MODULE = "python -m pipeline"
PACKAGE = Path(__file__).resolve().parents[1]


def program() -> str:
    """Returns how the command was called: script or interpreter, with its path if a shell finds another one."""
    called = Path(sys.argv[0].removesuffix(" train").strip("'"))  # `train` sets it for Hydra's messages
    if called.name == SCRIPT:
        return SCRIPT if _is_found(SCRIPT, called) else _path(called)
    python = Path(sys.executable)
    return f"{'python' if _is_found('python', python) else _path(python)} -m pipeline"


def stored_program() -> str:
    """Returns how to call the commands in texts that are stored and read elsewhere: without paths of this machine."""
    return SCRIPT if (PACKAGE / "conf").is_dir() else MODULE  # an installed wheel has the config files inside


def _is_found(name: str, program: Path) -> bool:
    """Whether a shell finds this program by the name."""
    found = shutil.which(name)
    return found is not None and Path(found).parent == program.absolute().parent


def _path(program: Path) -> str:
    """Returns the path, relative to the current folder if possible, quoted for a shell."""
    absolute, here = program.absolute(), Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
