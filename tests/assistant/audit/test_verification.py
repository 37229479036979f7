import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.audit.faults import Fault
from assistant.audit.folder import find_files, write_lock
from assistant.audit.head import HEAD_NAME, Head, write_head
from assistant.audit.record import MAX_LINE_BYTES, parse_record
from assistant.audit.verification import Verification, verify_log
from assistant.errors import AuditError
from tests.assistant.audit.written import Files, Stood, audit_log, forged, memory_folder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=5,
)


@contextmanager
def checked(files: Files) -> Iterator[Verification]:
    with memory_folder() as folder:
        yield verify_log(files.put(folder))


def fault_of(files: Files) -> Fault:
    with checked(files) as result:
        assert result.fault is not None
        return result.fault


def where(fault: Fault) -> tuple[str, str, int | None, int | None]:
    return fault.what, fault.file, fault.line, fault.seq


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A few files with some records each."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    log = audit_log(folder, max_file_bytes=1500)
    for number in range(22):
        log.append("requested", {"approval": f"a{number}", "service": "shop-checkout"})
    files = Files.of(folder)
    assert len(files.names) > 2
    return files


def picked(data: st.DataObject, files: Files) -> tuple[int, Stood]:
    records = files.records()
    index = data.draw(st.integers(0, len(records) - 1))
    return index, records[index]


# What is as it was written


@settings(max_examples=25, deadline=None)
@given(
    datas=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=8),
    max_file_bytes=st.integers(1, 2000),
)
def test_an_untouched_log_is_fine(datas: list[dict[str, object]], max_file_bytes: int) -> None:
    with memory_folder() as folder:
        log = audit_log(folder, max_file_bytes=max_file_bytes)
        for data in datas:
            log.append("requested", data)  # type: ignore[arg-type]
        result = verify_log(folder)
        assert (result.fault, result.missing, result.torn_bytes) == (None, (), 0)
        assert result.num_records - result.num_files == len(datas)


def test_where_nothing_was_recorded_nothing_is_wrong(tmp_path: Path) -> None:
    result = verify_log(tmp_path / "nowhere")
    assert (result.num_records, result.last, result.fault) == (0, None, None)
    assert not (tmp_path / "nowhere").exists()


def test_the_last_record_is_told(written: Files, tmp_path: Path) -> None:
    result = verify_log(written.put(tmp_path))
    assert result.last == written.records()[-1].record
    assert (result.num_records, result.num_files) == (len(written.records()), len(written.names))


