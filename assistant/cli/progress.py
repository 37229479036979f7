"""Progress of work on a model file, drawn on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from assistant.models.progress import ModelProgress, ProgressCallback

# Below this width the bar and its figures have a line without the model's name.
_WIDE_COLUMNS = 80
_PLAIN_STEP_PERCENT = 10
_PLAIN_INTERVAL_S = 5.0


@contextlib.contextmanager
def model_progress(console: Console) -> Iterator[ProgressCallback]:
    """A callback that draws on `console` (stderr) until the end of the block."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainProgress(console)
        return
    with Progress(*_columns(console.width), console=console) as bars:
        yield BarProgress(bars)


class BarProgress:
    """One bar; what a person should know appears once, above it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("", visible=False)
        self._phase = ("", "")
        self._note = ""

    def __call__(self, event: ModelProgress) -> None:
        """Draw `event`."""
        if event.note not in ("", self._note):
            self._bars.console.print(event.note, style="dim", markup=False, highlight=False)
        self._note = event.note
        if _phase(event) != self._phase:
            self._begin(event)
        self._bars.update(self._task, completed=event.bytes_done)

    def _begin(self, event: ModelProgress) -> None:
        """Start the clock anew: bytes that were there before must not count as speed."""
        self._phase = _phase(event)
        self._bars.reset(
            self._task,
            total=event.bytes_total,
            completed=event.bytes_done,
            description=_describe(event),
            visible=True,
        )


class PlainProgress:
    """A line when a phase begins, then one for every 10 % or 5 seconds, and one at its end."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._phase = ("", "")
        self._note = ""
        self._began_at = self._told_at = 0.0
        self._began_with = self._told_percent = 0

    def __call__(self, event: ModelProgress) -> None:
        """Write a line about `event` if it is time for one."""
        if event.note not in ("", self._note):
            self._write(event.note)
        self._note = event.note
        if _phase(event) != self._phase:
            self._phase = _phase(event)
            self._began_at, self._began_with = self._clock(), event.bytes_done
            self._tell(event)
        elif self._is_due(event):
            self._tell(event)

    def _is_due(self, event: ModelProgress) -> bool:
        percent = _percent(event)
        return (
            percent >= self._told_percent + _PLAIN_STEP_PERCENT
            or percent == 100 > self._told_percent
            or self._clock() >= self._told_at + _PLAIN_INTERVAL_S
        )

    def _tell(self, event: ModelProgress) -> None:
        self._told_at, self._told_percent = self._clock(), _percent(event)
        done, total = decimal(event.bytes_done), decimal(event.bytes_total)
        self._write(
            f"{_describe(event)}: {_percent(event)} % ({done} of {total}){self._pace(event)}"
        )

    def _pace(self, event: ModelProgress) -> str:
        """Speed and time left, once there is something to measure."""
        elapsed, moved = self._told_at - self._began_at, event.bytes_done - self._began_with
        if elapsed <= 0 or moved <= 0:
            return ""
        speed = moved / elapsed
        left = timedelta(seconds=round((event.bytes_total - event.bytes_done) / speed))
        return f", {decimal(round(speed))}/s, {left} left"

    def _write(self, line: str) -> None:
        self._console.out(line, highlight=False)


def _phase(event: ModelProgress) -> tuple[str, str]:
    return (event.stage, event.source)


def _percent(event: ModelProgress) -> int:
    return 100 * event.bytes_done // event.bytes_total


def _describe(event: ModelProgress) -> str:
    if event.source and event.stage == "downloading":
        return f"{event.model} from {event.source}"
    return f"{event.model}, {event.stage}"


def _columns(width: int) -> list[ProgressColumn]:
    columns: list[ProgressColumn] = [
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    ]
    if width >= _WIDE_COLUMNS:
        columns.insert(0, TextColumn("{task.description}", markup=False))
    return columns
