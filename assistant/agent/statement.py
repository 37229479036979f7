"""What a finding shows, in one sentence that code writes.

A small model that has chosen the right evidence still describes it wrongly: it blames what the
question named, or rounds a figure. So the first sentence of a cause is the finding itself, who said
what and how often, and the model goes on from there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from assistant.agent.inert import inert
from tools.evidence import Evidence, Finding
from tools.logs.records import Record, RecordParser

_MAX_MESSAGE_CHARS = 150
_MAX_NOTE_CHARS = 170
_COUNT = re.compile(r"(?<![\d,])([\d,]+ of [\d,]+ lines)(?! in the baseline)")
_TELLING_FIELDS = ("error", "err", "exception", "reason", "error.message", "cause")
_MAX_ROW_CHARS = 90
# A note that says something, and is not the command that gave the capture.
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|did|must|may|needs?|ended|last|used|of the)\b"
)
_NAME = re.compile(r"[\w./:-]*[\d./_-][\w./:-]*\w|\b[a-z]\w{4,}")
_METRIC = re.compile(r"(?:^|,)([A-Za-z_:][\w:.]*(?:\{[^}]*\})?)(?=[, ])")
_JSON_MEMBER = re.compile(r'"[^"]{1,60}": "(.{3,})",?', re.DOTALL)
# The kernel's ring buffer: seconds since the start, or a date.
_BRACKETED_STAMP = re.compile(r"\s*\[[\w :.+-]{5,40}\]\s+(?=\S)")
_PLAIN_NAME = re.compile(r"[\w.@:/-]{1,80}")
# A date of now stands for nothing: only the year of stamps without one depends on it.
_REFERENCE = datetime(2000, 1, 1, tzinfo=UTC)


def statement(evidence: Evidence) -> str:
    """The finding as a sentence; its words are the finding's own, on one line, at most some."""
    return inert(_stated(evidence.finding))


def _stated(finding: Finding) -> str:
    match finding.kind:
        case "log":
            return _logged(finding)
        case "service":
            return f"{_plain(finding.text)}."
        case "metric":
            return _measured(finding)
        case _:
            return _captured(finding)


def _logged(finding: Finding) -> str:
    record = RecordParser(_REFERENCE).parse(finding.text.splitlines()[0])
    count = _COUNT.search(finding.note)
    since = f" since {finding.at:%H:%M:%S}Z" if finding.at else ""
    how_often = f" ({count[1]}{since})" if count else ""
    name = finding.source if _PLAIN_NAME.fullmatch(finding.source) else "the log"
    who = "the log" if name == "stdin" else name
    return f"{who} says {_quoted(_said(record))}{how_often}."


def _said(record: Record) -> str:
    """The message, with what it names as its reason in a field of its own."""
    telling = (record.fields.get(name) for name in _TELLING_FIELDS)
    reason = next((value for value in telling if isinstance(value, str) and value), "")
    if not reason or reason in record.message:
        return record.message
    return f"{record.message}: {reason}" if record.message not in reason else reason


def _captured(finding: Finding) -> str:
    """What code read off the row, with the row where that does not name what it is about."""
    note = _noted(finding)
    if not _SENTENCE.search(note):
        return f"{_quoted(_row(finding.text))}."
    names = [name for name in _NAME.findall(finding.text) if name in note]
    return f"{note}." if names else f"{_quoted(_row(finding.text), _MAX_ROW_CHARS)}: {note}."


def _row(text: str) -> str:
    """What a row of a capture says: without its time stamp, and of a JSON member the value."""
    member = _JSON_MEMBER.fullmatch(text.strip())
    if member:
        return member[1]
    stamp = _BRACKETED_STAMP.match(text)
    return text[stamp.end() :] if stamp else text


def _measured(finding: Finding) -> str:
    """The metric's change, under its name."""
    name = _METRIC.search(finding.text)
    note = _noted(finding)
    if name is None or not note:
        return f"{_quoted(finding.text)}."
    return f"{_plain(name[1])} {note}."


def _noted(finding: Finding) -> str:
    first = re.split(r"; (?=\w)", finding.note, maxsplit=1)[0].strip().rstrip(".")
    return _plain(first)[:_MAX_NOTE_CHARS]


def _quoted(text: str, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    plain = _plain(text)
    if len(plain) > max_chars:
        # A row of fields may have no blank for long: what is cut off is then a part of a word.
        whole = plain[:max_chars].rsplit(" ", 1)[0]
        plain = (whole if len(whole) > max_chars / 2 else plain[:max_chars]) + " …"
    return f'"{plain}"'


def _plain(text: str) -> str:
    """`text` on one line and harmless: no quotation, markup or template mark in it goes on."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.translate(_HARMLESS).strip()


# What begins a token of a chat template, a code span or a citation.
_HARMLESS = str.maketrans(
    {'"': "'", "`": "'", "<": "(", ">": ")", "[": "(", "]": ")", "|": "/", "*": "·"}
)
