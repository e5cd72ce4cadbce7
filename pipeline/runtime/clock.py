"""Where the seconds of a run go."""

import time


class Clock:
    """Measures the parts of a run, one after the other."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Ends a part: the time since the last one is its own."""
        now = time.perf_counter()
        self.seconds[f"seconds_{part}"] = now - self._last
        self._last = now
