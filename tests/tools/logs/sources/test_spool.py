from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.logs.reader import read_lines
from tools.logs.sources.origin import Fetched
from tools.logs.sources.spool import MAX_LINE_BYTES, Spool
from tools.logs.sources.watch import FetchLimits

LIMITS = FetchLimits()


def spool(folder: Path, limits: FetchLimits = LIMITS, end: str = "") -> Spool:
    return Spool(folder, 7, "docker:web/1", limits, end)


def text_of(log: Fetched) -> bytes:
    return b"".join(path.read_bytes() for path in log.source.paths)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([], b""),
        ([b"a\nb\n"], b"a\nb\n"),
        ([b"a", b"b\nc", b"\n"], b"ab\nc\n"),
        ([b"a\n", b"no end"], b"a\nno end\n"),
        ([b"\n\n"], b"\n\n"),
        ([b"a\0b\n"], "a\ufffdb\n".encode()),
    ],
)
def test_pieces_become_lines(tmp_path: Path, pieces: list[bytes], text: bytes) -> None:
    it = spool(tmp_path)
    for piece in pieces:
        it.write(piece)
    log = it.close("a note")
    assert text_of(log) == text
    assert (log.lines, log.size_bytes) == (text.count(b"\n"), len(text))
    assert log.notes == ("a note",)
    assert log.source.paths == (tmp_path / "007-docker_web_1.a.log",)


def test_a_line_that_was_begun_can_be_ended(tmp_path: Path) -> None:
    it = spool(tmp_path)
    it.write(b"x" * (MAX_LINE_BYTES + 5))
    it.end_line()
    it.write(b"next\n")
    it.end_line()
    assert text_of(it.close()).endswith(b"x\nnext\n")


@pytest.mark.parametrize("size", [1000, MAX_LINE_BYTES, 10 * MAX_LINE_BYTES])
def test_long_lines_are_cut_and_counted(tmp_path: Path, size: int) -> None:
    it = spool(tmp_path)
    data = b"before\n" + b"x" * (20 * MAX_LINE_BYTES) + b"\nafter\n" + b"y" * (3 * MAX_LINE_BYTES)
    for start in range(0, len(data), size):
        it.write(data[start : start + size])
    log = it.close()
    kept = b"before\n" + b"x" * MAX_LINE_BYTES + b"\nafter\n" + b"y" * MAX_LINE_BYTES + b"\n"
    assert text_of(log) == kept
    assert log.notes == ("2 lines longer than 64.0 KiB were cut",)


@pytest.mark.parametrize(
    ("limits", "least", "most"),
    [(FetchLimits(max_log_lines=10), 5, 10), (FetchLimits(max_log_bytes=80), 5, 11)],
)
@pytest.mark.parametrize("count", [3, 10, 11, 57, 100])
def test_the_newest_lines_within_the_limit_stay(
    tmp_path: Path, limits: FetchLimits, least: int, most: int, count: int
) -> None:
    it = spool(tmp_path, limits)
    it.write(b"".join(b"line %02d\n" % number for number in range(count)))
    log = it.close()
    lines = [line.text for line in read_lines(log.source)]
    assert min(count, least) <= len(lines) <= most
    assert lines == [f"line {number:02}" for number in range(count)][-len(lines) :]
    assert len(list(tmp_path.iterdir())) == len(log.source.paths)
    is_cut = len(lines) < count
    assert is_cut <= any(note.startswith("only the newest") for note in log.notes)


def test_as_many_lines_as_were_asked_for_may_not_be_all(tmp_path: Path) -> None:
    it = spool(tmp_path, FetchLimits(max_log_lines=4))
    it.write(b"a\nb\nc\nd\n")
    log = it.close()
    assert (log.lines, log.notes) == (4, ("only the newest 4 lines are here",))


def test_lines_from_the_end_on_are_left_out(tmp_path: Path) -> None:
    it = spool(tmp_path, end="2026-03-01T12:00:05")
    it.write(b"2026-03-01T12:00:04.9Z in\nZ trace\n")
    assert not it.is_past_end
    it.write(b"2026-03-01T12:00:05.1Z out\n")
    assert it.is_past_end
    assert text_of(it.close()) == b"2026-03-01T12:00:04.9Z in\nZ trace\n"


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=20))
def test_however_it_is_cut_the_same_is_kept(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, sizes: list[int]
) -> None:
    pieces, rest = [], data
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    logs = []
    for parts in ([data], [*pieces, rest]):
        it = spool(tmp_path_factory.mktemp("spool"))
        for part in parts:
            it.write(part)
        logs.append(text_of(it.close()))
    assert logs[0] == logs[1]
