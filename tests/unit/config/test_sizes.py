"""Sizes such as 512MB: what is one, and what is refused that pydantic's own type takes."""

import pytest
from pydantic import ByteSize, TypeAdapter

from pipeline.schema import n_bytes


@pytest.mark.parametrize(
    ("size", "expected"),
    [("512MB", 512e6), ("1.5 GiB", 1.5 * 2**30), (" 4 tb ", 4e12), ("0.3KB", 300), ("8 gIb", 2**33)],
)
def test_a_size_is_a_number_and_a_unit(size: str, expected: float) -> None:
    assert n_bytes(size) == expected == TypeAdapter(ByteSize).validate_python(size)


@pytest.mark.parametrize("size", ["", "GB", "-1GB", "1e3MB", "8 GB GB", "0MB", "0.0001KB"])
def test_what_is_not_a_size_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="should be a size such as 512MB or 8GB, got "):
        n_bytes(size)


@pytest.mark.parametrize("size", ["512", "8Gbit", "8GB per job", "8GB/2"])
def test_what_pydantic_takes_for_a_size_is_refused_too(size: str) -> None:
    """Why `n_bytes` is ours: see docs/code/internals.md."""
    assert TypeAdapter(ByteSize).validate_python(size) > 0
    with pytest.raises(ValueError, match="should be a size"):
        n_bytes(size)
