"""Groups: the records of one source by template, with what is counted of each.

It is enough to say when a template began, how it grew and which value dominates it. Counting is
done in `tools.logs.columns`, judging in `tools.logs.ranking`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.logs.reader import LogLine
from tools.logs.records import Level, Record, http_level
from tools.logs.severity import effective_level
from tools.logs.templates import Masker

MAX_KINDS = 20_000
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
STATUS_IN_TEXT = re.compile(
    r"HTTP/\d(?:\.\d)?\"? (\d{3})\b|\b[Ss]tatus(?:[ _]?[Cc]ode)?\"?[=: ]{1,2}(\d{3})\b"
)
_VALUE_IN_TEXT = re.compile(
    r"\b(user|username|host|client|client_ip|remote|addr|peer|endpoint|path|pod|node|service|db|table"
    r"|queue|topic|tenant|customer|device|from|to)(?:[=:]\s?| )\"?([\w./@:-]*[\w/])"
    r"|(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])"
)


@dataclass(eq=False, slots=True)
class Kind:
    """What one template at one level is, before similar templates are merged.

    `declared` is the level that the records name, `status` an HTTP status of 400 or above. `row` is
    the first record, `message` what it says; `has_fields`: it is structured.
    """

    number: int
    template: str
    declared: Level | None
    status: int | None
    row: int
    message: str
    has_fields: bool

    def effective_level(self) -> Level | None:
        """The level that the records deserve, by what the first of them says."""
        level = effective_level(self.declared, f"{self.message} {self.template}")
        status = self.status
        if status is not None and (self.declared is None or status in _RAISING):
            level = max(level or Level.DEBUG, http_level(status) or Level.DEBUG)
        return level

    @property
    def has_numbers(self) -> bool:
        """Whether its plain messages differ in numbers."""
        return not self.has_fields and "<n>" in self.template


class Kinds:
    """The kinds of the records of one source. Their number is bounded."""

    def __init__(self) -> None:
        self.all: list[Kind] = []
        self._by_key: dict[tuple[Level | None, int | None, str], Kind] = {}
        self._masker = Masker()
        self._telling = _TellingFields(self._masker)

    def of(self, record: Record, row: int) -> Kind:
        """The kind of a record; `row` says where it stands among all."""
        key = self._key(record)
        kind = self._by_key.get(key)
        if kind is None:
            kind = self._new(key, record, row)
        if row < kind.row:
            kind.row, kind.message = row, record.message
        return kind

    def _key(self, record: Record) -> tuple[Level | None, int | None, str]:
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
        return record.level, status, template

    def _new(self, key: tuple[Level | None, int | None, str], record: Record, row: int) -> Kind:
        declared, status, template = key
        if len(self.all) >= MAX_KINDS:
            # A log of nothing but new messages must not eat the memory: keep their first words.
            template = " ".join(template.split(" ", 2)[:2]) + " …"
            key = declared, status, template
            if key in self._by_key:
                return self._by_key[key]
        kind = Kind(
            len(self.all), template, declared, status, row, record.message, bool(record.fields)
        )
        self.all.append(kind)
        self._by_key[key] = kind
        return kind


@dataclass(slots=True)
class Group:
    """The records of one template. Positions count the records of the window from 0.

    `tenths` counts its records in each tenth of the window's. `values` counts what the fields of
    `num_valued` of its records say; those of all, or of a sample.
    """

    template: str
    level: Level | None
    declared: Level | None
    status: int | None
    sample: LogLine
    message: str
    count: int
    baseline_count: int
    first_position: int
    last_position: int
    first: datetime | None
    last: datetime | None
    tenths: Sequence[int]
    values: dict[str, Counter[str]] = field(default_factory=dict)
    num_valued: int = 0

    @property
    def is_problem(self) -> bool:
        """Whether its records are warnings or worse."""
        return self.level is not None and self.level >= Level.WARN

    def count_values(self, record: Record) -> None:
        """Count the values that could tell who or what a problem is about."""
        self.num_valued += 1
        for name, value in dict.fromkeys(_values(record)):
            self.values.setdefault(name, Counter())[value] += 1


# A client's 404 at INFO is routine; these are trouble whatever the level.
_RAISING = frozenset((429, *range(500, 600)))


def _status_in(message: str) -> int | None:
    match = STATUS_IN_TEXT.search(message)
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
