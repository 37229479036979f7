"""Progress of work on a model file, as plain values; drawing it is the command line's matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "connecting", "downloading", "verifying", "quantizing"]


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """Where the work on `model` stands; `bytes_done` counts the finished file's bytes.

    `bytes_total` is the whole file in every stage but `verifying`, where it is what has to be read.
    `note` says what a person should know (a source that failed, somebody else's pull), else "".
    """

    model: str
    stage: Stage
    bytes_done: int
    bytes_total: int
    source: str = ""
    note: str = ""


ProgressCallback = Callable[[ModelProgress], None]


def silent(_: ModelProgress) -> None:
    """The callback of somebody who does not want to know."""
