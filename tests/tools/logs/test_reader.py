import gzip
import os
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from tools.errors import SourceNotFound, SourceUnreadable
from tools.logs.reader import (
    MAX_LINE_CHARS,
    format_size,
    head_text,
    read_blocks,
    read_lines,
    tail_text,
)
from tools.scope import LogSource


def source(*paths: Path) -> LogSource:
    return LogSource("app", paths)


def texts(*paths: Path, max_bytes: int = 1 << 20) -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in read_lines(source(*paths), max_bytes)]


def test_lines_are_numbered_and_lose_only_their_ends(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\r\n\n  three \xc3\xa4\nlast")
    assert texts(path) == [(1, "one"), (2, ""), (3, "  three ä"), (4, "last")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "app.log"
    path.write_bytes("Grüße ok\nzwei".encode(encoding))
    assert texts(path) == [(1, "Grüße ok"), (2, "zwei")]


def test_wrong_bytes_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"bad \xff byte\n")
    assert texts(path) == [(1, "bad � byte")]


def test_rotated_files_oldest_first_and_gzip(tmp_path: Path) -> None:
    old, new = tmp_path / "app.log.1.gz", tmp_path / "app.log"
    old.write_bytes(gzip.compress(b"a\nb\n"))
    new.write_text("c\n")
    assert texts(old, new) == [(1, "a"), (2, "b"), (1, "c")]


def test_empty_file_has_no_lines_and_no_complaints(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.touch()
    stream = read_lines(source(path))
    assert list(stream) == []
    assert stream.notes == []
    assert stream.size_bytes == 0


def test_a_large_file_is_read_from_its_end_with_true_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(1, 1001)))
    stream = read_lines(source(path), max_bytes=100)
    lines = list(stream)
    assert lines[-1].text == "line 1000"
    assert all(line.text == f"line {line.number}" for line in lines)
    assert 5 <= len(lines) <= 12
    assert stream.notes == ["app.log: read the last 100 bytes of 8.7 KiB"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_end_of_a_large_utf16_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "app.log"
    # U+0A0A is made of two bytes 0x0A and is no line end.
    text = "\ufeff" + "".join(f"\u0a0a {number}\n" for number in range(1, 101))
    path.write_bytes(text.encode(encoding))
    lines = texts(path, max_bytes=61)
    assert lines[-1] == (100, "\u0a0a 100")
    assert all(line == f"\u0a0a {number}" for number, line in lines)


def test_a_large_gzip_file_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress("".join(f"line {n}\n" for n in range(1, 1001)).encode()))
    stream = read_lines(source(path), max_bytes=100)
    lines = list(stream)
    assert lines[-1] == (path, 1000, "line 1000", False)
    assert len(lines) < 13
    assert "read the last 100 bytes of 8.7 KiB" in stream.notes[0]


def test_a_gzip_file_that_lies_about_its_size_is_still_bounded(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    # The trailer that tells the size is the last member's alone.
    path.write_bytes(gzip.compress(b"0123456789\n" * 100) + gzip.compress(b"end\n"))
    stream = read_lines(source(path), max_bytes=110)
    assert len(list(stream)) == 10
    assert stream.notes == ["app.log.gz: stopped after 110 bytes, the rest was not read"]


def test_a_cut_off_gzip_file_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    body = "".join(f"{os.urandom(8).hex()}\n" for _ in range(20_000)).encode()
    path.write_bytes(gzip.compress(body)[:100_000])
    stream = read_lines(source(path))
    assert len(list(stream)) > 1000
    assert [note for note in stream.notes if "cut off or damaged" in note]


def test_the_end_of_a_large_cut_off_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    body = "".join(f"{os.urandom(8).hex()}\n" for _ in range(20_000)).encode()
    path.write_bytes(gzip.compress(body)[:100_000])
    lines = list(read_lines(source(path), max_bytes=1000))
    assert lines[0].number > 1000
    assert lines[0].text == body.decode().split("\n")[lines[0].number - 1]


def test_newer_files_are_served_first(tmp_path: Path) -> None:
    old, new = tmp_path / "app.log.1", tmp_path / "app.log"
    old.write_text("old\n" * 10)
    new.write_text("new\n" * 10)
    stream = read_lines(source(old, new), max_bytes=40)
    assert {line.text for line in stream} == {"new"}
    assert stream.notes == ["app.log.1 was not read: newer files fill the limit"]


@pytest.mark.parametrize("length", [MAX_LINE_CHARS + 1, 3 << 20])
def test_long_lines_are_cut_and_marked(tmp_path: Path, length: int) -> None:
    path = tmp_path / "app.log"
    path.write_text("a\n" + "x" * length + "\nb\n")
    stream = read_lines(source(path), 1 << 30)
    first, long, last = stream
    assert (first.text, last.text, last.number) == ("a", "b", 3)
    assert long.is_cut
    assert long.text == "x" * MAX_LINE_CHARS
    assert "1 lines longer than 16,384 characters were cut" in stream.notes[0]


def test_a_long_last_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("x" * (2 << 20))
    (line,) = read_lines(source(path))
    assert (line.number, line.is_cut, len(line.text)) == (1, True, MAX_LINE_CHARS)


def test_binary_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(b"\x7fELF\0\0\0")
    with pytest.raises(SourceUnreadable, match="is not a text file"):
        list(read_lines(source(path)))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="does not exist"):
        list(read_lines(source(tmp_path / "none.log")))


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="is a directory"):
        list(read_lines(source(tmp_path)))


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(SourceUnreadable, match="not a regular file"):
        list(read_lines(source(path)))


