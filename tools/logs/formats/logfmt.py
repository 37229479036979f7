"""logfmt: `key=value key="two words"`, as many Go programs write."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.logs.formats.form import LETTERS, Form, Reader, Record, Span, first_seen, form
from tools.logs.formats.keys import Keys, keys_of, status_of
from tools.logs.levels import Level, http_level, level_in, level_of
from tools.logs.stamps import parse_time

_PAIR = re.compile(r'(?<![\w.@/-])([A-Za-z_][\w.@/-]*+)=(?:"((?:[^"\\]|\\.)*+)"|([^\s"]++))')


def _from_logfmt(reader: Reader, match: re.Match[str]) -> Record | None:
    text, start = match.string, match.start()
    fields: dict[str, object] = {}
    for key, quoted, bare in _PAIR.findall(text, start):
        fields[key] = _number(bare) if bare else quoted.replace('\\"', '"')
    if len(fields) < 2:
        return None
    keys = keys_of(fields)
    time = parse_time(fields[keys.time], reader.zone) if keys.time else None
    stamp = first_seen(time, _place(text, start, keys.time)) if keys.time else None
    level, coded = _level(text, start, fields, keys)
    return Record(
        time,
        level,
        str(fields[keys.message]) if keys.message else _without(text, start, stamp),
        str(fields[keys.service]) if keys.service else "",
        fields,
        stamp,
        coded,
    )


def _level(
    text: str, start: int, fields: Mapping[str, object], keys: Keys
) -> tuple[Level | None, Span | None]:
    declared = level_of(fields[keys.level]) if keys.level else None
    if keys.level and declared is not None and isinstance(fields[keys.level], int):
        return declared, _place(text, start, keys.level)
    status = status_of(fields[keys.status]) if keys.status else None
    if keys.status and status is not None:
        return declared or http_level(status), _place(text, start, keys.status)
    return declared if keys.level else level_in(text, start), None


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


def _place(text: str, start: int, key: str) -> Span:
    """Where the value of `key` stands; the last one counts."""
    lead = f"{key}="
    at = text.find(lead, start)
    if text.find(lead, at + 1) >= 0:
        pairs = (pair for pair in _PAIR.finditer(text, start) if pair[1] == key)
        *_, last = pairs
        return last.span(2) if last[3] is None else last.span(3)
    pair = _PAIR.match(text, at)
    assert pair is not None, "a key that was found stands in the text"
    return pair.span(2) if pair[3] is None else pair.span(3)


def _without(text: str, start: int, stamp: Span | None) -> str:
    """The line without its time stamp's pair."""
    if stamp is None:
        return text[start:]
    at = max(text.rfind(" ", start, stamp[0]), start)
    end = stamp[1] + 1 if text.startswith('"', stamp[1]) else stamp[1]
    return f"{text[start:at]}{text[end:]}".strip()


LOGFMT: tuple[Form, ...] = (form(LETTERS, r"[A-Za-z_][\w.@/-]*+=(?:\"|[^\s=])", _from_logfmt),)
