from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.loaders import MAX_BYTES, Unusable, load

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("naïve 日本\n".encode(), "naïve 日本\n"),
        (b"\xef\xbb\xbfwith a mark\n", "with a mark\n"),
        (b"dos\r\nold mac\runix\n", "dos\nold mac\nunix\n"),
    ],
)
def test_text_is_read_as_utf8(write: Write, data: bytes, text: str) -> None:
    content = load(write("x.md", data))
    assert (content.data, content.text) == (data, text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\x7fELF\0\0\1", r"not a text file \(it holds NUL bytes\); text must be UTF-8"),
        ("utf-16".encode("utf-16"), "not a text file"),
        (b"one\ncaf\xe9\n", r"not UTF-8 \(byte 0xe9 in line 2\); convert it"),
        (b"x" * (MAX_BYTES + 1), "larger than 5 MB"),
    ],
)
def test_unusable_content_is_refused_with_its_reason(
    write: Write, data: bytes, reason: str
) -> None:
    with pytest.raises(Unusable, match=f"^{reason}"):
        load(write("x.md", data))


def test_a_file_of_the_largest_size_is_read(write: Write) -> None:
    assert len(load(write("x.md", b"x" * MAX_BYTES)).text) == MAX_BYTES


def test_a_link_to_nothing_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.md").symlink_to(tmp_path / "gone")
    with pytest.raises(Unusable, match="cannot be read: No such file"):
        load(tmp_path / "x.md")


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    with pytest.raises(Unusable, match="not a regular file"):
        load(tmp_path / "x.md")
