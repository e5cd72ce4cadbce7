"""A setting with one value for all columns, or with exceptions for single columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import (
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.errors import did_you_mean
from pipeline.schema import Section

DEFAULT, BY_COLUMN = "default", "by_column"
KEYS = {DEFAULT, BY_COLUMN, "shift", "scale"}  # the latter of a value that is a mapping itself

Value = TypeVar("Value")


class PerColumn(Section, Generic[Value]):
    """A value for all columns: `standard`; or with exceptions: `{default: standard, by_column: {age: quantile}}`.

    Attributes:
        default: Value of all columns that are not in `by_column`.
        by_column: Values of single columns, by name.
    """

    default: Value
    by_column: dict[str, Value]

    def of(self, column: str) -> Value:
        """Returns the value of a column."""
        return self.by_column.get(column, self.default)

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        """Accepts a plain value for all columns, and `by_column` next to a mapping such as `{shift: 1, scale: 2}`."""
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            return {DEFAULT: given, BY_COLUMN: {}}
        value = {name: one for name, one in given.items() if name not in (DEFAULT, BY_COLUMN)}
        _check(given, value)
        return {DEFAULT: given.get(DEFAULT, value), BY_COLUMN: given.get(BY_COLUMN, {})}

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> Any:
        """Writes a plain value if there are no exceptions."""
        return dump(self) if self.by_column else dump(self)[DEFAULT]

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Returns a schema that accepts both forms."""
        mapping = handler.resolve_ref_schema(handler(core))
        plain = mapping["properties"][DEFAULT]
        return {"anyOf": [*plain.get("anyOf", [plain]), mapping | {"required": [DEFAULT]}]}


def _check(given: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Raises ValueError if a mapping has unknown keys, or not exactly one value for all columns."""
    for name, one in value.items():
        if near := did_you_mean(name, KEYS - {name}):
            raise ValueError(f"{name}: unknown key{near}")
        if name not in KEYS:
            raise ValueError(f"{name}: values of single columns go below by_column, as in by_column: {{{name}: {one}}}")
    if value and DEFAULT in given:
        name = next(iter(value))
        raise ValueError(f"{name}: conflicts with default; omit one of them, or move it below default")
    if not value and DEFAULT not in given:
        raise ValueError("default: missing; give the value of the other columns, as in {default: ..., by_column: ...}")
