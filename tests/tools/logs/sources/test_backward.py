from __future__ import annotations

from pathlib import Path

import pytest

from tools.logs.sources.backward import BackwardSpool
from tools.logs.sources.origin import Fetched
from tools.logs.sources.spool import MAX_LINE_BYTES
from tools.logs.sources.watch import FetchLimits


def spooled(folder: Path, records: list[bytes], **limits: int) -> Fetched:
    it = BackwardSpool(folder, 3, "journal:a", FetchLimits(**limits))
    for record in records:
        it.write(record)
    return it.close("a note")


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_records_are_turned_round_and_stay_whole(tmp_path: Path, count: int) -> None:
    records = [b"%d first line %s\n  second line" % (n, b"x" * 100) for n in range(count)]
    log = spooled(tmp_path, records)
    (path,) = log.source.paths
    assert path.read_bytes() == b"".join(record + b"\n" for record in reversed(records))
    assert (log.lines, log.size_bytes) == (2 * count, path.stat().st_size)
    assert log.notes == ("a note",)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"max_log_lines": 3}, b"c\nb\na\n"),
        ({"max_log_bytes": 5}, b"b\na\n"),
        ({"max_log_bytes": 1}, b""),
    ],
)
def test_the_oldest_records_are_left_out(
    tmp_path: Path, limits: dict[str, int], kept: bytes
) -> None:
    log = spooled(tmp_path, [b"a", b"b", b"c", b"d", b""], **limits)
    assert log.source.paths[0].read_bytes() == kept
    assert log.notes == ("a note", "older records exceed the limit and were left out")


def test_long_records_are_cut_and_zero_bytes_replaced(tmp_path: Path) -> None:
    log = spooled(tmp_path, [b"x" * (MAX_LINE_BYTES + 1), b"a\0b"])
    text = log.source.paths[0].read_bytes()
    assert text == "a\ufffdb\n".encode() + b"x" * MAX_LINE_BYTES + b"\n"
    assert "1 records longer than 64.0 KiB were cut" in log.notes
