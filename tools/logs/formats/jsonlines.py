"""JSON lines: one object, whose keys mean what `tools.logs.formats.keys` says.

Some objects wrap the line that a program wrote (docker's json-file, cloud exports): its own format
is read from the decoded text, and its places are found again in the encoded one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tools.logs.formats.bodies import decoded_body
from tools.logs.formats.encoding import scan_json, string_start, value_span
from tools.logs.formats.form import Reader, Record, Span, make
from tools.logs.formats.journal import from_journal, is_journal
from tools.logs.formats.keys import Keys, flattened, keys_of, status_of
from tools.logs.levels import Level, http_level, level_of
from tools.logs.stamps import parse_time


def read_json(reader: Reader, text: str, start: int) -> Record | None:
    """The record of the object that `text` is from `start` on; None where it is no object."""
    try:
        fields, end = scan_json(text, start)
    except (StopIteration, ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or (end != len(text) and text[end:].strip()):
        return None
    if "MESSAGE" in fields and is_journal(fields):
        return from_journal(reader, text, start, fields)
    if text.find("{", start + 1) > 0:
        fields = flattened(fields)
    return _record(reader, text, start, fields, keys_of(fields))


def _record(
    reader: Reader, text: str, start: int, fields: Mapping[str, object], keys: Keys
) -> Record:
    time_key, level_key, message_key, service_key, status_key, _, wraps, _ = keys
    time, stamp = None, None
    if time_key:
        value = fields[time_key]
        time = parse_time(value, reader.zone)
        if time is not None:
            stamp = value_span(text, start, time_key, value)
    declared = fields[level_key] if level_key else None
    if status_key or isinstance(declared, int):
        level, coded = _coded_level(text, start, fields, keys)
    else:
        level, coded = level_of(declared), None
    message = fields[message_key] if message_key else None
    if not isinstance(message, str):
        message = _message(text, start, fields, keys)
    service = fields[service_key] if service_key else ""
    if not isinstance(service, str):
        service = ""
    if wraps:
        outer = make(Record, (time, level, message, service, {}, stamp, coded))
        return _unwrapped(reader, text, start, outer, message_key or "")
    return make(Record, (time, level, message, service, fields, stamp, coded))


def _coded_level(
    text: str, start: int, fields: Mapping[str, object], keys: Keys
) -> tuple[Level | None, Span | None]:
    level, value = None, None
    if keys.level:
        value = fields[keys.level]
        is_syslog = keys.counts_like_syslog and isinstance(value, int)
        level = level_of(str(value) if is_syslog else value)
        if level is not None and isinstance(value, int):
            return level, value_span(text, start, keys.level, value)
    if keys.status:
        status = status_of(fields[keys.status])
        if status is not None:
            place = value_span(text, start, keys.status, fields[keys.status])
            return level or http_level(status), place
    return level, None


def _message(text: str, start: int, fields: Mapping[str, object], keys: Keys) -> str:
    if keys.message:
        return json.dumps(fields[keys.message], ensure_ascii=False)
    if keys.request:
        parts = (*keys.request, keys.status) if keys.status else keys.request
        return " ".join(str(fields[part]) for part in parts)
    return text[start:] if start else text


def _unwrapped(reader: Reader, text: str, start: int, outer: Record, key: str) -> Record:
    """The record of the line within, which is the value of `key`."""
    line = outer.message.rstrip("\n")
    return decoded_body(reader, line, text, string_start(text, start, key), outer)
