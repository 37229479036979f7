from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.cli.completion import incident_ids
from assistant.sessions import StoredTurn, open_sessions
from tests.assistant.cli.program import Ran
from tools.evidence import Finding, Ledger

Midwatch = Callable[..., Ran]


@pytest.fixture
def session(tmp_path: Path) -> str:
    """A session that found an exhausted pool."""
    ledger = Ledger()
    ledger.add(Finding("log", "checkout", "ERROR pool exhausted after 30 s", 7, "", 0.9))

    async def keep() -> None:
        async with open_sessions(tmp_path / "data") as store:
            await store.keep("ab12cd34", StoredTurn("Why can nobody pay?", "The pool."), ledger)

    asyncio.run(keep())
    return "ab12cd34"


def test_a_session_is_resolved_and_remembered(midwatch: Midwatch, session: str) -> None:
    ran = midwatch("resolve", session[:4], "--cause", "a leak", "--fix", "rolled back to 4.1")
    assert ran.status == 0
    assert ran.out.startswith("noted ")
    [incident] = json.loads(midwatch("incidents", "list", "--json").out)["incidents"]
    assert (incident["title"], incident["services"]) == ("Why can nobody pay?", ["checkout"])
    assert incident["id"] in midwatch("incidents", "list").out
    assert incident_ids("") == [incident["id"]]
    assert "rolled back to 4.1" in midwatch("incidents", "show", incident["id"]).out
    shown = json.loads(midwatch("incidents", "show", "--json", incident["id"][-6:]).out)
    assert (shown["cause"], shown["session"]) == ("a leak", session)

    found = midwatch("incidents", "search", "10:00 ERROR pool exhausted after 99 s")
    assert "Fix: rolled back to 4.1" in found.out
    [match] = json.loads(
        midwatch("incidents", "search", "--json", "ERROR pool exhausted after 99 s").out
    )["incidents"]
    assert match["incident"]["id"] == incident["id"]
    assert match["shared_templates"]
    other = midwatch("incidents", "search", "the printer is on fire")
    assert (other.status, other.out) == (0, "")
    assert other.err == "No past incident looked like this.\n"


def test_the_last_session_is_meant_when_none_is_named(midwatch: Midwatch, session: str) -> None:
    assert midwatch("resolve", "--cause", "a leak", "--fix", "rolled back").status == 0
    [incident] = json.loads(midwatch("incidents", "list", "--json").out)["incidents"]
    assert incident["session"] == session


def test_a_session_that_is_not_there_is_refused(midwatch: Midwatch) -> None:
    ran = midwatch("resolve", "nope", "--cause", "x", "--fix", "y")
    assert ran.status == 1
    assert "no session named 'nope'" in ran.said
    assert midwatch("resolve", "--cause", "x", "--fix", "y").status == 1


def test_incidents_are_noted_exported_imported_and_removed(
    midwatch: Midwatch, tmp_path: Path
) -> None:
    empty = midwatch("incidents", "list")
    assert (empty.out, empty.err.startswith("No incidents: ")) == ("", True)
    added = midwatch(
        *("incidents", "add", "Disk full on search", "--cause", "old indices"),
        *("--fix", "deleted them", "--service", "search", "--when", "2026-04-01T02:00:00"),
        *("--line", "ERROR flood stage disk watermark exceeded on node-7"),
    )
    assert added.out.startswith("noted 2026-04-01-disk-full-on-search-")
    assert midwatch("incidents", "list", "--service", "checkout").out == ""

    folder = tmp_path / "incidents"
    assert midwatch("incidents", "export", folder).out == f"1 written, 0 unchanged in {folder}\n"
    [file] = folder.iterdir()
    removed = midwatch("incidents", "remove", "disk-full")
    assert removed.out == file.read_text()
    assert midwatch("incidents", "list").out == ""

    (folder / "broken.md").write_text("")
    ran = midwatch("incidents", "import", folder)
    assert (ran.status, ran.out) == (0, "1 added, 0 updated, 0 unchanged, 1 failed\n")
    assert "broken.md: empty" in ran.said
    again = json.loads(midwatch("incidents", "import", "--json", file).out)
    assert (again["unchanged"], again["failed"]) == (1, [])
    nothing = midwatch("incidents", "import", folder / "broken.md")
    assert nothing.status == 1


def test_an_incident_does_not_steer_the_terminal(midwatch: Midwatch) -> None:
    evil = "\x1b]0;title\x07\x1b[2J"
    added = midwatch("incidents", "add", f"Disk {evil}", "--cause", evil + "x", "--fix", evil + "y")
    shown = [midwatch("incidents", *rest) for rest in (("list",), ("show", "disk"))]
    found = midwatch("incidents", "search", "Disk")
    said = "".join(ran.out + ran.err for ran in (added, found, *shown))
    assert not {"\x1b", "\x07"} & set(said)


def test_no_secret_is_kept_with_an_incident(midwatch: Midwatch, tmp_path: Path) -> None:
    secret = "hunter2-K9xQ7"
    said = f"the job ran with password={secret}"
    noted = midwatch(
        "incidents", "add", said, "--cause", said, "--fix", said, "--line", f"ERROR {said}"
    )
    assert noted.status == 0
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
