"""Where the seconds of a run go."""

import time


class Clock:
    """Measures the parts of a run, one after the other."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Ends a part: the time since the last one is its own."""
        self.took(part, time.perf_counter() - self._last)

    def took(self, part: str, seconds: float) -> None:
        """Ends a part of which so many seconds are its own; in the others something else was done."""
        self.seconds[f"seconds_{part}"] = seconds
        self._last = time.perf_counter()
