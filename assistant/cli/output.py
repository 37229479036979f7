"""Writing for people and for programs: results on standard output, everything else on error.

All text that may come from a log, a runbook or a model goes through `visible`: a terminal obeys
escape sequences, whoever wrote them, and a screen is shared, whatever is on it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

# Wider than any table: a row in a pipe is one line.
_PIPE_COLUMNS = 10_000
# JSON lets stand what a terminal may obey, and what turns words around.
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]")


class _Secrets:
    """What takes secrets out of all that is shown; made when something is shown first."""

    make: Callable[[], Callable[[str], str]] | None = None
    redact: Callable[[str], str] | None = None


def redact_with(make: Callable[[], Callable[[str], str]]) -> None:
    """Show nothing from here on that has not gone through what `make` returns."""
    _Secrets.make, _Secrets.redact = make, None


def without_secrets(text: str) -> str:
    """`text` as it may be shown."""
    if _Secrets.redact is None:
        if _Secrets.make is None:
            return text
        _Secrets.redact = _Secrets.make()
    return _Secrets.redact(text)


def visible(text: str) -> str:
    """`text` with secrets taken out, and what is no plain character spelled out."""
    return plain.visible(without_secrets(text))


def print_json(value: Any) -> None:
    """One JSON object on standard output; dataclasses, paths and times are understood."""
    indent = 2 if sys.stdout.isatty() else None
    clean = _clean(json.loads(json.dumps(value, default=_plain)))
    text = json.dumps(clean, ensure_ascii=False, indent=indent)
    print(_NOT_PLAIN.sub(_escaped, text), flush=True)


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


def _escaped(match: re.Match[str]) -> str:
    """A character of JSON text, escaped unless it is one to be read."""
    character = match[0]
    return character if plain.visible(character) == character else json.dumps(character)[1:-1]


def _clean(value: Any) -> Any:
    """The JSON value with every text in it as it may be shown."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value


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
