"""`Excerpt`: the newest lines of a service's log, and what new ones say against old ones.

It is saved before an act, because a restart may rotate a log away, and read again afterwards. Logs
of service managers have no line numbers that both readings share, so new lines are told from old
ones by comparing the two texts. Of a log that repeats the very same lines for ever, without times,
fewer new lines may be found than there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher

from tools.errors import ToolsError
from tools.logs.records import Level, RecordParser
from tools.logs.severity import effective_level
from tools.logs.templates.masks import Masker
from tools.services.control import ServiceControl

# The same for all readings: a longer one would show old lines that seem new.
MAX_LINES = 300
# Year-less time stamps need some year; which one does not matter for levels.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Log lines, oldest first; `trouble` says why there are none when they could not be read."""

    lines: tuple[str, ...] = ()
    trouble: str = ""

    @classmethod
    def read(cls, control: ServiceControl, service: str) -> Excerpt:
        """The newest lines of the service's log; never fails, and says what went wrong."""
        try:
            return cls(tuple(control.log_tail(service, MAX_LINES)[-MAX_LINES:]))
        except ToolsError as error:
            return cls(trouble=error.message)

    def since(self, earlier: Excerpt) -> tuple[str, ...]:
        """The lines that are not in `earlier`, in their order."""
        if earlier.trouble:
            return ()
        matcher = SequenceMatcher(None, earlier.lines, self.lines, autojunk=False)
        changes = matcher.get_opcodes()
        return tuple(
            line
            for tag, _, _, start, end in changes
            if tag in ("insert", "replace")
            for line in self.lines[start:end]
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """Error lines that are the same but for their values: how many, and the newest."""

    count: int
    newest: str


def error_kinds(lines: Iterable[str]) -> dict[str, Kind]:
    """The error lines among `lines` by their template, in the order of their first."""
    parser, masker = RecordParser(_ANY_TIME), Masker()
    kinds: dict[str, Kind] = {}
    for line in lines:
        record = parser.parse(line)
        level = effective_level(record.level, record.message)
        if level is not None and level >= Level.ERROR:
            template = masker.mask(record.message)
            known = kinds.get(template)
            kinds[template] = Kind(known.count + 1 if known else 1, line)
    return kinds


def num_lines(lines: Sequence[str]) -> str:
    """`1 line`, `2 lines`."""
    return f"{len(lines)} line{'' if len(lines) == 1 else 's'}"
