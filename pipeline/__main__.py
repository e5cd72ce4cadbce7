"""`python -m pipeline COMMAND`, also installed as `dense-pipeline COMMAND`: experiments with dense networks."""

from __future__ import annotations

import difflib
import importlib
import sys

from pipeline import __version__

COMMANDS = {
    "train": "train, log and export one experiment",
    "sweep": "train one run per combination of values, or search among them",
    "study": "answer a question of the textbooks by a sweep and a picture",
    "compare": "rank finished runs, and say whether the best is the best",
    "export": "export a model for TensorFlow Serving, LiteRT or ONNX",
    "predict": "predict the rows of a file",
    "evaluate": "score a model on newly labelled rows",
    "register": "register the model of a run",
    "promote": "give an alias to a registered version",
    "serve": "serve a model over HTTP",
    "rerun": "repeat a run from the config that it logged",
    "ui": "open MLflow on the runs",
    "version": "print the version",
}


def main() -> None:
    """Hands what was typed to the command that it names."""
    name, *words = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help", "help"):
        print(_help())
    elif name in ("--version", "version"):
        print(__version__)
    elif name in COMMANDS:
        importlib.import_module(f"pipeline.commands.{name}").main(words)
    else:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else "; the commands are " + ", ".join(COMMANDS)
        sys.exit(f"there is no command {name!r}{hint}")


def _help() -> str:
    lines = [f"  {name:10}{about}" for name, about in COMMANDS.items()]
    return "\n".join(
        ["usage: python -m pipeline COMMAND [...]", "", *lines, "", "python -m pipeline COMMAND --help tells the rest"]
    )


if __name__ == "__main__":
    main()
