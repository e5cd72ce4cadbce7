"""Dockerfiles as lists of instructions, and whether Docker can run what they make."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTRUCTIONS = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN",
    "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """One of a Dockerfile."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of its exec form, a JSON list; else what blanks stand between."""
        return [str(word) for word in json.loads(self.text)] if self.text.startswith("[") else self.text.split()


def instructions(path: Path) -> list[Instruction]:
    """A Dockerfile's, in order; lines that end in a backslash go on, comments do not count."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    parts = [line.split(maxsplit=1) for line in whole.splitlines() if line.strip()]
    return [Instruction(name, text) for name, text in parts]


def needs_docker(*words: str) -> None:
    """Skips a test, with the reason, where Docker cannot build and run, or lacks a command such as `compose`."""
    if shutil.which("docker") is None:
        pytest.skip("Docker is not installed")
    for asked in (("info",), *((word, "version") for word in words)):
        done = subprocess.run(["docker", *asked], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            pytest.skip(f"docker {' '.join(asked)}: {said[0] if said else 'failed'}")
