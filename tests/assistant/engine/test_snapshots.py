from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from assistant.engine.snapshots import Snapshots

TOKENS = [1, 2, 3]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_was_kept_is_loaded(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "new", 1000, "model")
    snapshots.keep("f16", TOKENS, b"cells")
    assert snapshots.load("f16", TOKENS) == b"cells"
    assert Snapshots(tmp_path / "new", 1000, "model").load("f16", TOKENS) == b"cells"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("model", "state_format", "tokens"),
    [("other", "f16", [1, 2, 3]), ("model", "q8_0", [1, 2, 3]), ("model", "f16", [1, 2, 4]),
     ("model", "f16", [1, 2]), ("modelf16", "", [1, 2, 3])],
)  # fmt: skip
def test_stale_one_is_never_loaded(
    tmp_path: Path, model: str, state_format: str, tokens: list[int]
) -> None:
    Snapshots(tmp_path, 1000, "model").keep("f16", TOKENS, b"cells")
    assert Snapshots(tmp_path, 1000, model).load(state_format, tokens) is None


def test_one_under_another_ones_name_is_not_loaded(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, 1000, "model")
    snapshots.keep("f16", TOKENS, b"cells")
    (kept,) = files(tmp_path)
    snapshots.keep("f16", [9], b"other")
    (other,) = set(files(tmp_path)) - {kept}
    other.replace(kept)
    assert snapshots.load("f16", TOKENS) is None


def test_damaged_one_is_ignored_and_removed(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, 10_000, "model")
    snapshots.keep("f16", TOKENS, b"cells" * 50)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    damages = [b"", whole[:20], whole[:-1], whole + b"x"]
    damages += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(0, len(whole), 7)]
    for damaged in damages:
        path.write_bytes(damaged)
        assert snapshots.load("f16", TOKENS) is None
        assert not path.exists()


def test_size_bound_removes_the_least_recently_used(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, 1000, "model")
    for n in range(3):
        snapshots.keep("f16", [n], b"x" * 200)
        os.utime(max(files(tmp_path), key=lambda path: path.stat().st_mtime), (n, n))
    assert snapshots.load("f16", [0]) is not None
    snapshots.keep("f16", [3], b"x" * 200)
    kept = [n for n in range(4) if snapshots.load("f16", [n]) is not None]
    assert kept == [0, 2, 3]
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 1000


def test_one_beyond_the_bound_is_not_kept(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, 100, "model")
    snapshots.keep("f16", TOKENS, b"x" * 101)
    assert files(tmp_path) == []


def test_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "taken"
    folder.write_text("a file where the folder should be")
    snapshots = Snapshots(folder, 1000, "model")
    snapshots.keep("f16", TOKENS, b"cells")
    assert snapshots.load("f16", TOKENS) is None
    assert "no snapshot was kept" in caplog.text
