from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from assistant.models import identity
from assistant.models.identity import file_digest, file_signature


def test_digest_is_sha256_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    assert file_digest(path, tmp_path / "notes") == hashlib.sha256(b"weights").hexdigest()


def test_noted_digest_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    expected = file_digest(path, tmp_path / "notes")

    def never(*_: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(identity, "digest_file", never)
    assert file_digest(path, tmp_path / "notes") == expected


def test_other_content_of_the_same_size_and_time_has_another_digest(tmp_path: Path) -> None:
    path, notes = tmp_path / "model.gguf", tmp_path / "notes"
    path.write_bytes(b"weights")
    before, stat = file_digest(path, notes), path.stat()
    path.write_bytes(b"WEIGHTS")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file_digest(path, notes) == hashlib.sha256(b"WEIGHTS").hexdigest() != before


def test_replaced_file_has_another_signature(tmp_path: Path) -> None:
    path, fresh = tmp_path / "model.gguf", tmp_path / "fresh"
    path.write_bytes(b"weights")
    before = file_signature(path)
    fresh.write_bytes(b"weights")
    fresh.replace(path)
    assert file_signature(path) != before


@pytest.mark.parametrize("note", ["", "one line", "a\nb\nc", "\ud800"])
def test_damaged_note_is_ignored(tmp_path: Path, note: str) -> None:
    path, notes = tmp_path / "model.gguf", tmp_path / "notes"
    path.write_bytes(b"weights")
    expected = file_digest(path, notes)
    (noted,) = notes.iterdir()
    noted.write_bytes(note.encode("utf-8", "surrogatepass"))
    assert file_digest(path, notes) == expected


def test_notes_that_cannot_be_written_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    (tmp_path / "notes").write_text("a file where the folder should be")
    assert file_digest(path, tmp_path / "notes") == hashlib.sha256(b"weights").hexdigest()
