import hashlib
from pathlib import Path

from assistant.models.partial import PartialFile


def test_what_an_earlier_pull_left_is_digested_and_kept(tmp_path: Path) -> None:
    path, reads = tmp_path / ".m.partial", list[int]()
    path.write_bytes(b"front ")
    with PartialFile(path, reads.append) as partial:
        assert partial.size == 6
        partial.write(b"and back")
        assert partial.sha256 == hashlib.sha256(b"front and back").hexdigest()
    assert reads == [6]
    assert path.read_bytes() == b"front and back"


def test_commit_replaces_the_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"old")
    with PartialFile(tmp_path / ".m.partial", lambda _: None) as partial:
        partial.write(b"new")
        partial.commit(tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m").read_bytes() == b"new"


def test_an_empty_one_leaves_nothing(tmp_path: Path) -> None:
    with PartialFile(tmp_path / ".m.partial", lambda _: None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    with PartialFile(tmp_path / ".m.partial", lambda _: None) as partial:
        partial.write(b"bytes")
        partial.discard()
    assert list(tmp_path.iterdir()) == []
