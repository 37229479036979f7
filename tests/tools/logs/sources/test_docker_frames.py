from __future__ import annotations

import struct

import pytest

from tools.logs.sources.docker_frames import FrameDecoder
from tools.logs.sources.spool import MAX_LINE_BYTES

STAMP = b"2026-03-01T12:00:00.123456789Z "


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">B3xL", stream, len(data)) + data


def decode(data: bytes, size: int) -> bytes:
    decoder = FrameDecoder()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(map(decoder.feed, pieces)) + decoder.rest()


@pytest.mark.parametrize("size", [1, 7, 8, 9, 30, 10_000])
@pytest.mark.parametrize(
    ("frames", "lines"),
    [
        ([], b""),
        ([(1, b"a\n"), (2, b"b\n"), (0, b"c\n")], b"a\nb\nc\n"),
        ([(1, b"a\nb\n")], b"a\nb\n"),
        ([(1, b""), (1, b"a\n")], b"a\n"),
        # A line in parts, each with its time, and the other stream in between.
        (
            [(1, STAMP + b"one "), (2, b"x\n"), (1, STAMP + b"line\n")],
            b"x\n" + STAMP + b"one line\n",
        ),
        (
            [(1, b"2026-03-01T12:00:00Z a\n"), (1, STAMP + b"b\n")],
            b"2026-03-01T12:00:00Z a\n" + STAMP + b"b\n",
        ),
        ([(1, b"begun"), (2, b"also")], b"begun\nalso\n"),
    ],
)
def test_frames_become_lines_however_they_are_cut(
    frames: list[tuple[int, bytes]], lines: bytes, size: int
) -> None:
    assert decode(b"".join(frame(*item) for item in frames), size) == lines


def test_what_came_of_a_frame_that_is_cut_off_is_kept() -> None:
    assert decode(frame(1, b"a\n") + frame(2, b"cut off here\n")[:-6], 5) == b"a\ncut off\n"


def test_the_frames_before_what_is_none_are_kept() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(frame(1, b"a\n") + b"<html>garbage") == b"a\n"
    assert "not in the form of docker's logs" in decoder.problem
    assert decoder.rest() == b""


def test_a_line_of_any_length_takes_little_room() -> None:
    decoder = FrameDecoder()
    for _ in range(50):
        assert decoder.feed(frame(1, b"x" * 100_000)) == b""
    assert decoder.feed(frame(1, b"\nnext\n")) == b"x" * (MAX_LINE_BYTES + 1) + b"\nnext\n"
