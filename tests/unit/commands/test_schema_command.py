"""`schema`: prints what editors take, or writes it."""

import json
from pathlib import Path

from pipeline.config import reference
from pipeline.config.json_schema import json_schema
from support.typed import Typed


def test_the_command_prints_and_writes(typed: Typed, tmp_path: Path) -> None:
    code, out, err = typed("schema", "fit")
    assert (code, err) == (0, "")
    assert json.loads(out) == json_schema("fit")
    file = tmp_path / "keys.md"
    assert typed("schema", "--format", "markdown", "--output", str(file)) == (0, f"written to {file}\n", "")
    assert file.read_text(encoding="utf-8") == reference.page()


def test_a_file_that_cannot_be_written_is_a_message(typed: Typed, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "a.json"
    said = f"{missing} cannot be written: the folder {missing.parent} does not exist; create it, or name another\n"
    assert typed("schema", "--output", str(missing)) == (2, "", said)
    assert typed("schema", "--output", str(tmp_path)) == (
        2,
        "",
        f"{tmp_path} cannot be written: Is a directory; name another file\n",
    )
