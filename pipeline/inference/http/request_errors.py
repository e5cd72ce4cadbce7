"""The error for a refused request: an HTTP status, a message, and the faults in the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pipeline.data.reading.parse_inputs import Fault
from pipeline.errors import PipelineError

SHOWN_FAULTS = 20  # a request may have a fault in every value


class RefusedError(PipelineError):
    """A request that is answered with an error; the server itself works.

    Args:
        status: HTTP status.
        message: For the client.
        faults: Invalid values, with row and column.
        headers: Further HTTP headers of the answer.
    """

    def __init__(
        self, status: int, message: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message.encode("utf-8", "backslashreplace").decode())  # JSON can name half of a surrogate pair
        self.status = status
        self.faults = [asdict(fault) for fault in faults]
        self.headers = dict(headers or {})


def refuse_values(faults: Sequence[Fault]) -> RefusedError:
    """The error with the first faults of a request and their number."""
    shown = faults[:SHOWN_FAULTS]
    more = f"; and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
    said = "; ".join(f"row {fault.row}, column {fault.column!r}: {fault.problem}" for fault in shown)
    return RefusedError(400, said + more, faults=shown)
