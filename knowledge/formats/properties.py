"""`Properties`: what a document says about itself in named fields.

Front matter, field lists, document attributes and page properties all come down to names and
values. Which names say what is decided here, once for all formats; finding the fields is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from knowledge.documents import Kind

Fields = Mapping[str, object]  # as they were written

# All names are compared by their letters and digits only: `last-update` is `lastUpdate`.
_KINDS: Mapping[str, Kind] = {
    "runbook": "runbook",
    "playbook": "runbook",
    "alert": "alert",
    "incident": "incident",
    "incidentreport": "incident",
    "incidentreview": "incident",
    "postmortem": "incident",
    "log": "log",
}
_KIND_NAMES = ("kind", "type", "doctype", "documenttype")
# Not tags: they are as often about the page ("draft", "howto") as about a service.
_SERVICE_NAMES = (
    "service",
    "services",
    "servicename",
    "affectedservice",
    "affectedservices",
    "impactedservices",
    "app",
    "apps",
    "application",
    "applications",
    "component",
    "components",
)
_HAPPENED_NAMES = ("incidentdate", "date", "dateutc", "occurred", "started", "revdate")
_UPDATED_NAMES = (
    "lastupdatedate",
    "lastupdate",
    "lastupdated",
    "updated",
    "lastmod",
    "lastmodified",
    "modified",
    "lastreviewed",
    "lastreviewedon",
    "lastreview",
    "lastedited",
    "lasteditedtime",
    "reviewed",
)
_CREATED_NAMES = ("published", "pubdate", "created", "createdtime", "createdat")
_NO_VALUE = frozenset({"", "-", "~", "null", "none", "n/a", "na", "tbd"})
# Parents that only hold a site's own fields; below any other, the parent's name counts.
_TRANSPARENT = frozenset({"params", "extra"})

_MAX_SERVICES = 20
_MAX_SERVICE_CHARS = 80
_MAX_DATE_CHARS = 40
_FIRST_YEAR = 1970  # earlier is no date, as 0001-01-01, which Go writes for none

_NOT_ALNUM = re.compile(r"[\W_]+")
# `[checkout](page.md)` and, as Notion exports a relation, `checkout (../Services/checkout.md)`.
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_TARGET = re.compile(r"\s\([^()]{0,500}[/.][^()]{0,500}\)")
# What ISO 8601 leaves out; day and month in figures are ambiguous, and so no date.
_DATE_FORMATS = tuple(
    day + clock
    for day in ("%Y-%m-%d", "%Y/%m/%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y")
    for clock in ("", " %H:%M", " %I:%M %p", " %H:%M:%S %z")
)


@dataclass(frozen=True, slots=True)
class Properties:
    """A document's own title, kind, services and date; "", None and () where it names none."""

    title: str = ""
    kind: Kind | None = None
    services: tuple[str, ...] = ()
    dated_utc: datetime | None = None


def properties_of(*sources: Fields) -> Properties:
    """What fields say: texts, dates, lists, mappings; others are passed over.

    Of fields with the same name, the one in the earlier source counts.
    """
    by_name: dict[str, object] = {}
    for fields in sources:
        for name, value in _flat(fields):
            by_name.setdefault(name, value)
    kind = _kind(by_name)
    return Properties(_title(by_name), kind, _services(by_name), _dated_utc(by_name, kind))


def one_line(text: str) -> str:
    """The text on one line, with a question mark for what cannot be written as UTF-8."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _flat(fields: Fields, above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in fields.items():
        name = _plain(key)
        if isinstance(value, Mapping) and not above:
            yield from _flat(value, above=" " if name in _TRANSPARENT else name)
        else:
            yield above.strip() + name, value


def _plain(words: str) -> str:
    return _NOT_ALNUM.sub("", words).lower()


def _title(fields: Mapping[str, object]) -> str:
    value = fields.get("title")
    title = one_line(str(value)) if isinstance(value, str | int | float) else ""
    return "" if title.lower() in ("null", "~") else title


def _kind(fields: Mapping[str, object]) -> Kind | None:
    words = (_plain(word) for name in _KIND_NAMES for word in _texts(fields.get(name)))
    return next((_KINDS[word] for word in words if word in _KINDS), None)


def _services(fields: Mapping[str, object]) -> tuple[str, ...]:
    listed = (text for name in _SERVICE_NAMES for text in _texts(fields.get(name)))
    names = (one_line(name).strip("`*_\"' ") for text in listed for name in _divided(text))
    usable = (name for name in names if name.lower() not in _NO_VALUE)
    unique = dict.fromkeys(name for name in usable if len(name) <= _MAX_SERVICE_CHARS)
    return tuple(unique)[:_MAX_SERVICES]


def _divided(text: str) -> list[str]:
    return re.split(r"[,;]", _TARGET.sub("", _LINK.sub(r"\1", text)))


def _texts(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, str):
            yield one


def _dated_utc(fields: Mapping[str, object], kind: Kind | None) -> datetime | None:
    """The day it happened, for an incident; for all else the day it was last looked at."""
    first, second = _UPDATED_NAMES, _HAPPENED_NAMES
    names = (*second, *first) if kind == "incident" else (*first, *second)
    dates = (_as_utc(fields.get(name)) for name in (*names, *_CREATED_NAMES))
    return next((moment for moment in dates if moment is not None), None)


def _as_utc(value: object) -> datetime | None:
    """The moment that a field names; without a time zone it is taken as UTC."""
    if isinstance(value, str):
        value = _read_date(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime) or value.year < _FIRST_YEAR:
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    with suppress(OverflowError):
        return value.astimezone(UTC)
    return None


def _read_date(text: str) -> datetime | None:
    text = one_line(text.partition("→")[0]).lstrip("@")  # of a span of days, the first
    if len(text) > _MAX_DATE_CHARS:
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return next(_matching_dates(text), None)


def _matching_dates(text: str) -> Iterator[datetime]:
    for form in _DATE_FORMATS:
        with suppress(ValueError):
            yield datetime.strptime(text, form)
