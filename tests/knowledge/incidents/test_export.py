from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge.errors import SourceNotFound, StoreUnavailable
from knowledge.incidents.export import read_all, write_all
from knowledge.incidents.incident import Incident

POOL = Incident(
    id="2026-03-14-pool-1f2e3d",
    title="Pool exhausted",
    occurred_at_utc=datetime(2026, 3, 14, 3, 5, tzinfo=UTC),
    services=("checkout",),
    symptoms="checkout answers 500",
    templates=("ERROR pool exhausted after <n> s",),
    cause="a leak of connections",
    fix="rolled back to 4.1",
)
DISK = Incident(id="2026-04-01-disk-0a0b0c", title="Disk full", cause="logs", fix="rotated them")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    report = write_all([POOL, DISK], tmp_path / "incidents")
    assert (report.written, report.unchanged) == (2, 0)
    files, failed = read_all([tmp_path / "incidents"])
    assert [file.incident for file in files] == [POOL, DISK]
    assert failed == []
    assert [Path(file.source).name for file in files] == [f"{POOL.id}.md", f"{DISK.id}.md"]


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    write_all([POOL, DISK], tmp_path)
    (tmp_path / f"{DISK.id}.md").write_text("edited by hand")
    report = write_all([POOL, DISK], tmp_path)
    assert (report.written, report.unchanged) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{POOL.id}.md", f"{DISK.id}.md"]


def test_files_that_are_no_incidents_are_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    write_all([POOL], tmp_path)
    (tmp_path / "empty.md").write_text(" \n")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text("# Not ours")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    files, failed = read_all([tmp_path, tmp_path / f"{POOL.id}.md"])
    assert [file.incident for file in files] == [POOL]
    assert {(one.path.name, one.reason) for one in failed} == {
        ("empty.md", "empty"),
        ("latin.md", "not UTF-8; convert it"),
    }


def test_paths_that_do_not_exist_and_folders_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="nowhere"):
        read_all([tmp_path / "nowhere"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        write_all([POOL], tmp_path / "file")
