import errno
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.audit.folder import find_files, write_lock
from assistant.audit.head import HEAD_NAME, read_head
from assistant.audit.log import AuditLog
from assistant.audit.record import AuditRecord, parse_record
from assistant.audit.verification import Verification, verify_log
from assistant.errors import AuditError
from tests.assistant.audit import writers
from tests.assistant.audit.written import START, Clock, Files, as_it_is, audit_log, forged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audit"


def records(folder: Path) -> list[AuditRecord]:
    """All records in their order, without what is none."""
    lines = [line for file in find_files(folder) for line in file.lines()]
    return list(filter(None, map(parse_record, lines)))


def approvals(folder: Path) -> list[str]:
    return [record.data["approval"] for record in records(folder) if "approval" in record.data]


def fine(folder: Path) -> Verification:
    """The verification, asserting that nothing is wrong."""
    result = verify_log(folder)
    assert result.fault is None, result.fault
    return result


# What a record says


def test_a_record_says_what_when_and_where(folder: Path) -> None:
    log = audit_log(folder)
    log.append("approved", {"approval": "a1", "arguments": {"service": "shop"}, "tries": 2})
    opened, record = records(folder)
    assert (opened.seq, opened.kind, opened.prev) == (1, "log_opened", "0" * 64)
    assert (record.seq, record.kind, record.prev) == (2, "approved", opened.hash)
    assert record.data == {"approval": "a1", "arguments": {"service": "shop"}, "tries": 2}
    assert record.host == os.uname().nodename
    assert record.time == "2026-03-01T02:00:02.000000+00:00"


def test_time_is_utc_whatever_the_clock_says(folder: Path) -> None:
    local = datetime.fromisoformat("2026-03-01T03:00:00.000007+02:00")
    audit_log(folder, clock=lambda: local).append("approved", {})
    assert records(folder)[-1].time == "2026-03-01T01:00:00.000007+00:00"


def test_files_are_for_this_user_only(folder: Path) -> None:
    before = os.umask(0)
    try:
        audit_log(folder, max_file_bytes=1).append("approved", {})
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)] == [0o700] * 2
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(("audit-000001.jsonl", HEAD_NAME, "lock"), 0o600)


def test_no_control_character_stands_raw_in_the_file(folder: Path) -> None:
    text = "".join(map(chr, range(0x100))) + "\u202e\u2028\ud800😀"
    audit_log(folder).append("approved", {text: [text]})
    content = (folder / "audit-000001.jsonl").read_bytes()
    assert set(content) <= {*range(0x20, 0x7F), 0x0A}
    assert records(folder)[-1].data == {text: [text]}


def test_every_text_is_redacted_before_it_is_hashed(folder: Path) -> None:
    log = audit_log(folder, redact=lambda text: text.replace("hunter2", "[password]"))
    log.append("failed", {"a": "hunter2", "b": {"hunter2": ["x hunter2", {"c": "hunter2"}]}})
    assert b"hunter2" not in b"".join(Files.of(folder).content.values())
    assert records(folder)[-1].data == {
        "a": "[password]",
        "b": {"[password]": ["x [password]", {"c": "[password]"}]},
    }
    fine(folder)


def test_a_long_text_is_cut_and_named_by_its_hash(folder: Path) -> None:
    log = audit_log(folder, redact=lambda text: text.replace("s", "x"))
    log.append("requested", {"code": "s" * 20_000})
    kept = records(folder)[-1].data["code"]
    assert kept.startswith("x" * 16_384 + " … (20000 characters in all, SHA-256 ")
    assert len(kept) < 16_500


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_that_json_does_not_have_are_kept_as_text(folder: Path, value: float) -> None:
    audit_log(folder).append("finished", {"result": value})
    assert records(folder)[-1].data == {"result": str(value)}
    fine(folder)


@pytest.mark.parametrize(
    "data",
    [{"a": {1, 2}}, {1: "a", "b": "c"}, {"a": ["x" * 16_000] * 80}, {"a": 10**5000}],
    ids=["set", "mixed keys", "too large", "number too long"],
)
def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(
    folder: Path, data: dict[str, object]
) -> None:
    log = audit_log(folder)
    log.append("requested", {})
    before = Files.of(folder).content
    with pytest.raises(AuditError, match="cannot be recorded") as caught:
        log.append("approved", data)  # type: ignore[arg-type]
    assert "nothing is done" in caught.value.hint
    assert Files.of(folder).content == before


