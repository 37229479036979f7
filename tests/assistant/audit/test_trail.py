import gzip
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.audit.folder import find_files
from assistant.audit.record import MAX_LINE_BYTES
from assistant.audit.trail import Reader
from assistant.audit.wanted import Wanted
from assistant.errors import AuditError
from tests.assistant.audit.written import START, Clock, audit_log
from tools.window import Window

ALL = Wanted()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def write(folder: Path, names: Iterable[object]) -> None:
    """Records with these names, in files of a few each."""
    log = audit_log(folder, max_file_bytes=1200)
    for name in names:
        log.append("requested", {"approval": str(name)})


def names(folder: Path, wanted: Wanted = ALL, count: int | None = None) -> list[str]:
    records = Reader(folder, wanted).newest(count).records
    return [record.data["approval"] for record in records if "approval" in record.data]


def following(reader: Reader) -> list[str | None]:
    """The names of what came after the last look; None for what is no record."""
    entries = list(reader.following())
    return [
        entry and entry.data["approval"]
        for entry in entries
        if entry is None or "approval" in entry.data
    ]


def test_the_newest_come_last_over_all_files(folder: Path) -> None:
    write(folder, range(20))
    assert len(find_files(folder)) > 3
    assert names(folder) == [str(number) for number in range(20)]
    for count in (1, 2, 7, 19):
        kinds = Wanted(kinds=frozenset({"requested"}))
        assert names(folder, kinds, count) == [str(number) for number in range(20 - count, 20)]


def test_there_is_nothing_where_nothing_was_recorded(folder: Path) -> None:
    assert names(folder) == []
    assert not folder.exists()


def test_compressed_files_are_read_as_well(folder: Path) -> None:
    write(folder, range(20))
    for file in find_files(folder)[:-1]:
        file.path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(file.path.read_bytes()))
        file.path.unlink()
    assert names(folder) == [str(number) for number in range(20)]


def test_files_from_before_the_time_asked_about_are_not_read(folder: Path) -> None:
    clock = Clock()
    log = audit_log(folder, clock=clock, max_file_bytes=1)
    log.append("requested", {"approval": "old"})
    clock.now += timedelta(days=1)
    log.append("requested", {"approval": "newer"})
    clock.now += timedelta(days=1)
    audit_log(folder, clock=clock).append("requested", {"approval": "new"})
    first = find_files(folder)[0].path
    first.unlink()
    first.with_name(f"{first.name}.gz").write_bytes(b"damaged")
    since = Wanted(Window(START + timedelta(days=2)))
    assert names(folder, since) == ["new"]
    with pytest.raises(AuditError, match="damaged"):
        names(folder)


def test_lines_that_are_no_records_are_counted_and_left_out(folder: Path) -> None:
    write(folder, range(3))
    path = find_files(folder)[-1].path
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(1, b"x" * (2 * MAX_LINE_BYTES + 7) + b"\n")
    path.write_bytes(b"".join(lines).replace(b'"approval":"1"', b'"approval":"9"') + b'{"torn')
    trail = Reader(folder, Wanted(kinds=frozenset({"requested"}))).newest(None)
    assert [record.data["approval"] for record in trail.records] == ["0", "2"]
    # The long line comes in three pieces.
    assert trail.num_unreadable == 4


def test_following_goes_on_over_new_files(folder: Path) -> None:
    write(folder, range(3))
    reader = Reader(folder, ALL)
    reader.newest(1)
    assert following(reader) == []
    write(folder, range(3, 20))
    assert following(reader) == [str(number) for number in range(3, 20)]
    assert following(reader) == []


def test_following_may_begin_before_the_first_record(folder: Path) -> None:
    reader = Reader(folder, ALL)
    assert reader.newest(5).records == []
    assert following(reader) == []
    write(folder, ["a"])
    assert following(reader) == ["a"]


def test_following_goes_on_in_a_file_that_was_compressed_meanwhile(folder: Path) -> None:
    write(folder, range(5))
    reader = Reader(folder, ALL)
    reader.newest(1)
    write(folder, range(5, 20))
    for file in find_files(folder)[:-1]:
        file.path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(file.path.read_bytes()))
        file.path.unlink()
    assert following(reader) == [str(number) for number in range(5, 20)]


def test_following_goes_on_when_the_file_was_taken_away(folder: Path) -> None:
    write(folder, range(3))
    reader = Reader(folder, ALL)
    reader.newest(1)
    write(folder, range(3, 20))
    for file in find_files(folder)[:-1]:
        file.path.unlink()
    kept = following(reader)
    assert kept
    assert kept == [str(number) for number in range(20 - len(kept), 20)]


def test_following_waits_for_the_end_of_a_line(folder: Path) -> None:
    write(folder, [0])
    reader = Reader(folder, ALL)
    reader.newest(1)
    write(folder, [1])
    path = find_files(folder)[-1].path
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert following(reader) == []
    path.write_bytes(whole)
    assert following(reader) == ["1"]


def test_following_says_what_is_no_record(folder: Path) -> None:
    write(folder, [0])
    reader = Reader(folder, ALL)
    reader.newest(1)
    with find_files(folder)[-1].path.open("ab") as file:
        file.write(b"all is well")
    write(folder, [1])
    assert following(reader) == [None, "1"]


def test_a_service_is_known_from_the_first_record_of_an_approval(folder: Path) -> None:
    log = audit_log(folder, max_file_bytes=1)
    for approval, service in (("a", "shop"), ("b", "mail"), ("c", "shop-web")):
        log.append("requested", {"approval": approval, "arguments": {"service": service}})
    for approval in "abc":
        log.append("approved", {"approval": approval})
    reader = Reader(folder, Wanted(service="shop"))
    trail = reader.newest(1)
    assert [(r.kind, r.data["approval"]) for r in trail.records] == [("approved", "a")]
    assert names(folder, Wanted(service="shop*")) == ["a", "c", "a", "c"]
    log.append("started", {"approval": "a"})
    log.append("started", {"approval": "b"})
    assert following(reader) == ["a"]


def test_a_file_that_may_not_be_read_is_an_error(users_folder: Path) -> None:
    audit_log(users_folder / "audit").append("requested", {})
    find_files(users_folder / "audit")[0].path.chmod(0)
    with pytest.raises(AuditError, match="cannot be read"):
        names(users_folder / "audit")


def test_a_window_is_half_open(folder: Path) -> None:
    log = audit_log(folder, clock=Clock(datetime(2026, 3, 1, 2, 0, 0, tzinfo=UTC)))
    for number in range(4):
        log.append("requested", {"approval": str(number)})
    found = Reader(folder, ALL).newest(None).records[2:4]
    window = Window(found[0].at, found[1].at)
    assert names(folder, Wanted(window)) == [found[0].data["approval"]]