def test_a_file_without_permission(users_folder: Path) -> None:
    path = users_folder / "app.log"
    path.write_text("secret")
    path.chmod(0)
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        list(read_lines(source(path)))


def test_one_bad_file_among_several_is_a_note(tmp_path: Path) -> None:
    good = tmp_path / "app.log"
    good.write_text("fine\n")
    stream = read_lines(source(tmp_path / "app.log.1", good))
    assert [line.text for line in stream] == ["fine"]
    assert "does not exist" in stream.notes[0]


def test_head_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("0123456789" * 10)
    assert head_text(path, 5) == "01234"
    assert tail_text(path, 5) == "56789"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (2 << 30, "2.0 GiB")]
)
def test_format_size(size: int, text: str) -> None:
    assert format_size(size) == text


def test_zstd(tmp_path: Path) -> None:
    path = tmp_path / "app.log.zst"
    path.write_bytes(zstandard.compress(b"a\n") + zstandard.compress(b"b\n"))
    assert texts(path) == [(1, "a"), (2, "b")]


def test_a_large_zstd_file_that_hides_its_size_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "app.log.zst"
    stream = zstandard.ZstdCompressor().compressobj()
    body = "".join(f"line {n}\n" for n in range(1, 1001)).encode()
    path.write_bytes(stream.compress(body) + stream.flush())
    lines = list(read_lines(source(path), max_bytes=100))
    assert lines[-1] == (path, 1000, "line 1000", False)
    assert len(lines) < 13


def test_a_damaged_zstd_file_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "app.log.zst"
    body = "".join(f"{os.urandom(8).hex()}\n" for _ in range(40_000)).encode()
    packed = bytearray(zstandard.compress(body))
    packed[len(packed) // 2 :] = os.urandom(len(packed) // 2)
    path.write_bytes(packed)
    stream = read_lines(source(path))
    lines = list(stream)
    assert body.decode().startswith("\n".join(line.text for line in lines[:1000]))
    assert [note for note in stream.notes if "zstd file is cut off or damaged" in note]


def test_the_tail_of_a_plain_file_is_found_without_reading_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # a hole, which costs nothing but reading it would
        file.seek(0)
        file.write(b"x" * 10_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    assert tail_text(path, 6) == "\nlast\n"


def test_blocks_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(1, 300_001)))
    blocks = list(read_blocks(source(path)))
    assert len(blocks) > 2
    assert "\n".join(block.text for block in blocks) + "\n" == path.read_text()
    assert all(block.text.startswith(f"line {block.number}\n") for block in blocks)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_sample_is_taken_evenly_before_the_newest_part(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "app.log"
    text = "\ufeff" + "".join(f"line {number} äöü\n" for number in range(1, 2_000_001))
    path.write_bytes(text.encode(encoding))
    stream = read_blocks(source(path), 16 << 20)
    blocks = list(stream)
    for block in blocks:
        first, _, rest = block.text.partition("\n")
        assert first == f"line {block.number} äöü"
        assert rest.rpartition("\n")[2] == f"line {block.number + block.text.count(chr(10))} äöü"
    starts = [block.number for block in blocks if block.is_sample]
    assert len(starts) == 4
    assert starts[0] == 1
    steps = [later - earlier for earlier, later in pairwise(starts)]
    assert max(steps) < 1.1 * min(steps)
    assert stream.size_bytes == 16 << 20
    assert stream.notes[0].endswith("and a sample of 4 blocks before")
