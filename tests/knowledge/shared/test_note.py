from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import StoreUnavailable
from knowledge.shared.note import Note


def test_the_last_text_is_read_and_none_before_the_first(tmp_path: Path) -> None:
    note = Note(tmp_path / "revision")
    assert note.read() is None
    note.write("one")
    note.write("two")
    assert note.read() == "two"
    assert list(tmp_path.iterdir()) == [tmp_path / "revision"]


def test_what_cannot_be_read_or_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    note = Note(tmp_path)
    with pytest.raises(StoreUnavailable, match=str(tmp_path)):
        note.read()
    with pytest.raises(StoreUnavailable, match=str(tmp_path)):
        note.write("one")
