"""The approvals as they are kept: what comes back, what is not accepted, who may read the file."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from assistant.approvals import columns, file
from assistant.approvals.approval import Approval, Decision
from assistant.approvals.store import FILE_NAME, ApprovalStore, open_store
from assistant.errors import ApprovalConflict, ApprovalNotFound, ApprovalRefused, DataFolderError
from assistant.events import Citation
from tests.assistant.approvals.scene import ANNA, BEN, NOON, restart
from tests.assistant.places import Place

REQUEST = restart(
    "café \U0001f600",
    reason="\ud800 half a character",
    evidence=(Citation("L7", "log", "web.log", None, "\x1b[31mdown"),),
    suggested_by=("L7",),
    effect="it is away for 5 s",
    undo="none",
    expected_state="FATAL",
)
APPROVAL = Approval(
    id="a-7k3m9q",
    request=REQUEST,
    digest=REQUEST.digest,
    state="done",
    requested_at_utc=NOON,
    expires_at_utc=NOON + timedelta(minutes=15),
    step=5,
    decisions=(Decision("approved", ANNA, NOON, "\ud800"), Decision("approved", BEN, NOON)),
    claim=3,
    owner="1-ab",
    claimed_at_utc=NOON,
    begun_at_utc=NOON + timedelta(microseconds=1),
    ended_at_utc=NOON + timedelta(seconds=1),
    message="\udcff",
    result={"state": "RUNNING", "lines": [1, None, True]},
    is_audited=False,
)


def put(opened: ApprovalStore, *approvals: Approval) -> None:
    with opened.writing() as rows:
        for approval in approvals:
            rows.add(approval)


def test_an_approval_comes_back_as_it_was(place: Place) -> None:
    fresh = replace(
        APPROVAL, id="a-222222", state="pending", claim=None, decisions=(), begun_at_utc=None
    )
    with place.open_store() as opened:
        put(opened, APPROVAL, fresh)
    with place.open_store() as opened, opened.reading() as rows:
        assert rows.get("a-7k3m9q") == APPROVAL
        assert rows.get("a-222222") == fresh
        with pytest.raises(ApprovalNotFound, match="no approval 'a-333333'"):
            rows.get("a-333333")


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_store(folder) as opened:
        put(opened, APPROVAL)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert f"{FILE_NAME}-wal" in modes
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_older_file_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch(0o644)
    with open_store(tmp_path):
        assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_every_change_is_on_the_disk_when_it_is_reported(tmp_path: Path) -> None:
    with open_store(tmp_path) as opened, opened.reading() as rows:
        database = rows._database
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_change_that_fails_leaves_nothing(place: Place) -> None:
    with place.open_store() as opened:
        with pytest.raises(ApprovalNotFound), opened.writing() as rows:  # noqa: PT012
            rows.add(APPROVAL)
            rows.get("a-222222")
        with opened.reading() as rows:
            assert rows.all() == []
        put(opened, APPROVAL)


def test_of_two_changes_of_the_same_one_takes_place(place: Place) -> None:
    with place.open_store() as opened:
        put(opened, APPROVAL)
        with opened.writing() as rows:
            rows.replace(APPROVAL, replace(APPROVAL, state="failed"))
        for change in ({}, {"state": "failed", "step": 4}, {"state": "failed", "owner": "x"}):
            with pytest.raises(ApprovalConflict), opened.writing() as rows:
                rows.replace(replace(APPROVAL, **change), APPROVAL)


def test_the_same_act_waits_only_once_in_a_session(place: Place) -> None:
    pending = replace(APPROVAL, state="pending", claim=None)
    with place.open_store() as opened:
        put(opened, pending, replace(pending, id="a-222222", state="approved"))
        with pytest.raises(DataFolderError, match=r"(?i)unique"):
            put(opened, replace(pending, id="a-333333"))


def test_two_acts_are_never_the_same_claim(place: Place) -> None:
    with place.open_store() as opened:
        put(opened, APPROVAL)
        with pytest.raises(DataFolderError, match=r"(?i)unique"):
            put(opened, replace(APPROVAL, id="a-222222"))


def test_acts_are_those_that_may_have_taken_place(place: Place) -> None:
    def act(number: int, **changes: Any) -> Approval:
        return replace(APPROVAL, id=f"a-{number}", claim=number, **changes)

    with place.open_store() as opened:
        put(
            opened,
            act(1),
            act(2, state="refused", begun_at_utc=None),
            act(3, state="unfinished", begun_at_utc=None),
            act(4, state="running", begun_at_utc=None),
            act(5, state="unfinished"),
            act(6, state="failed"),
            act(7, claimed_at_utc=NOON - timedelta(hours=1)),
            replace(APPROVAL, id="a-8", claim=None, claimed_at_utc=None, begun_at_utc=None),
        )
        with opened.reading() as rows:
            assert [one.approval for one in rows.acts(NOON)] == ["a-6", "a-5", "a-4", "a-1"]
            assert [one.approval for one in rows.acts(NOON, before=5)] == ["a-4", "a-1"]
            newest = rows.acts(NOON)[0]
            assert rows.next_claim() == 8
    assert (newest.action, newest.arguments) == ("restart_service", REQUEST.arguments)
    assert (newest.at_utc, newest.state) == (APPROVAL.begun_at_utc, "failed")


@pytest.mark.parametrize(
    "change",
    [
        "arguments = '{\"service\": true}'",
        "arguments = '['",
        "request = '{}'",
        "action = 'Restart'",
        "decisions = '[{}]'",
        "expires_at_utc = 'never'",
        "ending = '[]'",
    ],
)
def test_what_nobody_here_has_written_is_refused(place: Place, change: str) -> None:
    with place.open_store() as opened:
        put(opened, APPROVAL)
        place.change_approvals(f"UPDATE approvals SET {change}")
        with pytest.raises(ApprovalRefused, match="was changed from outside"):  # noqa: SIM117
            with opened.reading() as rows:
                rows.get("a-7k3m9q")


def test_old_approvals_are_forgotten(place: Place) -> None:
    old = replace(APPROVAL, is_audited=True, requested_at_utc=NOON - timedelta(days=2))
    with place.open_store() as opened:
        put(
            opened,
            old,
            replace(old, id="a-new", claim=4, requested_at_utc=NOON),
            replace(old, id="a-owed", claim=5, is_audited=False),
            *(
                replace(old, id=f"a-{state}", claim=None, state=state)
                for state in ("pending", "approved", "running")
            ),
        )
        with opened.writing() as rows:
            assert rows.prune(NOON) == 1
        with opened.reading() as rows:
            kept = {one.id for one in rows.all()}
    assert kept == {"a-new", "a-owed", "a-pending", "a-approved", "a-running"}


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(DataFolderError, match="newer version"), open_store(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_an_older_file_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path) as opened:
        put(opened, APPROVAL)
    more = (*columns.MIGRATIONS, ("CREATE TABLE more (name TEXT)",))
    monkeypatch.setattr(file, "MIGRATIONS", more)
    for _ in range(2):
        with open_store(tmp_path) as opened, opened.reading() as rows:
            assert rows.get(APPROVAL.id) == APPROVAL
            rows._database.execute("SELECT name FROM more")
            assert rows._database.execute("PRAGMA user_version").fetchone() == (len(more),)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database\n" * 100)
    with pytest.raises(DataFolderError, match=FILE_NAME), open_store(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DataFolderError, match="data"), open_store(tmp_path / "data"):
        pass


def _open_and_put(place: Place, number: int) -> None:
    with place.open_store() as opened:
        put(opened, replace(APPROVAL, id=f"a-{number}", claim=number))


def test_many_processes_may_begin_at_once(quick_place: Place) -> None:
    children = [
        get_context("fork").Process(target=_open_and_put, args=(quick_place, number))
        for number in range(12)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * len(children)
    with quick_place.open_store() as opened, opened.reading() as rows:
        assert len(rows.all()) == len(children)


def test_threads_share_a_store(quick_place: Place) -> None:
    with quick_place.open_store() as opened:

        def add(number: int) -> None:
            put(opened, replace(APPROVAL, id=f"a-{number}", claim=number))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add, range(100)))
        with opened.reading() as rows:
            assert len(rows.all()) == 100
