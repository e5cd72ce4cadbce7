"""What can be wrong with what a user gave. Each message says where, what, what was given and what to do."""

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
    """The configuration has unknown keys, values that are out of their range, or parts that do not fit together."""


class UsageError(ConfigError):
    """A command line has words that the command does not take; it ends with exit code 2, as argparse's errors do."""


class DataError(PipelineError):
    """The rows cannot be trained on: a file, a column, a row or a split is not as it must be."""


class TrainingError(PipelineError):
    """Training ended without a usable network."""


class ExportError(PipelineError):
    """The exported model does not reproduce the pipeline's own predictions."""


class ModelError(PipelineError):
    """There is no such model, or it is not what its manifest says."""


class NoModelYetError(ModelError):
    """A run has scores and weights, but its sweep has made no model of them.

    Attributes:
        run_id: Of the run.
    """

    def __init__(self, run_id: str, message: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class RegistryError(PipelineError):
    """A model may not take that place in the registry: it is worse than the one there, or does not compare."""


class TrackingError(PipelineError):
    """The tracking store cannot be used, or does not hold what was asked for."""


class SweepError(PipelineError):
    """A sweep cannot begin, or not go on."""


class Pruned(Exception):  # noqa: N818 - not an error: the trial did what it should
    """A trial is ended early because others were better at its age."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """What a message ends in where something known is spelled much like what was given; else nothing."""
    near = difflib.get_close_matches(given, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def unknown_words(words: Sequence[str], options: Iterable[str]) -> str:
    """What to say of words that a command does not take: of the first option among them, with the nearest there is."""
    wrong = next((word for word in words if word.startswith("-")), None)
    if wrong is None:
        return f"{words[0]!r} is one word too many; what holds a blank needs quotes"
    name = wrong.partition("=")[0]
    return f"there is no option {name}{did_you_mean(name, options) or '; --help lists them'}"
