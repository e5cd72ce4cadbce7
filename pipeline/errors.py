"""Errors that a user can cause. Each message says where, what is wrong, what was given and what to do."""

import difflib
from collections.abc import Iterable, Sequence


class PipelineError(Exception):
    """Base of all errors that a user can cause; the command line prints it without a traceback.

    Example:
        >>> from pipeline import PipelineError, load
        >>> try:
        ...     load("model.units=[64, -1]")
        ... except PipelineError as error:
        ...     print(error)
        model.units[1]: should be greater than 0, got -1
    """


class ConfigError(PipelineError):
    """The configuration has unknown keys, values out of range, or parts that do not fit together."""


class UsageError(ConfigError):
    """A command line has unknown words; it ends with exit code 2, as argparse's errors do."""


class DataError(PipelineError):
    """The rows cannot be trained on: a file, a column, a row or a split is invalid."""


class TrainingError(PipelineError):
    """Training ended without a usable network."""


class ExportError(PipelineError):
    """The exported model does not reproduce the pipeline's own predictions."""


class ModelError(PipelineError):
    """The model does not exist, or does not match its manifest."""


class NoModelYetError(ModelError):
    """A run has scores and weights, but its sweep has not made a model of them.

    Attributes:
        run_id: The run.

    Args:
        run_id: The run.
        message: For the user.
    """

    def __init__(self, run_id: str, message: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class RegistryError(PipelineError):
    """A model may not take a place in the registry: it is worse than the present one, or not comparable."""


class TrackingError(PipelineError):
    """The tracking store cannot be used, or does not hold the requested object."""


class SweepError(PipelineError):
    """A sweep cannot start or resume."""


class Pruned(Exception):  # noqa: N818 - not an error: the trial did its work
    """A trial ends early because others had better scores at the same step."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a message if a known word is spelled like the given one; else an empty string.

    Args:
        given: What the user wrote.
        known: Words that are valid.
    """
    near = difflib.get_close_matches(given, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def unknown_words(words: Sequence[str], options: Iterable[str]) -> str:
    """The message for words that a command does not take: about the first option, with the nearest valid one.

    Args:
        words: Words that the command does not take.
        options: Its options.
    """
    wrong = next((word for word in words if word.startswith("-")), None)
    if wrong is None:
        return f"unexpected argument {words[0]!r}; a value with a blank needs quotes"
    name = wrong.partition("=")[0]
    return f"unknown option {name}{did_you_mean(name, options) or '; --help lists them'}"
