"""The time that one probe has, all its steps together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Checkpoint = Callable[[], None]


def go_on() -> None:
    """The checkpoint of a probe that nobody cancels."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`limit_s` from its making on."""

    limit_s: float
    checkpoint: Checkpoint = go_on
    started: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Seconds left, for the next blocking call. Raises TimeoutError when there are none.

        Raises as well what the checkpoint raises: this is where a probe is cancelled.
        """
        self.checkpoint()
        left = self.limit_s - (time.monotonic() - self.started)
        if left <= 0:
            raise TimeoutError
        return left
