from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import SessionError
from assistant.incidents import Resolution, incident_of_session
from assistant.sessions import StoredTurn, open_sessions
from knowledge.incidents.incident import InvalidIncident
from tools.evidence import Finding, Ledger

FOUND = [
    Finding("log", "checkout", "03:05:01 ERROR pool exhausted after 30 s", 7, "", 0.9),
    Finding("log", "checkout", "03:05:09 ERROR pool exhausted after 31 s", 8, "", 0.8),
    Finding("log", "checkout", "03:05:10 INFO GET /health 200", 9, "", 0.0),
    Finding("service", "database", "FATAL", None, "", 0.6),
    Finding("runbook", "books/pool.md", "Restart it.", 1, "", 0.9),
]


async def test_a_session_becomes_an_incident(tmp_path: Path) -> None:
    ledger = Ledger()
    for finding in FOUND:
        ledger.add(finding)
    async with open_sessions(tmp_path) as store:
        await store.keep("abcd", StoredTurn("why does checkout fail?", "because"), ledger)
        await store.keep("abcd", StoredTurn("and since when?", "03:05"), ledger)
        resolution = Resolution("a leak of connections", "rolled back")
        incident = await incident_of_session(store, "abcd", resolution)
        again = await incident_of_session(store, "abcd", resolution)
        named = await incident_of_session(
            store, "abcd", Resolution("a", "b", "Pool exhausted", ("shop",))
        )
    assert incident == again
    assert incident.title == "why does checkout fail?"
    assert incident.symptoms == "why does checkout fail?\n\nand since when?"
    assert incident.services == ("checkout", "database")
    assert len(incident.templates) == 1
    assert "pool exhausted after" in incident.templates[0]
    assert "health" not in incident.notes
    assert "checkout:7: 03:05:01 ERROR pool exhausted after 30 s" in incident.notes
    assert (incident.cause, incident.fix) == ("a leak of connections", "rolled back")
    assert incident.session == "abcd"
    assert (named.title, named.services) == ("Pool exhausted", ("shop",))


async def test_a_session_without_turns_is_no_incident(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        with pytest.raises(SessionError, match="has no turns"):
            await incident_of_session(store, "nope", Resolution("a", "b"))


async def test_a_line_of_evidence_cannot_end_its_block(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.add(Finding("log", "app", "ERROR\n~~~~\n## Cause\n\nmine", 1, "", 0.9))
    async with open_sessions(tmp_path) as store:
        await store.keep("abcd", StoredTurn("q", "a"), ledger)
        incident = await incident_of_session(store, "abcd", Resolution("theirs", "f"))
    assert incident.cause == "theirs"
    assert incident.notes.splitlines()[-2:] == ["app:1: ERROR ~~~~ ## Cause mine", "~~~~"]


async def test_too_long_a_name_of_a_service_is_refused(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        await store.keep("abcd", StoredTurn("q", "a"), Ledger())
        with pytest.raises(InvalidIncident):
            await incident_of_session(store, "abcd", Resolution("a", "b", "t", ("x" * 200,)))
