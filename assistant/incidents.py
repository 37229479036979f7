"""From a session to an incident: what a conversation found out, kept for the next time.

The signature comes from the session's evidence, cause and fix from the person who knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assistant.errors import SessionError
from knowledge.incidents.incident import MAX_TITLE_CHARS, Incident, incident_id, one_line
from tools.evidence import Evidence
from tools.logs.sightings import templates_of

if TYPE_CHECKING:
    from assistant.sessions import SessionStore, StoredTurn

SUSPICIOUS = 0.3
"""The suspicion from which a finding is taken for a lead."""

_MAX_TEMPLATES = 40
_MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says about an incident that is over."""

    cause: str
    fix: str
    title: str = ""
    services: tuple[str, ...] = ()


async def incident_of_session(
    store: SessionStore, session: str, resolution: Resolution
) -> Incident:
    """The incident that `session` was about. Raises SessionError, InvalidIncident."""
    turns = await store.turns(session)
    if not turns:
        raise SessionError(f"session {session} has no turns", "name one that was asked something")
    [info] = [info for info in await store.all() if info.id == session]
    started = datetime.fromisoformat(info.started_at_utc).astimezone(UTC)
    leads = suspicious(tuple(await store.ledger(session)))
    title = one_line(resolution.title or info.title)[:MAX_TITLE_CHARS]
    return Incident(
        id=incident_id(title, started, session),
        title=title,
        occurred_at_utc=started,
        services=resolution.services or services_of(leads),
        symptoms=_symptoms(turns),
        templates=log_templates(leads)[:_MAX_TEMPLATES],
        cause=resolution.cause,
        fix=resolution.fix,
        session=session,
        notes=_notes(leads),
    )


def suspicious(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The facts of `evidence` that are leads: what an incident is recognised by."""
    return tuple(e for e in evidence if e.is_fact and e.finding.suspicion >= SUSPICIOUS)


def log_templates(leads: Sequence[Evidence]) -> tuple[str, ...]:
    """The templates of the log lines among `leads`, each once."""
    lines = [lead.finding.text for lead in leads if lead.finding.kind == "log"]
    return tuple(dict.fromkeys(template for line in lines for template in templates_of(line)))


def services_of(leads: Sequence[Evidence]) -> tuple[str, ...]:
    """The logs and services that `leads` come from, each once."""
    named = (lead.finding.source for lead in leads if lead.finding.kind in ("log", "service"))
    return tuple(dict.fromkeys(named))


def _symptoms(turns: Sequence[StoredTurn]) -> str:
    return "\n\n".join(dict.fromkeys(turn.question.strip() for turn in turns))


def _notes(leads: Sequence[Evidence]) -> str:
    """The evidence as it was quoted, in a block that no line of it can end."""
    if not leads:
        return ""
    lines = [
        f"{_place(lead)}: {' '.join(lead.finding.text.split())}" for lead in leads[:_MAX_LINES]
    ]
    left_out = len(leads) - len(lines)
    lines += [f"and {left_out} more"] if left_out else []
    return "\n".join(["Evidence:", "", "~~~~text", *lines, "~~~~"])


def _place(lead: Evidence) -> str:
    finding = lead.finding
    return finding.source if finding.line is None else f"{finding.source}:{finding.line}"
