import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from assistant.audit.head import HEAD_NAME, NOTHING, Head, read_head, write_head

HEAD = Head(7, "a" * 64, "2026-03-01T02:03:04.000005+00:00", 2, 1234)


def spelt(**changes: Any) -> bytes:
    return json.dumps({**asdict(HEAD), **changes}, sort_keys=True, indent=1).encode() + b"\n"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    assert read_head(tmp_path) == NOTHING
    write_head(tmp_path, HEAD)
    assert read_head(tmp_path) == HEAD
    assert (tmp_path / HEAD_NAME).read_bytes() == spelt()
    assert [path.name for path in tmp_path.iterdir()] == [HEAD_NAME]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 5000,
        spelt() + b" ",
        json.dumps(asdict(HEAD)).encode(),
        spelt(seq=0),
        spelt(seq="7"),
        spelt(seq=True),
        spelt(file_number=-1),
        spelt(size_bytes=1.5),
        spelt(hash=None),
        spelt(time="yesterday"),
        spelt(time=7),
        spelt(more=1),
    ],
)
def test_what_is_spelt_otherwise_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / HEAD_NAME).write_bytes(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - of whichever library
        read_head(tmp_path)
    assert str(caught.value)
