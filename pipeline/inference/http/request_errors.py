"""Why a request is refused: a status of HTTP, a message, and where in the request the faults lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pipeline.data.reading.parse_inputs import Fault
from pipeline.errors import PipelineError

SHOWN_FAULTS = 20  # of a request that may have one in every value


class RefusedError(PipelineError):
    """A request that is answered with an error; the server itself is well."""

    def __init__(
        self, status: int, message: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.faults = [asdict(fault) for fault in faults]
        self.headers = dict(headers or {})


def refuse_values(faults: Sequence[Fault]) -> RefusedError:
    """Names the first faults of a request and how many there are."""
    shown = faults[:SHOWN_FAULTS]
    more = f"; and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
    said = "; ".join(f"row {fault.row}, column {fault.column!r}: {fault.problem}" for fault in shown)
    return RefusedError(400, said + more, faults=shown)
