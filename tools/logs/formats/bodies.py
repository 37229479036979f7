"""Bodies: what follows a time stamp or a sender, up to and with the message.

It may be a record of its own (a runtime, a collector or syslog wraps what programs write), a header
and a message, or a message alone.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from tools.logs.formats.encoding import place_in
from tools.logs.formats.form import Reader, Record, Span, make
from tools.logs.formats.headers import Header, code_place, read_header
from tools.logs.levels import Level, level_in
from tools.logs.stamps import certainty

# What a line within a line begins with, where it is more than a message.
_RECORD_AHEAD = re.compile(r"[{\[\d<]|[A-Z][a-z]{2} [ \d]|[DIWEF]\d{4} |[A-Za-z_][\w.-]*=")
_SENDER = re.compile(
    r"\S{1,255}+ (?P<program>[\w./@-]{1,120}+"
    r"(?:\([\w./-]{1,80}\)|(?: [\w.-]{1,40}){1,3}(?=\[\d+\]))?)"
    r"(?: \d[\d.]*)?(?P<pid>\[\d+\])?(?: \([^()]{1,200}\))?: ?"
)
_LAST_LOGGER = re.compile(r" \(((?:[\w$]+\.)+[\w$]+)\)$")


def plain(
    text: str,
    start: int,
    time: datetime | None = None,
    stamp: Span | None = None,
    service: str = "",
) -> Record:
    """A message, perhaps behind a level; else the level stands in its first words, if anywhere."""
    level = level_in(text, start)
    if level is not None:
        header = read_header(text, start)
        if header is not None and _is_apart(header, text, start, service):
            declared, logger, end, _ = header
            return Record(time, declared, text[end:], service or logger, {}, stamp)
    return make(Record, (time, level, text[start:], service, {}, stamp, None))


def _is_apart(header: Header, text: str, start: int, sender: str) -> bool:
    """Whether a header is none of the message's own words, as the `error` of `sshd: error: …` is.

    Without anything before it, only a word in capitals is a header.
    """
    _, _, end, is_mere_word = header
    if end >= len(text):
        return False
    return not is_mere_word or (not sender and text[start : start + 2].isupper())


def body(
    reader: Reader,
    text: str,
    start: int,
    time: datetime | None,
    stamp: Span | None,
    service: str = "",
) -> Record:
    """What `service` wrote at `time`: a record of its own, or a message."""
    if _RECORD_AHEAD.match(text, start):
        inner = reader.nested(text, start)
        if inner is not None:
            return wrapped(inner, text, time, stamp, service)
    return plain(text, start, time, stamp, service)


def stamped(
    reader: Reader, text: str, start: int, time: datetime | None, stamp: Span | None
) -> Record:
    """What follows a time stamp that may be a program's own, or the one of whatever wrapped it."""
    if text.startswith("{", start):
        inner = reader.json(text, start)
        if inner is not None:
            return wrapped(inner, text, time, stamp)
    header = read_header(text, start)
    if header is not None:
        level, service, end, _ = header
        if text.endswith((")", "}")):
            return _with_tail(text, end, time, level, service, stamp)
        return make(Record, (time, level, text[end:] or text[start:], service, {}, stamp, None))
    sender = _SENDER.match(text, start)
    # Without a process id, "pool db: gone" would be taken for a host and a program.
    if sender is not None and sender["pid"]:
        return body(reader, text, sender.end(), time, stamp, sender["program"])
    return body(reader, text, code_place(text, start), time, stamp)


def sent(
    reader: Reader, text: str, start: int, time: datetime | None, stamp: Span | None
) -> Record:
    """What follows the time stamp of syslog: host and program, and what the program wrote."""
    sender = _SENDER.match(text, start)
    if sender is None:
        return plain(text, start, time, stamp)
    return body(reader, text, sender.end(), time, stamp, sender["program"])


def wrapped(
    inner: Record, text: str, time: datetime | None, stamp: Span | None, service: str = ""
) -> Record:
    """`inner`, with the wrapper's time where that says more, and its service where it has none.

    Of two stamps the one with a zone is right, then the one with a year, then the program's own.
    """
    service = _service(inner.service, service)
    if not _says_more(stamp, inner, text):
        time, stamp = inner.time, inner.stamp
    _, level, message, _, fields, _, coded = inner
    return make(Record, (time, level, message, service, fields, stamp, coded))


def decoded_body(reader: Reader, line: str, text: str, begin: int | None, outer: Record) -> Record:
    """The record of `line`, which stands encoded in `text` from `begin` on, wrapped by `outer`."""
    inner = reader.decoded(line)
    time, stamp = outer.time, outer.stamp
    if inner.time is not None and (time is None or _is_certain(line, inner.stamp)):
        place = _encoded(text, begin, line, inner.stamp)
        if place is not None or time is None:
            time, stamp = inner.time, place
    level, coded = inner.level, _encoded(text, begin, line, inner.coded)
    if level is None:
        level, coded = outer.level, outer.coded
    service = _service(inner.service, outer.service)
    fields = inner.fields or outer.fields
    return make(Record, (time, level, inner.message, service, fields, stamp, coded))


def _service(inner: str, outer: str) -> str:
    """A program's logger says more than its name, a place in its code (`db.go:31`) does not."""
    return outer if outer and (not inner or ":" in inner) else inner


def _is_certain(text: str, stamp: Span | None) -> bool:
    return stamp is not None and certainty(text[stamp[0] : stamp[1]]) == 2


def _encoded(text: str, begin: int | None, line: str, span: Span | None) -> Span | None:
    return None if begin is None else place_in(text, begin, line, span)


def _says_more(stamp: Span | None, inner: Record, text: str) -> bool:
    if inner.time is None or stamp is None:
        return inner.time is None
    if inner.stamp is None:
        return True
    own = certainty(text[inner.stamp[0] : inner.stamp[1]])
    return own < 2 and certainty(text[stamp[0] : stamp[1]]) > own


def _with_tail(
    text: str,
    start: int,
    time: datetime | None,
    level: Level | None,
    service: str,
    stamp: Span | None,
) -> Record:
    """What some layouts put behind the message: the logger in parentheses, fields as JSON."""
    if not service and text.endswith(")"):
        logger = _LAST_LOGGER.search(text, max(start, len(text) - 200))
        if logger is not None:
            return Record(time, level, text[start : logger.start()], logger[1], {}, stamp)
    elif text.endswith("}"):
        at = text.rfind("\t{", start)
        fields = _json_fields(text[at + 1 :]) if at >= 0 else None
        if fields:
            return Record(time, level, text[start:at], service, fields, stamp)
    return Record(time, level, text[start:], service, {}, stamp)


def _json_fields(text: str) -> dict[str, object] | None:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
