from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase
from knowledge.catalog import Filter
from knowledge.errors import KnowledgeError
from knowledge.incidents.incident import Incident, Signature
from knowledge.incidents.memory import IncidentMemory, IncidentNotFound
from knowledge.incidents.merge import IncidentFile

POOL = Incident(
    id="2026-03-14-pool-1f2e3d",
    title="Checkout answers 500",
    occurred_at_utc=datetime(2026, 3, 14, 3, 5, tzinfo=UTC),
    services=("checkout",),
    symptoms="customers cannot pay, checkout answers 500",
    templates=("ERROR pool exhausted after <n> s", "WARN <n> connections leaked"),
    cause="a leak of database connections in 4.2",
    fix="rolled back to 4.1 and restarted checkout",
)
DISK = Incident(
    id="2026-04-01-disk-0a0b0c",
    title="Search is read-only",
    occurred_at_utc=datetime(2026, 4, 1, tzinfo=UTC),
    services=("search",),
    symptoms="no document can be indexed any more",
    templates=("ERROR flood stage disk watermark exceeded on <host>",),
    cause="the volume was full",
    fix="deleted old indices",
)


@pytest.fixture
def memory(base: KnowledgeBase) -> IncidentMemory:
    return IncidentMemory(base)


def test_an_empty_memory_knows_nothing(memory: IncidentMemory) -> None:
    assert memory.all() == []
    assert memory.similar(POOL.signature) == []
    with pytest.raises(IncidentNotFound, match="no incident is named 'x'"):
        memory.get("x")


def test_incidents_are_kept_listed_and_forgotten(memory: IncidentMemory) -> None:
    undated = replace(DISK, id="undated-x-1a1a1a", occurred_at_utc=None)
    for incident in (POOL, undated, DISK):
        memory.add(incident)
    assert memory.all() == [DISK, POOL, undated]
    assert memory.get("1F2E3D") == POOL
    with pytest.raises(IncidentNotFound, match="2 incidents fit '2026'"):
        memory.get("2026")
    changed = replace(POOL, fix="another fix")
    memory.add(changed)
    assert memory.get(POOL.id) == changed
    memory.remove(changed)
    assert memory.all() == [DISK, undated]


def test_the_same_fault_seen_again_brings_its_incident_first(memory: IncidentMemory) -> None:
    memory.add(DISK)
    memory.add(POOL)
    again = Signature(("ERROR pool exhausted after <n> s",), ("checkout",), "payments fail")
    best, *_ = memory.similar(again)
    assert best.incident == POOL
    assert best.shared_templates == ("ERROR pool exhausted after <n> s",)
    other = Signature(("ERROR certificate expired",), ("checkout",), "tls handshake fails")
    assert memory.similar(other) == []


def test_symptoms_in_other_words_are_enough_where_there_are_no_logs(memory: IncidentMemory) -> None:
    memory.add(DISK)
    memory.add(POOL)
    [match] = memory.similar(Signature((), (), "customers can not pay: 500 from checkout"))
    assert match.incident == POOL


def test_an_incident_is_found_by_search_and_only_as_one(
    memory: IncidentMemory, base: KnowledgeBase, runbooks: Path
) -> None:
    memory.add(POOL)
    base.ingest([runbooks])
    [first, *_] = base.search("leak of database connections in checkout", min_score=0.0)
    assert (first.path, first.kind, first.services) == (
        f"incidents/{POOL.id}.md",
        "incident",
        ("checkout",),
    )
    only = base.search("leak of database connections", 5, 0.0, Filter(kinds=("runbook",)))
    assert only
    assert all(passage.kind == "runbook" for passage in only)


def test_an_ingested_postmortem_is_part_of_the_memory(
    memory: IncidentMemory, base: KnowledgeBase, tmp_path: Path
) -> None:
    folder = tmp_path / "postmortems"
    folder.mkdir()
    (folder / "2026-02-01-dns.md").write_text(
        "# DNS outage\n\n## Impact\n\nNames did not resolve.\n\n## Root cause\n\nA bad zone file.\n"
        "\n## Resolution\n\nRestored the zone from git.\n"
    )
    base.ingest([folder])
    [incident] = memory.all()
    assert (incident.title, incident.cause) == ("DNS outage", "A bad zone file.")
    with pytest.raises(IncidentNotFound, match=r"stands in .*2026-02-01-dns\.md"):
        memory.remove(incident)
    # What was noted here about the same incident holds.
    noted = replace(incident, fix="Restored the zone, and test zones in CI now.")
    memory.add(noted)
    assert memory.all() == [noted]


def test_files_are_merged_and_what_became_of_them_is_told(memory: IncidentMemory) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    memory.add(POOL)
    changed = replace(POOL, cause="a slow query")
    changes = memory.merge([IncidentFile(changed, "a.md", now), IncidentFile(DISK, "b.md", now)])
    assert [(change.incident.id, change.outcome) for change in changes] == [
        (POOL.id, "updated"),
        (DISK.id, "added"),
    ]
    assert memory.all() == [DISK, changed]
    [again] = memory.merge([IncidentFile(DISK, "b.md", now)])
    assert again.outcome == "unchanged"


def test_an_incident_of_nothing_but_a_title_is_refused(memory: IncidentMemory) -> None:
    with pytest.raises(KnowledgeError, match="cannot be kept"):
        memory.add(Incident(id="x", title="Something"))
    assert memory.all() == []
