"""How far a long step is."""

import time


class Pace:
    """Says what was done, and how fast things go since it was made."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._started = time.perf_counter()
        self._done = 0

    def show(self, name: str, amount: int) -> None:
        """Prints one line for a finished part."""
        self._done += amount
        passed = time.perf_counter() - self._started
        rate = f"{self._done / passed:.1f} {self.unit}/s"
        print(f"{name}  {self._done} {self.unit}, {rate}", flush=True)
