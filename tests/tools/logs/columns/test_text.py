import gzip
from pathlib import Path

import pytest

from tools.logs.columns import text
from tools.logs.columns.text import LineColumn, read_column
from tools.logs.reader import MAX_LINE_CHARS, BlockStream, LogLine, read_blocks, read_lines
from tools.scope import LogSource


def column_of(*paths: Path) -> LineColumn:
    return read_column(read_blocks(LogSource("app", paths)), lambda _: None)


def lines_of(column: LineColumn) -> list[LogLine]:
    return column.lines(range(len(column)))


CONTENTS = {
    "empty": b"",
    "one": b"one",
    "blank lines": b"\n\n a\n\n",
    "carriage returns": b"a\r\n\r\nb\rc\r\n\r",
    "nul bytes": b"x" * 9000 + b"\na\0b\n",
    "wrong bytes": b"bad \xff byte\nb\xc3\n",
    "byte order mark": "\ufeffGrüße\nzwei\n".encode(),
    "utf-16": "eins ä\nzwei \u0a0a\n".encode("utf-16"),
    "long": b"a\n" + b"x" * (3 << 20) + b"\nb\n" + b"y" * (MAX_LINE_CHARS + 1) + b"\r\nc",
    "as long as can be": b"z" * MAX_LINE_CHARS + b"\n" + b"z" * MAX_LINE_CHARS + b"\r\n",
    "long wide characters": "ä".encode() * (MAX_LINE_CHARS + 5) + b"\nb\n",
    "gzip": gzip.compress(b"a\nb\n"),
    "cut off gzip": gzip.compress(bytes(range(32, 127)) * 4000)[:-9],
    "coloured": b"\x1b[31mERROR\x1b[0m lost\nplain\n",
    "many": b"".join(b"line %d of many\n" % n for n in range(200_000)),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_lines_are_those_of_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(content)
    stream = read_lines(LogSource("app", (path,)))
    expected = list(stream)
    column = column_of(path)
    assert lines_of(column) == expected
    assert (list(column.notes), column.size_bytes) == (stream.notes, stream.size_bytes)


def test_files_follow_each_other(tmp_path: Path) -> None:
    old, new = tmp_path / "app.log.1", tmp_path / "app.log"
    old.write_text("a\nb")
    new.write_text("c\n")
    lines = lines_of(column_of(old, new))
    assert [(line.path, line.number, line.text) for line in lines] == [
        (old, 1, "a"), (old, 2, "b"), (new, 1, "c"),
    ]  # fmt: skip


def test_colours_are_not_in_the_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("\x1b[1;31mERROR\x1b[0m lost 3\nERROR lost 4\n")
    column = column_of(path)
    assert column.texts([0]) == ["ERROR lost 3"]
    assert column.lines([0])[0].text == "\x1b[1;31mERROR\x1b[0m lost 3"
    assert column.shapes.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ("took 3 ms", "took 12345 ms", True),
        ("id 7f3a9c", "id ffa0", True),
        ("at 10.0.0.1:80 now", "at 10.0.0.255:65000 now", True),
        ("5ee1aa52-cafe-4a52-9d3c-1c20aa6b1f30 x", "a71bcc52-04fe-4a52-bd3c-1c20aa6b1f30 x", True),
        ("node a1 up", "node up", False),
        ("E0512 12:00:00 x", "I0512 12:00:00 x", False),
        ("shard 3 lost", "shard 3 found", False),
        ("job-3:failed", "job-3:done", False),
    ],
)  # fmt: skip
def test_shapes(tmp_path: Path, left: str, right: str, is_same: bool) -> None:
    path = tmp_path / "app.log"
    path.write_text(f"{left}\n{right}\n")
    first, second = column_of(path).shapes.tolist()
    assert (first == second) is is_same


def test_shapes_are_numbered_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_PIECE_CHARS", 1)
    old, new = tmp_path / "app.log.1", tmp_path / "app.log"
    old.write_text("first 1\nsecond\n")
    new.write_text("third\nfirst 2\n")
    column = column_of(old, new)
    assert column.shapes.tolist() == [0, 1, 2, 0]
    assert column.shape_rows.tolist() == [0, 1, 2]


def test_progress_counts_lines_and_may_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("some words\n" * 500_000)
    seen: list[int] = []

    def cancel_later(num_lines: int) -> None:
        seen.append(num_lines)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_column(read_blocks(LogSource("app", (path,))), cancel_later)
    assert 0 < seen[0] < seen[1] < 500_000


def test_what_is_too_much_is_sampled(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(1, 1_000_001)))
    stream = BlockStream(LogSource("app", (path,)), 8 << 20, is_sampled=True)
    column = read_column(stream, lambda _: None)
    lines = lines_of(column)
    assert all(line.text == f"line {line.number}" for line in lines)
    newest = [line.number for line, old in zip(lines, column.is_sample, strict=True) if not old]
    assert newest == list(range(newest[0], 1_000_001))
    sampled = [line.number for line, old in zip(lines, column.is_sample, strict=True) if old]
    assert sampled[0] == 1
    assert len(sampled) > 100_000
    assert max(sampled) < newest[0]
    assert list(column.notes) == [
        "app.log: read the last 6.0 MiB of 11.3 MiB and a sample of 2 blocks before"
    ]
