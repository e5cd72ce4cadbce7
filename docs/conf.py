"""How Sphinx builds the documentation: `make docs`. What a page says of the code is written while it is built."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx

import pipeline
from pipeline.commands import COMMANDS

sys.path.insert(0, str(Path(__file__).resolve().parent))
import imports  # the file beside this one

project = "dense-pipeline"
version = release = pipeline.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"dense-pipeline {release}"
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"

README = Path(__file__).resolve().parents[1] / "README.md"
BY_HYDRA = ("train", "sweep")  # their help is the composed config


def commands() -> str:
    """The help of every command, as it prints it."""
    os.environ["COLUMNS"] = "110"  # the width that argparse breaks lines at
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # or help names the interpreter's path
    parts = []
    for name, about in COMMANDS.items():
        module = importlib.import_module(f"pipeline.commands.{name}")
        if name in BY_HYDRA:
            shown = f"usage: python -m pipeline {name} [key=value ...]\n\n{about}\n"
        elif name == "tune":
            shown = module.HELP.format(program="python -m pipeline")
        else:
            shown = module.parser().format_help()
        parts.append(f"## {name}\n\n```text\n{shown}```\n")
    return "\n".join(parts)


def readme() -> str:
    """The README, with its links as they are in docs/."""
    text = README.read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](CHANGELOG.md)", "](changelog.md)")


WRITTEN: dict[str, Callable[[], str]] = {"commands": commands, "readme": readme, "imports": imports.table}


def fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """Puts what is written of the code in the place of its mark, `<!-- written: NAME -->`."""
    for name, write in WRITTEN.items():
        mark = f"<!-- written: {name} -->"
        if mark in source[0]:
            source[0] = source[0].replace(mark, write())


def setup(app: Sphinx) -> None:
    """Sphinx calls this first."""
    app.connect("source-read", fill_in)
