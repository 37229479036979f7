from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from knowledge.incidents.incident import Incident
from knowledge.incidents.merge import Change, IncidentFile, merge

AT = datetime(2026, 3, 14, tzinfo=UTC)
OUTAGE = Incident("outage", "Outage", fix="restart")
BETTER = replace(OUTAGE, fix="raise the limit")


def file(incident: Incident, source: str = "a.md", hours: int = 0) -> IncidentFile:
    return IncidentFile(incident, source, AT + timedelta(hours=hours))


def test_what_is_new_what_changed_and_what_did_not() -> None:
    slow = Incident("slow", "Slow")
    new = Incident("new", "New")
    known = {"outage": OUTAGE, "slow": slow, "untouched": Incident("untouched", "U")}
    assert merge(known, [file(slow, "s.md"), file(BETTER, "o.md"), file(new, "n.md")]) == [
        Change(new, "added", "n.md"),
        Change(BETTER, "updated", "o.md"),
        Change(slow, "unchanged", "s.md"),
    ]


def test_nothing_to_import_changes_nothing() -> None:
    assert merge({"outage": OUTAGE}, []) == []


def test_of_files_with_one_id_the_newest_holds_and_the_others_are_named() -> None:
    files = [file(BETTER, "new.md", hours=2), file(OUTAGE, "old.md"), file(OUTAGE, "x.md", hours=1)]
    assert merge({}, files) == [Change(BETTER, "added", "new.md", ("old.md", "x.md"))]
    assert merge({"outage": BETTER}, files)[0].outcome == "unchanged"


def test_equally_new_files_are_decided_by_name_in_whatever_order_they_come() -> None:
    files = [file(OUTAGE, "a.md"), file(BETTER, "b.md")]
    assert (
        merge({}, files) == merge({}, files[::-1]) == [Change(BETTER, "added", "b.md", ("a.md",))]
    )


def test_a_copy_is_no_conflict() -> None:
    files = [file(OUTAGE, "a.md"), file(OUTAGE, "copy.md", hours=1)]
    assert merge({}, files) == [Change(OUTAGE, "added", "copy.md")]
