"""Multi-line records: which lines only continue the record before them.

A stack trace is one event. Its frames are continuations; its exception line is a record of its own,
since that is the line a person wants to read.
"""

from __future__ import annotations

import re

from tools.logs.records import Record
from tools.logs.severity import names_problem

_FRAME = re.compile(
    r'\s+at \S|\s+File "|\s*\.\.\. \d+ (?:more|common)|\s+\d+: 0x|\s+from \S+:\d+:in |\s+--- '
    r"|\s+#\d+ "
)
_PYTHON_TRACE = re.compile(r"Traceback \(most recent call last\):$")
_GO_TRACE = re.compile(r"goroutine \d+ \[.*\]:$")
_GO_FRAME = re.compile(r"\S+\(.*\)$|created by \S+|\t\S+:\d+")


class Continuations:
    """Decides line by line; feed it every line of a source in order."""

    def __init__(self) -> None:
        self._is_in_trace = False
        self._is_in_go_trace = False
        self._last_had_time = False

    def absorbs(self, text: str, record: Record) -> bool:
        """Whether `text` (parsed as `record`) only continues the record before it."""
        if record.time is not None:
            self._is_in_trace = self._is_in_go_trace = False
            self._last_had_time = True
            return False
        if _PYTHON_TRACE.match(text) or _FRAME.match(text):
            self._is_in_trace = True
            return True
        if _GO_TRACE.match(text):
            self._is_in_go_trace = True
            return True
        if self._is_in_go_trace and _GO_FRAME.match(text):
            return True
        if text[:1] in " \t":
            return self._is_in_trace or (self._last_had_time and not names_problem(text))
        self._is_in_trace = self._last_had_time = False
        return False
