"""Records: what one log line says, in the formats that logs come in.

A line becomes a `Record`: time, level, message, service and fields. A time that cannot be read with
certainty is None, never guessed, except for the year where a format has none: it is taken from a
reference time. Times without a zone are read as UTC. Reading files is left to `tools.logs.reader`,
grouping to `tools.logs.templates`, judging to `tools.logs.severity`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """Severity of a record, comparable."""

    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


class Record(NamedTuple):
    """One record. `time` is UTC, and None where the line has none that can be trusted.

    A tuple, because there is one for every line of a log.
    """

    time: datetime | None
    level: Level | None
    message: str
    service: str = ""
    fields: Mapping[str, object] = {}


_LEVELS = {
    **dict.fromkeys(
        ("trace", "debug", "debg", "dbg", "verbose", "fine", "d", "t", "7"), Level.DEBUG
    ),
    **dict.fromkeys(
        ("info", "information", "informational", "notice", "log", "normal", "i", "6", "5"),
        Level.INFO,
    ),
    **dict.fromkeys(("warn", "warning", "wrn", "w", "4"), Level.WARN),
    **dict.fromkeys(("error", "err", "severe", "eror", "e", "3"), Level.ERROR),
    **dict.fromkeys(
        ("fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "f", "2", "1", "0"),
        Level.FATAL,
    ),
}
_PINO_LEVELS = {
    10: Level.DEBUG,
    20: Level.DEBUG,
    30: Level.INFO,
    40: Level.WARN,
    50: Level.ERROR,
    60: Level.FATAL,
}
# Letters and digits stand for a level only where a format says so.
_LEVEL_NAMES = "|".join(sorted((name for name in _LEVELS if len(name) > 2), key=len, reverse=True))
# Each alternative captures the level's word and nothing else.
_LEVEL_IN_TEXT = re.compile(
    rf"(?<![\w.=/-])({_LEVEL_NAMES.upper()})(?![\w=/.-]|: ?0\b)"
    rf"|(?<=[\[<(|])((?i:{_LEVEL_NAMES}))(?=[\]>)|])"
    rf"|\b(?:level|lvl|severity)[=:] ?\"?((?i:{_LEVEL_NAMES}))\b"
    rf"|^\W{{0,3}}((?i:{_LEVEL_NAMES}))(?=[:\]] |:$| {{2,}})"
    rf"|(?<=[\w\])]: )((?i:{_LEVEL_NAMES}))(?=: )",
    re.ASCII,
)
_LEVEL_SEARCH_CHARS = 120
_MAX_WRAPPINGS = 3
_MAX_SHAPES = 1000

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


def level_of(value: object) -> Level | None:
    """The level that a level field's value names: a word, a syslog digit or a pino number."""
    if isinstance(value, str):
        return _LEVELS.get(value.lower())
    return _PINO_LEVELS.get(value) if isinstance(value, int) else None


def http_level(status: object) -> Level | None:
    """The level that an HTTP status stands for in an access log: 5xx ERROR, 4xx WARN."""
    if not isinstance(status, int) or not 100 <= status <= 599:
        return None
    return Level.ERROR if status >= 500 else Level.WARN if status >= 400 else Level.INFO


class RecordParser:
    """Parses the lines of one source; `reference` gives the year to formats that have none.

    It remembers which format fitted last, because a log rarely changes its format.
    """

    def __init__(self, reference: datetime) -> None:
        self._reference = reference
        self._formats = list(_FORMATS)
        self._shapes: dict[tuple[str, ...], _JsonShape] = {}
        self._depth = 0

    def parse(self, text: str) -> Record:
        """The record that one line holds by itself."""
        if text.startswith("{"):
            record = self._parse_json(text)
            if record is not None:
                return record
        for position, form in enumerate(self._formats):
            match = form.pattern.match(text)
            if match is None:
                continue
            record = form.build(self, match)
            if record is None:
                continue
            if position:
                self._formats.remove(form)
                self._formats.insert(0, form)
            return record
        return _plain(None, text)

    def _parse_json(self, text: str) -> Record | None:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict):
            return None
        keys = tuple(fields)
        shape = self._shapes.get(keys)
        if shape is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            shape = self._shapes[keys] = _JsonShape.of(keys)
        return self._json_record(fields, shape, text)

    def _json_record(
        self, fields: dict[str, object], shape: _JsonShape, text: str
    ) -> Record | None:
        stamp = fields[shape.time] if shape.time else None
        time = parse_time(stamp)
        message = fields[shape.message] if shape.message else text
        level = level_of(fields[shape.level]) if shape.level else None
        service = fields[shape.service] if shape.service else ""
        for value in fields.values():
            if isinstance(value, dict):
                fields = _flatten(fields)
                break
        if not isinstance(message, str):
            message = _text_of(message)
        if shape.is_wrapper:
            return self.unwrap(message.rstrip("\n"), time)
        return Record(time, level, message, service if isinstance(service, str) else "", fields)

    def unwrap(self, text: str, time: datetime | None) -> Record:
        """The record that a container runtime wrapped and stamped `time`, at most some levels."""
        if self._depth == _MAX_WRAPPINGS:
            return _plain(time, text)
        self._depth += 1
        try:
            inner = self.parse(text)
        finally:
            self._depth -= 1
        return inner._replace(time=inner.time or time)

    def year_of(self, month: int, day: int) -> int:
        """The year that puts month and day at or before the reference time (a day's slack)."""
        latest = self._reference + timedelta(days=1)
        return latest.year if (month, day) <= (latest.month, latest.day) else latest.year - 1


