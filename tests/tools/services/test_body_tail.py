from __future__ import annotations

from io import BytesIO

import pytest
from urllib3 import HTTPResponse

from tools.logs.sources.copying import Unchanged
from tools.logs.sources.docker_frames import FrameDecoder
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.services.body_tail import MAX_TAIL_BYTES, last_lines


def tail(body: bytes, max_lines: int = 100) -> tuple[str, ...]:
    response = HTTPResponse(BytesIO(body), preload_content=False)
    return last_lines(response, Unchanged(), max_lines, FetchWatch(FetchLimits(timeout_s=10.0)))


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", ()),
        (b"\n", ("",)),
        (b"one", ("one",)),
        (b"one\n", ("one",)),
        (b"one\r\ntwo\r\n", ("one", "two")),
        (b"one\n\ntwo", ("one", "", "two")),
        (b"a\x0bb\x1cc\xe2\x80\xa8d\re\n", ("a\x0bb\x1cc\u2028d\re",)),
        (b"\xff\n", ("\ufffd",)),
    ],
)
def test_lines_end_where_they_do(body: bytes, lines: tuple[str, ...]) -> None:
    assert tail(body) == lines


def test_only_the_newest_lines_are_kept() -> None:
    assert tail(b"1\n2\n3\n", 2) == ("2", "3")


def test_of_too_much_the_newest_whole_lines_are_kept() -> None:
    body = b"".join(b"%07d\n" % number for number in range(MAX_TAIL_BYTES // 8 + 1000))
    lines = tail(body[3:], 1_000_000)
    assert lines[-1] == f"{MAX_TAIL_BYTES // 8 + 999:07}"
    assert len(lines) * 8 <= MAX_TAIL_BYTES
    assert all(len(line) == 7 for line in lines)


def test_of_one_line_that_is_too_long_its_end_is_kept() -> None:
    (line,) = tail(b"x" * (2 * MAX_TAIL_BYTES) + b"end")
    assert len(line) == MAX_TAIL_BYTES
    assert line.endswith("xend")


def test_a_body_that_cannot_be_decoded_any_further_ends_there() -> None:
    good = b"\x01\0\0\0\0\0\0\x03up\n"
    response = HTTPResponse(BytesIO(good + b"HTTP/1.1 nonsense"), preload_content=False)
    watch = FetchWatch(FetchLimits(timeout_s=10.0))
    assert last_lines(response, FrameDecoder(), 9, watch) == ("up",)


def test_the_limit_of_bytes_ends_it() -> None:
    watch = FetchWatch(FetchLimits(timeout_s=10.0, max_total_bytes=100_000))
    response = HTTPResponse(BytesIO(b"line\n" * 1_000_000), preload_content=False)
    assert 0 < len(last_lines(response, Unchanged(), 1_000_000, watch)) < 100_000


class Hesitant(Unchanged):
    """Holds back what comes last."""

    def feed(self, block: bytes) -> bytes:
        return block if len(block) > 2 else b""


def test_that_the_beginning_is_cut_is_not_forgotten() -> None:
    # Two bytes more than whole blocks, so that cuts fall within lines.
    body = b"x\n" + b"1234567\n" * (MAX_TAIL_BYTES // 4)
    response = HTTPResponse(BytesIO(body), preload_content=False)
    lines = last_lines(response, Hesitant(), 1_000_000, FetchWatch(FetchLimits(timeout_s=10.0)))
    assert lines[0] == "1234567"
