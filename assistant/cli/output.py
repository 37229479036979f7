"""Writing for people and for programs: results on standard output, everything else on error.

All text that may come from a log, a runbook or a model goes through `visible`: a terminal obeys
escape sequences, whoever wrote them.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

# Wider than any table: a row in a pipe is one line.
_PIPE_COLUMNS = 10_000
# The last one has no width: it keeps three backticks in a quotation from ending it.
_KEPT = "\n\t\u200b"
# What JSON lets stand and a terminal may obey all the same.
_C1_CONTROL = re.compile(r"[\x7f-\x9f]")


def visible(text: str) -> str:
    """`text` with control characters replaced; line breaks, tabs and all kinds of spaces kept."""
    return "".join(c if _is_harmless(c) else "\ufffd" for c in text.replace("\r\n", "\n"))


def print_json(value: Any) -> None:
    """One JSON object on standard output; dataclasses, paths and times are understood."""
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)
    print(_C1_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text), flush=True)


def note(text: str) -> None:
    """A line of progress on standard error."""
    print(visible(text), file=sys.stderr, flush=True)


def stdout_console() -> Console:
    """The console for results; it knows about `NO_COLOR`, and breaks no line in a pipe."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


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
        self._console = _answer_console() if sys.stdout.isatty() else None
        self._live: Live | None = None
        self._open = ""
        self._has_printed = False

    def push(self, text: str) -> None:
        """Show more of the answer."""
        shown = visible(text)
        if self._console is None:
            print(shown, end="", flush=True)
            self._has_printed = True
            return
        *finished, self._open = blocks(self._open + shown)
        if finished:
            self._stop_live()
        for block in finished:
            self._print(block)
        self._redraw()

    def finish(self) -> None:
        """End the answer, or what came of it, with a line break; may be called twice."""
        if self._console is not None:
            self._stop_live()
            self._print(self._open)
            self._open = ""
        elif self._has_printed:
            print(flush=True)
            self._has_printed = False

    def _print(self, block: str) -> None:
        from assistant.cli.markdown import AnswerMarkdown

        assert self._console is not None
        if not block.strip():
            return
        if self._has_printed:
            self._console.print()
        self._console.print(AnswerMarkdown(block))
        self._has_printed = True

    def _redraw(self) -> None:
        from rich.console import Group
        from rich.live import Live

        from assistant.cli.markdown import AnswerMarkdown

        if not self._open.strip():
            return
        if self._live is None:
            self._live = Live(console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        above = [""] if self._has_printed else []
        self._live.update(Group(*above, AnswerMarkdown(self._open)), refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def blocks(markdown: str) -> list[str]:
    """`markdown` cut into its blocks, which together are all of it; the last may be unfinished.

    A block begins after a blank line with a line that is neither indented, and so part of a list's
    entry, nor inside a fence.
    """
    found = [""]
    is_fenced = is_after_blank = False
    for line in markdown.splitlines(keepends=True):
        if is_after_blank and not is_fenced and not line[0].isspace():
            found.append("")
        found[-1] += line
        is_after_blank = not line.strip()
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
    return found


def _is_harmless(character: str) -> bool:
    return (
        character.isprintable()
        or character in _KEPT
        or unicodedata.category(character) == "Zs"  # a space, of whatever width
    )


def _answer_console() -> Console:
    from rich.console import Console

    from assistant.cli.markdown import THEME

    return Console(highlight=False, theme=THEME)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