class _JsonShape(NamedTuple):
    """Which keys of a JSON line mean what; None where it has no such key."""

    time: str | None
    level: str | None
    message: str | None
    service: str | None
    is_wrapper: bool

    @classmethod
    def of(cls, keys: tuple[str, ...]) -> _JsonShape:
        return cls(
            _first(keys, ("timestamp", "time", "ts", "@timestamp", "datetime", "date", "t")),
            _first(keys, ("level", "severity", "lvl", "log.level", "loglevel", "levelname")),
            _first(keys, ("message", "msg", "event", "log", "error", "err", "text")),
            _first(keys, ("service", "logger", "app", "component", "name", "caller")),
            # Docker's json-file driver wraps what the program wrote.
            set(keys) <= {"log", "stream", "time", "attrs"} and "log" in keys,
        )


def _first(keys: tuple[str, ...], wanted: Iterable[str]) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _flatten(fields: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def _text_of(value: object) -> str:
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return str(value["message"])
    return json.dumps(value, ensure_ascii=False)


def parse_time(value: object) -> datetime | None:
    """An ISO 8601 stamp or seconds, milliseconds, … since 1970 as UTC; None for anything else."""
    if isinstance(value, str):
        if len(value) >= 19 and value[4] in "-/":
            return _iso_time(value)
        return _epoch_time(value) if _EPOCH_VALUE.fullmatch(value) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch_time(value)
    return None


_EPOCH_VALUE = re.compile(r"\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?")
# 2001 to 2096, in seconds: a number outside is not a time.
_EPOCH_RANGE = (1_000_000_000, 4_000_000_000)


def _epoch_time(value: str | int | float) -> datetime | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    for _ in range(4):
        if _EPOCH_RANGE[0] <= seconds < _EPOCH_RANGE[1]:
            return datetime.fromtimestamp(seconds, UTC)
        seconds /= 1000
    return None


def _iso_time(stamp: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        try:
            time = datetime.fromisoformat(stamp.replace("/", "-").replace(" UTC", "Z"))
        except ValueError:
            return None
    if time.tzinfo is UTC:
        return time
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None


def _plain(time: datetime | None, message: str, service: str = "") -> Record:
    """A record whose level stands in the first words of its message, if anywhere."""
    return Record(time, _level_in(message), message, service)


def _level_in(message: str) -> Level | None:
    match = _LEVEL_IN_TEXT.search(message, 0, _LEVEL_SEARCH_CHARS)
    if match is None or match.lastindex is None:
        return None
    return _LEVELS[match[match.lastindex].lower()]


def _from_iso(parser: RecordParser, match: re.Match[str]) -> Record | None:
    time = _iso_time(match[1].replace(",", ".") + (match[2] or ""))
    message = match[3]
    if time is None:
        return None
    container = _CRI.match(message)
    if container is not None:
        return parser.unwrap(container[1], time)
    if message.startswith("{"):
        return parser.unwrap(message, time)
    syslog = _SYSLOG_REST.match(message)
    # Without a process id, "ERROR pool:" would be taken for a host and a program.
    if syslog is not None and syslog[2]:
        return _plain(time, syslog[3], syslog[1])
    return _plain(time, message)


def _from_syslog(parser: RecordParser, match: re.Match[str]) -> Record | None:
    month, day = _MONTHS.get(match[1]), int(match[2])
    if month is None:
        return None
    time = _clock_time(parser.year_of(month, day), month, day, match[3])
    rest = _SYSLOG_REST.match(match[4])
    return _plain(time, rest[3], rest[1]) if rest else _plain(time, match[4])


def _from_syslog_5424(_: RecordParser, match: re.Match[str]) -> Record | None:
    level = _LEVELS[str(int(match[1]) % 8)]
    return Record(parse_time(match[2]), level, match[4], match[3])


def _from_klog(parser: RecordParser, match: re.Match[str]) -> Record | None:
    month, day = int(match[2]), int(match[3])
    time = _clock_time(parser.year_of(month, day), month, day, match[4])
    return Record(time, _LEVELS[match[1].lower()], match[6], match[5])


def _from_android(parser: RecordParser, match: re.Match[str]) -> Record | None:
    month, day = int(match[1]), int(match[2])
    time = _clock_time(parser.year_of(month, day), month, day, match[3])
    return Record(time, _LEVELS.get(match[4].lower(), Level.INFO), match[5])


def _from_access(_: RecordParser, match: re.Match[str]) -> Record | None:
    time = _access_time(match[2])
    status = int(match[4])
    fields: dict[str, object] = {"client_ip": match[1], "status": status}
    message = f"{match[3]} {match[4]}"
    return Record(time, http_level(status), message, fields=fields)


def _from_apache_error(_: RecordParser, match: re.Match[str]) -> Record | None:
    month = _MONTHS.get(match[1])
    time = _clock_time(int(match[4]), month, int(match[2]), match[3]) if month else None
    return _plain(time, match[5])


def _from_redis(_: RecordParser, match: re.Match[str]) -> Record | None:
    month = _MONTHS.get(match[2])
    time = _clock_time(int(match[3]), month, int(match[1]), match[4]) if month else None
    level = {"#": Level.WARN, "*": Level.INFO}.get(match[5], Level.DEBUG)
    return Record(time, level, match[6], "redis")


def _from_epoch(_: RecordParser, match: re.Match[str]) -> Record | None:
    time = parse_time(match[1])
    return _plain(time, match[2]) if time else None


def _from_logfmt(_: RecordParser, match: re.Match[str]) -> Record | None:
    fields: dict[str, object] = {}
    for key, quoted, bare in _LOGFMT_PAIR.findall(match[0]):
        fields[key] = _number(bare) if bare else quoted.replace('\\"', '"')
    if len(fields) < 2:
        return None
    shape = _JsonShape.of(tuple(fields))
    message = str(fields[shape.message]) if shape.message else match[0]
    time = parse_time(fields[shape.time]) if shape.time else None
    level = level_of(fields[shape.level]) if shape.level else _level_in(match[0])
    service = str(fields[shape.service]) if shape.service else ""
    return Record(time, level, message, service, fields)


def _number(text: str) -> str | int | float:
    if not text[0].isdigit() and text[0] != "-":
        return text
    try:
        return int(text) if len(text) < 20 else text
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _clock_time(year: int, month: int, day: int, clock: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{clock.replace(',', '.')}Z")
    except ValueError:
        return None


def _access_time(stamp: str) -> datetime | None:
    day, month, rest = stamp.split("/")
    number = _MONTHS.get(month)
    if number is None:
        return None
    year, clock, zone = rest[:4], rest[5:13], rest[14:]
    return _iso_time(f"{year}-{number:02}-{day}T{clock}{zone}")


_CRI = re.compile(r"(?:stdout|stderr) [FP] (.*)", re.DOTALL)
_SYSLOG_REST = re.compile(r"(?:[\w.-]+ )([\w./@-]+(?:\(\w+\))?)(\[\d+\])?: (.*)", re.DOTALL)
_LOGFMT_PAIR = re.compile(r'([A-Za-z_][\w.@/-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')

_Build = Callable[[RecordParser, re.Match[str]], Record | None]
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"


class _Format(NamedTuple):
    pattern: re.Pattern[str]
    build: _Build


def _form(pattern: str, build: _Build) -> _Format:
    return _Format(re.compile(pattern, re.DOTALL), build)


_FORMATS: tuple[_Format, ...] = (
    _form(
        rf"[\[(]?(\d{{4}}[-/]\d\d[-/]\d\d[T _]{_CLOCK})"
        r"\s?(Z|UTC|[+-]\d\d:?\d\d)?[.\dZ]*[\])]?[\s|:,-]*(.*)",
        _from_iso,
    ),
    _form(rf"(?:<\d+>)?([A-Z][a-z]{{2}}) +(\d\d?) ({_CLOCK}) (.*)", _from_syslog),
    _form(r"<(\d{1,3})>\d (\S+) \S+ (\S+) \S+ \S+ (?:-|\[.*?\])? ?(.*)", _from_syslog_5424),
    _form(rf"([DIWEF])(\d\d)(\d\d) ({_CLOCK}) +\d+ ([^\s\]]+:\d+)\] ?(.*)", _from_klog),
    _form(
        r"(\S+) \S+ \S+ \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
        r'"([^"]*)" (\d{3})\b(.*)',
        _from_access,
    ),
    _form(rf"\[{_DAY} ([A-Z][a-z]{{2}}) (\d\d) ({_CLOCK}) (\d{{4}})\] (.*)", _from_apache_error),
    _form(rf"\d+:[A-Z] (\d\d) ([A-Z][a-z]{{2}}) (\d{{4}}) ({_CLOCK}) ([*#.-]) (.*)", _from_redis),
    _form(rf"(\d\d)-(\d\d) ({_CLOCK}) +\d+ +\d+ ([VDIWEFA]) (.*)", _from_android),
    _form(r"(?:- )?(\d{10}(?:\d{3}|\.\d+)?) (.*)", _from_epoch),
    _form(r"[A-Za-z_][\w.@/-]*=(?:\"|[^\s=]).*", _from_logfmt),
)