@pytest.mark.parametrize("kind", ["log_opened", "log_mended"])
def test_the_kinds_of_the_log_itself_are_refused(folder: Path, kind: str) -> None:
    with pytest.raises(AuditError, match=kind):
        audit_log(folder).append(kind, {})


# On disk


def test_each_step_is_on_disk_before_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record, then the new head, then its name; a new file has a name of its own to keep."""
    log = audit_log(folder, max_file_bytes=1)
    log.append("requested", {})
    steps: list[str] = []

    def noting(call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(first: object, *rest: object) -> object:
            path = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else first
            steps.append(f"{call.__name__} {Path(str(path)).name}")
            return call(first, *rest)

        return noted

    for name in ("write", "fsync", "replace"):
        monkeypatch.setattr(os, name, noting(getattr(os, name)))
    log.append("approved", {})
    head = ["write head.json.new", "fsync head.json.new", "replace head.json.new", "fsync audit"]
    new = [step.replace("head.json", "audit-000002.jsonl") for step in head]
    record = ["write audit-000002.jsonl", "fsync audit-000002.jsonl"]
    assert steps == [*new, *head, *record, *head]


# A new file


def test_a_full_file_is_followed_by_one_that_names_it(folder: Path) -> None:
    log = audit_log(folder, max_file_bytes=600)
    for number in range(6):
        log.append("requested", {"approval": f"a{number}"})
    first, second, *_ = find_files(folder)
    lines = list(first.lines())
    last = parse_record(lines[-1])
    opened = parse_record(next(second.lines()))
    assert last is not None
    assert opened is not None
    assert sum(map(len, lines[:-1])) < 600 <= sum(map(len, lines))
    assert (opened.kind, opened.seq, opened.prev) == ("log_opened", last.seq + 1, last.hash)
    assert opened.data == {"file_before": first.name, "hash_before": last.hash}
    assert approvals(folder) == [f"a{number}" for number in range(6)]
    fine(folder)


def test_a_month_begins_a_file(folder: Path) -> None:
    clock = Clock(datetime(2026, 3, 31, 23, 59, 50, tzinfo=UTC))
    log = audit_log(folder, clock=clock)
    log.append("requested", {})
    assert len(find_files(folder)) == 1
    clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    log.append("approved", {})
    clock.now = datetime(2026, 3, 31, tzinfo=UTC)
    log.append("started", {})
    assert [len(list(file.lines())) for file in find_files(folder)] == [2, 3]
    clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    log.append("finished", {})
    assert len(find_files(folder)) == 3
    fine(folder)


def test_the_log_goes_on_after_older_files_were_taken_away(folder: Path) -> None:
    log = audit_log(folder, max_file_bytes=600)
    for number in range(6):
        log.append("requested", {"approval": f"a{number}"})
    for file in find_files(folder)[:-1]:
        file.path.unlink()
    log.append("requested", {"approval": "a6"})
    assert approvals(folder)[-1] == "a6"
    assert len(fine(folder).missing) == 1


# Many writers


def test_many_processes_write_one_chain(folder: Path) -> None:
    promised = json.loads(writers.run("many", folder, 8, 25, 0))
    assert len(promised) == 8 * 25
    assert sorted(approvals(folder)) == sorted(promised)
    assert fine(folder).num_files > 20
    for writer in range(8):
        own = [name for name in approvals(folder) if name.startswith(f"w{writer}-")]
        assert own == [f"w{writer}-{number}" for number in range(25)]


def test_processes_that_are_killed_leave_a_log_for_the_others(folder: Path) -> None:
    promised = json.loads(writers.run("many", folder, 8, 30, 4))
    assert len({name for name in promised if name[1] in "4567"}) == 4 * 30
    assert set(promised) <= set(approvals(folder))
    fine(folder)


def test_many_threads_write_one_chain(folder: Path) -> None:
    log = audit_log(folder, max_file_bytes=1000, clock=lambda: START)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: log.append("requested", {"approval": f"{n}"}), range(80)))
    assert sorted(map(int, approvals(folder))) == list(range(80))
    fine(folder)


def test_a_log_that_others_hold_for_too_long_is_an_error(folder: Path) -> None:
    log = audit_log(folder, lock_timeout_s=0.02)
    log.append("requested", {})
    with write_lock(folder, 1), pytest.raises(AuditError, match="another process"):
        log.append("approved", {})
    log.append("rejected", {})
    assert [record.kind for record in records(folder)][1:] == ["requested", "rejected"]


# Killed writers


def put_nothing(folder: Path) -> None:
    pass


def put_some(folder: Path) -> None:
    for number in range(2):
        writers.log_of(folder).append("requested", {"approval": f"a{number}"})


def put_full_file(folder: Path) -> None:
    while len(find_files(folder)) == 0 or read_head(folder).size_bytes < writers.MAX_FILE_BYTES:
        writers.log_of(folder).append("requested", {"approval": "a"})


def put_torn_line(folder: Path) -> None:
    put_some(folder)
    with (folder / "audit-000001.jsonl").open("ab") as file:
        file.write(b'{"data":{"approval":"torn')


def put_torn_lines_of_zeros(folder: Path) -> None:
    """What a file system may leave after a power cut."""
    put_some(folder)
    with (folder / "audit-000001.jsonl").open("ab") as file:
        file.write(b"\x00" * 300 + b"\n\n\x00\n")


@pytest.mark.parametrize(
    "prepare", [put_nothing, put_some, put_full_file, put_torn_line, put_torn_lines_of_zeros]
)
def test_a_writer_killed_anywhere_loses_nothing_that_it_promised(
    prepare: Callable[[Path], None], tmp_path: Path
) -> None:
    origin = tmp_path / "origin"
    prepare(origin)
    before = approvals(origin)
    promised = json.loads(writers.run("killed", origin, tmp_path / "killed", 2))
    assert len(promised) > 20
    assert promised[-1] == ["m0", "m1"]
    for point, names in enumerate(promised, 1):
        folder = tmp_path / "killed" / str(point)
        fine(folder)
        writers.log_of(folder).append("requested", {"approval": "next"})
        result = fine(folder)
        assert (result.torn_bytes, result.num_unnamed) == (0, 0)
        # At most the one record that was being written is there without having been promised.
        found = approvals(folder)
        unpromised = [f"m{len(names)}"] if f"m{len(names)}" in found else []
        assert found == [*before, *names, *unpromised, "next"]


def test_a_writer_killed_while_it_mends_what_a_killed_one_left(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    put_torn_line(origin)
    writers.run("killed", origin, tmp_path / "first", 1)
    # Killed in the middle of mending, before the line break, and before the head was written.
    for point in ("2", "3", "4"):
        again = tmp_path / f"again{point}"
        promised = json.loads(writers.run("killed", tmp_path / "first" / point, again, 1))
        assert len(promised) > 10
        for number, names in enumerate(promised, 1):
            folder = again / str(number)
            fine(folder)
            writers.log_of(folder).append("requested", {"approval": "next"})
            assert fine(folder).num_mended >= 1
            assert approvals(folder)[:2] == ["a0", "a1"]
            assert set(names) <= set(approvals(folder))


def test_a_torn_line_is_kept_and_closed_off(folder: Path) -> None:
    put_torn_line(folder)
    torn = b'{"data":{"approval":"torn'
    assert fine(folder).torn_bytes == len(torn)
    writers.log_of(folder).append("requested", {"approval": "next"})
    assert torn + b"\n" in (folder / "audit-000001.jsonl").read_bytes()
    mended = next(record for record in records(folder) if record.kind == "log_mended")
    assert mended.data["size_bytes"] == len(torn)
    assert fine(folder).num_mended == 1


def test_a_torn_line_that_was_changed_afterwards_is_noticed(folder: Path) -> None:
    put_torn_line(folder)
    writers.log_of(folder).append("requested", {"approval": "next"})
    path = folder / "audit-000001.jsonl"
    whole = path.read_bytes()
    for old, new in ((b'"torn\n', b'"tarn\n'), (b'{"data":{"approval":"torn\n', b"")):
        path.write_bytes(whole.replace(old, new))
        fault = verify_log(folder).fault
        assert fault is not None
        assert (fault.what, fault.line) == ("removed" if new == b"" else "changed", 4)


def test_what_a_killed_writer_had_not_put_in_its_place_is_written_over(folder: Path) -> None:
    put_full_file(folder)
    for name in (HEAD_NAME, "audit-000002.jsonl"):
        (folder / f"{name}.new").write_bytes(b"x" * 5000)
    writers.log_of(folder).append("requested", {"approval": "next"})
    assert approvals(folder)[-1] == "next"
    assert len(find_files(folder)) == 2
    fine(folder)


# Disks that are full, and logs that may not be written


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_point_is_an_error_and_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    point, has_failed = 0, True
    while has_failed:
        point += 1
        folder = tmp_path / str(point)
        put_full_file(folder)
        num_before = len(approvals(folder))
        error = failure_at(point, folder, number, monkeypatch)
        has_failed = error is not None
        assert error is None or os.strerror(number) in error.message
        assert error is None or ("free some space" in error.hint) == (number == errno.ENOSPC)
        assert fine(folder).torn_bytes == 0
        writers.log_of(folder).append("requested", {"approval": "next"})
        assert fine(folder).num_mended == 0
        assert approvals(folder)[num_before:] in (["next"], ["failing", "next"])
    assert point > 8


def failure_at(
    point: int, folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> AuditError | None:
    """What comes of an append when the disk fails at that call, a write after half of it."""
    left = point
    write, fsync = os.write, os.fsync

    def fail() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(number, os.strerror(number))

    def failing_write(descriptor: int, content: bytes) -> int:
        size = write(descriptor, content[: max(1, len(content) // 2)])
        fail()
        return size

    def failing_fsync(descriptor: int) -> None:
        fail()
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", failing_write)
        patched.setattr(os, "fsync", failing_fsync)
        try:
            writers.log_of(folder).append("approved", {"approval": "failing"})
        except AuditError as error:
            return error
    return None


def test_a_file_that_may_grow_no_more(folder: Path) -> None:
    """The system's own limit, which cuts a write in the middle like a full disk."""
    said = json.loads(writers.run("limited", folder))
    assert said["num_promised"] > 3
    assert "cannot be written" in said["message"]
    assert len(approvals(folder)) == said["num_promised"]
    assert fine(folder).torn_bytes == 0
    writers.log_of(folder).append("requested", {"approval": "next"})
    assert approvals(folder)[-1] == "next"
    fine(folder)


