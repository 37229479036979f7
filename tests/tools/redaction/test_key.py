from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.errors import SourceUnreadable
from tools.redaction import load_key


def test_a_key_is_made_once_and_for_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "redaction.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["redaction.key"]


def test_installations_have_keys_of_their_own(tmp_path: Path) -> None:
    assert load_key(tmp_path / "a") != load_key(tmp_path / "b")


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_key, [tmp_path / "redaction.key"] * 32))
    assert len(keys) == 1


def test_a_file_that_is_no_key_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "redaction.key"
    path.write_bytes(b"short")
    with pytest.raises(SourceUnreadable, match="5 bytes and not 32") as caught:
        load_key(path)
    assert "remove it" in caught.value.hint


def test_a_folder_in_its_place_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        load_key(tmp_path)
    assert caught.value.hint