# What was done to records


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_record_is_named(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    _, stood = picked(data, files)
    lines = files.lines(stood.file)
    change = data.draw(
        st.sampled_from(
            [
                lambda record: replace(record, host="elsewhere").to_line(),
                lambda record: replace(record, data={"approval": "zz"}).to_line(),
                lambda record: forged(record, data={"approval": "zz"}),
                lambda record: forged(record, kind="rejected"),
                lambda record: json.dumps(json.loads(record.to_line())).encode() + b"\n",
                lambda record: record.to_line().replace(b'"seq"', b'"seq":7,"seq"'),
                lambda record: b"\n",
            ]
        )
    )
    lines[stood.line - 1] = change(stood.record)
    files.set_lines(stood.file, lines)
    assert where(fault_of(files)) == ("changed", stood.file, stood.line, stood.record.seq)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_removed_record_is_named(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    _, stood = picked(data, files)
    lines = files.lines(stood.file)
    is_end = stood.line == len(lines)
    del lines[stood.line - 1]
    files.set_lines(stood.file, lines)
    what = "cut off" if is_end else "removed"
    assert where(fault_of(files)) == (what, stood.file, stood.line, stood.record.seq)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_inserted_line_is_named(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    records = files.records()
    index = data.draw(st.integers(0, len(records) - 2))
    stood, other = records[index], data.draw(st.sampled_from(records))
    line = data.draw(
        st.sampled_from(
            [
                other.record.to_line(),
                forged(stood.record, kind="approved", prev=stood.record.hash),
                forged(other.record, kind="approved"),
                forged(stood.record, seq=stood.record.seq + 1, prev=stood.record.hash),
                forged(stood.record, seq=999),
                b"all is well\n",
            ]
        )
    )
    lines = files.lines(stood.file)
    lines.insert(stood.line, line)
    files.set_lines(stood.file, lines)
    # Of two equal lines the second is the one too many.
    following = records[index + 1]
    place = (stood.file, stood.line + 1)
    if line == following.record.to_line():
        place = (following.file, following.line + (following.file == stood.file))
    fault = fault_of(files)
    assert (fault.what, fault.file, fault.line) == ("inserted", *place)


def test_a_forgery_before_the_last_record_is_the_one_that_is_named(written: Files) -> None:
    files = written.copy()
    before, last = files.records()[-2:]
    assert before.file == last.file
    lines = files.lines(last.file)
    line = forged(last.record, kind="approved")
    lines.insert(last.line - 1, line)
    files.set_lines(last.file, lines)
    assert where(fault_of(files)) == ("inserted", last.file, last.line, last.record.seq)


def test_a_record_at_the_end_of_too_long_a_line_is_none(written: Files) -> None:
    files = written.copy()
    stood = files.records()[1]
    lines = files.lines(stood.file)
    lines[stood.line - 1] = b"x" * MAX_LINE_BYTES + lines[stood.line - 1]
    files.set_lines(stood.file, lines)
    assert where(fault_of(files)) == ("changed", stood.file, stood.line, stood.record.seq)


def test_what_is_torn_is_told_of_a_whole_log_alone(written: Files) -> None:
    files = written.copy()
    stood = files.records()[1]
    lines = files.lines(stood.file)
    lines[stood.line - 1] = b"x\n"
    files.set_lines(stood.file, lines)
    with checked(files) as result:
        assert (result.torn_bytes, result.num_unnamed) == (0, 0)


def test_one_record_behind_the_head_is_what_a_killed_writer_leaves(written: Files) -> None:
    files = written.copy()
    last = files.records()[-1]
    line = forged(last.record, seq=last.record.seq + 1, prev=last.record.hash)
    files.content[last.file] += line
    with checked(files) as result:
        assert (result.fault, result.num_unnamed, result.last) == (None, 1, parse_record(line))


def test_what_is_no_record_at_the_end_is_told(written: Files) -> None:
    files = written.copy()
    files.content[files.names[-1]] += b"all is well\n\x00\x00"
    with checked(files) as result:
        assert (result.fault, result.torn_bytes) == (None, 14)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_swapped_records_are_named(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    records = files.records()
    first, second = sorted(
        data.draw(st.lists(st.integers(0, len(records) - 1), min_size=2, max_size=2, unique=True))
    )
    one, other = records[first], records[second]
    for stood, new in ((one, other), (other, one)):
        lines = files.lines(stood.file)
        lines[stood.line - 1] = new.record.to_line()
        files.set_lines(stood.file, lines)
    assert where(fault_of(files)) == ("reordered", one.file, one.line, other.record.seq)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed_where_it_is(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    name = data.draw(st.sampled_from(files.names))
    content = bytearray(files.content[name])
    index = data.draw(st.integers(0, len(content) - 1))
    line = bytes(content[:index]).count(b"\n") + 1
    content[index] ^= data.draw(st.integers(1, 255))
    files.content[name] = bytes(content)
    fault = fault_of(files)
    assert (fault.file, fault.line) == (name, line)


def test_any_changed_byte_of_the_head_is_noticed(written: Files) -> None:
    content = written.content[HEAD_NAME]
    for index in range(len(content)):
        files = written.copy()
        files.content[HEAD_NAME] = (
            content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :]
        )
        assert fault_of(files).file in (HEAD_NAME, files.names[-1]), index


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_log_that_was_cut_off_is_named_at_its_end(data: st.DataObject, written: Files) -> None:
    files = written.copy()
    name = data.draw(st.sampled_from(files.names))
    size = data.draw(st.integers(0, len(files.content[name]) - 1))
    files.content[name] = files.content[name][:size]
    first = next(one for one in written.records() if one.file == name and one.end_bytes > size)
    fault = fault_of(files)
    assert fault.what == "cut off"
    assert fault.seq == first.record.seq
    assert (fault.file, fault.line) == (name, first.line)


def test_records_behind_the_end_that_the_head_names_are_inserted(written: Files) -> None:
    files = written.copy()
    last = files.records()[-1]
    new = []
    for _ in range(3):
        record = new[-1] if new else last.record
        line = forged(record, seq=record.seq + 1, prev=record.hash)
        new.append(parse_record(line))
        files.content[last.file] += line
    assert where(fault_of(files)) == ("inserted", last.file, last.line + 2, last.record.seq + 2)


def test_a_log_without_its_head_is_broken(written: Files) -> None:
    files = written.copy()
    del files.content[HEAD_NAME]
    assert where(fault_of(files)) == ("removed", HEAD_NAME, None, None)


def test_a_head_without_its_log_is_broken(written: Files) -> None:
    files = Files({HEAD_NAME: written.content[HEAD_NAME]})
    last = written.records()[-1]
    fault = fault_of(files)
    assert (fault.what, fault.file, fault.seq) == ("cut off", last.file, 1)


def test_an_older_state_of_the_files_is_cut_off(written: Files) -> None:
    """What the head names is gone, also where the last file is gone as a whole."""
    files = written.copy()
    name = files.names[-1]
    first = next(one for one in files.records() if one.file == name)
    del files.content[name]
    fault = fault_of(files)
    assert (fault.what, fault.file, fault.seq) == ("cut off", files.names[-1], first.record.seq)


# Files that were taken away, or compressed


def test_files_that_were_taken_away_are_missing_and_the_rest_is_fine(written: Files) -> None:
    files = written.copy()
    gone, kept = written.names[:2], written.names[2:]
    for name in gone:
        del files.content[name]
    last_gone = [one for one in written.records() if one.file == gone[-1]][-1]
    with checked(files) as result:
        assert result.fault is None
        [missing] = result.missing
        assert (missing.first_file, missing.last_file) == (gone[0], gone[-1])
        assert (missing.first_seq, missing.last_seq) == (1, last_gone.record.seq)
        assert result.num_files == len(kept)


def test_a_file_missing_in_the_middle_is_named(written: Files) -> None:
    files = written.copy()
    name = written.names[1]
    del files.content[name]
    seqs = [one.record.seq for one in written.records() if one.file == name]
    with checked(files) as result:
        assert result.fault is None
        [missing] = result.missing
        assert (missing.first_file, missing.last_file) == (name, name)
        assert (missing.first_seq, missing.last_seq) == (seqs[0], seqs[-1])


def test_what_follows_a_missing_file_is_checked_all_the_same(written: Files) -> None:
    files = written.copy()
    del files.content[written.names[0]]
    name = files.names[0]
    lines = files.lines(name)
    del lines[0]
    files.set_lines(name, lines)
    fault = fault_of(files)
    assert (fault.what, fault.file, fault.line) == ("removed", name, 1)


def test_a_file_under_another_number_is_not_taken_for_its_own(written: Files) -> None:
    files = Files({HEAD_NAME: written.content[HEAD_NAME]})
    *_, other, last = written.names
    files.content["audit-000002.jsonl"] = written.content[other]
    files.content[last] = written.content[last]
    fault = fault_of(files)
    assert (fault.what, fault.file, fault.line) == ("removed", "audit-000002.jsonl", 1)


def test_garbage_before_a_missing_file_is_named(written: Files) -> None:
    files = written.copy()
    name = files.names[0]
    num_lines = len(files.lines(name))
    files.content[name] += b"all is well"
    del files.content[files.names[1]]
    fault = fault_of(files)
    assert (fault.file, fault.line) == (name, num_lines + 1)


def test_the_head_may_name_the_last_missing_record(written: Files, tmp_path: Path) -> None:
    """Whoever began a file was killed before the head named that, and the one before was moved."""
    files = written.copy()
    *_, other, last = files.names
    ended = [one for one in files.records() if one.file == other][-1]
    number = files.names.index(other) + 1
    files.set_lines(last, files.lines(last)[:1])
    del files.content[other]
    files.put(tmp_path)
    write_head(tmp_path, Head.at(ended.record, number, ended.end_bytes))
    result = verify_log(tmp_path)
    assert (result.fault, result.num_unnamed) == (None, 1)


def test_a_damaged_file_further_on_hides_no_earlier_fault(written: Files) -> None:
    files = written.copy()
    stood = files.records()[1]
    lines = files.lines(stood.file)
    del lines[stood.line - 1]
    files.set_lines(stood.file, lines)
    name = files.names[1]
    files.content[f"{name}.gz"] = gzip.compress(files.content.pop(name))[:-20]
    assert where(fault_of(files)) == ("removed", stood.file, stood.line, stood.record.seq)


def test_a_compressed_file_is_checked_like_any_other(written: Files) -> None:
    files = written.copy()
    name = files.names[0]
    plain = files.content.pop(name)
    files.content[f"{name}.gz"] = gzip.compress(plain)
    with checked(files) as result:
        assert (result.fault, result.missing) == (None, ())
        assert result.num_records == len(written.records())
    lines = plain.splitlines(keepends=True)
    files.content[f"{name}.gz"] = gzip.compress(b"".join([lines[0], *lines[2:]]))
    assert where(fault_of(files)) == ("removed", name, 2, 2)


def test_files_of_other_names_are_none_of_the_log(written: Files) -> None:
    files = written.copy()
    for name in ("audit-0000099.jsonl", "audit-000099.jsonl.new", "audit-99.jsonl", "notes.txt"):
        files.content[name] = b"x\n"
    with checked(files) as result:
        assert result.fault is None
        assert result.num_files == len(written.names)


def test_of_a_file_that_is_there_twice_the_plain_one_counts(written: Files) -> None:
    files = written.copy()
    files.content[f"{files.names[0]}.gz"] = b"half compr"
    with checked(files) as result:
        assert result.fault is None


@pytest.mark.parametrize("damage", [lambda c: c[:-20], lambda c: c[:40] + b"xxxx" + c[44:]])
def test_a_damaged_compressed_file_is_a_changed_one(
    written: Files, damage: Callable[[bytes], bytes]
) -> None:
    files = written.copy()
    name = files.names[0]
    files.content[f"{name}.gz"] = damage(gzip.compress(files.content.pop(name)))
    fault = fault_of(files)
    assert (fault.what, fault.file) == ("changed", name)


# Lines too long to be records, and other garbage


def test_a_line_without_end_costs_no_memory(written: Files, tmp_path: Path) -> None:
    files = written.copy()
    files.put(tmp_path)
    last = files.records()[-1]
    with (tmp_path / last.file).open("ab") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        result = verify_log(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert result.fault is None
    assert result.torn_bytes == (64 << 20) - last.end_bytes


# A hash that was kept elsewhere


def test_an_expected_hash_is_found_anywhere_in_the_log(written: Files, tmp_path: Path) -> None:
    written.put(tmp_path)
    for stood in written.records():
        assert verify_log(tmp_path, stood.record.hash).fault is None


def test_a_log_that_was_written_anew_lacks_the_expected_hash(
    written: Files, tmp_path: Path
) -> None:
    log = audit_log(tmp_path / "anew")
    for number in range(22):
        log.append("requested", {"approval": f"b{number}"})
    assert verify_log(tmp_path / "anew").fault is None
    fault = verify_log(tmp_path / "anew", written.records()[-1].record.hash).fault
    assert fault is not None
    assert fault.what == "not found"


def test_an_expected_hash_may_be_that_of_the_last_missing_record(written: Files) -> None:
    files = written.copy()
    del files.content[files.names[0]]
    ended_with = [one for one in written.records() if one.file == written.names[0]][-1]
    with memory_folder() as folder:
        files.put(folder)
        assert verify_log(folder, ended_with.record.hash).fault is None
        fault = verify_log(folder, written.records()[0].record.hash).fault
        assert fault is not None
        assert "missing" in fault.detail


def test_nothing_is_expected_of_a_log_that_is_gone(tmp_path: Path) -> None:
    fault = verify_log(tmp_path, "a" * 64).fault
    assert fault is not None
    assert fault.what == "not found"


def test_a_log_that_may_not_be_read_is_an_error(written: Files, users_folder: Path) -> None:
    folder = users_folder / "log"
    written.put(folder)
    (folder / written.names[0]).chmod(0)
    with pytest.raises(AuditError, match="cannot be read"):
        verify_log(folder)


def test_a_log_is_not_checked_while_somebody_writes(written: Files, tmp_path: Path) -> None:
    written.put(tmp_path)
    with write_lock(tmp_path, 1), pytest.raises(AuditError, match="another process"):
        verify_log(tmp_path, lock_timeout_s=0.02)


def test_no_more_is_read_than_was_there_at_first(written: Files, tmp_path: Path) -> None:
    files = find_files(written.put(tmp_path))
    size_bytes = len(written.lines(files[0].name)[0]) + 5
    content = b"".join(files[0].lines(size_bytes=size_bytes))
    assert content == written.content[files[0].name][:size_bytes]


def test_checking_changes_nothing(written: Files, tmp_path: Path) -> None:
    written.put(tmp_path)
    (tmp_path / "lock").unlink()
    verify_log(tmp_path)
    assert {**Files.of(tmp_path).content, "lock": b""} == written.content
