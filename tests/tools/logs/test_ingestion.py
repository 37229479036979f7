from __future__ import annotations

import os
from pathlib import Path

import pytest

from knowledge.documents import Unusable
from knowledge.errors import SourceNotFound
from knowledge.files import SourceFile
from tools.logs.ingestion import LogReader, list_logs

LINES = "2026-01-31T10:00:00Z ERROR pool exhausted after 30 s\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "checkout.log").write_text(LINES)
    (folder / "checkout.log.1").write_text(LINES.replace("10:00", "09:00"))
    (folder / "notes.md").write_text("# Not a log\n")
    (folder / ".hidden.log").write_text(LINES)
    return folder


def read(reader: LogReader, file: SourceFile, known: str = "") -> str | None:
    reading = reader.read(file, known)
    return None if reading is None else reading.digest


def test_a_log_with_its_rotated_files_is_one_source(logs: Path) -> None:
    listing, reader = list_logs([logs])
    [file] = listing.files
    assert (file.path, file.display) == (logs / "checkout.log", "shop/checkout.log")
    reading = reader.read(file, "")
    assert reading is not None
    [document] = reading.documents
    assert document.kind == "log"
    assert "Seen 2 times" in document.text


def test_a_file_is_a_log_whatever_its_name_when_it_is_named_itself(logs: Path) -> None:
    (logs / "output.txt").write_text(LINES)
    listing, _ = list_logs([logs / "output.txt", logs / "output.txt"])
    assert [file.display for file in listing.files] == ["output.txt"]


def test_only_a_log_that_changed_is_read_again(logs: Path) -> None:
    listing, reader = list_logs([logs])
    [file] = listing.files
    digest = read(reader, file)
    assert digest
    assert read(reader, file, digest) is None
    with (logs / "checkout.log.1").open("a") as rotated:
        rotated.write(LINES)
    assert read(reader, file, digest) not in (None, digest)


def test_a_log_that_vanished_or_holds_no_text_is_unusable(logs: Path) -> None:
    listing, reader = list_logs([logs])
    [file] = listing.files
    (logs / "checkout.log.1").unlink()
    with pytest.raises(Unusable, match=r"checkout\.log\.1 cannot be read: No such file"):
        reader.read(file, "")
    (logs / "checkout.log").write_bytes(os.urandom(4_000) + b"\0" * 10)
    listing, reader = list_logs([logs])
    with pytest.raises(Unusable):
        reader.read(listing.files[0], "")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="nowhere: no such file or folder"):
        list_logs([tmp_path / "nowhere"])
