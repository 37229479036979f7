"""An incident as a Markdown file, for the team's git: written in one form, read in many.

What `to_markdown` writes, `from_markdown` reads back exactly. A person may edit the file in any
way, and a postmortem that was never written for us is read as far as its headings tell; what is not
understood becomes notes, so that nothing is lost. Text stays text: nothing in a file is carried
out, followed or built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from knowledge.documents import Unusable
from knowledge.incidents.front_matter import Field, front_matter, split_front_matter
from knowledge.incidents.incident import (
    MAX_TITLE_CHARS,
    Incident,
    InvalidIncident,
    incident_id,
    is_incident_id,
    one_line,
)
from knowledge.incidents.sections import (
    HEADINGS,
    Name,
    Section,
    code_and_text,
    code_block,
    protected,
    sections,
    title_of,
)
from knowledge.incidents.times import date_in_name, read_time

_OTHER_KINDS = ("runbook", "alert", "log")
_HEAD_LINES = 60  # how far from the top a line `Date: ...` tells about the whole incident

_LINE_END = re.compile(r"\r\n?")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(\S.*)")
_DATE_LINE = re.compile(
    r"[\s>|*_-]*(?:date|date of incident|incident date|start|started|start time|occurred)"
    r"[\s*_]*[:|][\s*_:]*(\S.*)",
    re.IGNORECASE,
)
_SERVICES_LINE = re.compile(
    r"[\s>|*_-]*(?:services?|services? affected|affected services?)[\s*_]*[:|][\s*_:]*(\S.*)",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"[\w./-]{1,60}(?: [\w./-]{1,60})?")
_DATE_AT_START = re.compile(r"\d{4}-?\d{2}-?\d{2}[-_. ]*")


@dataclass(frozen=True, slots=True)
class _Given:
    """What the front matter says. None where it says nothing, "" where it leaves a value out."""

    id: str
    title: str
    date: str | None
    services: tuple[str, ...] | None
    session: str
    rest: tuple[Field, ...]


def to_markdown(incident: Incident) -> str:
    """The file of an incident: front matter, and a section for each text that is not empty."""
    texts: dict[Name, str] = {
        "symptoms": protected(incident.symptoms, "symptoms"),
        "signature": code_block(incident.templates, "text") if incident.templates else "",
        "cause": protected(incident.cause, "cause"),
        "fix": protected(incident.fix, "fix"),
        "notes": protected(incident.notes, "notes"),
    }
    written = [f"## {HEADINGS[name]}\n\n{text}" for name, text in texts.items() if text]
    return "\n\n".join([f"{_head(incident)}\n# {incident.title}", *written]) + "\n"


def from_markdown(text: str, path: PurePath) -> Incident:
    """The incident that a file tells of. Raises Unusable, which says what to change.

    `path` gives a title, a date and an id to a file that has none. The id is then made of the
    title, the time and the file's name, and is the same whenever the file is read.
    """
    plain = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    if not plain.strip():
        raise Unusable("empty")
    fields, body = split_front_matter(plain)
    try:
        return _incident(_given(fields), body.split("\n"), path)
    except InvalidIncident as error:
        raise Unusable(f"{error.message}: {error.hint}") from error


def _head(incident: Incident) -> str:
    session = {"session": incident.session} if incident.session else {}
    return front_matter(
        {
            "id": incident.id,
            "title": incident.title,
            "date": incident.occurred_at_utc,
            "services": incident.services,
            **session,
            "kind": "incident",
        }
    )


def _incident(given: _Given, lines: list[str], path: PurePath) -> Incident:
    title, lines = _title(given.title, lines, path)
    found = sections(lines)
    templates, beside_templates = _templates(found)
    head = code_and_text("\n".join(lines[:_HEAD_LINES]))[1]
    time = _time(head, path.stem, title) if given.date is None else _given_time(given.date)
    return Incident(
        id=given.id or incident_id(title, time, path.name),
        title=title,
        occurred_at_utc=time,
        services=_services(head) if given.services is None else given.services,
        symptoms=_text(found, "symptoms"),
        templates=templates,
        cause=_text(found, "cause"),
        fix=_text(found, "fix"),
        session=given.session,
        notes=_notes(found, beside_templates, given.rest),
    )


def _given(fields: Iterable[Field]) -> _Given:
    left = {field.name: field for field in fields}
    _refuse_other_kind(left)
    return _Given(
        id=_given_id(_take(left, "id")),
        title=one_line(_one_text(_take(left, "title")) or ""),
        date=_one_text(_take(left, "date", "incident_date", "occurred_at")),
        services=_texts(_take(left, "services", "service", "affected_services")),
        session=_one_text(_take(left, "session")) or "",
        rest=tuple(left.values()),
    )


def _take(left: dict[str, Field], *names: str) -> Field | None:
    """Remove the first of the fields `names` that there is."""
    return next((left.pop(name) for name in names if name in left), None)


def _one_text(field: Field | None) -> str | None:
    if field is None:
        return None
    if not isinstance(field.value, str):
        raise Unusable(f"the front matter's {field.name} must be one text")
    return field.value


def _texts(field: Field | None) -> tuple[str, ...] | None:
    if field is None:
        return None
    if field.value is None:
        raise Unusable(f"the front matter's {field.name} must be a list: [checkout, payments]")
    return tuple(field.value.split(",")) if isinstance(field.value, str) else field.value


def _refuse_other_kind(left: dict[str, Field]) -> None:
    kind = left["kind"].value if "kind" in left else ""
    if kind in _OTHER_KINDS:
        raise Unusable(f"its front matter says that it is a {kind}: write kind: incident there")
    if kind in ("", "incident"):
        left.pop("kind", None)


def _given_id(field: Field | None) -> str:
    text = (_one_text(field) or "").strip().lower()
    if text and not is_incident_id(text):
        raise Unusable(
            f"{text[:100]!r} cannot be the id of an incident: use letters, digits, '.', '_' and "
            "'-' only, or leave the id out"
        )
    return text


def _given_time(text: str) -> datetime | None:
    if not text.strip():
        return None
    time = read_time(text)
    if time is None:
        raise Unusable(
            f"the date {text[:100]!r} is not understood: write it as 2026-03-14 or "
            "2026-03-14T09:30:00Z"
        )
    return time


def _time(head: Sequence[str], file_name: str, title: str) -> datetime | None:
    values = (found[1] for found in map(_DATE_LINE.match, head) if found)
    in_text = next(filter(None, map(read_time, values)), None)
    return in_text or date_in_name(file_name) or date_in_name(title)


def _services(head: Sequence[str]) -> tuple[str, ...]:
    for found in filter(None, map(_SERVICES_LINE.match, head)):
        names = [name.strip(" `*_|.") for name in found[1].split(",")]
        if all(map(_SERVICE.fullmatch, names)):
            return tuple(names)
    return ()


def _title(given: str, lines: list[str], path: PurePath) -> tuple[str, list[str]]:
    """The title, and the lines without the heading that repeats it."""
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if given and lines[first] == f"# {given}":
        return given, lines[first + 1 :]
    heading = title_of(lines)
    words = one_line(heading.words) if heading else ""
    title = given or words[:MAX_TITLE_CHARS].rstrip() or _title_of_name(path.stem)
    if heading is None or words != title:
        return title, lines
    return title, lines[: heading.start] + lines[heading.end :]


def _title_of_name(stem: str) -> str:
    words = re.sub(r"[-_]+", " ", _DATE_AT_START.sub("", stem, count=1))
    return one_line(words)[:MAX_TITLE_CHARS] or "Incident"


def _text(found: Iterable[Section], name: Name) -> str:
    """What the file says under `name`; under the headings it uses itself when they are several."""
    parts = [part for part in found if part.name == name and part.text.strip()]
    if len(parts) == 1:
        return parts[0].text
    return _joined(f"{_sub_heading(part)}{_trimmed(part.text)}" for part in parts)


def _sub_heading(part: Section) -> str:
    is_usual = part.heading.casefold() == HEADINGS[part.name].casefold()
    return "" if is_usual else f"### {part.heading}\n\n"


def _templates(found: Iterable[Section]) -> tuple[tuple[str, ...], str]:
    """The templates of the signature, and what else stands there."""
    text = "\n".join(part.text for part in found if part.name == "signature")
    code, outside = code_and_text(text)
    items = {line: item[1] for line in outside if (item := _ITEM.match(line))}
    beside = "\n".join(line for line in outside if line not in items)
    return (*code, *map(_unquoted, items.values())), beside


def _unquoted(item: str) -> str:
    """`item` without the backticks around it."""
    text = item.strip()
    quote = "`" * (len(text) - len(text.lstrip("`")))
    is_quoted = bool(quote) and text.endswith(quote) and len(text) > 2 * len(quote)
    return text[len(quote) : -len(quote)] if is_quoted else text


def _notes(found: Sequence[Section], beside: str, rest: Sequence[Field]) -> str:
    notes = [part.text for part in found if part.name == "notes"]
    other = [part.text for part in found if part.name == "other"]
    fields = code_block([field.source for field in rest], "yaml") if rest else ""
    return _joined([*notes, beside, *other, fields])


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(_trimmed(text) for text in texts if text.strip())


def _trimmed(text: str) -> str:
    """`text` without blank lines around; the first line keeps its indentation."""
    return text.strip("\n").rstrip()
