"""Sightings: how often, when and where each template of a log was seen, service by service.

An analysis asks what in a log deserves attention; this keeps what answers "have we seen this line
before?": the counts, and a few events as they stand in the log, a stack trace with its exception.
Making documents of it is left to `tools.logs.distil`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tools.logs.groups import Kind, Kinds
from tools.logs.multiline import Continuations
from tools.logs.reader import LogLine
from tools.logs.records import Level, Record, RecordParser
from tools.logs.templates import merge

MAX_SERVICES = 30
MAX_SIGHTINGS = 20_000
MAX_LINE_CHARS = 500
_MAX_MORE_LINES = 16

_PYTHON_TRACE = "Traceback (most recent call last):"
# `caller="db.go:31"` names a place in the code, and a number names nothing.
_SERVICE = re.compile(r"[A-Za-z_/][\w./@-]{0,79}")
_PASTED = Path("pasted")


@dataclass(slots=True)
class Event:
    """A record as it stands in the log: `line`, and the lines around it that belong to it.

    `trace` is the Python traceback above an exception; `more` follows the line, as the frames of a
    stack trace do. Long lines and long traces are cut.
    """

    line: LogLine
    message: str
    trace: Sequence[LogLine] = ()
    more: list[LogLine] = field(default_factory=list)

    @property
    def lines(self) -> list[LogLine]:
        """All of it, in the order of the log."""
        return [*self.trace, self.line, *self.more]


@dataclass(slots=True)
class Sighting:
    """One template in one service. Positions count the records of the log from 0.

    `other` is the earliest event that says something else than `first` in the variable parts.
    """

    template: str
    level: Level | None
    kind: tuple[Level | None, int | None]
    first: Event
    last: Event
    first_position: int
    last_position: int
    count: int = 0
    other: Event | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None

    def add(self, event: Event, position: int, time: datetime | None) -> None:
        """Count one more event; they come in the order of the log."""
        self.count += 1
        self.last = event
        self.last_position = position
        if self.other is None and event.message != self.first.message:
            self.other = event
        if time is not None:
            self._stretch(time, time)

    def absorb(self, later: Sighting) -> None:
        """Add a sighting that began later and turned out to be of the same template."""
        self.count += later.count
        if later.last_position > self.last_position:
            self.last, self.last_position = later.last, later.last_position
        if self.other is None and later.first.message != self.first.message:
            self.other = later.first
        if later.first_time is not None and later.last_time is not None:
            self._stretch(later.first_time, later.last_time)

    def _stretch(self, first: datetime, last: datetime) -> None:
        if self.first_time is None or first < self.first_time:
            self.first_time = first
        if self.last_time is None or last > self.last_time:
            self.last_time = last


class Sightings:
    """Counts the lines of one log; feed it every line in order.

    `reference` gives the year to time stamps without one. The memory is bounded, whatever the log
    holds: where new templates never end, services are no longer told apart, and then templates
    neither.
    """

    def __init__(self, reference: datetime) -> None:
        self.num_lines = 0
        self._parser = RecordParser(reference)
        self._continuations = Continuations()
        self._kinds = Kinds()
        self._num_records = 0
        self._by_place: dict[tuple[str, int], Sighting] = {}
        self._time: datetime | None = None
        self._event: Event | None = None
        self._trace: deque[LogLine] = deque(maxlen=_MAX_MORE_LINES)

    def add(self, line: LogLine) -> None:
        """Count one line: a record of its own, or a part of the one before."""
        self.num_lines += 1
        text = line.text
        if not text or text.isspace():
            return
        record = self._parser.parse(text)
        if self._continuations.absorbs(text, record):
            self._continue(_shortened(line))
        else:
            self._begin(record, line)

    def templates(self) -> list[str]:
        """The templates as they stand before similar ones are merged, in the order of the log."""
        return list(dict.fromkeys(sighting.template for sighting in self._by_place.values()))

    def by_service(self, unnamed: str) -> dict[str, list[Sighting]]:
        """The sightings of each service, similar templates merged.

        Under `unnamed` is what names no service, or not one of the most frequent. The sightings
        are changed on the way: call it once, at the end.
        """
        lines: Counter[str] = Counter()
        for (service, _), sighting in self._by_place.items():
            lines[service] += sighting.count
        frequent = {service for service, _ in lines.most_common(MAX_SERVICES) if service}
        divided: defaultdict[str, list[Sighting]] = defaultdict(list)
        for (service, _), sighting in self._by_place.items():
            divided[service if service in frequent else unnamed].append(sighting)
        return {service: _merged(sightings) for service, sightings in divided.items()}

    def _continue(self, line: LogLine) -> None:
        if line.text.startswith(_PYTHON_TRACE):
            self._trace.clear()
            self._trace.append(line)
        elif self._trace:
            self._trace.append(line)
        if self._event is not None and len(self._event.more) < _MAX_MORE_LINES:
            self._event.more.append(line)

    def _begin(self, record: Record, line: LogLine) -> None:
        if record.time is not None:
            self._time = record.time
        position = self._num_records
        self._num_records += 1
        kind = self._kinds.of(record, position)
        event = Event(_shortened(line), record.message[:MAX_LINE_CHARS], self._trace_above(record))
        if event.trace and self._event is not None:
            self._event.more.append(event.line)
        self._event = event
        self._sighting(record.service, kind, event, position).add(event, position, self._time)

    def _trace_above(self, record: Record) -> Sequence[LogLine]:
        """The traceback that `record` ends: an exception has no time stamp of its own."""
        if not self._trace:
            return ()
        trace = tuple(self._trace) if record.time is None else ()
        self._trace.clear()
        return trace

    def _sighting(self, service: str, kind: Kind, event: Event, position: int) -> Sighting:
        place = (_service_name(service), kind.number)
        sighting = self._by_place.get(place)
        if sighting is None:
            if len(self._by_place) >= MAX_SIGHTINGS:
                place = ("", kind.number)
            sighting = self._by_place.setdefault(place, _new_sighting(kind, event, position))
        return sighting


def templates_of(text: str) -> list[str]:
    """The templates of one or more raw log lines, to compare with templates seen elsewhere.

    Each once, in order; lines that only continue a record have none.
    """
    sightings = Sightings(datetime.now(UTC))
    for number, line in enumerate(text.split("\n"), 1):
        sightings.add(LogLine(_PASTED, number, line.rstrip("\r"), False))
    return sightings.templates()


def _shortened(line: LogLine) -> LogLine:
    if len(line.text) <= MAX_LINE_CHARS:
        return line
    return line._replace(text=line.text[:MAX_LINE_CHARS], is_cut=True)


def _service_name(service: str) -> str:
    """The service that a record names, or "": `sshd` for `sshd(pam_unix)`."""
    name = service.partition("(")[0]
    return name if _SERVICE.fullmatch(name) else ""


def _new_sighting(kind: Kind, event: Event, position: int) -> Sighting:
    return Sighting(
        kind.template,
        kind.effective_level(),
        (kind.declared, kind.status),
        first=event,
        last=event,
        first_position=position,
        last_position=position,
    )


def _merged(sightings: Iterable[Sighting]) -> list[Sighting]:
    distinct = _joined(sightings)
    kinds = [(sighting.level, *sighting.kind) for sighting in distinct]
    joined: list[Sighting] = []
    for template, members in merge([sighting.template for sighting in distinct], kinds):
        first, *rest = (distinct[member] for member in members)
        for later in rest:
            first.absorb(later)
        first.template = template
        joined.append(first)
    return joined


def _joined(sightings: Iterable[Sighting]) -> list[Sighting]:
    """One sighting for each template, in the order of the log: several services may share it."""
    known: dict[tuple[object, ...], Sighting] = {}
    for sighting in sorted(sightings, key=lambda sighting: sighting.first_position):
        same = known.setdefault((sighting.template, sighting.level, sighting.kind), sighting)
        if same is not sighting:
            same.absorb(sighting)
    return list(known.values())
