import io
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.cli import stdin
from assistant.cli.stdin import spooled_stdin
from tools.errors import SourceUnreadable


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is the read end of a pipe; this is the other."""
    read_end, write_end = os.pipe()
    with open(read_end, encoding="utf-8") as source:  # noqa: PTH123 - a descriptor has no path
        monkeypatch.setattr(sys, "stdin", source)
        yield write_end


def feed(write_end: int, content: bytes) -> None:
    os.write(write_end, content)
    os.close(write_end)


def test_what_is_piped_in_lies_in_a_file_of_this_user_while_it_is_needed(pipe: int) -> None:
    feed(pipe, b"ERROR K\xf6ln\n\x00")
    with spooled_stdin() as path:
        assert path is not None
        assert path.read_bytes() == b"ERROR K\xf6ln\n\x00"
        assert path.stat().st_mode & 0o077 == 0
    assert not path.exists()


def test_the_file_goes_also_when_the_command_fails(pipe: int) -> None:
    feed(pipe, b"x")
    seen: list[Path] = []

    def interrupted() -> None:
        with spooled_stdin() as path:
            assert path is not None
            seen.append(path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.exists() for path in seen] == [False]


def test_an_empty_pipe_is_no_evidence(pipe: int) -> None:
    feed(pipe, b"")
    with spooled_stdin() as path:
        assert path is None


def test_a_pipe_that_nobody_wants_is_left_alone(pipe: int) -> None:
    feed(pipe, b"for somebody else")
    with spooled_stdin(wanted=False) as path:
        assert path is None
    assert sys.stdin.read() == "for somebody else"


def test_an_endless_pipe_is_refused_before_it_fills_the_disk(
    pipe: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdin, "_MAX_BYTES", 1000)
    feed(pipe, b"y\n" * 501)
    with pytest.raises(SourceUnreadable) as failure, spooled_stdin():
        pass
    assert failure.value.hint


def test_as_much_as_is_allowed_is_taken(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdin, "_MAX_BYTES", 1000)
    feed(pipe, b"y\n" * 500)
    with spooled_stdin() as path:
        assert path is not None
        assert path.stat().st_size == 1000


def test_a_redirected_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.log").write_text("ERROR\n")
    with (tmp_path / "app.log").open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        with spooled_stdin() as path:
            assert path is not None
            assert path.read_text() == "ERROR\n"


def test_what_is_no_pipe_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("r", encoding="utf-8") as connection:
        monkeypatch.setattr(sys, "stdin", connection)
        with spooled_stdin() as path:
            assert path is None
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with spooled_stdin() as path:
            assert path is None
    monkeypatch.setattr(sys, "stdin", None)
    with spooled_stdin() as path:
        assert path is None


def test_copying_keeps_to_its_limit() -> None:
    target = io.BytesIO()
    with pytest.raises(SourceUnreadable):
        stdin._copy(io.BytesIO(b"x" * 5_000_000), target, 3_000_000)
    assert len(target.getvalue()) <= 3_000_000
