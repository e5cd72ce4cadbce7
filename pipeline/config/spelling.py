"""Rewrites valid overrides that Hydra would refuse or misread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.config.overrides import kept_default
from pipeline.config.per_column import BY_COLUMN, DEFAULT
from pipeline.config.rules import PER_COLUMN

ABSENT = object()


class Spelling:
    """Collects, over all jobs, the overrides that must be rewritten for Hydra."""

    def __init__(self, overrides: Sequence[Override]) -> None:
        self._overrides = overrides
        self._typed = {override.key_or_group: override for override in overrides}
        self._refused: set[str] = set()
        self._replaced: dict[str, tuple[str, ...]] = {}  # columns whose own values an override of all columns removes
        # By override of single columns: key of the value of the other columns, and that value in each job.
        self._kept: dict[str, tuple[str, list[Any]]] = {}

    def add(self, config: DictConfig, override: Override, value: Any) -> None:
        """Inspects an override before it is applied.

        Args:
            config: Of a job, before the override.
            override: The override.
            value: Its value in the job.
        """
        word = str(override.input_line)
        if _is_refused(config, override, value):
            self._refused.add(word)
        if replaced := _single_columns(config, override, value):
            self._replaced[word] = replaced
        if (kept := kept_default(config, override, value)) is not None and kept[0] not in self._typed:
            self._kept.setdefault(word, (kept[0], []))[1].append(kept[1])

    def words(self) -> dict[str, tuple[str, ...]]:
        """Returns the replacements of overrides that must be rewritten."""
        found: dict[str, tuple[str, ...]] = {word: (f"++{word}",) for word in self._refused}
        for word, (key, values) in self._kept.items():
            found[word] = (f"++{key}={values[0]}", f"++{word.lstrip('+')}")
        return found

    def notes(self) -> list[str]:
        """Returns a line for each override of all columns that replaces values of single columns in a config file."""
        return [
            f"{word} holds for all columns, also for {', '.join(columns)}; "
            f"{word.lstrip('+').replace('=', f'.{DEFAULT}=', 1)} keeps the values of single columns"
            for word, columns in self._replaced.items()
        ]

    def problems(self) -> list[str]:
        """Returns a line for each override that a later one cancels, or that is ambiguous between jobs."""
        undone = [line for place in range(len(self._overrides)) for line in self._undone(place)]
        kept = [(word, key, list(dict.fromkeys(map(str, values)))) for word, (key, values) in self._kept.items()]
        return undone + [self._several(*each) for each in kept if len(each[2]) > 1]

    def _undone(self, place: int) -> Iterator[str]:
        """Yields a line for each earlier override of single columns that an override of all columns cancels."""
        key, word = self._overrides[place].key_or_group, str(self._overrides[place].input_line)
        is_for_all = key in PER_COLUMN and not isinstance(self._overrides[place].value(), dict)
        for before in self._overrides[:place] if is_for_all else ():
            if before.key_or_group.startswith(f"{key}.{BY_COLUMN}"):
                instead = word.lstrip("+").replace(key, f"{key}.{DEFAULT}", 1)
                yield f"{before.input_line}: is cancelled by the later {word}; put that first, or write {instead}"

    def _several(self, word: str, key: str, values: Sequence[str]) -> str:
        for_all = self._typed.get(key.rpartition(".")[0])
        if for_all is not None and for_all.is_sweep_override():
            remedy = f"write {key}={','.join(values)} instead of {for_all.input_line}"
        else:
            remedy = f"they have {' or '.join(values)}; choose one, as in {key}={values[0]}"
        return f"{word}: the other columns differ from job to job; {remedy}"


def _single_columns(config: DictConfig, override: Override, value: Any) -> tuple[str, ...]:
    """Returns the columns with values of their own that a plain value for all columns replaces."""
    if override.key_or_group not in PER_COLUMN or isinstance(value, dict):
        return ()
    columns = OmegaConf.select(config, f"{override.key_or_group}.{BY_COLUMN}", default=None)
    return tuple(map(str, columns)) if isinstance(columns, DictConfig) else ()


def _is_refused(config: DictConfig, override: Override, value: Any) -> bool:
    """Whether Hydra would call a key unknown, which it also does in a mapping whose keys the user chooses.

    Such mappings are `data.column_kinds` and `tracking.tags`; the rules know them.
    """
    try:
        node = OmegaConf.select(config, override.key_or_group, default=ABSENT)
    except (OmegaConfBaseException, TypeError):  # `apply` reports it
        return False
    return override.type == OverrideType.CHANGE and (node is ABSENT or _adds_keys(node, value))


def _adds_keys(node: Any, value: Any) -> bool:
    if not isinstance(node, DictConfig) or not isinstance(value, dict):
        return False
    return any(name not in node or _adds_keys(node[name], inner) for name, inner in value.items())
