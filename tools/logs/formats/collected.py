"""Lines that a collector wrote for many machines or programs: columns before what was said.

Supercomputers' event logs (seconds since 1970, a second date, nodes), `docker compose logs` and
`kubectl logs --prefix`.
"""

from __future__ import annotations

import re

from tools.logs.formats.bodies import plain, stamped, wrapped
from tools.logs.formats.form import DIGITS, LETTERS, Form, Reader, Record, first_seen, form
from tools.logs.levels import HEADER_WORDS, level_of
from tools.logs.stamps import clock_time, parse_time

_UPPER_LEVEL = HEADER_WORDS.upper()


def _from_epoch(reader: Reader, match: re.Match[str]) -> Record | None:
    time = parse_time(match[1])
    if time is None:
        return None
    return stamped(reader, match.string, match.end(), time, match.span(1))


def _from_event(reader: Reader, match: re.Match[str]) -> Record | None:
    """Seconds, a date, a node, and the node's own line, whose stamp has no zone."""
    time = parse_time(match[1])
    if time is None:
        return None
    text, start, stamp = match.string, match.end(), match.span(1)
    inner = reader.nested(text, start)
    if inner is None:
        return plain(text, start, time, stamp)
    return wrapped(inner, text, time, stamp)


def _from_dotted(reader: Reader, match: re.Match[str]) -> Record | None:
    year, month, day, hour, minute, rest, component, level = match.groups()
    time = clock_time(f"{year}-{month}-{day}", f"{hour}:{minute}:{rest}", reader.zone)
    stamp = first_seen(time, (match.start(1), match.end(6)))
    message = match.string[match.end() :]
    return Record(time, level_of(level), message, component.strip(), {}, stamp)


def _from_columns(_: Reader, match: re.Match[str]) -> Record | None:
    time = parse_time(match[2])
    if time is None:
        return None
    record = plain(match.string, match.end(), time, match.span(2))
    return record._replace(service=match[1])


def _from_container(reader: Reader, match: re.Match[str]) -> Record | None:
    """A line behind the name of the container or pod that wrote it."""
    text, start = match.string, match.end()
    record = reader.nested(text, start) or plain(text, start)
    return record if record.service else record._replace(service=match[1])


COLLECTED: tuple[Form, ...] = (
    form(
        f"-{DIGITS}{LETTERS}",
        r"(?:(?:-|[A-Z][A-Z_]{1,30}) )?(\d{10}) \d{4}\.\d\d\.\d\d \S{1,255} ",
        _from_event,
    ),
    form(
        DIGITS,
        r"(\d{4})-(\d\d)-(\d\d)-(\d\d)\.(\d\d)\.(\d\d\.\d{6}) \S{1,255} "
        rf"((?:[A-Z]{{2,30}} ){{1,3}})({_UPPER_LEVEL}) ",
        _from_dotted,
    ),
    form(f"-{DIGITS}", r"(?:- )?(\d{10}(?:\d{3}|\.\d+)?) +", _from_epoch),
    form(
        DIGITS,
        r"\d{1,9} ([\w.-]{1,80}) (?:[\w.-]{1,80} ){2}(\d{10}) -?\d{1,3} ",
        _from_columns,
    ),
    form(LETTERS, r"([A-Za-z][\w.-]{0,80}[-_]\d{1,4}) *\| ?", _from_container),
    form("[", r"\[pod/([\w.-]{1,255})/[\w.-]{1,255}\] ?", _from_container),
)
