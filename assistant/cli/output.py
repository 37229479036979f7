"""Writing for people and for programs: results on standard output, everything else on error.

All text that may come from a log, a runbook or a model goes through `visible`: a terminal obeys
escape sequences, whoever wrote them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live


def visible(text: str) -> str:
    """`text` with control characters replaced, line breaks and tabs kept."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def print_json(value: Any) -> None:
    """One JSON object on standard output; dataclasses, paths and times are understood."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=indent), flush=True)


def note(text: str) -> None:
    """A line of progress on standard error."""
    print(visible(text), file=sys.stderr, flush=True)


def stdout_console() -> Console:
    """The console for results; it knows about pipes, widths and `NO_COLOR`."""
    from rich.console import Console

    return Console(highlight=False)


def stderr_console() -> Console:
    """The console for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def working(text: str) -> Iterator[Spinner]:
    """A spinner on standard error while the block runs; nothing where there is no terminal."""
    spinner = Spinner(text)
    try:
        yield spinner
    finally:
        spinner.stop()


class Spinner:
    """A spinner that can change its words and be stopped early."""

    def __init__(self, text: str) -> None:
        self._status = None
        if sys.stderr.isatty():
            self._status = stderr_console().status(visible(text))
            self._status.start()

    def update(self, text: str) -> None:
        """Show other words."""
        if self._status is not None:
            self._status.update(visible(text))

    def stop(self) -> None:
        """Take the spinner away; may be called twice."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class AnswerPrinter:
    """Prints an answer as it streams: rendered on a terminal, as it is in a pipe.

    Finished blocks are printed for good and only the last, unfinished one is redrawn, so an answer
    longer than the screen scrolls like any other output.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._console = stdout_console() if self._is_terminal else None
        self._live: Live | None = None
        self._open = ""

    def push(self, text: str) -> None:
        """Show more of the answer."""
        shown = visible(text)
        if self._console is None:
            print(shown, end="", flush=True)
            return
        self._open += shown
        finished, self._open = split_blocks(self._open)
        if finished:
            self._stop_live()
            self._print(finished)
        if self._open.strip():
            self._redraw()

    def finish(self) -> None:
        """End the answer with a line break."""
        if self._console is None:
            print(flush=True)
            return
        self._stop_live()
        self._print(self._open)
        self._open = ""

    def abandon(self) -> None:
        """Leave the terminal in order when no answer came."""
        self._stop_live()

    def _print(self, markdown: str) -> None:
        from rich.markdown import Markdown

        if markdown.strip() and self._console is not None:
            self._console.print(Markdown(markdown))
            self._console.print()

    def _redraw(self) -> None:
        from rich.live import Live
        from rich.markdown import Markdown

        if self._live is None:
            self._live = Live(
                console=self._console, transient=True, refresh_per_second=12, auto_refresh=False
            )
            self._live.start()
        self._live.update(Markdown(self._open), refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def split_blocks(markdown: str) -> tuple[str, str]:
    """`markdown` cut after its last finished block: a blank line that is not inside a fence."""
    end, at, is_fenced = 0, 0, False
    for line in markdown.splitlines(keepends=True):
        at += len(line)
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        if line.strip() == "" and line.endswith("\n") and not is_fenced:
            end = at
    return markdown[:end], markdown[end:]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
