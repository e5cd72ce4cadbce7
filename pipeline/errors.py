"""What can be wrong with what a user gave. Each message says where, what, what was given and what to do."""


class PipelineError(Exception):
    """Base of all errors that a user can cause; the command line prints it without a traceback."""


class ConfigError(PipelineError):
    """The configuration has unknown keys, values that are out of their range, or parts that do not fit together."""


class DataError(PipelineError):
    """The rows cannot be trained on: a file, a column, a row or a split is not as it must be."""


class TrainingError(PipelineError):
    """Training ended without a usable network."""


class ExportError(PipelineError):
    """The exported model does not reproduce the pipeline's own predictions."""


class ModelError(PipelineError):
    """There is no such model, or it is not what its manifest says."""


class RegistryError(PipelineError):
    """A model may not take that place in the registry: it is worse than the one there, or does not compare."""


class TrackingError(PipelineError):
    """The tracking store cannot be used, or does not hold what was asked for."""


class SweepError(PipelineError):
    """A sweep cannot begin, or not go on."""


class Pruned(Exception):  # noqa: N818 - not an error: the trial did what it should
    """A trial is ended early because others were better at its age."""
