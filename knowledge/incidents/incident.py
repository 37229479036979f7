"""`Incident`: something that went wrong once, and what fixed it; the memory consists of these.

An incident is compared with a new one by its `Signature` (`knowledge.incidents.similarity`), and
kept by the team as a Markdown file (`knowledge.incidents.markdown`). Finding secrets in it is left
to whoever makes one: this package does not know them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from knowledge.errors import KnowledgeError

MAX_TITLE_CHARS = 300
MAX_SERVICES = 50
_MAX_NAME_CHARS = 100
_SLUG_CHARS = 40
_HASH_CHARS = 6

# Lower case only: on some file systems two ids that differ in case would be one file.
_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# All but tab and line feed; halves of characters cannot be written to a file.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")


class InvalidIncident(KnowledgeError):
    """What was given cannot be an incident."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What an incident looks like from outside.

    `templates` are log lines whose variable parts are masked (`<n>`, `<host>`, `<*>`), `services`
    those affected, `symptoms` the complaint in words.
    """

    templates: tuple[str, ...]
    services: tuple[str, ...]
    symptoms: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that is over.

    `id` is its file's name without `.md`. `occurred_at_utc` is None where nobody wrote it down.
    `symptoms`, `cause`, `fix` and `notes` are Markdown; `session` is the id of the session that
    found the cause, or "".

    Texts are kept in one form, so that equal incidents compare equal: `\\n` ends a line, no blank
    lines around, U+FFFD for control characters; names and templates are one line each, and none
    comes twice. Raises InvalidIncident.
    """

    id: str
    title: str
    occurred_at_utc: datetime | None = None
    services: tuple[str, ...] = ()
    symptoms: str = ""
    templates: tuple[str, ...] = ()
    cause: str = ""
    fix: str = ""
    session: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _normal(field.name, getattr(self, field.name)))
        _require_id(self.id)
        _require_title(self.title)
        _require_names(self.services, self.session)

    @property
    def signature(self) -> Signature:
        """What a later incident is compared with."""
        return Signature(self.templates, self.services, self.symptoms)


def incident_id(title: str, occurred_at_utc: datetime | None, distinction: str) -> str:
    """A short id to name a file by, always the same for the same arguments.

    `distinction` keeps two incidents of one title and time apart: a session's id, a file's name.
    """
    date = f"{occurred_at_utc.astimezone(UTC):%Y-%m-%d}" if occurred_at_utc else "undated"
    time = occurred_at_utc.astimezone(UTC).isoformat() if occurred_at_utc else ""
    identity = "\0".join((title, time, distinction)).encode("utf-8", "replace")
    return f"{date}-{_slug(title)}-{hashlib.sha256(identity).hexdigest()[:_HASH_CHARS]}"


def is_incident_id(text: str) -> bool:
    """Whether an incident may have this id."""
    return _ID.fullmatch(text) is not None


def one_line(text: str) -> str:
    """`text` with any run of white space as one space, and without control characters."""
    return " ".join(_CONTROL.sub("\ufffd", _COLOUR.sub("", " ".join(text.split()))).split())


def _normal(name: str, value: object) -> object:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, tuple):
        return _distinct(value)
    if isinstance(value, str):
        return one_line(value) if name in ("id", "title", "session") else _text(value)
    return value


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise InvalidIncident(f"the time {time} is of no time zone", "give it in UTC")
    return time.astimezone(UTC)


def _distinct(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in map(one_line, lines) if line))


def _text(text: str) -> str:
    lines = _CONTROL.sub("\ufffd", _COLOUR.sub("", _LINE_END.sub("\n", text))).rstrip()
    blank = _BLANK_LINES.match(lines)
    return lines[blank.end() :] if blank else lines


def _require_id(text: str) -> None:
    if not is_incident_id(text):
        raise InvalidIncident(
            f"{text[:_MAX_NAME_CHARS]!r} cannot be the id of an incident",
            "use lower-case letters, digits, '.', '_' and '-', 100 at most",
        )


def _require_title(title: str) -> None:
    if not title:
        raise InvalidIncident("the incident has no title", "say in a few words what happened")
    if len(title) > MAX_TITLE_CHARS:
        raise InvalidIncident(
            f"the title has {len(title):,} characters, {MAX_TITLE_CHARS} are allowed",
            "shorten it, and say the rest in the symptoms or notes",
        )


def _require_names(services: tuple[str, ...], session: str) -> None:
    if len(services) > MAX_SERVICES:
        raise InvalidIncident(
            f"{len(services)} services are given, {MAX_SERVICES} are allowed",
            "name those that tell this incident from others",
        )
    for name in (*services, session):
        if len(name) > _MAX_NAME_CHARS:
            raise InvalidIncident(
                f"{name[:_MAX_NAME_CHARS]!r}… is too long for the name of a service or session",
                f"{_MAX_NAME_CHARS} characters are allowed",
            )


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = "-".join(words)
    if len(slug) > _SLUG_CHARS:
        slug = slug[: _SLUG_CHARS + 1].rpartition("-")[0] or slug[:_SLUG_CHARS]
    return slug or "incident"