def test_a_folder_that_may_not_be_written(users_folder: Path) -> None:
    users_folder.chmod(0o500)
    with pytest.raises(AuditError, match="Permission denied"):
        audit_log(users_folder / "audit").append("requested", {})


# Logs that are not as they were left


def cut_off(files: Files) -> None:
    files.content["audit-000001.jsonl"] = files.content["audit-000001.jsonl"][:-1]


def add_records(files: Files) -> None:
    last = files.records()[-1].record
    for _ in range(2):
        line = forged(last, seq=last.seq + 1, prev=last.hash)
        files.content["audit-000001.jsonl"] += line
        last = files.records()[-1].record


def add_record_of_nowhere(files: Files) -> None:
    files.content["audit-000001.jsonl"] += forged(files.records()[0].record, seq=9)


def add_record_and_more(files: Files) -> None:
    last = files.records()[-1].record
    files.content["audit-000001.jsonl"] += forged(last, seq=last.seq + 1, prev=last.hash) + b"x"


def add_too_much(files: Files) -> None:
    files.content["audit-000001.jsonl"] += b"x" * (9 << 20)


def spoil_next_file(files: Files) -> None:
    files.content["audit-000002.jsonl"] = b"x\n"


@pytest.mark.parametrize(
    "tamper",
    [
        cut_off,
        add_records,
        add_record_of_nowhere,
        add_record_and_more,
        add_too_much,
        spoil_next_file,
        lambda files: files.content.pop("audit-000001.jsonl"),
        lambda files: files.content.pop(HEAD_NAME),
        lambda files: files.content.update({HEAD_NAME: b"{}"}),
        lambda files: files.content.update({HEAD_NAME: b'{"seq": 1'}),
    ],
)
def test_nothing_is_added_to_a_log_that_is_not_as_it_was_left(
    folder: Path, tmp_path: Path, tamper: Callable[[Files], None]
) -> None:
    put_some(folder)
    files = Files.of(folder)
    tamper(files)
    tampered = files.put(tmp_path / "tampered")
    with pytest.raises(AuditError, match="not as it was left") as caught:
        audit_log(tampered).append("requested", {})
    assert "midwatch audit verify" in caught.value.hint
    assert Files.of(tampered).content == files.content


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    put_some(folder)
    elsewhere = tmp_path / "elsewhere"
    (folder / "audit-000001.jsonl").rename(elsewhere)
    (folder / "audit-000001.jsonl").symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(AuditError, match="cannot be written"):
        audit_log(folder).append("requested", {})
    assert elsewhere.read_bytes() == before


def test_a_log_of_another_redactor_is_gone_on_with(folder: Path) -> None:
    AuditLog(folder, as_it_is).append("requested", {"a": "x"})
    AuditLog(folder, str.upper).append("requested", {"a": "x"})
    assert [record.data for record in records(folder)][1:] == [{"a": "x"}, {"A": "X"}]
    fine(folder)
