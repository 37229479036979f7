from __future__ import annotations

from pathlib import Path

import pytest

from tools.logs.files import has_log_name, log_sources


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        ("app.log", True),
        ("app.log.gz", True),
        ("app.log.zst", True),
        ("app.jsonl.zst", True),
        ("app.log.1", True),
        ("app.log.1.gz", True),
        ("app.log.12.zst", True),
        ("app.log-20260301.zst", True),
        ("app.zst", False),
        ("app.txt.zst", False),
        ("app.log.zst.tmp", False),
        ("catalog", False),
    ],
)
def test_a_log_is_known_by_its_name_compressed_or_not(name: str, is_log: bool) -> None:
    assert has_log_name(Path(name)) is is_log


@pytest.mark.parametrize(
    "oldest_first",
    [
        ["app.log.10.zst", "app.log.2.gz", "app.log.1", "app.log"],
        ["app.log-20260227.zst", "app.log-20260228.zst", "app.log-20260301", "app.log"],
        ["app.log.1.zst", "app.log.zst"],
    ],
)
def test_rotated_files_are_one_log_oldest_first(tmp_path: Path, oldest_first: list[str]) -> None:
    paths = [tmp_path / name for name in oldest_first]
    for path in paths:
        path.touch()
    sources = log_sources(tmp_path, paths[::-1])
    assert {name: source.paths for name, source in sources.items()} == {"app": tuple(paths)}
