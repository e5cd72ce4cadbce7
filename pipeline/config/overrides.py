"""Files and values of Hydra overrides, including those of sweeps, and their problems."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType, RangeSweep, ValueType
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.config.config_files import BASE
from pipeline.config.former.renamed import new_choice
from pipeline.config.per_column import BY_COLUMN, DEFAULT
from pipeline.config.problems import nearest_key
from pipeline.config.ranges import ends
from pipeline.config.rules import PER_COLUMN
from pipeline.errors import ConfigError

MAX_COMBINATIONS = 100  # jobs of a sweep to check in advance; of more, a subset with every value


def unknown_options(override: Override, options: Sequence[str]) -> list[str]:
    """Returns a line for each selected file that does not exist.

    Args:
        override: Override of a config group.
        options: Files of the group.
    """
    chosen = [pick if isinstance(pick, list) else [pick] for pick in _values(override, is_group=True)]
    unknown = [value for value in itertools.chain.from_iterable(chosen) if value not in options]
    return [_unknown_option(f"{override.key_or_group}={value}", str(value), list(options)) for value in unknown]


def _unknown_option(word: str, value: str, options: list[str]) -> str:
    if (now := new_choice(word)) is not None:
        return f"{word} is now {now}"
    return f"{word}: {_why_not(value, options)} choose from {', '.join(options)}"


def _why_not(value: str, options: list[str]) -> str:
    if value == BASE:
        return "is included by the others and cannot be selected;"
    near = nearest_key(value, options)
    return f"no such file, did you mean '{near}'?" if near else "no such file;"


def listed(override: Override) -> dict[str, tuple[str, ...]]:
    """Returns the replacement of a glob, which Hydra would extend to files that cannot be selected."""
    if override.value_type != ValueType.GLOB_CHOICE_SWEEP:
        return {}
    return {str(override.input_line): (f"{override.get_key_element()}={','.join(_values(override, is_group=True))}",)}


def _values(override: Override, *, is_group: bool, is_search: bool = False) -> list[Any]:
    if not override.is_sweep_override():
        return [override.value()]
    if is_search and override.value_type in (ValueType.INTERVAL_SWEEP, ValueType.RANGE_SWEEP):
        return ends(override)
    if override.is_range_sweep() and n_values(override) > MAX_COMBINATIONS:
        return ends(override)  # the others are of the same kind; each is checked again when its job starts
    is_glob = override.value_type == ValueType.GLOB_CHOICE_SWEEP
    if not override.is_discrete_sweep() or (is_glob and not is_group):
        raise ConfigError(
            f"{override.input_line}: this sweep needs a list of values, as in {override.key_or_group}=1,2"
            + ("; an interval is for hydra/sweeper=search" if override.is_interval_sweep() else "")
        )
    return [Override._convert_value(value) for value in override.sweep_iterator(transformer=lambda value: value)]


def n_values(override: Override) -> int:
    """Returns the number of values of an override; 1 for an interval."""
    given = override.value()
    if isinstance(given, RangeSweep):
        assert given.start is not None
        assert given.stop is not None
        return max(0, math.ceil((given.stop - given.start) / given.step))
    return sum(1 for _ in override.sweep_iterator()) if override.is_discrete_sweep() else 1


def combinations(
    groups: Sequence[Override], values: Sequence[Override], is_search: bool
) -> Iterator[tuple[tuple[str, ...], list[tuple[Override, Any]]]]:
    """Yields the jobs of a sweep, or a subset in which every value occurs; one job without a sweep.

    For a range of numbers in a search these are its ends.

    Args:
        groups: Overrides that select files.
        values: Overrides that set keys.
        is_search: Whether ranges of numbers are searched.

    Yields:
        The overrides of groups, and the other overrides with the value of the job.
    """
    overrides = [*groups, *values]
    choices = [_values(override, is_group=True, is_search=is_search) for override in groups]
    choices += [_values(override, is_group=False, is_search=is_search) for override in values]
    total = math.prod(len(choice) for choice in choices)
    if total <= MAX_COMBINATIONS:
        picks: Iterator[tuple[Any, ...]] = itertools.product(*choices)
    else:
        longest = max(len(choice) for choice in choices)
        picks = (tuple(choice[i % len(choice)] for choice in choices) for i in range(longest))
    for pick in picks:
        chosen = list(zip(overrides, pick, strict=True))
        yield tuple(_group_override(o, value) for o, value in chosen[: len(groups)]), chosen[len(groups) :]


def _group_override(override: Override, value: Any) -> str:
    if override.type == OverrideType.DEL:
        return str(override.input_line)
    text = f"[{','.join(value)}]" if isinstance(value, list) else value
    return f"{override.get_key_element()}={text}"


def apply(config: DictConfig, override: Override, value: Any) -> list[str]:
    """Sets one key, even an unknown one, which the rules report later.

    Args:
        config: Changed in place.
        override: Override of the key.
        value: One of its values.

    Returns:
        A line if the key cannot be set or deleted.
    """
    key = override.key_or_group
    try:
        if (kept := kept_default(config, override, value)) is not None:
            OmegaConf.update(config, kept[0], kept[1], force_add=True)
        if override.type == OverrideType.DEL:
            parent, _, leaf = key.rpartition(".")
            section = OmegaConf.select(config, parent) if parent else config
            if not isinstance(section, DictConfig) or leaf not in section:
                return [f"~{key}: the key to delete does not exist"]
            del section[leaf]
        else:
            OmegaConf.update(config, key, value, merge=True, force_add=True)
    except (OmegaConfBaseException, TypeError, ValueError, AssertionError) as error:
        return [f"{key}: cannot be set: {first_lines(error)}"]
    return []


def kept_default(config: DictConfig, override: Override, value: Any) -> tuple[str, Any] | None:
    """Finds the value for all columns that an override of single columns must keep; Hydra would drop it.

    Args:
        config: Before the override.
        override: The override.
        value: One of its values.

    Returns:
        Its new key, such as `data.input_scaling.default`, and the value; None if there is nothing to keep.
    """
    given = override.key_or_group
    key = next((one for one in PER_COLUMN if given == one or given.startswith(f"{one}.{BY_COLUMN}")), None)
    if key is None or override.type == OverrideType.DEL:
        return None
    if given == key and not (isinstance(value, dict) and BY_COLUMN in value and DEFAULT not in value):
        return None
    section, _, name = key.rpartition(".")
    parent = OmegaConf.select(config, section)
    before = parent._get_node(name) if isinstance(parent, DictConfig) and name in parent else None
    if before is None or (isinstance(before, DictConfig) and not before._is_interpolation()):
        return None
    return f"{key}.{DEFAULT}", before._value()


def first_lines(error: Exception) -> str:
    """Returns a message without OmegaConf's internal details at the end."""
    return "\n".join(
        line
        for line in str(error).splitlines()
        if not line.lstrip().startswith(("full_key", "object_type", "See http"))
    )
