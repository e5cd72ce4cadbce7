"""A process that runs command lines one after another, by commands.py: libraries are imported once for all of them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from support.places import ROOT

Commands = Callable[..., tuple[int, str]]


@contextlib.contextmanager
def command_process(folder: Path = ROOT, **variables: str) -> Iterator[Commands]:
    """Starts it in a folder, with environment variables of its own, until the end of the block.

    What it gives takes a command's name and words, and gives its exit code and all that it printed. With
    `interrupt_at`, Ctrl-C comes in the epoch of that number, counted over all trials.
    """
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(
        [sys.executable, "-m", "support.commands"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=folder, env=os.environ | environment | variables,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        requests, replies = process.stdin, process.stdout

        def run(command: str, *words: str, interrupt_at: int | None = None) -> tuple[int, str]:
            asked = {"command": command, "arguments": words, "interrupt_at": interrupt_at}
            print(json.dumps(asked), file=requests, flush=True)
            ended = json.loads(replies.readline())
            return ended["code"], ended["out"]

        yield run
        requests.close()
