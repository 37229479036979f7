"""Multi-line records: which lines only continue the record before them.

A stack trace is one event. Its frames are continuations; its exception line is a record of its own,
since that is the line a person wants to read. Runtimes and syslog put a time stamp before every
line of a trace: those lines continue too, and by what stands between stamp and text (a process, a
stream) the traces of several writers are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import astuple, dataclass
from typing import NamedTuple

from tools.logs.records import Record
from tools.logs.severity import names_problem

# Java, Python, Node, .NET, Rust, Ruby, PHP and native frames, and what stands between them.
_FRAME = re.compile(
    r'\s+at \S|\s+File "|\s*\.\.\. \d+ (?:more|common)|\s+\d+: 0x|\s+from \S+:\d+:in |\s+--- '
    r"|\s+#\d+ |#\d+ +(?:0x|/|\{main\})|\s+\d+: +[\w<]\S*::|\s+\[Previous line repeated "
    r"|\s+[~^]+\s*$"
)
_PYTHON_TRACE = re.compile(
    r"Traceback \(most recent call last\):$|During handling of the above exception, another "
    r"|The above exception was the direct cause of |stack backtrace:$"
)
_GO_TRACE = re.compile(r"goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[.*\]:$")
_GO_FRAME = re.compile(r"\S+\(.*\)$|created by \S+|\t\S+:\d+|\[signal \S+|exit status \d+$")
_NOTE = re.compile(r"note: (?:run with|Some details are omitted)")
# What a pretty-printed object closes with.
_BRACKETS = re.compile(r"[\[\]{}(),; ]+$")
# Said about the record before it, by the same process.
_ADDED = re.compile(r"(?:HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  ")
_STATEMENT = re.compile(
    r"(?:STATEMENT|DETAIL|CONTEXT|QUERY):  |(?:statement|execute [^:]{1,80}): |duration: "
)
# A time-stamped line that begins otherwise continues nothing, unless a trace is open.
_MAY_CONTINUE = re.compile(
    r"\s|at |File \"|\.\.\. \d|Traceback|During|The above|stack b|goroutine|from |#\d|\d+: |HINT:"
    r"|STATEMENT:|CONTEXT:|QUERY:|LOCATION:|[~^]|\[Prev|--- "
)
_MAX_WRITERS = 1000


class State(NamedTuple):
    """What the lines so far mean for the next one, while no time-stamped trace is open."""

    had_time: bool = False
    is_in_trace: bool = False
    is_in_go_trace: bool = False
    is_in_statement: bool = False


@dataclass(slots=True)
class _Writer:
    """What one writer's last lines were part of."""

    had_time: bool = False
    is_in_trace: bool = False
    is_in_go_trace: bool = False
    is_in_statement: bool = False


class Continuations:
    """Decides line by line; feed it every line of a source in order."""

    def __init__(self) -> None:
        # The writers of time-stamped lines whose trace is not at its end, by origin.
        self._tracing: dict[str, _Writer] = {}
        self._last = _Writer()
        self._before: tuple[str, Record] | None = None

    @classmethod
    def resumed(cls, state: State, before: tuple[str, Record] | None) -> Continuations:
        """As after lines that led to `state`; `before` is the last time-stamped one of its own."""
        resumed = cls()
        resumed._last = _Writer(*state)
        resumed._before = before
        return resumed

    @property
    def state(self) -> State:
        """Where it is; complete while `open_origins` is empty."""
        return State(*astuple(self._last))

    @property
    def open_origins(self) -> Collection[str]:
        """The writers of time-stamped lines whose trace is not at its end."""
        return self._tracing.keys()

    def absorbs(self, text: str, record: Record) -> bool:
        """Whether `text` (parsed as `record`) only continues the record before it."""
        if record.time is None:
            return self._absorbs_bare(text)
        if self._tracing or _MAY_CONTINUE.match(record.message):
            origin, body = _written(text, record)
            if self._absorbs_stamped(origin, body):
                return True
        self._before = (text, record)
        self._last = _Writer(*_state_after(record))
        return False

    def _absorbs_bare(self, text: str) -> bool:
        """A line without a time stamp, which follows whatever is before it."""
        last = self._last
        if _opens_trace(text, last):
            return True
        if last.is_in_go_trace and _GO_FRAME.match(text):
            return True
        if text[:1] in " \t":
            if last.is_in_trace or last.is_in_statement:
                return True
            return last.had_time and not names_problem(text)
        if (last.had_time or last.is_in_trace) and _BRACKETS.match(text):
            return True
        if last.is_in_trace and _NOTE.match(text):
            return True
        self._last = _Writer()
        return False

    def _absorbs_stamped(self, origin: str, body: str) -> bool:
        """A line of `origin` whose time stamp may be its runtime's."""
        if _ADDED.match(body):
            self._last = _Writer(had_time=True, is_in_statement=True)
            # The line before has its level behind the process.
            return self._before is not None and _written(*self._before)[0].startswith(origin)
        writer = self._tracing.get(origin) or _Writer(had_time=True)
        if _opens_trace(body, writer):
            self._open(origin, writer)
            return True
        is_inside = (writer.is_in_trace and body[:1] in " \t") or (
            writer.is_in_go_trace and _GO_FRAME.match(body) is not None
        )
        if is_inside:
            self._last = writer
        else:
            self._tracing.pop(origin, None)
        return is_inside

    def _open(self, origin: str, writer: _Writer) -> None:
        if len(self._tracing) >= _MAX_WRITERS:
            self._tracing.clear()
        self._tracing[origin] = self._last = writer


def settled(record: Record) -> State | None:
    """The state after a line that surely continues nothing, as long as no trace is open."""
    if record.time is None or _MAY_CONTINUE.match(record.message):
        return None
    return _state_after(record)


def _state_after(record: Record) -> State:
    return State(had_time=True, is_in_statement=_STATEMENT.match(record.message) is not None)


def _opens_trace(text: str, writer: _Writer) -> bool:
    """Whether a line can only be part of a trace; marks that its writer is in one."""
    if _PYTHON_TRACE.match(text) or _FRAME.match(text):
        writer.is_in_trace = True
    elif _GO_TRACE.match(text):
        writer.is_in_go_trace = True
    else:
        return False
    return True


def _written(text: str, record: Record) -> tuple[str, str]:
    """Who wrote a time-stamped line, and what, with its indentation."""
    message, stamp = record.message, record.stamp
    start = len(text) - len(message)
    if stamp is None or start < stamp[1] or not text.endswith(message):
        return "", message
    between = text[stamp[1] : start]
    origin = between.rstrip()
    # One blank parts the stamp from the text.
    return origin, between[len(origin) + 1 :] + message
