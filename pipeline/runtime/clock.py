"""Measures how long the parts of a run take."""

import time


class Clock:
    """Measures the parts of a run, one after another."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, part: str, before: float = 0.0) -> None:
        """Ends a part, which took the time since the end of the previous one.

        Args:
            part: Name of the part.
            before: Seconds of the part in earlier processes of a resumed run.
        """
        self.took(part, before + time.perf_counter() - self._last)

    def took(self, part: str, seconds: float) -> None:
        """Ends a part whose duration was measured elsewhere.

        Args:
            part: Name of the part.
            seconds: Its duration, which can be less than the time since the previous part.
        """
        self.seconds[f"seconds_{part}"] = seconds
        self._last = time.perf_counter()

    def skip(self) -> None:
        """Starts the next part here; the time since the last part belongs to none."""
        self._last = time.perf_counter()
