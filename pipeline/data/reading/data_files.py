"""Which files data.path and data.split.test_path name."""

import glob
from pathlib import Path

from pipeline.errors import DataError

PARQUET = (".parquet", ".pq", ".parquet.gz", ".pq.gz")
TEXT = tuple(f"{suffix}{gz}" for gz in ("", ".gz") for suffix in (".csv", ".tsv", ".txt", ".data", ".test", ".dat"))


def named_files(key: str, pattern: str) -> list[Path]:
    """The file of that name, or the files that match the pattern, sorted.

    Args:
        key: The key that names the files, for messages.
        pattern: A path, or a pattern as `glob` takes it.

    Raises:
        DataError: No file matches, or one has an unknown extension.
    """
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise DataError(f'{key}: {path} is a folder; name the files in it, as in "{key}={path / "*.csv"}"')
    if path.exists():
        files = [path]
    elif glob.has_magic(pattern):
        files = sorted(found for found in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if found.is_file())
        if not files:
            raise DataError(f"{key}: no file matches {path} (looked for from {Path.cwd()})")
    else:
        raise DataError(f"{key}: file {path} does not exist (looked for from {Path.cwd()})")
    others = [file.name for file in files if not file.name.lower().endswith(PARQUET + TEXT)]
    if others:
        where = str(path) if files == [path] else f"{path} matches {', '.join(others[:5])}, which"
        raise DataError(f"{key}: {where} has an unknown extension; use one of {', '.join(TEXT + PARQUET)}")
    return files
