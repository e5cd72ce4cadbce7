"""Runs command lines one after another in a process of its own; see command_process.py.

A line of JSON in, `{"command": "train", "arguments": [...], "interrupt_at": null}`; one out, `{"code": 0, "out": ""}`.
"""

import importlib
import json
import os
import sys
import tempfile
from typing import Any

from pipeline import track


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Runs a command with these arguments; Ctrl-C comes in the epoch of that number, counted over all trials."""
    log_epoch, calls = track.Run.log_epoch, []

    def interrupted(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == asked["interrupt_at"]:
            raise KeyboardInterrupt
        log_epoch(*arguments)

    track.Run.log_epoch = interrupted  # type: ignore[method-assign]
    code: str | int | None = 0
    try:
        importlib.import_module(f"pipeline.commands.{asked['command']}").main(asked["arguments"])
    except SystemExit as ended:
        code = ended.code
    finally:
        track.Run.log_epoch = log_epoch  # type: ignore[method-assign]
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return {"code": 1 if isinstance(code, str) else code or 0}


def main() -> None:
    """Answers until there are no more lines."""
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            reply = answer(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            out.seek(0)
            print(json.dumps(reply | {"out": out.read()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
