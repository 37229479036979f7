"""Whether the evidence can answer at all: does it cover the time and the things asked about?

An assistant that always answers invents. When a question is about a host that nothing mentions, or
about a night before the logs begin, the right answer is that it cannot be told, and what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from tools.errors import ToolsError
from tools.logs.reader import read_lines
from tools.logs.report import LogReport, format_span, format_time
from tools.scope import LogSource, Scope
from tools.window import Window

# "on db-2", "host web-1.example", "pod x-y-z": a thing by its own name. Plain words are no names.
_SUBJECT = re.compile(
    r"\b(?:on|host|node|server|machine|instance|replica|pod|container|service|deployment|job|vm"
    r"|database|cluster|namespace|queue|topic)\s+[`'\"]?((?=[\w.-]*[\d._-])[a-zA-Z][\w.-]*\w)"
    r"|\b((?=[a-z]+[\w-]*-\d)[a-z][a-z0-9-]*-\d+)\b",
)
_TIME_OR_NUMBER = re.compile(r"^\d|^(?:[a-z]+-)?\d{4}-\d\d")
_MAX_SUBJECTS = 4
_MAX_BYTES = 64 * 1024 * 1024


def subjects_of(text: str) -> tuple[str, ...]:
    """The things that `text` names by names of their own: `db-2`, `web-7f9c`."""
    named = (match[1] or match[2] for match in _SUBJECT.finditer(text))
    names = (name.rstrip(".-") for name in named)
    return tuple(dict.fromkeys(name for name in names if not _TIME_OR_NUMBER.match(name)))[
        :_MAX_SUBJECTS
    ]


def unmentioned(
    subjects: Sequence[str], scope: Scope, checkpoint: Callable[..., object]
) -> tuple[str, ...]:
    """The subjects that no name and no line of the scope's logs and captures has."""
    left = set(subjects)
    names = [
        *scope.logs,
        *scope.captures,
        *(capture.command for capture in scope.captures.values()),
    ]
    left -= {subject for subject in left if any(_has(subject, name) for name in names)}
    captured = [LogSource(c.name, (c.path,)) for c in scope.captures.values()]
    for source in (*scope.logs.values(), *captured):
        if not left:
            break
        left -= _found(left, source, checkpoint)
    return tuple(subject for subject in subjects if subject in left)


def _found(wanted: Iterable[str], source: LogSource, checkpoint: Callable[..., object]) -> set[str]:
    pattern = re.compile("|".join(re.escape(word) for word in wanted), re.IGNORECASE)
    found: set[str] = set()
    try:
        for line in read_lines(source, _MAX_BYTES):
            if line.number % 10_000 == 0:
                checkpoint(source.name, line.number)
            found |= {match.lower() for match in pattern.findall(line.text)}
    except ToolsError:
        return set()  # it is reported where it is read for what it says
    return {word for word in wanted if word.lower() in found}


def _has(subject: str, name: str) -> bool:
    return subject.lower() in name.lower()


def uncovered(window: Window, report: LogReport) -> str:
    """What to say when no log has a line in `window`: what they cover instead; else nothing."""
    known = [source for source in report.sources if source.first and source.last]
    if not known or any(source.levels for source in report.sources):
        return ""
    begin = format_time(window.start) or "the beginning"
    end = format_time(window.end) or "now"
    first = min(source.first for source in known if source.first)
    last = max(source.last for source in known if source.last)
    return f"the logs have no line from {begin} to {end}; they cover {format_span(first, last)}"
