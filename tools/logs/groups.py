"""Groups: the records of one source counted by template, in bounded memory.

No line is kept but one sample for each template; what is counted is enough to say when a template
began, how it grew and which value dominates it. Judging that is left to `tools.logs.ranking`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.logs.numbers import MessageNumbers
from tools.logs.reader import LogLine
from tools.logs.records import Level, Record, http_level
from tools.logs.severity import effective_level
from tools.logs.templates import Masker, merge

MAX_GROUPS = 20_000
_MAX_CHUNKS = 1024
_MAX_VALUES = 512
_MAX_FIELD_VARIANTS = 40
_MAX_SUFFIXES = 20_000
_MAX_SHAPES = 1000
_MAX_MASKED_CHARS = 1000
_MAX_VALUE_CHARS = 80

# Fields that say what happened, so they belong to the template beside the message.
_TELLING_FIELDS = (
    "error", "err", "exception", "reason", "status", "status_code", "statusCode", "code",
    "res.statusCode", "endpoint", "path", "url", "method", "event", "action", "error.message",
)  # fmt: skip
_STATUS_IN_TEXT = re.compile(
    r"HTTP/\d(?:\.\d)?\"? (\d{3})\b|\b[Ss]tatus(?:[ _]?[Cc]ode)?\"?[=: ]{1,2}(\d{3})\b"
)
_VALUE_IN_TEXT = re.compile(
    r"\b(user|username|host|client|client_ip|remote|addr|peer|endpoint|path|pod|node|service|db|table"
    r"|queue|topic|tenant|customer|device|from|to)(?:[=:]\s?| )\"?([\w./@:-]*[\w/])"
    r"|(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])"
)


@dataclass(slots=True)
class Group:
    """The records of one template. Positions count the records of the window from 0."""

    template: str
    level: Level | None
    declared: Level | None
    status: int | None
    sample: LogLine
    message: str
    first_position: int
    count: int = 0
    baseline_count: int = 0
    last_position: int = 0
    first: datetime | None = None
    last: datetime | None = None
    chunks: dict[int, int] = field(default_factory=dict)
    values: dict[str, Counter[str]] | None = None
    numbers: MessageNumbers | None = None

    @property
    def is_problem(self) -> bool:
        """Whether its records are warnings or worse."""
        return self.level is not None and self.level >= Level.WARN

    def absorb(self, other: Group) -> None:
        """Add the counts of a group that turned out to be the same template."""
        if other.count and (not self.count or other.first_position < self.first_position):
            self.sample, self.message = other.sample, other.message
            self.first_position = other.first_position
        if other.count > self.count:
            self.numbers = other.numbers
        self.count += other.count
        self.baseline_count += other.baseline_count
        self.last_position = max(self.last_position, other.last_position)
        self.first = _earlier(self.first, other.first)
        self.last = _later(self.last, other.last)
        for chunk, count in other.chunks.items():
            self.chunks[chunk] = self.chunks.get(chunk, 0) + count
        for name, counter in (other.values or {}).items():
            self.values = self.values or {}
            self.values[name] = self.values.get(name, Counter()) + counter


def _earlier(left: datetime | None, right: datetime | None) -> datetime | None:
    return min(left, right) if left and right else left or right


def _later(left: datetime | None, right: datetime | None) -> datetime | None:
    return max(left, right) if left and right else left or right


class Grouping:
    """Counts the records of one source by template; feed them in the order of the log."""

    def __init__(self) -> None:
        self.total = 0
        self.baseline_total = 0
        self.chunk_shift = 0
        self._groups: dict[tuple[Level | None, int | None, str], Group] = {}
        self._masker = Masker()
        self._telling = _TellingFields(self._masker)

    def add(self, record: Record, time: datetime | None, line: LogLine) -> Group:
        """Count one record of the window and return its group."""
        group = self._group(record, line)
        position = self.total
        self.total = position + 1
        if not group.count:
            group.first_position = position
            group.sample = line
            group.message = record.message
        group.count += 1
        group.last_position = position
        if time is not None:
            if group.first is None or time < group.first:
                group.first = time
            if group.last is None or time > group.last:
                group.last = time
        chunk = position >> self.chunk_shift
        group.chunks[chunk] = group.chunks.get(chunk, 0) + 1
        if chunk >= _MAX_CHUNKS:
            self._halve_chunks()
        if group.is_problem:
            _count_values(group, record)
        return group

    def add_to_baseline(self, record: Record, line: LogLine) -> None:
        """Count one record of the baseline."""
        self.baseline_total += 1
        self._group(record, line).baseline_count += 1

    def merged(self) -> list[Group]:
        """The groups of the window, near-identical templates joined."""
        groups = list(self._groups.values())
        kinds = [(group.level, group.declared, group.status) for group in groups]
        joined: list[Group] = []
        for template, members in merge([group.template for group in groups], kinds):
            first, *rest = (groups[member] for member in members)
            for other in rest:
                first.absorb(other)
            first.template = template
            if first.count:
                joined.append(first)
        return joined

    def _group(self, record: Record, line: LogLine) -> Group:
        message = record.message
        template = self._masker.mask(
            message if len(message) <= _MAX_MASKED_CHARS else message[:_MAX_MASKED_CHARS]
        )
        status: int | None = None
        if record.fields:
            suffix, status = self._telling.of(record.fields)
            template += suffix
        if status is None and ("HTTP/" in message or "tatus" in message):
            status = _status_in(message)
        key = (record.level, status, template)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self._new_group(key, record, line)
        return group

    def _new_group(
        self, key: tuple[Level | None, int | None, str], record: Record, line: LogLine
    ) -> Group:
        declared, status, template = key
        if len(self._groups) >= MAX_GROUPS:
            # A log of nothing but new messages must not eat the memory: keep their first words.
            template = " ".join(template.split(" ", 2)[:2]) + " …"
            known = self._groups.get((declared, status, template))
            if known is not None:
                return known
        level = effective_level(declared, f"{record.message} {template}")
        if status is not None and status >= 400 and (declared is None or status in _RAISING):
            level = max(level or Level.DEBUG, http_level(status) or Level.DEBUG)
        return Group(template, level, declared, status, line, record.message, self.total)

    def _halve_chunks(self) -> None:
        self.chunk_shift += 1
        for group in self._groups.values():
            halved: defaultdict[int, int] = defaultdict(int)
            for chunk, count in group.chunks.items():
                halved[chunk >> 1] += count
            group.chunks = dict(halved)


# A client's 404 at INFO is routine; these are trouble whatever the level.
_RAISING = frozenset((429, *range(500, 600)))


def _status_in(message: str) -> int | None:
    match = _STATUS_IN_TEXT.search(message)
    status = int(match[1] or match[2]) if match else 0
    return status if status >= 400 else None


class _TellingFields:
    """What the telling fields of a structured record add to its template."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._suffixes: dict[tuple[object, object], tuple[str, int | None]] = {}
        self._variants: defaultdict[str, set[str]] = defaultdict(set)

    def of(self, fields: Mapping[str, object]) -> tuple[str, int | None]:
        """Text for the template, and the HTTP status when it is 400 or above."""
        shape = tuple(fields)
        keys = self._keys.get(shape)
        if keys is None:
            if len(self._keys) >= _MAX_SHAPES:
                self._keys.clear()
            keys = self._keys[shape] = tuple(key for key in _TELLING_FIELDS if key in fields)
        values = tuple([fields[key] for key in keys])
        place = (keys, values)
        try:
            known = self._suffixes.get(place)
        except TypeError:  # a list among the values cannot be looked up
            return self._describe(keys, values)
        if known is None:
            if len(self._suffixes) >= _MAX_SUFFIXES:
                self._suffixes.clear()
            known = self._suffixes[place] = self._describe(keys, values)
        return known

    def _describe(self, keys: Sequence[str], values: Sequence[object]) -> tuple[str, int | None]:
        parts: list[str] = []
        status: int | None = None
        for key, value in zip(keys, values, strict=True):
            if isinstance(value, int) and not isinstance(value, bool):
                if "tatus" in key and 400 <= value <= 599:
                    status = value
                continue
            if isinstance(value, str) and value:
                parts.extend(self._part(key, value))
        return "".join(f" {part}" for part in parts), status

    def _part(self, key: str, value: str) -> Iterable[str]:
        masked = self._masker.mask(value[:_MAX_VALUE_CHARS])
        variants = self._variants[key]
        if masked not in variants and len(variants) >= _MAX_FIELD_VARIANTS:
            return ()
        variants.add(masked)
        return (f"{key}={masked}",)


def _count_values(group: Group, record: Record) -> None:
    """Count the values that could tell who or what a problem is about."""
    if group.values is None:
        group.values = {}
    for name, value in _values(record):
        counter = group.values.get(name)
        if counter is None:
            counter = group.values[name] = Counter()
        counter[value] += 1
        if len(counter) > _MAX_VALUES:
            # What is seen once among hundreds dominates nothing.
            group.values[name] = Counter({v: n for v, n in counter.items() if n > 1})


def _values(record: Record) -> Iterable[tuple[str, str]]:
    if record.fields:
        message = record.message
        return (
            (key, value)
            for key, value in record.fields.items()
            if isinstance(value, str) and len(value) <= _MAX_VALUE_CHARS and value != message
        )
    return (
        (match[1] or "address", match[2] or match[3])
        for match in _VALUE_IN_TEXT.finditer(record.message)
    )
